"""Sort keys of listings, and the position in such an order at which a page begins."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    tuple_,
    type_coerce,
)
from sqlalchemy import Column as TableColumn

from ostinato.kernel.errors import Invalid
from ostinato.kernel.page import Page
from ostinato.storage.rows.rows import Instant, Tx
from ostinato.tracking.field_index import LAST
from ostinato.tracking.planner.where import Place
from ostinato.tracking.query import Order

_ORDERS_MAX = 10
LIMIT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Key:
    """A column to order by, and whether downwards."""

    column: ColumnElement[Any]
    down: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the things that are listed, and their order; the parts of a list follow one another.

    One that is `ranked` is all of them: its first key is the number of the part in which they would be if there were several. So a
    cursor means the same either way.
    """

    query: Select[Any]
    keys: tuple[Key, ...]
    ranked: bool = False

    def after(self, values: Sequence[Any] | None, limit: int) -> Select[Any]:
        """The first things of the part, or those behind the one that has these values; the values stand behind their columns."""
        query = self.query if values is None else self.query.where(_behind(self.keys, values))
        labelled = [key.column.label(f"key_{place}") for place, key in enumerate(self.keys)]
        return query.add_columns(*labelled).order_by(*self.order()).limit(limit)

    def order(self) -> list[ColumnElement[Any]]:
        """The ORDER BY terms."""
        return [key.column.desc() if key.down else key.column.asc() for key in self.keys]


def keys_of(place: Place, order: Order) -> list[Key]:
    """The columns by which a field is ordered: those that lack it come last."""
    held = [column for column in (place.number, place.text) if column is not None]
    column = held[0]
    if len(held) == 2:  # text comes after numbers
        number, text = held
        lacking = case((and_(number.is_(None), text.is_(None)), 1), else_=0)
        return [Key(lacking, False), Key(func.coalesce(number, literal(LAST)), order.down), Key(func.coalesce(text, ""), order.down)]
    plain: ColumnElement[Any] = type_coerce(column, BigInteger) if isinstance(column.type, Instant) else column  # the index serves it bare
    if isinstance(column, TableColumn) and not column.nullable:
        return [Key(plain, order.down)]
    nothing: Any = "" if isinstance(column.type, String) else 0
    return [Key(case((column.is_(None), 1), else_=0), False), Key(func.coalesce(plain, literal(nothing, plain.type)), order.down)]


def checked(orders: Sequence[Order]) -> tuple[Order, ...]:
    """An order, if things can be listed so.

    Raises:
        Invalid: it has no key or more than ten, or orders by datasets.
    """
    if not 1 <= len(orders) <= _ORDERS_MAX:
        raise Invalid(f"an order by {len(orders)} keys", hint=f"1 to {_ORDERS_MAX}", field="order_by")
    if dataset := next((order.field for order in orders if order.field.kind == "dataset"), None):
        raise Invalid(f"cannot order by {dataset}", hint="a run has any number of datasets", field="order_by")
    return tuple(orders)


def page(tx: Tx, parts: Iterable[Part], given: dict[str, Any], limit: int, after: str | None) -> Page[Row[Any]]:
    """At most `limit` rows behind a cursor.

    Raises:
        Invalid: the limit is not between 1 and 1000, or the cursor is none of this order.
    """
    if not 1 <= limit <= LIMIT_MAX:
        raise Invalid(f"limit {limit} is not between 1 and {LIMIT_MAX}", hint="follow `next` for more", field="limit")
    every = list(parts)
    begun, values = (0, None) if after is None else _place(after, every)
    found: list[tuple[int, Row[Any]]] = []
    for number in range(begun, len(every)):
        query = every[number].after(values, limit + 1 - len(found))
        found += [(number, row) for row in tx.all(query, given)]
        values = None
        if len(found) > limit:
            number, last = found[limit - 1]
            return Page(items=[row for _, row in found[:limit]], next=cursor(number, every[number], last))
    return Page(items=[row for _, row in found])


def cursor(number: int, part: Part, row: Row[Any]) -> str:
    """The cursor after a row of a part."""
    values = [value for name, value in row._mapping.items() if name.startswith("key_")]
    return json.dumps(values) if part.ranked else written(number, values)


def written(number: int, values: Sequence[Any]) -> str:
    """A cursor: behind which values of which part."""
    return json.dumps([number, *values])


def _place(after: str, parts: Sequence[Part]) -> tuple[int, list[Any]]:
    try:
        place = json.loads(after)
        if not isinstance(place, list) or not isinstance(place[0], int) or place[0] < 0:
            raise ValueError
        number, values = (0, place) if parts[0].ranked else (place[0], place[1:])
        kinds = [_kind(key.column) for key in parts[number].keys]
        if len(values) != len(kinds) or any(isinstance(v, bool) or not isinstance(v, k) for v, k in zip(values, kinds, strict=True)):
            raise ValueError
        if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values):
            raise ValueError
    except (ValueError, TypeError, RecursionError, IndexError):
        raise Invalid("not a cursor of this order", hint="pass the `next` of the page before", field="after") from None
    return number, values


def _kind(column: ColumnElement[Any]) -> type | tuple[type, ...]:
    if isinstance(column.type, String):
        return str
    return int if isinstance(column.type, Integer | BigInteger) else (int, float)


def _behind(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition for rows after these values. It begins with the first key alone, so that an index is entered there."""
    places = [_bound(key.column, value) for key, value in zip(keys, values, strict=True)]
    if len({key.down for key in keys}) == 1:
        here, there = _tuple([key.column for key in keys]), _tuple(places)
        return here < there if keys[0].down else here > there  # type: ignore[no-any-return]
    ways = []
    for place, key in enumerate(keys):
        equal = [before.column == value for before, value in zip(keys[:place], places, strict=False)]
        ways.append(and_(*equal, key.column < places[place] if key.down else key.column > places[place]))
    first = keys[0].column <= places[0] if keys[0].down else keys[0].column >= places[0]
    return and_(first, or_(*ways))


def _bound(column: ColumnElement[Any], value: Any) -> ColumnElement[Any]:
    return literal(float(value), Float()) if isinstance(column.type, Float) else bindparam(None, value, type_=column.type, unique=True)


def _tuple(columns: Sequence[ColumnElement[Any]]) -> Any:
    return columns[0] if len(columns) == 1 else tuple_(*columns)
