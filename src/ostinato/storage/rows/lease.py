"""Lease: the one notion of who still lives. A holder beats, and a beat stands for the length of its lease, by a clock of the store.

The processes of a store in a file (SQLite) are all on this machine, and have in common the seconds since it started, asleep or
awake, which nobody can set; `era` names that start, for another one counts from 0 again. The servers of a PostgreSQL database
have in common only its clock, and that may be set. So it says no more than what is shown of a lease: before anybody
takes one away there, a `Watch` has seen no new beat for the whole length of it, by the clock of its own machine.
"""

from __future__ import annotations

import contextlib
import functools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Float, bindparam, cast, func, or_, select

from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_DATABASE_NOW = Prepared(select(cast(func.extract("epoch", func.clock_timestamp()), Float)))


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant of the clock of a store, in seconds within an `era`; a `steady` clock is set by nobody."""

    s: float
    era: str
    steady: bool

    def stands(self, beat_s: float, lease_s: float, era: str) -> bool:
        """Whether a beat counts now. One that lies further ahead than its lease is long was told by a clock that was set back.

        >>> now = Moment(100.0, "boot", steady=True)
        >>> now.stands(90.0, 15.0, "boot"), now.stands(80.0, 15.0, "boot"), now.stands(900.0, 15.0, "boot"), now.stands(90.0, 15.0, "later")
        (True, False, False, False)
        """
        return era == self.era and abs(self.s - beat_s) <= lease_s


class LeaseClock:
    """What leases are measured by."""

    def machine_s(self) -> float:
        """Seconds on the clock of this machine, which nobody can set."""
        return machine_s()

    def now(self, tx: Tx) -> Moment:
        """The present moment for all who share the store."""
        if tx.in_file:
            return Moment(self.machine_s(), boot(), steady=True)
        return Moment(float(tx.fetch(_DATABASE_NOW)[0][0]), "database", steady=False)


class Watch:
    """For how long this process has seen leases without a new beat, by the clock of its machine."""

    def __init__(self, clock: LeaseClock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[Any, float]] = {}

    def still_s(self, lease: str, beat: Any) -> float:
        """Seconds since `beat` was first seen as the last one of a lease."""
        now_s = self._clock.machine_s()
        known, since_s = self._seen.get(lease, (None, 0.0))
        if known == beat:
            return now_s - since_s
        self._seen[lease] = beat, now_s
        return 0.0

    def only(self, leases: set[str]) -> None:
        """Forget the leases that are no more."""
        for gone in self._seen.keys() - leases:
            self._seen.pop(gone, None)


def machine_s() -> float:
    """Seconds since this machine started, asleep or awake; nobody can set it."""
    return time.clock_gettime(_CLOCK)


@functools.cache
def boot() -> str:
    """The name of this start of the machine."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def silent(row: Any) -> ColumnElement[bool]:
    """In SQL, whether the last beat of a row (its columns `era`, `beat_s`, `lease_s`) stands no more; the query is given `at(moment)`."""
    now_s = bindparam("lease_now_s", type_=Float)
    return or_(row.era != bindparam("lease_era"), row.beat_s < now_s - row.lease_s, row.beat_s > now_s + row.lease_s)


def at(now: Moment) -> dict[str, Any]:
    """What a query with `silent` is to be given."""
    return {"lease_now_s": now.s, "lease_era": now.era}
