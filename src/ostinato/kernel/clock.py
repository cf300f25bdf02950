"""Clock: the interface from which all code reads the time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol

from ostinato.kernel.errors import Invalid


class Clock(Protocol):
    """The business time, of events, windows and freshness. Leases use the machine's own clock instead."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ReplayClock:
    """A clock that stands still until it is set: replays of the past, and tests.

    >>> clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
    >>> clock.set(datetime(2013, 1, 2, tzinfo=UTC))
    >>> clock.now().day
    2
    """

    def __init__(self, start: datetime) -> None:
        self._lock = threading.Lock()
        self._now = _aware(start)

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def set(self, instant: datetime) -> None:
        """Move to `instant`; going back is refused, because events must not precede their causes.

        Raises:
            Invalid: the instant is naive or lies before the present one.
        """
        instant = _aware(instant)
        with self._lock:
            if instant < self._now:
                raise Invalid(f"the clock stands at {self._now.isoformat()} and does not go back", field="now")
            self._now = instant


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise Invalid("an instant needs a time zone", hint="datetime(..., tzinfo=UTC)", field="now")
    return instant.astimezone(UTC)
