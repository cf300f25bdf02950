"""Search over experiments by name, and runs by id or name."""

from __future__ import annotations

from sqlalchemy import func, select

from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.storage.rows.matching import beginning, matching
from ostinato.storage.rows.rows import Instant, Tx
from ostinato.tracking.store import run_table
from ostinato.tracking.verbs.experiments import experiment_table

NEWEST = 3_000
"""By name, so many of the newest runs are looked at: a search stays as quick as it is, however many there are."""
_r, _e = run_table.c, experiment_table.c
_SHOWN = (_r.id, _r.name, _r.experiment, _r.state, _r.parent, _r.started_at)
_there = _r.deleted_at.is_(None)


def search(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    """The best matches: experiments, any run whose id begins so, and of the newest runs those of that name that are part of no other."""
    by_id = select(*_SHOWN).where(_r.project == project, beginning(_r.id, typed), _there).order_by(_r.id).limit(limit)
    near = select(*_SHOWN).where(_r.project == project, _there).order_by(_r.started_at.desc(), _r.id.desc()).limit(NEWEST).subquery()
    by_name = matching(select(near).where(near.c.parent.is_(None)), typed, near.c.name, recent=near.c.started_at.desc()).limit(limit)
    runs = {row.id: row for row in [*tx.all(by_id), *tx.all(by_name)]}.values()
    return _experiments(tx, project, typed, limit) + [
        SearchResult(ref=Ref("run", row.id), title=row.name, summary=f"run of {row.experiment}, {row.state}", at=row.started_at)
        for row in runs
    ]


def _experiments(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    last = select(func.max(_r.started_at, type_=Instant)).where(_r.project == _e.project, _r.experiment == _e.name).scalar_subquery()
    every = select(_e.id, _e.name, func.coalesce(last, _e.created_at, type_=Instant).label("last"))
    some = every.where(_e.project == project, _e.deleted_at.is_(None)).subquery()
    rows = tx.all(matching(select(some), typed, some.c.name, recent=some.c.last.desc()).limit(limit))
    return [SearchResult(ref=Ref("experiment", row.id), title=row.name, at=row.last) for row in rows]
