"""Search: monitors by name, findings by id, monitor or feature."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from ostinato.kernel.number import format_number
from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.monitoring.store import findings, monitors
from ostinato.monitoring.types import Finding
from ostinato.storage.rows.matching import beginning, matching
from ostinato.storage.rows.rows import Tx

NEWEST = 500
"""By feature, so many of the newest findings are looked at."""


def search(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    """The best matches: monitors, any finding whose id begins so, and of the newest ones those about such a feature or monitor."""
    m, f = monitors.c, findings.c
    query = select(m.name, m.body).where(m.project == project)
    found = [
        SearchResult(ref=Ref("monitor", row.name), title=row.name, summary=f"watches endpoint:{row.body['endpoint']}")
        for row in tx.all(matching(query, typed, m.name, recent=m.name).limit(limit))
    ]
    by_id = select(f.body).where(f.project == project, beginning(f.id, typed)).order_by(f.id).limit(limit)
    near = select(f.body).where(f.project == project).order_by(f.start.desc(), f.id).limit(NEWEST)
    known = {row.body["id"]: row.body for row in tx.all(by_id)}
    for row in tx.all(near):
        words = (row.body["measurement"]["feature"], row.body["monitor"], row.body["measurement"]["test"])
        if len(known) < limit and any(typed.lower() in word.lower() for word in words):
            known[row.body["id"]] = row.body
    return found + [_finding(msgspec.convert(body, Finding)) for body in known.values()]


def _finding(of: Finding) -> SearchResult:
    seen = of.measurement
    return SearchResult(
        ref=Ref("finding", of.id),
        title=f"{seen.feature}: {seen.test.replace('_', ' ')} {format_number(seen.effect)}",
        summary=f"{of.severity} finding of {of.monitor}, {of.state}",
        at=of.start,
    )
