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
Count = Callable[[Select[Any], int], int]
"""How many rows a query finds, counted up to a bound."""


def counting(tx: Tx, given: dict[str, Any]) -> Count:
    """Count in a snapshot, the same query once."""
    known: dict[Select[Any], int] = {}

    def count(some: Select[Any], most: int) -> int:
        if some not in known:
            row = tx.first(select(func.count()).select_from(some.limit(most).subquery()), given)
            known[some] = int(row[0]) if row else 0
        return known[some]

    return count


def opening(node: Node, count: Count, most: int, but: Field | None) -> Select[Any] | None:
    """The runs from which to start, at most so many; None if no index tells of so few. `but` is a field whose index is entered anyway."""
    found = _narrow(node, count, but)
    return found if found is not None and count(found, most + 1) <= most else None


def entered(node: Node, field: Field) -> list[ColumnElement[bool]]:
    """Where to enter the index of a field by which runs are ordered: what every run of the list meets in it."""
    if isinstance(node, And):
        return [asked for part in node.parts for asked in entered(part, field)]
    if not isinstance(node, Compare | Among | Missing) or node.field != field:
        return []
    if field.kind != "metric":
        return _filed(node) or []
    return _measured(node) if isinstance(node, Compare) and node.op in _RANGES else []


def _narrow(node: Node, count: Count, but: Field | None) -> Select[Any] | None:
    if isinstance(node, And | Or):
        parts = [_narrow(part, count, but) for part in node.parts]
        some = [part for part in parts if part is not None]
        if not some or (isinstance(node, Or) and len(some) < len(parts)):
            return None
        (run,) = (intersect(*some) if isinstance(node, And) else union(*some)).subquery().c if len(some) > 1 else (None,)
        return some[0] if run is None else select(run)
    meeting = _meeting(node) if isinstance(node, Compare | Among | Missing) and node.field != but else None
    return meeting if meeting is not None and count(meeting, NARROW + 1) <= NARROW else None


def _meeting(atom: Atom) -> Select[Any] | None:
    """All runs that can meet a condition, and hardly any others; None if no index tells."""
    if atom.field.kind == "metric":
        if not isinstance(atom, Compare) or atom.op not in _RANGES or atom.field.of == "count":
            return None
        return select(_l.run).where(_l.project == bindparam("project"), _l.key == atom.field.key, *_measured(atom))
    name = entries.filed(atom.field)
    asked = None if name is None else _filed(atom)
    return None if asked is None else select(_e.run).where(_e.project == bindparam("project"), _e.field == name, *asked)


def _measured(atom: Compare) -> list[ColumnElement[bool]]:
    return [OPERATORS[atom.op](_l["n" if atom.field.of == "count" else atom.field.of], literal(atom.value, Float()))]


def _filed(atom: Atom) -> list[ColumnElement[bool]] | None:
    """What the entry of a run that meets a condition is like; None if all may be so."""
    if isinstance(atom, Missing):
        return [] if atom.negated else None
    if isinstance(atom, Among):
        if atom.negated or len(atom.values) > _AMONG_MAX:
            return None
        return [or_(*(and_(*_equal(value)) for value in atom.values))]
    if atom.op == "=":
        return _equal(atom.value)
    if isinstance(atom.value, str):
        if atom.op not in _ALIKE:
            return None
        return [_e.number == LAST, or_(OPERATORS[atom.op](_e.text, atom.value), func.length(_e.text) == TEXT_MAX)]
    return [_e.text == "", OPERATORS[_RANGES[atom.op]](_e.number, _number(atom.value))] if atom.op in _RANGES else None


def _equal(value: Value) -> list[ColumnElement[bool]]:
    if isinstance(value, str):
        return [_e.number == LAST, _e.text == entries.text_of(value)]
    return [_e.number == _number(value), _e.text == ""]


def _number(value: Value) -> ColumnElement[float]:
    assert isinstance(value, int | float)
    return literal(entries.number_of(value), Float())
