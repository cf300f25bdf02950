"""Search over endpoints by name, and rollouts by id or endpoint."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.serving.store import endpoint_table, rollout_table
from ostinato.storage.rows.matching import beginning, matching
from ostinato.storage.rows.rows import Tx


def search(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    """The best matches: endpoints, and the rollouts whose id begins so or whose endpoint is called so."""
    e, r = endpoint_table.c, rollout_table.c
    query = select(e.name, e.version, e.created_at).where(e.project == project)
    found = [
        SearchResult(ref=Ref("endpoint", row.name), title=row.name, summary=f"serves {row.version}", at=row.created_at)
        for row in tx.all(matching(query, typed, e.name, e.version, recent=e.created_at.desc()).limit(limit))
    ]
    known = select(r.id, r.endpoint, r.body).where(r.project == project, or_(beginning(r.id, typed), r.endpoint == typed))
    return found + [_rollout(row.id, row.endpoint, row.body) for row in tx.all(known.order_by(r.id.desc()).limit(limit))]


def _rollout(id_: str, endpoint: str, body: dict[str, str]) -> SearchResult:
    title = f"{body['candidate'].removeprefix('model:')} on {endpoint}"
    return SearchResult(
        ref=Ref("rollout", id_),
        title=title,
        summary=f"rollout, {body['state'].replace('_', ' ')}",
        at=datetime.fromisoformat(body["started_at"]),
    )
