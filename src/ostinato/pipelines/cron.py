"""Cron: the instants that an expression of five fields names in a time zone."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from ostinato.kernel.errors import Invalid

_FOLD_MAX = timedelta(hours=3)
_BACK_MAX = timedelta(days=366 * 9)


class Cron:
    """The times of a cron expression, as Debian's cron reads it: a day matches by month day or by weekday if both are given.

    Where the clocks go forward, a job at a time that is skipped runs once, right after; where they go back, a job at a time
    that comes twice runs the first time only. A job whose minute or hour begins with `*` goes by what has passed instead: it
    runs in both hours, and not in the skipped one.

    >>> days = Cron("30 2 * * *", "Europe/Berlin").after(datetime(2013, 3, 30, 12, tzinfo=UTC))
    >>> [str(next(days)) for _ in range(2)]
    ['2013-03-31 01:00:00+00:00', '2013-04-01 00:30:00+00:00']

    Raises:
        Invalid: the expression or the zone is none, or no time ever fits.
    """

    def __init__(self, expression: str, zone: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError):
            raise Invalid(
                f"no time zone {zone!r}", hint="a name of the IANA database, such as Europe/Berlin or UTC", field="zone"
            ) from None
        fields = expression.split()
        hint = "minute, hour, day of month, month, day of week: 0 6 * * 1-5"
        if len(fields) != 5:
            raise Invalid(f"a cron expression has five fields: {expression!r}", hint=hint, field="cron")
        try:
            next(CronSim(expression, datetime(2000, 1, 1)))  # noqa: DTZ001 — local times are naive until they are placed
        except CronSimError as error:
            raise Invalid(f"not a cron expression: {expression!r}: {error}", hint=hint, field="cron") from None
        except StopIteration:
            raise Invalid(f"no day ever fits {expression!r}", hint=hint, field="cron") from None
        self._expression = expression
        self._at_times = not fields[0].startswith("*") and not fields[1].startswith("*")

    def after(self, instant: datetime) -> Iterator[datetime]:
        """The instants later than `instant`, in UTC, in order."""
        last = instant
        for found in self._instants(instant.astimezone(self._zone).replace(tzinfo=None) - _FOLD_MAX):
            if found > last:
                last = found
                yield found

    def latest(self, until: datetime, since: datetime | None = None) -> datetime | None:
        """The last instant at or before `until`, and not before `since` (default some years)."""
        floor, back = since or until - _BACK_MAX, timedelta(hours=1)
        while True:
            start = max(until - back, floor)
            found = list(takewhile(lambda at: at <= until, self.after(start - timedelta(microseconds=1))))
            if found or start == floor:
                return found[-1] if found else None
            back *= 8

    def local(self, instant: datetime) -> datetime:
        """The instant as the clocks of the zone show it."""
        return instant.astimezone(self._zone)

    def _instants(self, local: datetime) -> Iterator[datetime]:
        """The instants of all local times after `local` that fit; ordered, but an instant may come twice."""
        later: list[datetime] = []  # second occurrences of local times, which come when the first ones are over
        for naive in CronSim(self._expression, local):
            first = self._place(naive)
            while later and first is not None and later[0] <= first:
                yield heapq.heappop(later)
            if first is not None:
                yield first
                second = naive.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
                if second > first and not self._at_times:
                    heapq.heappush(later, second)

    def _place(self, naive: datetime) -> datetime | None:
        """The first instant at which the clocks show `naive`; for one that they skip, right after the gap, or None."""
        aware = naive.replace(tzinfo=self._zone)
        while (back := aware.astimezone(UTC)).astimezone(self._zone).replace(tzinfo=None) != aware.replace(tzinfo=None):
            if not self._at_times:
                return None
            aware += timedelta(minutes=1)
        return back
