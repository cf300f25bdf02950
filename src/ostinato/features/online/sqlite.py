"""sqlite: the online store in a file of its own."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ostinato.features.events import LANES, NEVER, Events, Floats, Ints, pieces
from ostinato.storage import disk

_PIECE = 256
_SCHEMA = """
CREATE TABLE IF NOT EXISTS view (id INTEGER PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, newest INTEGER, UNIQUE (project, name));
CREATE TABLE IF NOT EXISTS loaded (view INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (view, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chunk (
    view INTEGER NOT NULL, entity TEXT NOT NULL, start INTEGER NOT NULL, before BLOB NOT NULL, events BLOB NOT NULL,
    UNIQUE (view, entity, start)
);
"""
_AT = "SELECT start, before, events FROM chunk WHERE view = ? AND entity = ? AND start <= ? ORDER BY start DESC LIMIT 1"
_FIRST = "SELECT start, before, events FROM chunk WHERE view = ? AND entity = ? ORDER BY start LIMIT 1"
_NEXT = "SELECT min(start) FROM chunk WHERE view = ? AND entity = ? AND start > ?"
_LATER = "SELECT start, before FROM chunk WHERE view = ? AND entity = ? AND start > ?"
_SHIFT = "UPDATE chunk SET before = ? WHERE view = ? AND entity = ? AND start = ?"
_DROP = "DELETE FROM chunk WHERE view = ? AND entity = ? AND start = ?"
_ADD = "INSERT INTO chunk VALUES (?, ?, ?, ?, ?)"
_NEWEST = "UPDATE view SET newest = ? WHERE id = ? AND (newest IS NULL OR newest < ?)"


class Sqlite:
    """One file in WAL mode, shared by all processes of a machine; what is added is on disk before `add` returns.

    The events of an entity are cut into chunks of about 256, ordered by time. Each keeps the sums over all earlier chunks,
    so a lookup reads the chunk at either end of a window, and events that come in order rewrite the last chunk alone.
    """

    def __init__(self, path: str) -> None:
        self._open = _Connections(Path(path))

    def add(self, project: str, view: str, columns: int, batch: Mapping[str, Events], part: str | None = None) -> int:
        """Add the events of entities, each in order; those that are there already are replaced. Returns how many are new.

        With `part`, the batch is the whole of that part, which `loaded` will name.
        """
        with self._open.writing() as database:
            key = _view(database, project, view)
            added = sum(_merge(database, key, entity, columns, events) for entity, events in batch.items())
            newest = max((int(events.times[-1]) for events in batch.values()), default=None)
            if newest is not None:
                database.execute(_NEWEST, (newest, key, newest))
            if part is not None:
                database.execute("INSERT OR IGNORE INTO loaded VALUES (?, ?)", (key, part))
            return added

    def loaded(self, project: str, view: str) -> set[str]:
        """The parts that were added whole."""
        sql = "SELECT digest FROM loaded JOIN view ON view.id = loaded.view WHERE project = ? AND name = ?"
        with self._open.reading() as database:
            return {row[0] for row in database.execute(sql, (project, view))}

    def newest(self, project: str) -> dict[str, int]:
        """The greatest instant that was added to each view, in microseconds since 1970."""
        with self._open.reading() as database:
            found = database.execute("SELECT name, newest FROM view WHERE project = ? AND newest IS NOT NULL", (project,))
            return dict(found.fetchall())

    def look_up(
        self,
        project: str,
        view: str,
        columns: int,
        asked: Sequence[tuple[str, int]],
        windows: Sequence[int | None],
        last: Sequence[int] = (),
    ) -> tuple[list[Ints], Floats, Ints]:
        """For each window (None: all of the past) the sums of lanes by question, an entity and an instant.

        Also the last value of the columns listed in `last`, and its time: `NEVER`, or before the widest window, where that has none.
        """
        sums = [np.zeros((len(asked), 1 + LANES * columns), np.int64) for _ in windows]
        values, times = np.zeros((len(asked), columns)), np.full((len(asked), columns), NEVER)
        widest = None if None in windows else max((w for w in windows if w is not None), default=0)
        with self._open.reading() as database:
            row = database.execute("SELECT id FROM view WHERE project = ? AND name = ?", (project, view)).fetchone()
            for place, (entity, at) in enumerate(asked if row else ()):
                past = _Past(database, row[0], entity, columns)
                until = past.sums(at)
                for window, found in zip(windows, sums, strict=True):
                    found[place] = until if window is None else until - past.sums(at - window)
                for column in last:
                    values[place, column], times[place, column] = past.last(column, at, NEVER if widest is None else at - widest)
        return sums, values, times

    def close(self) -> None:
        """Close the file."""
        self._open.close()


class _Connections:
    """One connection for writing, and as many as read at the same time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        with self._translating_errors():
            self._writer = self._connect()
            self._writer.executescript(_SCHEMA)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._translating_errors():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = self._connect()
        reader.execute("BEGIN")
        try:
            yield reader
        finally:
            reader.execute("ROLLBACK")
            self._idle.append(reader)

    def close(self) -> None:
        with self._lock:
            self._writer.close()
            while self._idle:
                self._idle.pop().close()

    @contextlib.contextmanager
    def _translating_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if (told := disk.told(error, self._path.parent)) is error:
                raise
            raise told from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30.0)
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "mmap_size=268435456"):
            connection.execute(f"PRAGMA {pragma}")
        return connection


