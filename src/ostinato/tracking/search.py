"""Search: experiments by name, runs by id or name."""

from __future__ import annotations

from sqlalchemy import CTE, func, select

from ostinato.kernel.found import Found
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.matching import beginning, matching
from ostinato.storage.rows.rows import Instant, Tx
from ostinato.tracking.store import run_table

NEWEST = 3_000
"""By name, so many of the newest runs are looked at: a search stays as quick as it is, however many there are."""
_r = run_table.c
_SHOWN = (_r.id, _r.name, _r.experiment, _r.state, _r.parent, _r.started_at)


def search(tx: Tx, project: str, typed: str, limit: int) -> list[Found]:
    """The best matches: experiments, any run whose id begins so, and of the newest runs those of that name that are part of no other."""
    by_id = select(*_SHOWN).where(_r.project == project, beginning(_r.id, typed)).order_by(_r.id).limit(limit)
    near = select(*_SHOWN).where(_r.project == project).order_by(_r.started_at.desc(), _r.id.desc()).limit(NEWEST).subquery()
    by_name = matching(select(near).where(near.c.parent.is_(None)), typed, near.c.name, recent=near.c.started_at.desc()).limit(limit)
    runs = {row.id: row for row in [*tx.all(by_id), *tx.all(by_name)]}.values()
    return _experiments(tx, project, typed, limit) + [
        Found(ref=Ref("run", row.id), title=row.name, summary=f"run of {row.experiment}, {row.state}", at=row.started_at) for row in runs
    ]


def _experiments(tx: Tx, project: str, typed: str, limit: int) -> list[Found]:
    names = _names(project)
    last = select(func.max(_r.started_at, type_=Instant)).where(_r.project == project, _r.experiment == names.c.name).scalar_subquery()
    every = select(names.c.name, last.label("last")).where(names.c.name.is_not(None)).subquery()
    rows = tx.all(matching(select(every), typed, every.c.name, recent=every.c.last.desc()).limit(limit))
    return [Found(ref=Ref("experiment", row.name.replace(" ", "%20")), title=row.name, at=row.last) for row in rows]


def _names(project: str) -> CTE:
    """The names of experiments, from one to the next through the index: not by way of all runs."""
    first = select(func.min(_r.experiment).label("name")).where(_r.project == project).cte("names", recursive=True)
    following = select(func.min(_r.experiment)).where(_r.project == project, _r.experiment > first.c.name).scalar_subquery()
    return first.union_all(select(following).where(first.c.name.is_not(None)))
