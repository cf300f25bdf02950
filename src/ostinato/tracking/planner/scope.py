"""Scope: which runs a list holds, and the cheapest access path to them.

An order by a metric, a parameter or a tag walks its index until a page is full; so it is soon done, unless few runs meet the conditions.
Then it starts from these: an experiment, the parts of a run, or what an index knows few to meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, false, func, literal, not_, select

from ostinato.storage.rows.rows import Tx
from ostinato.storage.series.latest import latest
from ostinato.tracking.field_index import TEXT_MAX
from ostinato.tracking.planner.index_lookup import finding, index_candidates, index_conditions
from ostinato.tracking.planner.order import Key, Part, checked, keys_of
from ostinato.tracking.planner.walk import walk_of
from ostinato.tracking.planner.where import RUNS, Place
from ostinato.tracking.query import Missing, Node, Order, atoms
from ostinato.tracking.store import run_table

FEW = 2_500
"""So many runs are sorted in a few milliseconds."""
_r = run_table.c


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

    def conditions(self, *, aside: bool = False) -> list[ColumnElement[bool]]:
        """The conditions on runs; with `aside`, written so that no index on the experiment is used."""
        found = [_r.project == bindparam("project"), *self.also]
        if self.experiments is not None:
            column = func.coalesce(_r.experiment, "") if aside else _r.experiment
            found.append(column == self.experiments[0] if len(self.experiments) == 1 else column.in_(self.experiments))
        if self.parent is not None:
            found.append(_r.parent == self.parent)
        return [*found, RUNS.meet(self.node, self.now)]

    def parts(self, tx: Tx, given: dict[str, Any], columns: Sequence[Any]) -> list[Part]:
        """The list, in one part; or as its order is walked in an index, and at last what lacks the field."""
        walk, few = walk_of(checked(self.orders)[0]), self._few(tx, given)
        opened = None if few else index_candidates(self.node, finding(tx, given), FEW, None if walk is None else walk.field)
        if walk is None or few or opened is not None:
            aside = opened is not None or (not few and len(self.experiments or ()) > 1)
            query, keys = self._keyed(select(*columns).select_from(run_table), self.orders, _r.id)
            if opened is not None:
                query, keys[0] = query.where(_r.id.in_(opened)), aside_of(keys[0])
            return [Part(query.where(*self.conditions(aside=aside)), tuple(keys), ranked=walk is not None)]
        conditions = self.conditions(aside=True)
        whole, rest = self._keyed(select(*columns).select_from(run_table.join(walk.table, walk.beside)), self.orders[1:], walk.run)
        bare, rest_of_bare = self._keyed(select(*columns).select_from(run_table), self.orders[1:], _r.id)
        whole = whole.where(walk.has, *conditions, *index_conditions(self.node, walk.field))
        lacking = RUNS.meet(Missing(walk.field), self.now)
        return [
            *(Part(whole.where(*stretch.asked), (*stretch.keys, *rest)) for stretch in walk.stretches),
            Part(bare.where(*conditions, lacking), (*walk.level, *rest_of_bare)),
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
                place = RUNS.place(order.field)
                keys += keys_of(_filed(place) if order.field.kind in ("param", "tag") else place, order)
        return query, [*keys, Key(run, self.orders[0].down)]

    def _few(self, tx: Tx, given: dict[str, Any]) -> bool:
        """Whether the runs of the experiments are few; the parts of a run are taken to be."""
        if self.parent is not None:
            return True
        if self.experiments is None:
            return False
        some = select(_r.id).where(_r.project == bindparam("project"), _r.experiment.in_(self.experiments))
        return bool(tx.all(select(func.count()).select_from(some.limit(FEW + 1).subquery()), given)[0][0] <= FEW)


def aside_of(key: Key) -> Key:
    """A key that no index serves, so that none is walked for it."""
    return Key(func.coalesce(key.column, key.column), key.down)


def _filed(place: Place) -> Place:
    """A parameter or a tag, as its entry has it."""
    return replace(place, text=None if place.text is None else func.substr(place.text, 1, TEXT_MAX, type_=place.text.type))
