"""Caller: on whose behalf, and in which project, the present call is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ostinato.kernel.errors import Unauthenticated


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An actor (`person:ana`, `service:trainer`) within a project.

    `credential` is the public id of the token or session by which the actor came, empty in process: it may narrow what the actor may.
    `within` is the id of the execution of a pipeline whose code makes the call, empty elsewhere.
    """

    actor: str
    project: str = "default"
    credential: str = ""
    within: str = ""


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
    """Everything in the block is done by `who`."""
    token = _current.set(who)
    try:
        yield who
    finally:
        _current.reset(token)


def own(who: Caller) -> None:
    """Make `who` the caller of all calls of this process that name nobody: a store opened in process by its owner."""
    _owner[:] = [who]
