"""Caller: the actor and the project of the current call, kept in a context variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ostinato.kernel.errors import Unauthenticated
from ostinato.kernel.frozen import frozen


@frozen
class Scope:
    """The scope of a credential: `permissions` (patterns) in `projects`, None means no limit; a `delegated` one cannot approve."""

    permissions: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
    delegated: bool = False

    @classmethod
    def kept(cls, row: Mapping[str, Any] | None) -> Scope | None:
        """The scope that `row` tells, as a row of the store keeps it.

        >>> Scope.kept(Scope(permissions=("run:*",)).told()) == Scope(permissions=("run:*",))
        True
        """
        if row is None:
            return None
        permissions, projects = (None if row[name] is None else tuple(row[name]) for name in ("permissions", "projects"))
        return cls(permissions=permissions, projects=projects, delegated=row["delegated"])

    def told(self) -> dict[str, Any]:
        """The stored form, as in rows and events."""
        permissions, projects = (None if found is None else list(found) for found in (self.permissions, self.projects))
        return {"permissions": permissions, "projects": projects, "delegated": self.delegated}


@frozen
class Caller:
    """An actor (`person:ana`, `service:trainer`) within a project.

    `credential` is the public id of the token or session by which the actor came, empty in process: it may narrow what the actor may.
    `within` is the id of the execution of a pipeline whose code makes the call, empty elsewhere; there, `scope` is how far the credential
    reached by which it was started, None if that set no limit.
    """

    actor: str
    project: str = "default"
    credential: str = ""
    within: str = ""
    scope: Scope | None = None


_current: ContextVar[Caller | None] = ContextVar("ostinato_caller", default=None)
_owner: list[Caller] = []


def caller() -> Caller:
    """The caller of the present call.

    Raises:
        Unauthenticated: nobody was set, neither for this call nor as the owner of the process.
    """
    present = _current.get() or (_owner[-1] if _owner else None)
    if present is None:
        raise Unauthenticated("nobody is calling", hint="wrap the call in calling(Caller(actor=…))")
    return present


@contextmanager
def calling(who: Caller) -> Iterator[Caller]:
    """Make `who` the caller in the block."""
    token = _current.set(who)
    try:
        yield who
    finally:
        _current.reset(token)


def set_process_caller(who: Caller) -> None:
    """Make `who` the default caller of this process, for a store opened in process by its owner."""
    _owner[:] = [who]
