"""Preview: the verb of Runs that reads the beginning of a table among its files, so that nobody needs the whole to see what it holds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.tracking.artifacts import Artifacts
from ostinato.tracking.types import Preview, Scalar, number

_ROWS_MAX = 1000
_COLUMNS_MAX = 200
_CELL_MAX = 500
_BYTES_MAX = 256 * 2**20


class Previews(Artifacts):
    """The part of Runs that looks into files; Runs gives it its parts."""

    def preview(self, run: str, path: str, rows: int = 100) -> Preview:
        """The columns of a Parquet file of a run, how many rows it has, and the first `rows` (1 to 1,000) of them.

        At most 200 columns; long and nested values are shortened text.

        Raises:
            NotFound: the run has no such file.
            Invalid: it is no Parquet file.
            TooLarge: it has more than 256 MiB.
        """
        if not 1 <= rows <= _ROWS_MAX:
            raise Invalid(f"1 to {_ROWS_MAX} rows can be looked at, not {rows}", field="rows")
        content = self.artifact(run, path)
        if len(content) > _BYTES_MAX:
            raise TooLarge(f"{path} has {len(content)} bytes; the beginning of at most {_BYTES_MAX} is shown", hint="download it")
        try:
            file = pq.ParquetFile(pa.BufferReader(content))
            names = file.schema_arrow.names[:_COLUMNS_MAX]
            batch = next(file.iter_batches(batch_size=rows, columns=names), None)
        except (pa.ArrowException, OSError) as error:
            raise Invalid(f"{path} cannot be read as Parquet: {error}"[:500], hint="download it", field="path") from None
        types = [str(file.schema_arrow.field(name).type) for name in names]
        columns = [] if batch is None else [column.to_pylist() for column in batch.columns]
        held = [[_cell(value) for value in row] for row in zip(*columns, strict=True)]
        return Preview(columns=list(names), types=types, total=file.metadata.num_rows, rows=held)


def _cell(value: Any) -> Scalar:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return number(value)
    text = str(value)
    return text if len(text) <= _CELL_MAX else f"{text[:_CELL_MAX]}…"
