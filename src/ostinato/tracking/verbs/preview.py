"""The verb of Runs that previews the first rows of a table among a run's files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.tracking.types import Scalar, number
from ostinato.tracking.verbs.artifacts import Artifacts
from ostinato.tracking.view_types import Preview

_ROWS_MAX = 1000
_COLUMNS_MAX = 200
_CELL_MAX = 500
_BYTES_MAX = 256 * 2**20
_NUMBER_BYTES = 8
_NESTED = (pa.StructScalar, pa.ListScalar)
_TEXTS = (pa.BinaryScalar,)


class Previews(Artifacts):
    """A mixin of Runs, which sets the attributes that are annotated here."""

    def preview(self, run: str, path: str, rows: int = 100) -> Preview:
        """The columns, number of rows and first `rows` (1 to 1,000) rows of a Parquet file of a run.

        At most 200 columns; long and nested values are shortened text.

        Raises:
            NotFound: the run has no such file.
            Invalid: it is no Parquet file.
            TooLarge: it has more than 256 MiB, or a column has, unpacked.
        """
        if not 1 <= rows <= _ROWS_MAX:
            raise Invalid(f"1 to {_ROWS_MAX} rows can be looked at, not {rows}", field="rows")
        files = self.artifacts(run)
        size = next((found.size for found in files if found.path == path), 0)
        if size > _BYTES_MAX:
            raise TooLarge(f"{path} has {size} bytes; the beginning of at most {_BYTES_MAX} is shown", hint="download it")
        content = self._opened(files, path, 0, None)
        try:
            return _beginning(pa.BufferReader(content), path, rows)
        except (pa.ArrowException, OSError) as error:
            raise Invalid(f"{path} cannot be read as Parquet: {error}"[:500], hint="download it", field="path") from None


def _beginning(source: pa.BufferReader, path: str, rows: int) -> Preview:
    """The first rows, read a column at a time, texts as a dictionary: a text that all rows share is held once."""
    file = pq.ParquetFile(source)
    told, schema = file.metadata, file.schema_arrow
    names = schema.names[:_COLUMNS_MAX]
    if (most := _unpacked(told)) > _BYTES_MAX:
        raise TooLarge(f"a column of {path} has up to {most} bytes unpacked; at most {_BYTES_MAX} are read", hint="download it")
    leaves = (told.schema.column(i) for i in range(len(told.schema)))
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type != "DECIMAL"]
    file = pq.ParquetFile(source, metadata=told, read_dictionary=texts)
    columns = [_column(file, name, names[:i].count(name), rows) for i, name in enumerate(names)]
    types = [str(kind) for kind in schema.types[:_COLUMNS_MAX]]
    return Preview(columns=list(names), types=types, total=told.num_rows, rows=[list(row) for row in zip(*columns, strict=True)])


def _unpacked(told: pq.FileMetaData) -> int:
    """The uncompressed size of the largest column in a row group, by the file's statistics; lists can be larger than they say."""
    most = 0
    for group in map(told.row_group, range(told.num_row_groups)):
        for i in range(group.num_columns):
            column = group.column(i)
            nested = told.schema.column(i).max_repetition_level > 0
            most = max(most, column.total_uncompressed_size, _NUMBER_BYTES * column.num_values if nested else 0)
    return most


def _column(file: pq.ParquetFile, name: str, place: int, rows: int) -> list[Scalar]:
    """The cells of a column, at its place among those of the same name."""
    batch = next(file.iter_batches(batch_size=rows, columns=[name]), None)
    return [] if batch is None else [_cell(value) for value in batch.column(batch.schema.get_all_field_indices(name)[place])]


def _cell(value: pa.Scalar) -> Scalar:
    """A value as it is shown; of a long text, and of a list, no more is made than that."""
    if not value.is_valid or not isinstance(value, _NESTED):
        plain = _to_json(value)
        if plain is None or isinstance(plain, bool | int):
            return plain
        if isinstance(plain, float):
            return number(plain)
        text = str(plain)
    else:
        text = ""
        for piece in _pieces(value):
            text += piece
            if len(text) > _CELL_MAX:
                break
    return text if len(text) <= _CELL_MAX else f"{text[:_CELL_MAX]}…"


def _pieces(value: pa.Scalar) -> Iterator[str]:
    """The text of a nested value, piece by piece."""
    if not value.is_valid or not isinstance(value, _NESTED):
        yield repr(_to_json(value))
        return
    struct = isinstance(value, pa.StructScalar)
    yield "{" if struct else "["
    for i, inner in enumerate(value.values() if struct else value.values):
        yield (", " if i else "") + (f"{value.type.field(i).name!r}: " if struct else "")
        yield from _pieces(inner)
    yield "}" if struct else "]"


def _to_json(value: pa.Scalar) -> Any:
    """A value that is not nested, as Python has it; no more of a text than is shown."""
    if isinstance(value, pa.DictionaryScalar):
        value = value.value
    if not value.is_valid or not isinstance(value, _TEXTS):
        return value.as_py()
    held = value.as_buffer()
    cut: bytes = held.slice(0, min(held.size, 4 * (_CELL_MAX + 1))).to_pybytes()
    return cut.decode(errors="replace") if str(value.type).endswith(("string", "string_view")) else cut
