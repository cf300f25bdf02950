"""Rows: the seam to the metadata database, and the column types that every slice's tables use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import BigInteger, Connection, Executable, MetaData, Row, Table, Text, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult, Dialect

from ostinato.kernel.instant import instant_of, micros_of

T = TypeVar("T")

metadata = MetaData()
"""Every slice's `store.py` declares its tables on this one."""


BLOB = {"blob": "digest"}
"""`info` of a column whose cells are digests of blobs (or empty): how `ostinato doctor` knows what must be there."""

PACKED = {"blob": "packed"}
"""`info` of a column whose cells are JSON trees in which `{"$table": digest}`, with any name after the `$`, stands for a blob."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970 in a 64-bit integer."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else micros_of(value.astimezone(UTC))

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else instant_of(value)


class Json(TypeDecorator[Any]):
    """A JSON value kept as text with sorted keys; NaN and infinities are written as JavaScript does."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


class Tx:
    """What a change or a query sees of the database: statements, never commit or rollback."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run a statement; with a sequence of parameters, once for each."""
        return self._connection.execute(statement, parameters)

    def insert_missing(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert the row unless one with the same unique key is there; whether it was inserted."""
        if self._connection.dialect.name == "sqlite":
            return self._connection.execute(sqlite.insert(table).values(row).on_conflict_do_nothing()).rowcount > 0
        return self._connection.execute(postgresql.insert(table).values(row).on_conflict_do_nothing()).rowcount > 0

    def all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return self._connection.execute(statement, parameters).all()

    def first(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, or None."""
        return self._connection.execute(statement, parameters).first()


class Rows(Protocol):
    """A transactional store of rows. A change is durable when `write` returns, or nothing of it has happened."""

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run `query` on one consistent snapshot."""
        ...

    def write(self, change: Callable[[Tx], T]) -> T:
        """Run `change` in a transaction and return its result once that is durable.

        `change` must have no effect beyond its statements: it may run more than once. An exception that it raises
        undoes it, and it alone, and is raised here.

        Raises:
            Unavailable: the writer is closing, overloaded or out of reach; nothing was written.
        """
        ...

    def create(self, tables: MetaData) -> None:
        """Make the tables that are missing; refuses a store made by a newer Ostinato."""
        ...

    def close(self) -> None:
        """Finish what was accepted, then let go of the database."""
        ...
