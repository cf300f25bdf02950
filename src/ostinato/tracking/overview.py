"""Cheap queries on runs and their cost, for overview pages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, func, select

from ostinato.kernel.frozen import frozen
from ostinato.storage.rows.rows import Tx
from ostinato.tracking import store
from ostinato.tracking.types import Run

_r = store.run_table.c
_cost = (
    _r.experiment,
    func.count().label("runs"),
    func.sum(case((_r.state.in_(("failed", "killed")), 1), else_=0)).label("failed"),
    func.coalesce(func.sum(_r.cpu_s), 0.0).label("cpu_s"),
)


@frozen
class Spending:
    """How many runs of an experiment there were, how many of them failed, and what they took, in seconds of CPU.

    Runs that are part of another are not counted: theirs is in the other's.
    """

    experiment: str
    runs: int
    failed: int
    cpu_s: float


def run(tx: Tx, project: str, id: str) -> Run | None:
    """One run."""
    return store.one(tx, project, id)


def spent(tx: Tx, project: str, since: datetime, until: datetime, experiments: list[str] | None = None) -> list[Spending]:
    """The cost of the runs that were started from `since` to `until`, by experiment."""
    query = select(*_cost).where(_r.project == project, _r.parent.is_(None), _r.started_at >= since, _r.started_at <= until)
    if experiments is not None:
        query = query.where(_r.experiment.in_(experiments))
    rows = tx.all(query.group_by(_r.experiment).order_by(_r.experiment))
    return [Spending(experiment=row.experiment, runs=row.runs, failed=row.failed, cpu_s=float(row.cpu_s)) for row in rows]


def failed(tx: Tx, project: str, actor: str, since: datetime, limit: int) -> list[Run]:
    """The runs of an actor since then that failed and are part of no other, newest first."""
    return store.failed(tx, project, actor, since, limit)
