"""Progress: how far a long verb has come, told to whoever watches; by default nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[int, int], None]
"""Called with what is done and what there is to do."""

_watcher: ContextVar[Watcher | None] = ContextVar("ostinato_watcher", default=None)


def tell(done: int, total: int) -> None:
    """Say how far the present call is."""
    if (watcher := _watcher.get()) is not None:
        watcher(done, total)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """What is told in the block goes to `watcher`.

    >>> with watching(lambda done, total: print(f"{done} of {total}")):
    ...     tell(1, 3)
    1 of 3
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
