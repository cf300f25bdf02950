"""Search over datasets by name, description, tag and owner, and over the versions of one."""

from __future__ import annotations

from sqlalchemy import Text, cast, func, select, type_coerce

from ostinato.data.store import datasets, versions
from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.storage.rows.matching import matching
from ostinato.storage.rows.rows import Tx


def search(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    """The best matches; `flights@1` finds the versions of `flights` that begin with 1, the newest first."""
    name, at, number = typed.rpartition("@")
    if at:
        return _versions(tx, project, name, number, limit)
    d = datasets.c
    latest = select(func.max(versions.c.version)).where(versions.c.project == d.project, versions.c.dataset == d.name).scalar_subquery()
    query = select(d.name, d.description, d.tags, d.created_at, latest.label("latest")).where(d.project == project)
    owner = func.replace(func.replace(d.owner, "person:", ""), "service:", "")  # nobody looks for all that persons own
    words = (d.name, d.description, type_coerce(d.tags, Text), owner)
    rows = tx.all(matching(query, typed, *words, recent=d.created_at.desc()).limit(limit))
    return [
        SearchResult(ref=Ref("dataset", r.name), title=r.name, summary=_summary(r.latest, [*r.tags, r.description]), at=r.created_at)
        for r in rows
    ]


def _versions(tx: Tx, project: str, name: str, number: str, limit: int) -> list[SearchResult]:
    v = versions.c
    query = select(v.version, v.source, v.created_at).where(v.project == project, v.dataset == name)
    if number:
        query = query.where(cast(v.version, Text).startswith(number, autoescape=True))
    rows = tx.all(query.order_by(func.length(cast(v.version, Text)) if number else v.version.desc(), v.version.desc()).limit(limit))
    found = [(Ref("dataset", name, str(row.version)), row) for row in rows]
    return [SearchResult(ref=ref, title=f"{ref.name}@{ref.version}", summary=f"from {row.source}", at=row.created_at) for ref, row in found]


def _summary(latest: int | None, words: list[str]) -> str:
    return " · ".join(filter(None, [f"version {latest}" if latest else "nothing was delivered yet", *words]))
