"""Read-only queries on rights for other slices, for use inside their transactions."""

from __future__ import annotations

from ostinato.access import store
from ostinato.storage.rows.rows import Tx


def roles(tx: Tx, project: str, actor: str) -> frozenset[str]:
    """The roles that an actor holds in a project, by name."""
    return frozenset(store.held(tx, actor, project))
