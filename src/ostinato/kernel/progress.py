"""Progress of a long verb, reported to an optional watcher."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[int, int], None]
"""Called with the amount done and the total."""

_watcher: ContextVar[Watcher | None] = ContextVar("ostinato_watcher", default=None)


def report_progress(done: int, total: int) -> None:
    """Report the progress of the current call."""
    if (watcher := _watcher.get()) is not None:
        watcher(done, total)


@contextmanager
def watch_progress(watcher: Watcher) -> Iterator[None]:
    """Send progress reports made in the block to `watcher`.

    >>> with watch_progress(lambda done, total: print(f"{done} of {total}")):
    ...     report_progress(1, 3)
    1 of 3
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
