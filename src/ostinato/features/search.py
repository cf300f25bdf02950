"""Search over feature views by name, feature, dataset and description."""

from __future__ import annotations

from sqlalchemy import select

from ostinato.features.store import views
from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.storage.rows.matching import matching
from ostinato.storage.rows.rows import Tx


def search(tx: Tx, project: str, typed: str, limit: int) -> list[SearchResult]:
    """The best matches; a view is found by the name of a feature or column in it as well."""
    v = views.c
    query = select(v.name, v.definition, v.defined_at).where(v.project == project)
    rows = tx.all(matching(query, typed, v.name, v.definition, recent=v.defined_at.desc()).limit(limit))
    return [
        SearchResult(
            ref=Ref("feature", row.name),
            title=row.name,
            summary=f"of {row.definition['dataset']}: " + ", ".join(feature["name"] for feature in row.definition["features"]),
            at=row.defined_at,
        )
        for row in rows
    ]
