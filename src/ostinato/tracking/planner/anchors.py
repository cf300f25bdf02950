"""Anchors: the length of a list of runs and the keys at regular positions, without reading the runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from ostinato.storage.rows.rows import Tx
from ostinato.tracking.planner.order import Part, cursor, written
from ostinato.tracking.planner.scope import Scope
from ostinato.tracking.planner.walk import Stretch, Walk, walk_of
from ostinato.tracking.store import run_table
from ostinato.tracking.view_types import Anchor


def anchors_of(tx: Tx, given: dict[str, Any], scope: Scope, step: int) -> tuple[int, list[Anchor]]:
    """How many runs there are, and each `step`th of them."""
    parts = scope.parts(tx, given, (run_table.c.id,))
    walk = walk_of(scope.orders[0])
    if walk is None or len(scope.orders) > 1 or len(parts) == 1:
        return _anchors_in(tx, given, parts, step, 0, 0)
    inside = _count(tx, given, scope.ids())
    total, anchors = 0, list[Anchor]()
    for number, (stretch, places) in enumerate(zip(walk.stretches, _walked(tx, given, scope, walk, inside), strict=True)):
        begun = -total % step or step
        marked = {run: total + begun + n * step for n, run in enumerate(places[begun - 1 :: step])}
        for run, values in _values(tx, given, walk, stretch, list(marked)):
            anchors.append(Anchor(offset=marked[run], after=written(number, [*values, run])))
        total += len(places)
    if inside > total:
        total, more = _anchors_in(tx, given, parts, step, len(walk.stretches), total)
        anchors += more
    return total, sorted((anchor for anchor in anchors if anchor.offset < total), key=lambda anchor: anchor.offset)


def _walked(tx: Tx, given: dict[str, Any], scope: Scope, walk: Walk, inside: int) -> Iterator[list[str]]:
    """The runs that have the field, in the order of its index, stretch by stretch.

    Which of them the list holds is looked up in the smaller of two sets, of those that it holds and of those that it does not.
    """
    most = 2 * inside > _count(tx, given, select(run_table.c.id).where(run_table.c.project == bindparam("project")))
    some = set(_ids(tx, given, scope.ids(outside=most)))
    run = walk.run.desc() if scope.orders[0].down else walk.run.asc()
    for stretch in walk.stretches:
        keys = () if stretch.keys is walk.level else stretch.keys
        order = [key.column.desc() if key.down else key.column.asc() for key in keys]
        walked = _ids(tx, given, select(walk.run).where(walk.has, *stretch.asked).order_by(*order, run))
        yield [run for run in walked if run not in some] if most else [run for run in walked if run in some]


def _ids(tx: Tx, given: dict[str, Any], query: Select[Any]) -> list[str]:
    """The ids that a query finds, as one text: a third of the cost of a row for each. No id holds a blank."""
    (column,) = query.subquery().c
    row = tx.first(select(func.aggregate_strings(column, " ")), given)
    return str(row[0]).split(" ") if row and row[0] else []


def _count(tx: Tx, given: dict[str, Any], query: Select[Any]) -> int:
    row = tx.first(select(func.count()).select_from(query.subquery()), given)
    return int(row[0]) if row else 0


def _values(tx: Tx, given: dict[str, Any], walk: Walk, stretch: Stretch, runs: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """By which values some runs of a stretch are placed."""
    columns: list[Any] = [key.column.label(f"key_{place}") for place, key in enumerate(stretch.keys)]
    for start in range(0, len(runs), 500):
        some = walk.run.in_(runs[start : start + 500])
        for row in tx.all(select(walk.run, *columns).where(walk.has, some), given):
            yield row[0], list(row[1:])


def _anchors_in(tx: Tx, given: dict[str, Any], parts: list[Part], step: int, first: int, total: int) -> tuple[int, list[Anchor]]:
    """The anchors of parts from a number on, before which there are so many."""
    anchors: list[Anchor] = []
    for number in range(first, len(parts)):
        part = parts[number]
        count = _count(tx, given, part.query)
        if count and (total + count) // step > total // step:
            labelled = [key.column.label(f"key_{place}") for place, key in enumerate(part.keys)]
            place = func.row_number().over(order_by=part.order()).label("place")
            placed = part.query.add_columns(*labelled, place).subquery()
            every = select(placed).where((placed.c.place + total) % step == 0).order_by(placed.c.place)
            anchors += [Anchor(offset=total + row.place, after=cursor(number, part, row)) for row in tx.all(every, given)]
        total += count
    return total, [anchor for anchor in anchors if anchor.offset < total]
