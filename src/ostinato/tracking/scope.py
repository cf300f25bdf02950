"""Scope: which runs a list holds, and from where the database gets at them soonest.

An order by a metric walks its index until a page is full; so it is soon done, unless few runs meet the conditions. Then it starts from
these: an experiment, the parts of a run, or a condition on a metric that few meet. What `few` are is counted in the index, up to a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, bindparam, case, false, func, literal, not_, select

from ostinato.storage.rows.rows import Tx
from ostinato.storage.series.latest import latest
from ostinato.tracking.order import Key, Part, checked, keys_of
from ostinato.tracking.query import And, Atom, Compare, Field, Node, Order, atoms
from ostinato.tracking.store import run_table
from ostinato.tracking.where import OPERATORS, RUNS

FEW = 2_500
"""So many runs are sorted in a few milliseconds."""
_r, _l = run_table.c, latest.c
_RANGES = frozenset(("=", "<", "<=", ">", ">="))
_measured = and_(_l.project == _r.project, _l.run == _r.id)


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs of a list: of these experiments, or of all; with this parent; that meet `node` and all of `also`."""

    node: Node
    orders: tuple[Order, ...]
    now: datetime
    experiments: Sequence[str] | None = None
    parent: str | None = None
    also: Sequence[ColumnElement[bool]] = field(default=())

    @property
    def measures(self) -> bool:
        """Whether metrics matter, so that they must be settled before."""
        kinds = {atom.field.kind for atom in atoms(self.node)} | {order.field.kind for order in self.orders}
        return "metric" in kinds

    @property
    def by_metric(self) -> Field | None:
        """The metric by which the runs are ordered first."""
        first = checked(self.orders)[0].field
        return first if first.kind == "metric" else None

    def conditions(self, *, aside: bool = False) -> list[ColumnElement[bool]]:
        """What the runs meet; with `aside`, no index is entered by way of the experiment."""
        found = [_r.project == bindparam("project"), *self.also]
        if self.experiments is not None:
            column = func.coalesce(_r.experiment, "") if aside else _r.experiment
            found.append(column == self.experiments[0] if len(self.experiments) == 1 else column.in_(self.experiments))
        if self.parent is not None:
            found.append(_r.parent == self.parent)
        return [*found, RUNS.meet(self.node, self.now)]

    def parts(self, tx: Tx, given: dict[str, Any], columns: Sequence[Any]) -> list[Part]:
        """The list, in one part, or by a metric in three: with a number, with NaN, and without."""
        metric = self.by_metric
        few = self._few(tx, given)
        opening = None if few else self._opening(tx, given)
        if metric is None or few or opening is not None:
            aside = opening is not None or (not few and len(self.experiments or ()) > 1)
            query, keys = self._keyed(select(*columns).select_from(run_table), self.orders, _r.id)
            if opening is not None:
                query, keys[0] = query.where(opening), _aside(keys[0])
            return [Part(query.where(*self.conditions(aside=aside)), tuple(keys), ranked=metric is not None)]
        value: ColumnElement[Any] = _l["n" if metric.of == "count" else metric.of]
        of_metric, conditions = and_(_measured, _l.key == metric.key), self.conditions(aside=True)
        whole, rest = self._keyed(select(*columns).select_from(run_table.join(latest, of_metric)), self.orders[1:], _l.run)
        bare, rest_of_bare = self._keyed(select(*columns).select_from(run_table), self.orders[1:], _r.id)
        whole = whole.where(_l.project == bindparam("project"), *conditions)
        lacking, level = ~select(_l.run).where(of_metric).correlate(run_table).exists(), Key(literal(0.0), False)
        return [
            Part(whole.where(value.is_not(None), *self._range(metric)), (Key(value, self.orders[0].down), *rest)),
            Part(whole.where(value.is_(None)), (level, *rest)),
            Part(bare.where(*conditions, lacking), (level, *rest_of_bare)),
        ]

    def ids(self, *, outside: bool = False) -> Select[Any]:
        """The ids of the runs, in no order; or of all others of the project."""
        if not outside:
            return select(_r.id).where(*self.conditions())
        return select(_r.id).where(_r.project == bindparam("project"), not_(func.coalesce(and_(*self.conditions()), false())))

    def _keyed(self, query: Select[Any], orders: Sequence[Order], run: ColumnElement[Any]) -> tuple[Select[Any], list[Key]]:
        """A query of runs with what it is ordered by, at last by the id."""
        keys: list[Key] = []
        for order in orders:
            if order.field.kind == "metric":
                found = latest.alias()
                column = found.c["n" if order.field.of == "count" else order.field.of]
                of_run = and_(found.c.project == _r.project, found.c.run == _r.id, found.c.key == order.field.key)
                query = query.outerjoin(found, of_run)
                keys.append(Key(case((found.c.run.is_(None), 2), (column.is_(None), 1), else_=0), False))
                keys.append(Key(func.coalesce(column, literal(0, column.type)), order.down))
            else:
                RUNS.vocabulary.type(order.field)
                keys += keys_of(RUNS.place(order.field), order)
        return query, [*keys, Key(run, self.orders[0].down)]

    def _few(self, tx: Tx, given: dict[str, Any]) -> bool:
        """Whether the runs of the experiments are few; the parts of a run are taken to be."""
        if self.parent is not None:
            return True
        if self.experiments is None:
            return False
        some = select(_r.id).where(_r.project == bindparam("project"), _r.experiment.in_(self.experiments)).limit(FEW + 1)
        return _count(tx, some, given) <= FEW

    def _opening(self, tx: Tx, given: dict[str, Any]) -> ColumnElement[bool] | None:
        """A condition on a metric that few runs meet, as the list of these."""
        first = self.by_metric
        for atom in _ranges(self.node):
            if atom.field != first:
                meeting = _meeting(atom)
                if _count(tx, meeting.limit(FEW + 1), given) <= FEW:
                    return _r.id.in_(meeting)
        return None

    def _range(self, metric: Field) -> list[ColumnElement[bool]]:
        """What the query asks of the very metric that it is ordered by: where its index is entered."""
        return [_compared(atom) for atom in _ranges(self.node) if atom.field == metric]


def _meeting(atom: Compare) -> Select[Any]:
    """The runs whose last value of a metric is so."""
    return select(_l.run).where(_l.project == bindparam("project"), _l.key == atom.field.key, _compared(atom))


def _compared(atom: Compare) -> ColumnElement[bool]:
    return OPERATORS[atom.op](_l.last, literal(atom.value, Float()))  # type: ignore[no-any-return]


def _ranges(node: Node) -> Iterator[Compare]:
    """The conditions on last values of metrics that every run of the list meets."""
    for atom in _each(node):
        if isinstance(atom, Compare) and atom.field.kind == "metric" and atom.field.of == "last" and atom.op in _RANGES:
            yield atom


def _each(node: Node) -> Iterator[Atom]:
    if isinstance(node, And):
        for part in node.parts:
            yield from _each(part)
    elif isinstance(node, Compare):
        yield node


def _count(tx: Tx, some: Select[Any], given: dict[str, Any]) -> int:
    row = tx.first(select(func.count()).select_from(some.subquery()), given)
    return int(row[0]) if row else 0


def _aside(key: Key) -> Key:
    """A key that no index serves, so that none is walked for it."""
    return Key(func.coalesce(key.column, key.column), key.down)
