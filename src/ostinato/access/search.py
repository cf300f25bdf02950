"""Search over the people and services that the caller may see, by name."""

from __future__ import annotations

from ostinato.access.permissions import visible_actors
from ostinato.kernel.ref import Ref
from ostinato.kernel.search import SearchResult
from ostinato.storage.rows.rows import Tx


def search(tx: Tx, typed: str) -> list[SearchResult]:
    """The actors of the project (for administrators of the store: all) whose name or id contains the text."""
    return [
        SearchResult(
            ref=Ref.parse(actor.id),
            title=actor.id.partition(":")[2],
            summary=actor.kind + ", disabled" * actor.disabled,
            at=actor.created_at,
        )
        for actor in visible_actors(tx)
        if typed.lower() in actor.id.lower()
    ]
