"""A cache of tokens and permissions, valid for one epoch: a request reads one number from the database."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ostinato.access import credential_store, store
from ostinato.access.permissions import granted
from ostinato.access.types import Credential
from ostinato.storage.rows.rows import Rows, Tx

T = TypeVar("T")
_KNOWN_MAX = 20_000


class PermissionCache:
    """Tokens and permissions as read under one epoch. A change of the epoch empties the cache."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._kept: tuple[int, dict[Hashable, Any]] = (-1, {})

    def read(self, question: Callable[[PermissionView], T]) -> T:
        """The result of a query on one consistent view."""
        return self._rows.read(lambda tx: question(self._view(tx)))

    def _view(self, tx: Tx) -> PermissionView:
        epoch, kept = store.epoch(tx), self._kept  # the pair changes as a whole: what is in a dict was read under its epoch
        if kept[0] != epoch or len(kept[1]) > _KNOWN_MAX:
            kept = self._kept = (epoch, {})
        return PermissionView(tx, kept[1])


class PermissionView:
    """Permissions at one instant, through the cache."""

    def __init__(self, tx: Tx, known: dict[Hashable, Any]) -> None:
        self.tx = tx
        self._known = known

    def token(self, name: str) -> credential_store.TokenRecord | None:
        """The record of a token."""
        found: credential_store.TokenRecord | None = self._known.get(name)
        if found is None and (found := credential_store.token_record(self.tx, name)) is not None:
            self._known[name] = found
        return found

    def granted(self, actor: str, project: str) -> frozenset[str]:
        """The permissions that an actor's roles grant in a project."""
        return self._rights(actor, project)[1]

    def roles(self, actor: str, project: str) -> list[str]:
        """The roles of an actor in a project, by name."""
        return sorted(self._rights(actor, project)[0])

    def reach(self, name: str) -> Credential | None:
        """The scope of the token or session with this public id; None for the empty string: no credential, no limits."""
        token = self.token(name) if name else None
        return token.reach if token else credential_store.limits(self.tx, name) if name else None

    def _rights(self, actor: str, project: str) -> tuple[frozenset[str], frozenset[str]]:
        key = (actor, project)
        if key not in self._known:
            held = store.held(self.tx, actor, project)
            self._known[key] = (frozenset(held), granted(held))
        found: tuple[frozenset[str], frozenset[str]] = self._known[key]
        return found
