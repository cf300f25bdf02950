"""The index table of parameters and tags by key and value, for queries that match few runs.

What a run has is in its own row, and that is what conditions ask. An entry only says where to look: of a long text it has the beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Float, Table, Text, bindparam, delete, insert

from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx, metadata
from ostinato.tracking.query import PREFIXES, Field, Kind
from ostinato.tracking.types import Run, Scalar

LAST = 1.7976931348623157e308
"""Above every number: the number of what is text, which comes after numbers."""
TEXT_MAX = 200
"""So many characters of a text are filed, and compared where runs are ordered by it."""
_NAME_MAX = 300
_ODD = re.compile("[\0\ud800-\udfff]")
entry_table = Table(
    "tracking_entry",
    metadata,
    Column("project", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("number", Float, primary_key=True),
    Column("text", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    sqlite_with_rowid=False,
)
_add = Prepared(insert(entry_table))
_drop = Prepared(delete(entry_table).where(*(column == bindparam(column.name) for column in entry_table.c)))


def put_entries(tx: Tx, project: str, before: Run | None, after: Run) -> None:
    """Replace the index entries of a run."""
    had, has = (set() if run is None else set(_entries(run)) for run in (before, after))
    for statement, entries in ((_drop, had - has), (_add, has - had)):
        if entries:
            of = {"project": project, "run": after.id}
            tx.run(statement, [of | {"field": field, "number": number, "text": text} for field, number, text in entries])


def indexed_value(field: Field) -> str | None:
    """The indexed value of a parameter or tag; None if it has none."""
    return _name(field.kind, field.key) if field.kind in ("param", "tag") else None


def number_of(value: float) -> float:
    """A number as indexed: rounded to 8 bytes."""
    try:
        return float(value)
    except OverflowError:
        return LAST if value > 0 else -LAST


def text_of(value: str, most: int = TEXT_MAX) -> str:
    """A text as indexed: its beginning, in characters that every database can store."""
    return _ODD.sub("\ufffd", value[:most])


def indexed_as(value: Scalar, most: int = TEXT_MAX) -> tuple[float, str]:
    """The number and the text by which a value is indexed."""
    if isinstance(value, bool):
        return LAST, "true" if value else "false"
    return (LAST, text_of(value, most)) if isinstance(value, str) else (number_of(value or 0.0), "")


def is_indexable(name: str) -> bool:
    """Whether a field of this name is indexed."""
    return len(name) <= _NAME_MAX and not _ODD.search(name)


def _entries(run: Run) -> Iterator[tuple[str, float, str]]:
    held: tuple[tuple[Kind, dict[str, Any]], ...] = (("param", run.params), ("tag", run.tags))
    for kind, values in held:
        for key, value in values.items():
            name = _name(kind, key)
            if name is not None and value is not None:
                yield name, *indexed_as(value)


def _name(kind: Kind, key: str) -> str | None:
    name = PREFIXES[kind] + key
    return name if is_indexable(name) else None
