"""The verbs of Runs across many runs: the influence of parameters on a metric, and groups by value."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import Row, Select, and_, func, null, select

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.storage.rows.lease import at
from ostinato.storage.rows.rows import Instant, Rows, Tx
from ostinato.storage.series.latest import latest
from ostinato.storage.series.series import Series
from ostinato.tracking.influence import influences
from ostinato.tracking.planner.parse import parse_all, parse_order
from ostinato.tracking.planner.scope import Scope
from ostinato.tracking.planner.where import RUNS
from ostinato.tracking.query import Compare, Field, Missing
from ostinato.tracking.store import LEASES, run_table
from ostinato.tracking.types import number
from ostinato.tracking.verbs.experiments import seen
from ostinato.tracking.view_types import Influences, RunGroup, RunGroups

_RUNS_MAX = 1000
_GROUPS_MAX = 500
_r, _l = run_table.c, latest.c


class Relations:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _series: Series
    _clock: Clock

    def influences(self, metric: str, experiment: str | None = None, where: list[str] | None = None) -> Influences:
        """The influence of each parameter on a metric, over the newest 1,000 runs that meet the conditions and have the metric.

        Each parameter is looked at alone, at most 200 of them: those that most of the runs have. Runs that were not chosen at random
        may have it so for another reason.

        Raises:
            Invalid: a condition is malformed; the message shows where.
        """
        scope = self._those(experiment, where)
        self._series.settle(caller().project)

        def query(tx: Tx) -> list[Row[Any]]:
            given = {"project": caller().project, **at(LEASES.now(tx))}
            measured = and_(_l.project == _r.project, _l.run == _r.id, _l.key == metric)
            found = (
                select(_r.params, _l.last).select_from(run_table.join(latest, measured)).where(*scope.conditions(), _l.last.is_not(None))
            )
            return list(tx.all(found.order_by(_r.started_at.desc(), _r.id.desc()).limit(_RUNS_MAX + 1), given))

        found = self._rows.read(query)
        finite = [row for row in found[:_RUNS_MAX] if math.isfinite(row.last)]
        params = influences([row.last for row in finite], [row.params for row in finite])
        return Influences(metric=metric, runs=len(finite), more=len(found) > _RUNS_MAX, params=params)

    def groups(
        self,
        by: str,
        metric: str | None = None,
        experiment: str | None = None,
        where: list[str] | None = None,
        limit: int = 100,
    ) -> RunGroups:
        """Runs that meet the conditions, grouped by the value of a field such as `experiment` or `params.depth`.

        At most `limit` (1 to 500) groups, those with most runs first; of `metric` what the runs of each measured last.

        Raises:
            Invalid: the field or a condition is malformed; the message shows where.
        """
        if not 1 <= limit <= _GROUPS_MAX:
            raise Invalid(f"1 to {_GROUPS_MAX} groups can be listed at once, not {limit}", field="limit")
        field, scope = _field(by), self._those(experiment, where)
        if metric is not None or scope.measures:
            self._series.settle(caller().project)

        def query(tx: Tx) -> list[Row[Any]]:
            return list(tx.all(_grouped(field, scope, metric).limit(limit + 1), {"project": caller().project, **at(LEASES.now(tx))}))

        found = self._rows.read(query)
        return RunGroups(by=by, more=len(found) > limit, groups=[_group(field, row) for row in found[:limit]])

    def _those(self, experiment: str | None, where: list[str] | None) -> Scope:
        node = parse_all(where or [], RUNS.vocabulary)
        return Scope(node, (), self._clock.now(), None if experiment is None else [experiment], also=seen(_r.deleted_at, "active"))


def _field(by: str) -> Field:
    """The field that a group shares.

    Raises:
        Invalid: it is malformed, or has no few values to share.
    """
    try:
        (order,) = parse_order(by, RUNS.vocabulary)
    except ValueError:
        raise Invalid("runs are put into groups by one field", field="by") from None
    except Invalid as error:
        raise Invalid(error.message, hint=error.hint, field="by") from None
    if order.field.kind in ("metric", "dataset") or RUNS.vocabulary.type(order.field) == "time":
        raise Invalid(f"runs are not put into groups by {by}", hint="by experiment, state, params.<key> or tags.<key>", field="by")
    return order.field


def _grouped(field: Field, scope: Scope, metric: str | None) -> Select[Any]:
    place = RUNS.place(field)
    text, numeric = (null() if column is None else column for column in (place.text, place.number))
    measured = and_(_l.project == _r.project, _l.run == _r.id, _l.key == (metric or ""))
    of = select(text.label("text"), numeric.label("number"), _r.started_at, _l.last).select_from(run_table.outerjoin(latest, measured))
    each = of.where(*scope.conditions()).subquery().c
    runs = func.count().label("runs")
    value = (func.count(each.last), func.min(each.last), func.avg(each.last), func.max(each.last))
    newest = func.max(each.started_at, type_=Instant).label("started_at")
    found = select(each.text, each.number, runs, newest, *(v.label(name) for v, name in zip(value, _VALUES, strict=True)))
    return found.group_by(each.text, each.number).order_by(runs.desc(), each.number, each.text)


_VALUES = ("measured", "least", "mean", "greatest")


def _group(field: Field, row: Row[Any]) -> RunGroup:
    value = row.text if row.text is not None else row.number
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    least, mean, greatest = (None if v is None else number(v) for v in (row.least, row.mean, row.greatest))
    return RunGroup(
        value=value,
        where=str(Missing(field) if value is None else Compare(field, "=", value)),
        runs=row.runs,
        started_at=row.started_at,
        measured=row.measured,
        least=least,
        mean=mean,
        greatest=greatest,
    )
