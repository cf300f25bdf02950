"""Snapshots: connections to read by, each of one instant, kept open for the next reader."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ostinato.kernel.errors import Unavailable
from ostinato.storage.rows.rows import Tx

T = TypeVar("T")

_SEATS = 16
_WAIT_S = 30.0


class Snapshots:
    """At most sixteen readers at a time, each in a transaction that `begin` opens and that writes nothing.

    `execute` runs a plain statement on the driver's connection; `told` is what a caller is told of an error of the driver.
    A connection that was lost since it was last used is replaced.
    """

    def __init__(self, engine: Engine, begin: str, execute: Callable[[Any, str], object], told: Callable[[Exception], Exception]) -> None:
        self._engine = engine
        self._begin = begin
        self._execute = execute
        self._told = told
        self._idle: deque[Connection] = deque()
        self._seats = threading.Semaphore(_SEATS)
        self._closed = False

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run `query` on one snapshot."""
        if not self._seats.acquire(timeout=_WAIT_S):
            raise Unavailable("too many reads are waiting", hint="try again in a moment")
        try:
            connection, driver = self._begun()
            try:
                return query(Tx(connection, driver))
            finally:
                self._end(connection, driver)
        except Exception as error:
            if (told := self._told(error)) is error:
                raise
            raise told from error
        finally:
            self._seats.release()

    def close(self) -> None:
        """Let go of the connections; of those in use when their readers are done."""
        self._closed = True
        while self._idle:
            _discard(self._idle.pop())

    def _begun(self) -> tuple[Connection, Any]:
        if self._closed:
            raise Unavailable("the store is closed")
        while True:
            fresh = not self._idle
            try:
                connection = self._engine.connect() if fresh else self._idle.pop()
            except IndexError:
                continue  # another reader was faster
            driver = connection.connection.driver_connection
            try:
                self._execute(driver, self._begin)
            except Exception:
                _discard(connection)
                if fresh:
                    raise
            else:
                return connection, driver

    def _end(self, connection: Connection, driver: Any) -> None:
        try:
            self._execute(driver, "COMMIT")
        except Exception:
            _discard(connection)
        else:
            self._idle.append(connection)
            if self._closed:
                self.close()


def _discard(connection: Connection) -> None:
    with contextlib.suppress(SQLAlchemyError):
        connection.invalidate()
        connection.close()
