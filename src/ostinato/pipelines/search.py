"""Search over pipelines by name, and executions by id, pipeline or key."""

from __future__ import annotations

from sqlalchemy import func, select

from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.pipelines.store import definitions, executions
from ostinato.storage.rows.matching import beginning, matching
from ostinato.storage.rows.rows import Tx

NEWEST = 1_000
"""By key and pipeline, so many of the newest executions are looked at."""


def search(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    """The best matches: registered pipelines, any execution whose id begins so, and of the newest ones those with such a key."""
    d, e = definitions.c, executions.c
    query = select(d.name, d.summary, d.created_at).where(d.project == project)
    found = [
        SearchResult(ref=Ref("pipeline", row.name), title=row.name, summary=row.summary, at=row.created_at)
        for row in tx.all(matching(query, typed, d.name, d.summary, recent=d.created_at.desc()).limit(limit))
    ]
    shown = (e.id, e.pipeline, func.coalesce(e.key, "").label("key"), e.state, e.created_at)
    by_id = select(*shown).where(e.project == project, beginning(e.id, typed)).order_by(e.id).limit(limit)
    near = select(*shown).where(e.project == project).order_by(e.created_at.desc(), e.id.desc()).limit(NEWEST).subquery()
    by_key = matching(select(near), typed, near.c.key, near.c.pipeline, recent=near.c.created_at.desc()).limit(limit)
    rows = {row.id: row for row in [*tx.all(by_id), *tx.all(by_key)]}.values()
    return found + [
        SearchResult(
            ref=Ref("execution", row.id),
            title=f"{row.pipeline} {row.key}".strip(),
            summary=f"execution of {row.pipeline}, {row.state}",
            at=row.created_at,
        )
        for row in rows
    ]
