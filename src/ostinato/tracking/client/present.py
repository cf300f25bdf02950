"""Present: the run that is open here, for those who log without being handed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_open: ContextVar[tuple[Callable[[], Any], ...]] = ContextVar("ostinato_open_runs", default=())


def begun(run: Any) -> None:
    """A run was begun here; until it has `ended`, it is the present one, or an earlier one after it."""
    _open.set((*(other for other in _open.get() if not (isinstance(other, _Held) and other().ended)), _Held(run)))


def aside(run: Any) -> None:
    """A run was begun here that others are not to log to."""
    _open.set(tuple(other for other in _open.get() if not (isinstance(other, _Held) and other() is run)))


@contextmanager
def offered(run: Callable[[], Any]) -> Iterator[None]:
    """In the block, this is the present run; it is made when somebody asks for it."""
    token = _open.set((*_open.get(), run))
    try:
        yield
    finally:
        _open.reset(token)


def present() -> Any | None:
    """The run that was begun last in this thread, or task, and goes on; None if there is none."""
    return next((run for held in reversed(_open.get()) if not (run := held()).ended), None)


class _Held:
    """A run that is there."""

    __slots__ = ("_run",)

    def __init__(self, run: Any) -> None:
        self._run = run

    def __call__(self) -> Any:
        return self._run
