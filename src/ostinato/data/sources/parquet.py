"""parquet: a columnar file that knows its types."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ostinato.data.sources._bytes import SourceTable, inbox_file
from ostinato.kernel.errors import Invalid, TooLarge

_CELLS_MAX = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Parquet:
    """A Parquet file in the inbox."""

    path: str

    def read(self, inbox: Path) -> SourceTable:
        """The table and where it came from."""
        content = inbox_file(inbox, self.path)
        return SourceTable.of(self.path, content, parse(content, self.path))


def parse(content: bytes, name: str) -> pa.Table:
    """The table in the bytes of a Parquet file.

    Raises:
        Invalid: the bytes are no Parquet.
        TooLarge: they unfold into more than 268 million cells, however small they are.
    """
    try:
        said = pq.read_metadata(io.BytesIO(content))
        if said.num_rows * max(1, said.num_columns) > _CELLS_MAX:
            raise TooLarge(
                f"{name} has {said.num_rows} rows of {said.num_columns} columns", hint=f"deliver parts of at most {_CELLS_MAX:,} cells"
            )
        return pq.read_table(io.BytesIO(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise Invalid(f"{name} is no readable Parquet: {error}", hint="write it with pyarrow, pandas, polars or DuckDB") from error
