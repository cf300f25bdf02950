"""Turnstile: processes on one file write in order of arrival."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Turnstile:
    """Two file locks that hand the writer's seat round. Whoever has `next` is the next to get `main`; a dead process has neither."""

    def __init__(self, path: Path) -> None:
        self._next, self._main = (os.fdopen(os.open(f"{path}.{name}", os.O_RDWR | os.O_CREAT, 0o600)) for name in ("next", "main"))

    def enter(self) -> None:
        """Wait for the seat and take it."""
        self._enter(fcntl.LOCK_EX)

    def free(self) -> bool:
        """Take the seat, if nobody has it or waits for it; whether it was taken."""
        try:
            self._enter(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _enter(self, how: int) -> None:
        fcntl.flock(self._next, how)
        try:
            fcntl.flock(self._main, how)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Give the seat up."""
        fcntl.flock(self._main, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give up the locks for good."""
        self._next.close()
        self._main.close()
