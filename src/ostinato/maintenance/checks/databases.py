"""The databases: sound, in reach, of a revision that this program knows, and not ahead of the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from ostinato.kernel.errors import OstinatoError
from ostinato.ledger.overview import newest_at
from ostinato.maintenance.checks.check import CheckedStore, Fault, problem, warning
from ostinato.maintenance.database import revision
from ostinato.maintenance.files import DATABASE, kept
from ostinato.storage.disk import locked
from ostinato.storage.rows import file
from ostinato.storage.rows.sqlite import REVISION

_WAL_MAX = 256 << 20
_SEAT_S = 3.0
_IDLE = timedelta(minutes=1)
_AHEAD = timedelta(minutes=5)
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)


def rows(checked: CheckedStore) -> Iterator[Fault]:
    """The database of the rows is sound and in reach. Without it, nothing else can be looked at that is in it."""
    if checked.settings.database_url:
        try:
            checked.rows.read(lambda tx: tx.all(text("SELECT 1")))
        except OstinatoError as error:
            yield problem(error.message, error.hint)
            return
    elif found := file.problems(checked.data / DATABASE):
        yield problem(f"{DATABASE} is damaged: {found[0]}", "ostinato restore a backup into a new folder")
        return
    found_revision = checked.rows.read(revision)
    if found_revision is None:
        mend = "it is not a store, or its making was interrupted: open it once, or restore a backup"
        yield problem("the database states no revision", mend)
    elif found_revision > REVISION:
        yield problem(f"the store has revision {found_revision}, this Ostinato knows {REVISION}", "upgrade Ostinato")
    elif found_revision < REVISION:
        mend = "make a backup; then open the store with any command, and it is migrated"
        yield warning(f"the store has revision {found_revision}; this Ostinato will migrate it to {REVISION}", mend)


def other_databases(checked: CheckedStore) -> Iterator[Fault]:
    """The databases beside that of the rows are sound, and their logs do not grow without end."""
    for log in checked.data.glob("*.db-wal"):
        if log.stat().st_size > _WAL_MAX:
            mend = "some program has had the database open for reading for very long: end it"
            yield warning(f"{log.name} has grown to {log.stat().st_size >> 20} MiB", mend)
    for path in kept(checked.data):
        if path.name == DATABASE or not (path.suffix == ".db" or file.is_database(path)):
            continue
        if found := file.problems(path):
            mend = f"restore a backup, or remove {path.name} and materialise the feature views again"
            yield problem(f"{path.name} is damaged: {found[0]}", mend)


def writer(checked: CheckedStore) -> Iterator[Fault]:
    """Nobody keeps the turn to write to himself."""
    if checked.settings.database_url:
        for row in checked.rows.read(lambda tx: tx.all(_HOLDERS, {"idle_s": _IDLE.total_seconds()})):
            pid, seconds = tuple(row)
            mend = f"look what it is; SELECT pg_terminate_backend({pid}) ends it, and its turn"
            yield problem(f"the session {pid} of PostgreSQL has had the turn to write for {seconds:.0f} s", mend)
        return
    seat = checked.data / f"{DATABASE}.main"
    if not _free_within(seat, _SEAT_S):
        who = " and ".join(str(pid) for pid in _holders(seat)) or "some process"
        yield problem(
            f"the process {who} keeps the turn to write",
            "it is stopped or hangs: continue it (kill -CONT) or end it; its turn ends with it",
        )


def clock(checked: CheckedStore) -> Iterator[Fault]:
    """The clock of this machine stands after all that happened."""
    now = datetime.now(UTC)
    if now < _BUILT:
        yield problem(f"the clock of this machine says {now:%Y-%m-%d}", "set it: leases do not need it, but events and schedules do")
    found = checked.rows.read(newest_at)
    if found is not None and not (checked.data / "clock").exists() and found > now + _AHEAD:  # by a replay clock, anything goes
        mend = "set the clock (a time server keeps it right); new events are told apart by their order until it has caught up"
        yield problem(f"the last event is of {found:%Y-%m-%d %H:%M}, and the clock says {now:%Y-%m-%d %H:%M}: it went back", mend)


_HOLDERS = text(
    "SELECT a.pid, extract(epoch FROM clock_timestamp() - a.xact_start) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'ostinato' AND a.xact_start IS NOT NULL "
    "AND extract(epoch FROM clock_timestamp() - a.xact_start) > :idle_s"
)


def _free_within(seat: Path, wait_s: float) -> bool:
    """Whether the lock was free at some moment; those who work hold it for some milliseconds at a time."""
    until = time.monotonic() + wait_s
    while locked(seat):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _holders(path: Path) -> list[int]:
    """The processes that hold a lock of the file, as Linux tells."""
    inode = f":{path.stat().st_ino}"
    try:
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return []
    return sorted({int(words[4]) for words in lines if len(words) > 5 and words[1] == "FLOCK" and words[5].endswith(inode)} - {os.getpid()})
