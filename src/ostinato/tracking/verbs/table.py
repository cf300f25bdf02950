"""The verbs of Runs that list runs as a table, page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.instant import micros_of
from ostinato.kernel.page import Page
from ostinato.storage.rows.lease import at
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.latest import latest
from ostinato.storage.series.series import Series
from ostinato.tracking import store
from ostinato.tracking.planner.anchors import anchors_of
from ostinato.tracking.planner.order import LIMIT_MAX, page, written
from ostinato.tracking.planner.parse import parse_all, parse_order
from ostinato.tracking.planner.scope import Scope
from ostinato.tracking.planner.where import RUNS, seen_state
from ostinato.tracking.query import Node, Order
from ostinato.tracking.store import LEASES, run_table
from ostinato.tracking.types import Run, Scalar, State, View, number
from ostinato.tracking.verbs.experiments import seen
from ostinato.tracking.view_types import Anchor, RunIndex, RunRow

_STEP_MIN = 10
_ANY = (None, None, None, None, "-started_at", "active")
_LOOKED_AT = 200
_KEY = func.coalesce(latest.c.key, latest.c.key).label("key")
"""Bare, SQLite would read the keys of all runs, for that they are in order."""
_r = run_table.c
_SHOWN = (
    _r.id, _r.experiment, _r.name, seen_state.label("seen_state"), _r.parent, _r.started_at, _r.started_by, _r.ended_at, _r.error,
    _r.wall_s, _r.params, _r.tags,
)  # fmt: skip
_WHOLE = (*run_table.c, seen_state.label("seen_state"))
_newest_whole = Prepared(
    select(*_WHOLE)
    .where(_r.project == bindparam("project"), _r.deleted_at.is_(None))
    .order_by(_r.started_at.desc(), _r.id.desc())
    .limit(bindparam("most"))
)


class RunTable:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _series: Series
    _clock: Clock

    def search(
        self,
        experiment: str | None = None,
        state: State | None = None,
        parent: str | None = None,
        order_by: str = "-started_at",
        limit: int = 100,
        after: str | None = None,
        where: list[str] | None = None,
        view: View = "active",
    ) -> Page[Run]:
        """Runs that meet the conditions, whole, newest first or in the order of `rows`; `limit` is at most 1000.

        Raises:
            Invalid: a condition, the order or the cursor is malformed; the message shows where.
        """
        if (experiment, state, parent, after, order_by, view) == _ANY and not where and 1 <= limit <= LIMIT_MAX:
            return self._rows.read(lambda tx: _newest_runs(tx, limit))
        return self._found(self._scope(experiment, state, parent, where, order_by, view), limit, after)

    def find(
        self,
        node: Node,
        orders: Sequence[Order],
        experiments: Sequence[str] | None = None,
        view: View = "active",
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Run]:
        """Runs that meet a query that is a tree already; of the experiments of these names, or of all.

        Raises:
            Invalid: the query asks for what runs do not have, or the cursor is malformed.
        """
        also = seen(_r.deleted_at, view)
        return self._found(Scope(node, tuple(orders), self._clock.now(), experiments, also=also), limit, after)

    def index(
        self,
        experiment: str | None = None,
        state: State | None = None,
        parent: str | None = None,
        where: list[str] | None = None,
        order_by: str = "-started_at",
        step: int = 200,
        view: View = "active",
    ) -> RunIndex:
        """How many runs meet the conditions, where each `step`th of them begins in this order, and which columns there are.

        Raises:
            Invalid: a condition or the order is malformed, or `step` is below 10.
        """
        if step < _STEP_MIN:
            raise Invalid(f"an anchor every {step} rows", hint=f"at least {_STEP_MIN}", field="step")
        scope = self._scope(experiment, state, parent, where, order_by, view)
        self._series.settle(caller().project)

        def query(tx: Tx) -> RunIndex:
            given = {"project": caller().project, **at(LEASES.now(tx))}
            total, anchors = anchors_of(tx, given, scope, step)
            newest = tx.all(_newest(scope), given)
            here = _own(), latest.c.run.in_([row.id for row in newest])
            keys = select(_KEY).where(*here).group_by(_KEY).order_by(func.count().desc(), _KEY)
            return RunIndex(
                total=total,
                anchors=[Anchor(offset=0, after=None), *anchors],
                params=_common(row.params for row in newest),
                metrics=[row.key for row in tx.all(keys, given)] if newest else [],
                tags=_common(row.tags for row in newest),
            )

        return self._rows.read(query)

    def rows(
        self,
        experiment: str | None = None,
        state: State | None = None,
        parent: str | None = None,
        where: list[str] | None = None,
        order_by: str = "-started_at",
        limit: int = 200,
        after: str | None = None,
        columns: list[str] | None = None,
        view: View = "active",
    ) -> Page[RunRow]:
        """Runs that meet the conditions, with the cells of `columns` such as `params.depth` and `metrics.auc`, behind a cursor.

        `order_by` is a field, such as `started_at`, `params.<key>` or `metrics.<key>`, or several with commas between; `-` before one
        means descending. Runs that lack it come last, those whose metric is NaN before them; text comes after numbers. `limit` is at
        most 1000.

        Raises:
            Invalid: a condition, a column, the order or the cursor is malformed.
        """
        scope = self._scope(experiment, state, parent, where, order_by, view)
        wanted = [_column(name) for name in columns or []]
        measured = [key for kind, key in wanted if kind == "metrics"]
        if measured or scope.measures:
            self._series.settle(caller().project)

        def query(tx: Tx) -> Page[RunRow]:
            given = {"project": caller().project, **at(LEASES.now(tx))}
            found = page(tx, scope.parts(tx, given, _SHOWN), given, limit, after)
            cells = _measured(tx, given, [row.id for row in found.items], measured)
            return Page(items=[_row(row, cells.get(row.id, {}), wanted) for row in found.items], next=found.next)

        return self._rows.read(query)

    def _scope(
        self, experiment: str | None, state: State | None, parent: str | None, where: list[str] | None, order_by: str, view: View
    ) -> Scope:
        also = [*seen(_r.deleted_at, view), *([] if state is None else [seen_state == state])]
        node, orders = parse_all(where or [], RUNS.vocabulary), parse_order(order_by, RUNS.vocabulary)
        return Scope(node, orders, self._clock.now(), None if experiment is None else [experiment], parent, also)

    def _found(self, scope: Scope, limit: int, after: str | None) -> Page[Run]:
        if scope.measures:
            self._series.settle(caller().project)

        def query(tx: Tx) -> Page[Run]:
            given = {"project": caller().project, **at(LEASES.now(tx))}
            found = page(tx, scope.parts(tx, given, _WHOLE), given, limit, after)
            return Page(items=[store.read(row) for row in found.items], next=found.next)

        return self._rows.read(query)


def _newest_runs(tx: Tx, limit: int) -> Page[Run]:
    """The runs that were started last: the list that is asked for most often, without planning it."""
    rows = tx.fetch(_newest_whole, {"project": caller().project, "most": limit + 1, **at(LEASES.now(tx))})
    runs = [store.read(row) for row in rows[:limit]]
    return Page(items=runs, next=written(0, [micros_of(runs[-1].started_at), runs[-1].id]) if len(rows) > limit else None)


def _newest(scope: Scope) -> Select[Any]:
    """The cells of the runs that were started last."""
    shown = select(_r.id, _r.params, _r.tags).where(*scope.conditions())
    return shown.order_by(_r.started_at.desc(), _r.id.desc()).limit(_LOOKED_AT)


def _common(cells: Iterable[dict[str, Any]]) -> list[str]:
    """The keys, the most common first, and by name among equals."""
    counted = Counter(key for held in cells for key in held)
    return sorted(counted, key=lambda key: (-counted[key], key))


def _own() -> ColumnElement[bool]:
    return latest.c.project == bindparam("project")


def _column(name: str) -> tuple[str, str]:
    kind, _, key = name.partition(".")
    if kind not in ("params", "metrics", "tags") or not key:
        raise Invalid(f"no column {name!r}", hint="params.<key>, metrics.<key> or tags.<key>", field="columns")
    return kind, key


def _measured(tx: Tx, given: dict[str, Any], runs: Sequence[str], keys: Sequence[str]) -> dict[str, dict[str, Scalar]]:
    """The last values of some metrics of some runs."""
    found: dict[str, dict[str, Scalar]] = {}
    if runs and keys:
        c = latest.c
        for row in tx.all(select(c.run, c.key, c.last).where(_own(), c.run.in_(runs), c.key.in_(keys)), given):
            found.setdefault(row.run, {})[row.key] = number(float("nan") if row.last is None else row.last)
    return found


def _row(row: Row[Any], measured: dict[str, Scalar], wanted: Sequence[tuple[str, str]]) -> RunRow:
    held: dict[str, dict[str, Scalar]] = {"params": row.params, "tags": row.tags, "metrics": measured}
    return RunRow(
        id=row.id, experiment=row.experiment, name=row.name, state=row.seen_state, parent=row.parent, started_at=row.started_at,
        started_by=row.started_by, ended_at=row.ended_at, error=row.error, wall_s=row.wall_s,
        cells={f"{kind}.{key}": held[kind][key] for kind, key in wanted if key in held[kind]},
    )  # fmt: skip
