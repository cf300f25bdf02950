"""Sqlite: rows in one file, many readers, one group-committing writer per process, fair between processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError, StatementError

from ostinato.kernel.errors import Corrupt, Exhausted, Invalid, Unavailable
from ostinato.storage.rows.group import Group
from ostinato.storage.rows.place import refuse_network
from ostinato.storage.rows.rows import Tx
from ostinato.storage.rows.schema import bring, latest
from ostinato.storage.rows.snapshots import Snapshots
from ostinato.storage.rows.turnstile import Turnstile

T = TypeVar("T")
REVISION = latest()
"""Revision of the schema that this code writes; a store with a higher one is refused."""

_PATIENCE = "busy_timeout=10000"
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", _PATIENCE)
"""No `mmap_size`: after every commit each reader would map the file anew, which costs more than it reads."""
_WRITER = (
    "cache_size=-65536",  # KiB: pages of the indexes that a group changes are not written out before its commit
    "wal_autocheckpoint=4000",  # pages: what is changed again and again goes into the file a quarter as often
)


class Sqlite:
    """A SQLite file in WAL mode with synchronous=FULL.

    Changes of all threads go through one writer, which commits as many as are waiting in one transaction: one flush to disk
    serves the group. Processes on the same file take turns by two file locks, which a dead process cannot hold.

    Raises:
        Unavailable: the file lies on a network file system, where neither locks nor flushes can be trusted.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        refuse_network(self._path.parent)
        self._engine = create_engine(
            f"sqlite:///{self._path}",
            connect_args={"isolation_level": None, "check_same_thread": False, "cached_statements": 512},
            poolclass=NullPool,
            hide_parameters=True,
        )
        event.listen(self._engine, "connect", _prepare)
        self._turnstile = Turnstile(self._path)
        self._snapshots = Snapshots(self._engine, "BEGIN", sqlite3.Connection.execute, self._told)
        self._group = Group(_Session(self._engine, self._turnstile, self._told))

    def read(self, query: Callable[[Tx], T]) -> T:
        return self._snapshots.read(query)

    def write(self, change: Callable[[Tx], T]) -> T:
        return self._group.write(change)

    def create(self, tables: MetaData) -> None:
        bring(self, tables)

    def close(self) -> None:
        self._group.close()
        self._snapshots.close()
        self._turnstile.close()

    def _told(self, error: Exception) -> Exception:
        """What a caller is told of an error: what is wrong with the file, the disk or the value, or the error as it is."""
        cause = error.orig if isinstance(error, StatementError) else error
        if isinstance(cause, OverflowError | UnicodeEncodeError):
            return Invalid("a value does not fit into the database", hint="integers have 64 bits, texts are of Unicode characters")
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return Exhausted("the disk is full; nothing was written", hint=f"free some space for {self._path.parent}; reading goes on")
        undecodable = isinstance(cause, UnicodeDecodeError) or "decode to UTF-8" in str(cause)  # texts are of Unicode when they are written
        if undecodable or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return Corrupt(f"the database file is damaged: {cause}", hint="ostinato doctor says more; else restore a backup")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return Unavailable("another program holds the database file", hint=f"close what else has {self._path} open; try again")
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
            return Unavailable(f"the database file is out of reach: {cause}", hint=f"look at the disk and the owner of {self._path}")
        return error


class _Session:
    """The connection of the writer."""

    def __init__(self, engine: Engine, turnstile: Turnstile, told: Callable[[Exception], Exception]) -> None:
        self._engine = engine
        self._turnstile = turnstile
        self.told = told
        self._connection: Connection | None = None
        self._driver: Any = None
        self._seated = False

    def free(self) -> bool:
        self._seated = self._turnstile.free()
        return self._seated

    def begin(self) -> Tx:
        if not self._seated:
            self._turnstile.enter()
            self._seated = True
        if self._connection is None:
            self._connect()
        self._driver.execute("BEGIN IMMEDIATE")
        assert self._connection is not None
        return Tx(self._connection, self._driver)

    def _connect(self) -> None:
        """Open the connection, on a log that holds nothing in doubt.

        A commit that could not be flushed left frames in the log: the cache of the system shows them, the disk may not have them,
        and no later flush writes them (Rebello et al., ATC 2020). A process that opens the store anew would take them for
        committed and append behind them, all of which a failure of power would lose. So what the log holds goes into the
        file first, flushed, and the log begins anew.
        """
        self._connection = self._engine.connect()
        self._driver = self._connection.connection.driver_connection
        for pragma in ("busy_timeout=0", "wal_checkpoint(TRUNCATE)", *_WRITER, _PATIENCE):
            try:
                self._driver.execute(f"PRAGMA {pragma}")
            except sqlite3.Error as error:
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
                    self.close()
                    raise

    def execute(self, sql: str) -> None:
        self._driver.execute(sql)

    def intact(self) -> bool:
        return bool(self._driver.in_transaction)

    def commit(self) -> None:
        try:
            self._driver.execute("COMMIT")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
                self.close()  # the next change opens it anew, or is refused
                raise _unknown() from error
            raise
        self._leave()

    def rollback(self) -> None:
        try:
            if self._driver is not None and self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()
        finally:
            self._leave()

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError, sqlite3.Error):
                self._connection.close()
        self._connection = self._driver = None

    def _leave(self) -> None:
        if self._seated:
            self._seated = False
            self._turnstile.leave()


def _unknown() -> Unavailable:
    return Unavailable(
        "the disk refused a commit: whether that write is stored is unknown", hint="look at the disk, then repeat the request"
    )


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
