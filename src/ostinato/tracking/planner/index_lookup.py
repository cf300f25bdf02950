"""Index lookup: the few runs that can meet a query, from an index, so that a list need not test every run.

It asks less than the query and never more: what it finds is asked the query itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, bindparam, case, func, literal, or_, select

from ostinato.storage.rows.rows import Tx
from ostinato.storage.series.latest import latest
from ostinato.tracking import field_index
from ostinato.tracking.field_index import LAST, TEXT_MAX, entry_table
from ostinato.tracking.planner.where import OPERATORS
from ostinato.tracking.query import Among, And, Atom, Compare, Field, Missing, Node, Or, Value

NARROW = 20_000
"""What more runs meet is no place to start from: to intersect them would take longer than to find a page among them."""
_ENOUGH = 10
"""A tenth of what is few is asked all of the query sooner than an index is asked more of it."""
_AMONG_MAX = 1_000
_l, _e = latest.c, entry_table.c
_RANGES = {"=": "=", "<": "<=", "<=": "<=", ">": ">=", ">=": ">="}
"""What is asked of a number that may be rounded."""
_ALIKE = frozenset(("~", "like", "ilike"))
Entered = ColumnElement[Any]
Meeting = Callable[[Atom], Select[Any] | None]
"""All things that can meet a condition, and hardly any others, where an index tells."""


Find = Callable[[Select[Any]], Collection[str] | None]
"""The ids that a query finds; None if there are more than `NARROW`."""


def finding(tx: Tx, given: dict[str, Any]) -> Find:
    """Find ids in a snapshot, as one text: a third of the cost of a row for each. No id holds a blank."""

    def find(asked: Select[Any]) -> Collection[str] | None:
        (id_,) = asked.limit(NARROW + 1).subquery().c
        count = func.count()
        ids: Any = case((count <= NARROW, func.aggregate_strings(id_, " ")))
        row = tx.all(select(count, ids.label("ids")), given)[0]
        return None if row[0] > NARROW else row.ids.split(" ") if row[0] else ()

    return find


def index_candidates(node: Node, find: Find, most: int, but: Field | None = None, meeting: Meeting | None = None) -> Collection[str] | None:
    """The runs, or what else `meeting` tells of, from which to start, at most so many; None if no index tells of so few.

    `but` is a field whose index is entered anyway.
    """
    found = _narrow(node, find, most // _ENOUGH, but, meeting or _meeting)
    return found if found is not None and len(found) <= most else None


def index_conditions(node: Node, field: Field) -> list[ColumnElement[bool]]:
    """The conditions on the index of the sort field that every run of the list meets."""
    if isinstance(node, And):
        return [asked for part in node.parts for asked in index_conditions(part, field)]
    if not isinstance(node, Compare | Among | Missing) or node.field != field:
        return []
    if field.kind != "metric":
        return entry_conditions(node, _e.number, _e.text, TEXT_MAX) or []
    return _measured(node) if isinstance(node, Compare) and node.op in _RANGES else []


def entry_conditions(atom: Atom, number: Entered, text: Entered, text_max: int) -> list[ColumnElement[bool]] | None:
    """The conditions on index entries of things that meet a query condition; None if the index cannot help."""
    if isinstance(atom, Missing):
        return [] if atom.negated else None
    if isinstance(atom, Among):
        if atom.negated or len(atom.values) > _AMONG_MAX:
            return None
        return [or_(*(and_(*_equal(value, number, text, text_max)) for value in atom.values))]
    if atom.op == "=":
        return _equal(atom.value, number, text, text_max)
    if isinstance(atom.value, str):
        if atom.op not in _ALIKE:
            return None
        return [number == LAST, or_(OPERATORS[atom.op](text, atom.value), func.length(text) == text_max)]
    return [text == "", OPERATORS[_RANGES[atom.op]](number, _number(atom.value))] if atom.op in _RANGES else None


def _narrow(node: Node, find: Find, enough: int, but: Field | None, meeting: Meeting) -> Collection[str] | None:
    if isinstance(node, Or):
        parts = [_narrow(part, find, enough, but, meeting) for part in node.parts]
        some = [part for part in parts if part is not None]
        return set[str]().union(*some) if some and len(some) == len(parts) else None
    if isinstance(node, And):
        found: Collection[str] | None = None
        for part in node.parts:
            if (ids := _narrow(part, find, enough, but, meeting)) is not None:
                found = ids if found is None else set(found).intersection(ids)
                if len(found) <= enough:
                    break
        return found
    asked = meeting(node) if isinstance(node, Compare | Among | Missing) and node.field != but else None
    return None if asked is None else find(asked)


def _meeting(atom: Atom) -> Select[Any] | None:
    """All runs that can meet a condition, and hardly any others; None if no index tells."""
    if atom.field.kind == "metric":
        if not isinstance(atom, Compare) or atom.op not in _RANGES or atom.field.of == "count":
            return None
        return select(_l.run).where(_l.project == bindparam("project"), _l.key == atom.field.key, *_measured(atom))
    name = field_index.indexed_value(atom.field)
    asked = None if name is None else entry_conditions(atom, _e.number, _e.text, TEXT_MAX)
    return None if asked is None else select(_e.run).where(_e.project == bindparam("project"), _e.field == name, *asked)


def _measured(atom: Compare) -> list[ColumnElement[bool]]:
    return [OPERATORS[atom.op](_l["n" if atom.field.of == "count" else atom.field.of], literal(atom.value, Float()))]


def _equal(value: Value, number: Entered, text: Entered, text_max: int) -> list[ColumnElement[bool]]:
    if isinstance(value, str):
        return [number == LAST, text == field_index.text_of(value, text_max)]
    return [number == _number(value), text == ""]


def _number(value: Value) -> ColumnElement[float]:
    assert isinstance(value, int | float)
    return literal(field_index.number_of(value), Float())
