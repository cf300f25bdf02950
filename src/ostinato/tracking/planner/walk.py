"""Walk: the index that yields runs in the order of a metric, a parameter or a tag, until a page is full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, literal

from ostinato.storage.series.latest import latest
from ostinato.tracking import field_index
from ostinato.tracking.field_index import LAST, entry_table
from ostinato.tracking.planner.order import Key
from ostinato.tracking.query import Field, Order
from ostinato.tracking.store import run_table

_r, _l, _e = run_table.c, latest.c, entry_table.c


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of the index that follow one another: those of which this holds, in the order of these keys."""

    asked: tuple[ColumnElement[bool], ...]
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """The rows of a table that say what runs have in a field, stretch by stretch; `level` are the keys of runs that lack it."""

    field: Field
    table: Table
    of_field: ColumnElement[bool]
    stretches: tuple[Stretch, ...]
    level: tuple[Key, ...]

    @property
    def run(self) -> ColumnElement[str]:
        """The run that a row is of."""
        return self.table.c.run

    @property
    def has(self) -> ColumnElement[bool]:
        """The rows of the field."""
        return and_(self.table.c.project == bindparam("project"), self.of_field)

    @property
    def beside(self) -> ColumnElement[bool]:
        """The row beside a run."""
        return and_(self.table.c.project == _r.project, self.run == _r.id, self.of_field)


def walk_of(order: Order) -> Walk | None:
    """The index walk for an order; None if no index has it."""
    field = order.field
    if field.kind == "metric":
        column = _l["n" if field.of == "count" else field.of]
        level = _level(0 if field.of == "count" else 0.0)
        numbers = Stretch((column.is_not(None),), (Key(column, order.down),))
        return Walk(field, latest, _l.key == field.key, (numbers, Stretch((column.is_(None),), level)), level)
    if (name := field_index.indexed_value(field)) is None:
        return None
    if field.kind == "tag":
        texts = Stretch((), (Key(_e.text, order.down),))
        return Walk(field, entry_table, and_(_e.field == name, _e.number == LAST), (texts,), _level(""))
    both = Stretch((), (Key(_e.number, order.down), Key(_e.text, order.down)))
    return Walk(field, entry_table, _e.field == name, (both,), _level(LAST, ""))


def _level(*values: Any) -> tuple[Key, ...]:
    return tuple(Key(literal(value), False) for value in values)
