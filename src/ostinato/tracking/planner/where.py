"""The SQL condition of a query, on runs or anything else with such fields."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Text, and_, bindparam, case, exists, false, func, literal, not_, or_, true, type_coerce
from sqlalchemy.sql.selectable import Exists

from ostinato.storage.rows.cells import number_in, text_in
from ostinato.storage.rows.lease import silent
from ostinato.storage.rows.matching import alike, holding
from ostinato.storage.series.latest import latest
from ostinato.tracking.query import Ago, Among, And, Atom, Compare, Field, Missing, Node, Not, Or, Type, Value, Vocabulary
from ostinato.tracking.sources import source_table, use_table
from ostinato.tracking.store import run_table

_r = run_table.c
_s, _u = source_table.c, use_table.c
seen_state = case((and_(_r.state == "running", silent(_r)), "killed"), else_=_r.state)
"""The state of a run, whose process may have fallen silent."""
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "~": holding,
    "!~": lambda column, value: not_(holding(column, value)),
    "like": alike,
    "ilike": lambda column, value: alike(column, value, folded=True),
    "not like": lambda column, value: not_(alike(column, value)),
    "not ilike": lambda column, value: not_(alike(column, value, folded=True)),
}
Around = Callable[[ColumnElement[bool]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Place:
    """The SQL of a field: its columns as text, number and instant, and a query `around` the condition."""

    text: ColumnElement[Any] | None = None
    number: ColumnElement[Any] | None = None
    around: Around = lambda asked: asked
    there: ColumnElement[bool] | None = None


@dataclass(frozen=True, slots=True)
class Things:
    """A kind of things: what they have, and where the database keeps it."""

    vocabulary: Vocabulary
    place: Callable[[Field], Place]

    def meet(self, node: Node, now: datetime) -> ColumnElement[bool]:
        """The SQL condition of a query; relative instants are relative to `now`.

        Raises:
            Invalid: a condition makes no sense of its field.
        """
        return self._meet(node, now, inside=False)

    def _meet(self, node: Node, now: datetime, *, inside: bool) -> ColumnElement[bool]:
        """`inside` a `not`, every condition is true or false, never unknown."""
        if isinstance(node, And | Or):
            parts = [self._meet(part, now, inside=inside) for part in node.parts]
            return and_(true(), *parts) if isinstance(node, And) else or_(false(), *parts)
        if isinstance(node, Not):
            return not_(self._meet(node.part, now, inside=True))
        self.vocabulary.check(node)
        made = self._atom(node, now)
        return func.coalesce(made, false()) if inside and not isinstance(made, Exists) else made

    def _atom(self, atom: Atom, now: datetime) -> ColumnElement[bool]:
        place = self.place(atom.field)
        if isinstance(atom, Missing):
            if atom.nan:
                assert place.number is not None
                return place.around(place.number.is_not(None) if atom.negated else place.number.is_(None))
            there = _there(place)
            return there if atom.negated else not_(there)
        if isinstance(atom, Compare):
            return place.around(OPERATORS[atom.op](_column(place, atom.value), plain(atom.value, now)))
        return place.around(_among(place, atom, now))


def has(asked: bool) -> ColumnElement[bool]:
    """A condition that always holds, or never."""
    return true() if asked else false()


def attributes(columns: Mapping[str, tuple[Type, ColumnElement[Any]]]) -> tuple[dict[str, Type], dict[str, Place]]:
    """The types of attributes, and their places."""
    types = {name: type_ for name, (type_, _) in columns.items()}
    return types, {name: Place(number=column) if types[name] == "number" else Place(text=column) for name, (_, column) in columns.items()}


def cell(column: ColumnElement[Any], key: str, *, numbers: bool) -> Place:
    """The place of a value under a key of a column of JSON; there may be `numbers`, or text alone."""
    return Place(text=text_in(column, key), number=number_in(column, key) if numbers else None)


def _there(place: Place) -> ColumnElement[bool]:
    if place.there is not None:
        return place.there
    return place.around(or_(*(column.is_not(None) for column in (place.text, place.number) if column is not None)))


def _column(place: Place, value: Value) -> ColumnElement[Any]:
    wanted = place.number if isinstance(value, int | float) else place.text
    assert wanted is not None
    return wanted


def plain(value: Value, now: datetime) -> Any:
    """A value as the database gets it: of numbers PostgreSQL must hear that they are of 8 bytes and have a point."""
    if isinstance(value, int | float):
        return literal(value, Float())
    return value.before(now) if isinstance(value, Ago) else value


def _among(place: Place, atom: Among, now: datetime) -> ColumnElement[bool]:
    asked = []
    for numbers in (False, True):
        values: Sequence[Value] = [value for value in atom.values if isinstance(value, int | float) == numbers]
        if values:
            column, wanted = _column(place, values[0]), [value.before(now) if isinstance(value, Ago) else value for value in values]
            listed = bindparam(None, wanted, expanding=True, unique=True, type_=Float() if numbers else column.type)
            asked.append(column.not_in(listed) if atom.negated else column.in_(listed))
    return asked[0] if len(asked) == 1 else or_(*asked)


_TYPES, _PLACES = attributes(
    {
        "id": ("text", _r.id),
        "name": ("text", _r.name),
        "experiment": ("text", _r.experiment),
        "experiment_id": ("text", _r.experiment_id),
        "state": ("text", seen_state),
        "parent": ("text", func.coalesce(_r.parent, "")),
        "note": ("text", _r.note),
        "started_by": ("text", _r.started_by),
        "error": ("text", _r.error),
        "commit": ("text", text_in(_r.code, "commit")),
        "entry": ("text", text_in(_r.code, "entry")),
        "host": ("text", text_in(_r.code, "host")),
        "environment": ("text", _r.environment),
        "inputs": ("text", type_coerce(_r.inputs, Text)),
        "outputs": ("text", type_coerce(_r.outputs, Text)),
        "started_at": ("time", _r.started_at),
        "ended_at": ("time", _r.ended_at),
        "recorded_at": ("time", _r.recorded_at),
        "cpu_s": ("number", _r.cpu_s),
        "wall_s": ("number", _r.wall_s),
        "peak_rss_mb": ("number", _r.peak_rss_mb),
    }
)
_PLACES["parent"] = Place(text=func.coalesce(_r.parent, ""), there=_r.parent.is_not(None))


def _measured(key: str) -> Around:
    c = latest.c
    return lambda asked: exists().where(c.project == _r.project, c.run == _r.id, c.key == key, asked).correlate(run_table)


def _used(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    of_source = and_(_s.project == _u.project, _s.id == _u.source)
    return exists().where(_u.project == _r.project, _u.run == _r.id, of_source, asked).correlate(run_table)


def _of_run(field: Field) -> Place:
    if field.kind == "metric":
        column = latest.c["n" if field.of == "count" else field.of]
        return Place(number=column, around=_measured(field.key), there=_measured(field.key)(true()))
    if field.kind == "dataset":
        return Place(text=_u.context if field.key == "context" else _s[field.key], around=_used)
    if field.kind == "attribute":
        return _PLACES[field.key]
    return cell(_r.params if field.kind == "param" else _r.tags, field.key, numbers=field.kind == "param")


RUNS = Things(Vocabulary("run", _TYPES, frozenset(("metric", "param", "tag", "dataset"))), _of_run)
