"""The index table of what spans say, by field and value, for searches that match few traces.

What a span says is in its own row, and that is what conditions ask. An entry only says where to look: of a long text it has the beginning.
A trace that says very much is filed under nothing, but as one at which every search looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Float, Select, Table, Text, and_, bindparam, delete, insert, select, union_all

from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx, metadata
from ostinato.traces import store
from ostinato.traces.store import Said
from ostinato.tracking.field_index import LAST, indexed_as, is_indexable
from ostinato.tracking.planner.index_lookup import entry_conditions
from ostinato.tracking.query import Among, Atom, Compare, Missing

TEXT_MAX = 64
"""So many characters of a text are filed."""
SPANS_MAX, ATTRIBUTES_MAX = 500, 200
"""A trace of more spans, or with a span of more attributes, says too much to be filed."""
entry_table = Table(
    "traces_entry",
    metadata,
    Column("project", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("number", Float, primary_key=True),
    Column("text", Text, primary_key=True),
    Column("trace", Text, primary_key=True),
    sqlite_with_rowid=False,
)
_e, _l, _a = entry_table.c, store.linked_table.c, store.assessment_table.c
_EVERYTHING = ("", 0.0, "")
"""The entry of a trace that says too much."""
_COLUMNS = store.SAID[:-1]
_WORDS = "attributes."
_add = Prepared(insert(entry_table), missing=True)
_drop = Prepared(delete(entry_table).where(*(column == bindparam(column.name) for column in _e)))
_there = Prepared(select(_e.trace).where(*(column == bindparam(column.name) for column in _e)))
Entry = tuple[str, float, str]


def keep(tx: Tx, project: str, trace: str, rows: Sequence[Said], before: Sequence[Said], spans: int, first: bool) -> None:
    """File what new spans of a trace say, which has so many then; `before` is what all said, if some were replaced.

    Of a trace that comes for the `first` time nothing is filed yet.
    """
    if not first and _known(tx, project, trace):
        return
    wide = spans > SPANS_MAX or any(len(row["words"]) > ATTRIBUTES_MAX for row in rows)
    if not wide and not before:
        _run(tx, _add, project, trace, _of(rows))
        return
    has = set() if wide and first else _of(store.said(tx, project, trace))
    _run(tx, _drop, project, trace, has | _of(before) if wide else _of(before) - has)
    _run(tx, _add, project, trace, {_EVERYTHING} if wide else has)


def forget(tx: Tx, project: str, trace: str) -> None:
    """Drop all entries of a trace, of which the spans are still there."""
    everything = _known(tx, project, trace)
    _run(tx, _drop, project, trace, {_EVERYTHING} if everything else _of(store.said(tx, project, trace)))


def meeting(atom: Atom) -> Select[Any] | None:
    """All traces that can meet a condition, and hardly any others; None if no index tells."""
    field = atom.field
    if field.kind in ("feedback", "expectation"):
        named = and_(_a.project == bindparam("project"), _a.kind == field.kind, _a.name == field.key, _a.valid.is_(True))
        return None if isinstance(atom, Missing) and not atom.negated else select(_a.trace).where(named).distinct()
    if field.kind == "attribute" and field.key == "run" and isinstance(atom, Compare) and atom.op == "=":
        return select(_l.trace).where(_l.project == bindparam("project"), _l.run == atom.value)
    if field.kind == "attribute" and field.key == "issue" and isinstance(atom, Compare) and atom.op == "=":
        shown = (_a.kind == "issue", _a.name == atom.value, _a.valid.is_(True))
        return select(_a.trace).where(_a.project == bindparam("project"), *shown).distinct()
    asked = _filed(atom) if field.kind == "span" and is_indexable(field.key) else None
    if asked is None:
        return None
    mine = select(_e.trace).where(_e.project == bindparam("project"))
    saying, wide = mine.where(_e.field == field.key, *asked), mine.where(_e.field == _EVERYTHING[0])
    return select(union_all(saying, wide).subquery().c.trace)  # two ranges of the index; an `or` would walk all of it


def _filed(atom: Atom) -> list[Any] | None:
    """What the entry of a trace that meets a condition on a span is like; None if all may be so."""
    if atom.field.key.startswith(_WORDS):
        return entry_conditions(atom, _e.number, _e.text, TEXT_MAX)
    if atom.field.key not in _COLUMNS:
        return None
    return entry_conditions(atom, _e.number, _e.text, TEXT_MAX) if _says_something(atom) else None


def _says_something(atom: Atom) -> bool:
    """Whether no empty text meets a condition: every span has a name, a kind and so on, and an empty one is not filed."""
    if isinstance(atom, Among):
        return not atom.negated and all(isinstance(value, str) and value for value in atom.values)
    return isinstance(atom, Compare) and isinstance(atom.value, str) and atom.value.strip("%") != ""


def _of(rows: Sequence[Said]) -> set[Entry]:
    """The entries of spans."""
    found = {(column, LAST, row[column][:TEXT_MAX]) for row in rows for column in _COLUMNS if row[column]}
    for row in rows:
        for key, value in row["words"].items():
            if value is not None and is_indexable(name := _WORDS + key):
                found.add((name, *indexed_as(value, TEXT_MAX)))
    return found


def _known(tx: Tx, project: str, trace: str) -> bool:
    """Whether a trace is filed as one that says too much."""
    return bool(tx.fetch(_there, _row(project, trace, _EVERYTHING)))


def _run(tx: Tx, statement: Prepared, project: str, trace: str, entries: set[Entry]) -> None:
    if entries:
        tx.run(statement, [_row(project, trace, entry) for entry in sorted(entries)])


def _row(project: str, trace: str, entry: Entry) -> dict[str, Any]:
    return {"project": project, "trace": trace, "field": entry[0], "number": entry[1], "text": entry[2]}
