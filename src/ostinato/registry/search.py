"""Search: models by name and description, and the versions of one."""

from __future__ import annotations

from sqlalchemy import Text, cast, func, select

from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.registry.store import aliases
from ostinato.registry.tables import model, version
from ostinato.storage.rows.matching import matching
from ostinato.storage.rows.rows import Tx


def search(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    """The best matches; `late@1` finds the versions of `late` that begin with 1, `late@champion` the one with that alias."""
    name, at, number = typed.rpartition("@")
    if at:
        return _versions(tx, project, name, number, limit)
    m = model.c
    query = select(m.name, m.description, m.created_at).where(m.project == project, m.removed_at.is_(None))
    rows = tx.all(matching(query, typed, m.name, m.description, recent=m.created_at.desc()).limit(limit))
    return [SearchResult(ref=Ref("model", r.name), title=r.name, summary=r.description, at=r.created_at) for r in rows]


def _versions(tx: Tx, project: str, name: str, typed: str, limit: int) -> list[SearchResult]:
    v, named = version.c, aliases(tx, project, name)
    numbers = [number for alias, number in named.items() if typed and alias.startswith(typed)]
    query = select(v.version, v.note, v.registered_at).where(v.project == project, v.model == name, v.removed_at.is_(None))
    if typed:
        query = query.where(v.version.in_(numbers) | cast(v.version, Text).startswith(typed, autoescape=True))
    rows = tx.all(query.order_by(func.length(cast(v.version, Text)) if typed else v.version.desc(), v.version.desc()).limit(limit))
    told = {row.version: ", ".join(alias for alias, number in named.items() if number == row.version) for row in rows}
    return [
        SearchResult(
            ref=Ref("model", name, str(row.version)),
            title=f"{name}@{row.version}",
            summary=" · ".join(part for part in (told[row.version], row.note) if part),
            at=row.registered_at,
        )
        for row in rows
    ]
