"""The active run of this process, for code that logs without a handle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_open: ContextVar[tuple[Callable[[], Any], ...]] = ContextVar("ostinato_open_runs", default=())


def set_active(run: Any) -> None:
    """Make a run that was started here the active one; until it has `ended`, it is the active one, or an earlier one after it."""
    _open.set((*(other for other in _open.get() if not (isinstance(other, _Held) and other().ended)), _Held(run)))


def set_inactive(run: Any) -> None:
    """Note a run that was started here but is not to be the active one."""
    _open.set(tuple(other for other in _open.get() if not (isinstance(other, _Held) and other() is run)))


@contextmanager
def offering(run: Callable[[], Any]) -> Iterator[None]:
    """In the block, this is the active run; it is created when it is first asked for."""
    token = _open.set((*_open.get(), run))
    try:
        yield
    finally:
        _open.reset(token)


def active_run() -> Any | None:
    """The active run of this thread or task: the last started one that has not ended; None if there is none."""
    return next((run for held in reversed(_open.get()) if not (run := held()).ended), None)


class _Held:
    """A run that is there."""

    __slots__ = ("_run",)

    def __init__(self, run: Any) -> None:
        self._run = run

    def __call__(self) -> Any:
        return self._run