class _Past:
    """The past of one entity, whose chunks are read once."""

    def __init__(self, database: sqlite3.Connection, view: int, entity: str, columns: int) -> None:
        self._database = database
        self._key = (view, entity)
        self._columns = columns
        self._chunk: _Chunk | None = None

    def sums(self, at: int) -> Ints:
        """The sums of lanes over all events up to an instant."""
        chunk = self._chunk_at(at)
        return np.zeros(1 + LANES * self._columns, np.int64) if chunk is None else chunk.sums(at)

    def last(self, column: int, at: int, since: int) -> tuple[float, int]:
        """The last value of a column up to an instant, and its time; `NEVER` if the chunks back to `since` hold none."""
        chunk = self._chunk_at(at)
        while chunk is not None:
            times, present = chunk.events.times, chunk.events.present[column]
            filled = np.flatnonzero(present[: np.searchsorted(times, at, side="right")])
            if len(filled):
                return float(chunk.events.values[column][filled[-1]]), int(times[filled[-1]])
            chunk = self._chunk_at(chunk.start - 1) if chunk.start > since else None
        return 0.0, NEVER

    def _chunk_at(self, at: int) -> _Chunk | None:
        """The chunk in which an instant lies."""
        if self._chunk is not None and self._chunk.start <= at < self._chunk.horizon:
            return self._chunk
        row = self._database.execute(_AT, (*self._key, at)).fetchone()
        if row is None:
            return None
        found = _Chunk(row, self._columns, at + 1)
        if self._chunk is None:
            self._chunk = found
        return found


class _Chunk:
    """A stored chunk, known to hold all events of its entity from `start` until, without, `horizon`."""

    def __init__(self, row: tuple[int, bytes, bytes], columns: int, horizon: int) -> None:
        self.start = row[0]
        self.before: Ints = np.frombuffer(row[1], np.int64)
        self.events = Events.unpack(row[2], columns)
        self.horizon = max(horizon, int(self.events.times[-1]) + 1)
        self._running: Ints | None = None

    def sums(self, at: int) -> Ints:
        if self._running is None:
            self._running = np.vstack([self.before, self.before + np.cumsum(self.events.lanes(), axis=0)])
        sums: Ints = self._running[np.searchsorted(self.events.times, at, side="right")]
        return sums


def _view(database: sqlite3.Connection, project: str, name: str) -> int:
    database.execute("INSERT OR IGNORE INTO view (project, name) VALUES (?, ?)", (project, name))
    return int(database.execute("SELECT id FROM view WHERE project = ? AND name = ?", (project, name)).fetchone()[0])


def _merge(database: sqlite3.Connection, view: int, entity: str, columns: int, new: Events) -> int:
    """Put the events of one entity, in order, into their chunks; returns how many were not there."""
    key, added = (view, entity), 0
    while len(new):
        row = database.execute(_AT, (*key, int(new.times[0]))).fetchone() or database.execute(_FIRST, key).fetchone()
        following = database.execute(_NEXT, (*key, row[0])).fetchone()[0] if row else None
        end = len(new) if following is None else int(np.searchsorted(new.times, following))
        held = Events.unpack(row[2], columns) if row else Events.none(columns)
        before: Ints = np.frombuffer(row[1], np.int64) if row else np.zeros(1 + LANES * columns, np.int64)
        merged = new.take(slice(0, end)).over(held)
        if merged.pack() != held.pack():
            if row:
                database.execute(_DROP, (*key, row[0]))
            _shift(database, key, following, _write(database, key, merged, before) - held.lanes().sum(axis=0))
        added += len(merged) - len(held)
        new = new.take(slice(end, None))
    return added


def _write(database: sqlite3.Connection, key: tuple[int, str], events: Events, before: Ints) -> Ints:
    """Write events as chunks; returns the sums of their lanes."""
    lanes, running = events.lanes(), before
    for cut in pieces(events.times, _PIECE):
        database.execute(_ADD, (*key, int(events.times[cut.start]), running.tobytes(), events.take(cut).pack()))
        running = running + lanes[cut].sum(axis=0)
    return running - before


def _shift(database: sqlite3.Connection, key: tuple[int, str], following: int | None, gain: Ints) -> None:
    """Carry what a chunk has gained into the sums that the chunks after it keep."""
    if following is None or not gain.any():
        return
    for start, sums in database.execute(_LATER, (*key, following - 1)).fetchall():
        database.execute(_SHIFT, ((np.frombuffer(sums, np.int64) + gain).tobytes(), *key, start))
