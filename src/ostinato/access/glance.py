"""Glance: the little of rights that other slices read within their own transactions."""

from __future__ import annotations

from ostinato.access import store
from ostinato.storage.rows.rows import Tx


def roles(tx: Tx, project: str, actor: str) -> frozenset[str]:
    """The roles that an actor holds in a project, by name."""
    return frozenset(store.held(tx, actor, project))
