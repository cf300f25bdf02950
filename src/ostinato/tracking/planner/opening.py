"""Opening: the few runs that can meet a query, where an index tells: a list starts from these instead of asking every run.

It asks less than the query and never more: what it finds is asked the query itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, bindparam, func, intersect, literal, or_, select, union

from ostinato.storage.rows.rows import Tx
from ostinato.storage.series.latest import latest
from ostinato.tracking import entries
from ostinato.tracking.entries import LAST, TEXT_MAX, entry_table
from ostinato.tracking.planner.where import OPERATORS
from ostinato.tracking.query import Among, And, Atom, Compare, Field, Missing, Node, Or, Value

NARROW = 20_000
"""What more runs meet is no place to start from: to intersect them would take longer than to find a page among them."""
_AMONG_MAX = 1_000
_l, _e = latest.c, entry_table.c
_RANGES = {"=": "=", "<": "<=", "<=": "<=", ">": ">=", ">=": ">="}
"""What is asked of a number that may be rounded."""
_ALIKE = frozenset(("~", "like", "ilike"))
Entered = ColumnElement[Any]
Count = Callable[[Select[Any], int], int]
"""How many rows a query finds, counted up to a bound."""
Meeting = Callable[[Atom], Select[Any] | None]
"""All things that can meet a condition, and hardly any others, where an index tells."""


def counting(tx: Tx, given: dict[str, Any]) -> Count:
    """Count in a snapshot, the same query once."""
    known: dict[Select[Any], int] = {}

    def count(some: Select[Any], most: int) -> int:
        if some not in known:
            row = tx.first(select(func.count()).select_from(some.limit(most).subquery()), given)
            known[some] = int(row[0]) if row else 0
        return known[some]

    return count


def opening(node: Node, count: Count, most: int, but: Field | None = None, meeting: Meeting | None = None) -> Select[Any] | None:
    """The runs, or what else `meeting` tells of, from which to start, at most so many; None if no index tells of so few.

    `but` is a field whose index is entered anyway.
    """
    found = _narrow(node, count, but, meeting or _meeting)
    return found if found is not None and count(found, most + 1) <= most else None


def entered(node: Node, field: Field) -> list[ColumnElement[bool]]:
    """Where to enter the index of a field by which runs are ordered: what every run of the list meets in it."""
    if isinstance(node, And):
        return [asked for part in node.parts for asked in entered(part, field)]
    if not isinstance(node, Compare | Among | Missing) or node.field != field:
        return []
    if field.kind != "metric":
        return entries_meeting(node, _e.number, _e.text, TEXT_MAX) or []
    return _measured(node) if isinstance(node, Compare) and node.op in _RANGES else []


def entries_meeting(atom: Atom, number: Entered, text: Entered, text_max: int) -> list[ColumnElement[bool]] | None:
    """What the entry of a thing that meets a condition is like, in the columns of an index; None if all may be so."""
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


def _narrow(node: Node, count: Count, but: Field | None, meeting: Meeting) -> Select[Any] | None:
    if isinstance(node, And | Or):
        parts = [_narrow(part, count, but, meeting) for part in node.parts]
        some = [part for part in parts if part is not None]
        if not some or (isinstance(node, Or) and len(some) < len(parts)):
            return None
        (run,) = (intersect(*some) if isinstance(node, And) else union(*some)).subquery().c if len(some) > 1 else (None,)
        return some[0] if run is None else select(run)
    found = meeting(node) if isinstance(node, Compare | Among | Missing) and node.field != but else None
    return found if found is not None and count(found, NARROW + 1) <= NARROW else None


def _meeting(atom: Atom) -> Select[Any] | None:
    """All runs that can meet a condition, and hardly any others; None if no index tells."""
    if atom.field.kind == "metric":
        if not isinstance(atom, Compare) or atom.op not in _RANGES or atom.field.of == "count":
            return None
        return select(_l.run).where(_l.project == bindparam("project"), _l.key == atom.field.key, *_measured(atom))
    name = entries.filed(atom.field)
    asked = None if name is None else entries_meeting(atom, _e.number, _e.text, TEXT_MAX)
    return None if asked is None else select(_e.run).where(_e.project == bindparam("project"), _e.field == name, *asked)


def _measured(atom: Compare) -> list[ColumnElement[bool]]:
    return [OPERATORS[atom.op](_l["n" if atom.field.of == "count" else atom.field.of], literal(atom.value, Float()))]


def _equal(value: Value, number: Entered, text: Entered, text_max: int) -> list[ColumnElement[bool]]:
    if isinstance(value, str):
        return [number == LAST, text == entries.text_of(value, text_max)]
    return [number == _number(value), text == ""]


def _number(value: Value) -> ColumnElement[float]:
    assert isinstance(value, int | float)
    return literal(entries.number_of(value), Float())
