"""Sqlite: rows in one file, many readers, one group-committing writer per process, fair between processes."""

from __future__ import annotations

import contextlib
import contextvars
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, MetaData, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from ostinato.kernel.errors import Conflict, Corrupt, Unavailable
from ostinato.storage.rows.rows import Tx

T = TypeVar("T")
REVISION = 1
"""Revision of the schema that this code writes; a store with a higher one is refused."""

_GROUP_MAX = 128
_QUEUE_MAX = 4096
_LINGER_MAX_S = 0.002


class Sqlite:
    """A SQLite file in WAL mode with synchronous=FULL.

    Changes of all threads go through one writer thread, which commits as many as are waiting in one transaction, each
    in its own savepoint: one flush to disk serves the group. Processes on the same file take turns by two file locks,
    which a dead process cannot hold. Network file systems are not supported.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(
            f"sqlite:///{self._path}",
            connect_args={"isolation_level": None, "check_same_thread": False, "timeout": 30.0},
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=16,
        )
        event.listen(self._engine, "connect", _prepare)
        self._queue: queue.Queue[_Change | None] = queue.Queue(_QUEUE_MAX)
        self._turnstile = _Turnstile(self._path)
        self._commit_s = 0.0
        self._closed = False
        self._stopped = threading.Event()
        self._writer = threading.Thread(target=self._write_groups, name="ostinato-rows", daemon=True)
        self._writer.start()

    def read(self, query: Callable[[Tx], T]) -> T:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                return query(Tx(connection))
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def write(self, change: Callable[[Tx], T]) -> T:
        if self._closed:
            raise Unavailable("the store is closing")
        if threading.current_thread() is self._writer:
            raise Conflict("a write inside a write would wait for itself", hint="use the Tx that the change was given")
        waiting = _Change(change)
        try:
            self._queue.put(waiting, timeout=10)
        except queue.Full:
            raise Unavailable("too many writes are waiting") from None
        if self._stopped.is_set():
            self._refuse_waiting()
        return waiting.done.result()  # type: ignore[no-any-return]

    def create(self, tables: MetaData) -> None:
        with self._turnstile.turn(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS store_revision (revision INTEGER NOT NULL)")
            found = connection.execute(text("SELECT max(revision) FROM store_revision")).scalar()
            if found is not None and found > REVISION:
                connection.exec_driver_sql("ROLLBACK")
                raise Unavailable(
                    f"the store has revision {found}, this Ostinato knows {REVISION}",
                    hint="upgrade Ostinato, or open a copy from a backup",
                )
            tables.create_all(connection)
            if found is None:
                connection.execute(text("INSERT INTO store_revision VALUES (:r)"), {"r": REVISION})
            connection.exec_driver_sql("COMMIT")

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._writer.join(timeout=30)
            self._engine.dispose()
            self._turnstile.close()

    def _write_groups(self) -> None:
        connection: Connection | None = None
        while (group := self._next_group()) is not None:
            try:
                with self._turnstile.turn():
                    connection = connection or self._engine.connect()
                    while group:
                        group = self._commit(connection, group)
            except BaseException as error:  # the writer must outlive any failure: every caller gets an answer
                for change in group:
                    change.fail(error)
                _close(connection)
                connection = None
        _close(connection)
        self._stopped.set()
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        """Answer what came too late; whoever queues after `_stopped` calls this too, so that nobody waits for ever."""
        with contextlib.suppress(queue.Empty):
            while True:
                late = self._queue.get_nowait()
                if late is not None:
                    late.fail(Unavailable("the store is closing"))

    def _next_group(self) -> list[_Change] | None:
        first = self._queue.get()
        if first is None:
            return None
        if self._commit_s > 0.001 and not self._queue.empty():
            time.sleep(min(self._commit_s * 0.15, _LINGER_MAX_S))
        group = [first]
        while len(group) < _GROUP_MAX:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            group.append(following)
        return group

    def _commit(self, connection: Connection, group: list[_Change]) -> list[_Change]:
        """Commit a group; returns the changes that must run again because one of them broke the transaction."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        done: list[tuple[_Change, Any]] = []
        for position, change in enumerate(group):
            connection.exec_driver_sql("SAVEPOINT change")
            try:
                result = change.run(Tx(connection))
                if not _in_transaction(connection):
                    raise Conflict("the change ended the transaction")
            except BaseException as error:
                change.fail(error)
                if not _in_transaction(connection):
                    return [c for c, _ in done] + group[position + 1 :]
                connection.exec_driver_sql("ROLLBACK TO change")
            else:
                done.append((change, result))
            connection.exec_driver_sql("RELEASE change")
        started = time.perf_counter()
        try:
            connection.exec_driver_sql("COMMIT")
        except DBAPIError as error:
            with contextlib.suppress(DBAPIError):
                connection.exec_driver_sql("ROLLBACK")
            for change, _ in done:
                change.fail(Unavailable("the commit failed", hint=str(error.orig)))
            return []
        self._commit_s = time.perf_counter() - started
        for change, result in done:
            change.done.set_result(result)
        return []


class _Change:
    """A change that waits to be committed, and the future of its result. It runs in the context of who asked for it."""

    __slots__ = ("done", "run")

    def __init__(self, run: Callable[[Tx], Any]) -> None:
        context = contextvars.copy_context()
        self.run: Callable[[Tx], Any] = lambda tx: context.run(run, tx)
        self.done: Future[Any] = Future()

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            broken = isinstance(error, DBAPIError) and "malformed" in str(error)
            self.done.set_exception(Corrupt("the database file is damaged", hint="restore a backup") if broken else error)


class _Turnstile:
    """Two file locks that hand the writer's seat round between processes in order of arrival."""

    def __init__(self, path: Path) -> None:
        self._next = os.open(f"{path}.next", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._main = os.open(f"{path}.main", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._threads = threading.Lock()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        with self._threads:
            fcntl.flock(self._next, fcntl.LOCK_EX)
            fcntl.flock(self._main, fcntl.LOCK_EX)
            fcntl.flock(self._next, fcntl.LOCK_UN)
            try:
                yield
            finally:
                fcntl.flock(self._main, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._next)
        os.close(self._main)


def _close(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(DBAPIError):
            connection.close()


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000", "mmap_size=268435456"):
        connection.execute(f"PRAGMA {pragma}")


def _in_transaction(connection: Connection) -> bool:
    driver = connection.connection.driver_connection
    return bool(driver is not None and driver.in_transaction)
