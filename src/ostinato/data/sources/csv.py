"""csv: a text file with one row a line."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from ostinato.data.sources._bytes import SourceTable, decompressed, inbox_file
from ostinato.kernel.errors import Invalid

_TYPES = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.string(),  # read as text, because the reader takes only one of the forms with and without a zone
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Csv:
    """A CSV file in the inbox, plain or packed with gzip or zip; the first line names the columns.

    Types are inferred from all rows unless `types` says "int64", "double", "string", "bool", "date" or "timestamp" for a
    column. Empty cells and the token `null` are null. Instants without a zone are read as UTC.
    """

    path: str
    types: dict[str, str] = field(default_factory=dict)
    null: str = "NA"
    delimiter: str = ","

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or not self.delimiter.isascii():
            raise Invalid(f"not a delimiter: {self.delimiter!r}", hint="one character, such as ; or a tab", field="delimiter")
        for column, kind in self.types.items():
            if kind not in _TYPES:
                raise Invalid(f"unknown type {kind!r} of column {column}", hint=f"types: {', '.join(_TYPES)}", field="types")

    def read(self, inbox: Path) -> SourceTable:
        """The table and where it came from."""
        content = inbox_file(inbox, self.path)
        return SourceTable.of(self.path, content, self._parse(decompressed(content, self.path)))

    def _parse(self, text: bytes) -> pa.Table:
        try:
            table = csv.read_csv(
                io.BytesIO(text),
                # one block: types are inferred from the first block alone
                read_options=csv.ReadOptions(block_size=max(1 << 16, min(len(text) + 1, (1 << 31) - 1)), use_threads=False),
                parse_options=csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                convert_options=csv.ConvertOptions(
                    column_types={name: _TYPES[kind] for name, kind in self.types.items()},
                    null_values=["", self.null],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
            if absent := sorted(set(self.types) - set(table.column_names)):
                raise Invalid(
                    f"{self.path} has no column {', '.join(absent)}", hint=f"columns: {', '.join(table.column_names)}", field="types"
                )
            for name in (name for name, kind in self.types.items() if kind == "timestamp"):
                table = table.set_column(table.column_names.index(name), name, _instants(table[name]))
        except pa.ArrowInvalid as error:
            raise Invalid(f"{self.path} cannot be read: {error}", hint="check the types, the null token and the delimiter") from error
        return table


def _instants(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return texts.cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return texts.cast(pa.timestamp("us"))
