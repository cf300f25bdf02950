"""SharedClock: a replay clock that all processes of one store read."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from pathlib import Path

from ostinato.kernel.clock import Clock, ReplayClock, SystemClock
from ostinato.kernel.errors import Invalid
from ostinato.storage.disk import blamed


class SharedClock(ReplayClock):
    """A replay clock whose time lies in the file `clock` of the data folder: the server sets it, the workers follow.

    It survives restarts: it stands at the later of `start` and what the file says.

    Raises:
        Invalid: there is neither a `start` nor a file.
    """

    def __init__(self, data: Path, start: datetime | None = None) -> None:
        self._path = data / "clock"
        if start is None and not self._path.exists():
            raise Invalid("a replay clock needs an instant to start at", hint="--at 2013-01-01T00:00:00Z", field="at")
        self._moving = threading.Lock()
        super().__init__(start or self._read())
        if not self._path.exists() or self._read() < super().now():
            self._write(super().now())

    def now(self) -> datetime:
        return self._read()

    def set(self, instant: datetime) -> None:
        """Move to `instant`, for all processes.

        Raises:
            Invalid: the instant is naive or lies before the present one.
        """
        with self._moving:  # of two at once, the later instant must be what the file says in the end
            super().set(instant)
            self._write(super().now())

    def _read(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())

    def _write(self, instant: datetime) -> None:
        fresh = self._path.with_name(f"clock.{os.getpid()}")
        with blamed(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                fresh.write_text(instant.isoformat())
                fresh.replace(self._path)
            finally:
                fresh.unlink(missing_ok=True)


def clock_of(data: Path) -> Clock:
    """The clock by which the processes of a store go: the shared one while a replay is under way, else the machine's."""
    return SharedClock(data) if (data / "clock").exists() else SystemClock()
