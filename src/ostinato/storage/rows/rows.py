"""Rows: the seam to the metadata database, and the column types that every slice's tables use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import BigInteger, Connection, Executable, MetaData, Row, Table, Text, TypeDecorator
from sqlalchemy.engine import CursorResult, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex

from ostinato.kernel.instant import instant_of, micros_of
from ostinato.storage.rows.prepared import Prepared

T = TypeVar("T")

metadata = MetaData()
"""Every slice's `store.py` declares its tables on this one."""


BLOB = {"blob": "digest"}
"""`info` of a column whose cells are digests of blobs (or empty): how `ostinato doctor` knows what must be there."""

PACKED = {"blob": "packed"}
"""`info` of a column whose cells are JSON trees in which `{"$table": digest}`, with any name after the `$`, stands for a blob."""


@compiles(CreateIndex, "postgresql")
def _create_index(create: CreateIndex, compiler: Any, **how: Any) -> str:
    """A partial index says `sqlite_where` for both: naming PostgreSQL where tables are declared would load its dialect in every process."""
    told = create.element.dialect_options
    told["postgresql"]["where"] = told["sqlite"]["where"]
    return compiler.visit_create_index(create, **how)  # type: ignore[no-any-return]


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970 in a 64-bit integer.

    What is read has a processor of its own: by `process_result_value` each cell would be wrapped twice.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else micros_of(value.astimezone(UTC))

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        return _instant


class Json(TypeDecorator[Any]):
    """A JSON value kept as text with sorted keys; NaN and infinities are written as JavaScript does."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else _to_json(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        return _read


def _instant(value: int | None) -> datetime | None:
    return None if value is None else instant_of(value)


def _read(value: str | None) -> Any:
    return None if value is None else _from_json(value)


_to_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_read_json = msgspec.json.Decoder().decode


def _from_json(text: str) -> Any:
    try:
        return _read_json(text)  # a seventh of the time
    except msgspec.MsgspecError:
        return json.loads(text)  # NaN, infinities and lone surrogates, which JSON proper lacks


class Tx:
    """What a change or a query sees of the database: statements, never commit or rollback."""

    __slots__ = ("_connection", "_driver")

    def __init__(self, connection: Connection, driver: Any = None) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection if driver is None else driver

    @property
    def in_file(self) -> bool:
        """Whether the database is a file of this machine, so that all who use it are here."""
        return self._connection.dialect.name == "sqlite"

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run a statement; with a sequence of parameters, once for each."""
        return self._connection.execute(statement, parameters)

    def run(self, prepared: Prepared, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] = MappingProxyType({})) -> int:
        """Run a prepared statement; with a sequence of rows, once for each. Returns how many rows of the database it changed."""
        dialect = self._connection.dialect
        form = prepared.form(dialect)
        try:
            if isinstance(rows, Mapping):
                return int(self._driver.execute(form.sql, form.values(rows)).rowcount)
            cursor = self._driver.cursor()
            cursor.executemany(form.sql, [form.values(row) for row in rows])
            return int(cursor.rowcount)
        except dialect.loaded_dbapi.Error as error:
            raise _as_executed(error, form.sql, dialect) from error

    def fetch(self, prepared: Prepared, row: Mapping[str, Any] = MappingProxyType({})) -> list[tuple[Any, ...]]:
        """The rows that a prepared query finds, or a change returns, as tuples of values in the order of its columns."""
        dialect = self._connection.dialect
        form = prepared.form(dialect)
        try:
            return form.results(self._driver.execute(form.sql, form.values(row)).fetchall())
        except dialect.loaded_dbapi.Error as error:
            raise _as_executed(error, form.sql, dialect) from error

    def stream(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Iterator[Row[Any]]:
        """The rows of a query one after another, a thousand in memory at a time; only while the transaction lasts."""
        with self._connection.execute(statement, parameters, execution_options={"stream_results": True, "yield_per": 1000}) as rows:
            yield from rows  # who stops before the end leaves no cursor open

    def insert_missing(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert the row unless one with the same unique key is there; whether it was inserted."""
        key = (table, *row)
        if (prepared := _missing.get(key)) is None:
            prepared = _missing[key] = Prepared(table.insert(), tuple(row), missing=True)
        return self.run(prepared, row) > 0

    def all(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return self._connection.execute(statement, parameters).all()

    def first(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, or None."""
        return self._connection.execute(statement, parameters).first()


_missing: dict[tuple[Any, ...], Prepared] = {}


def _as_executed(error: Exception, sql: str, dialect: Dialect) -> Exception:
    """The error of a driver in SQLAlchemy's words, as `Tx.execute` would raise it."""
    return DBAPIError.instance(sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect)


class Rows(Protocol):
    """A transactional store of rows. A change is durable when `write` returns; when it raises, nothing of it has happened.

    The changes of all threads and processes follow one another: what a change reads stays as it is until the change is done.
    """

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run `query` on one consistent snapshot."""
        ...

    def write(self, change: Callable[[Tx], T]) -> T:
        """Run `change` in a transaction and return its result once that is durable.

        `change` must have no effect beyond its statements: it may run more than once. An exception that it raises
        undoes it, and it alone, and is raised here.

        Raises:
            Unavailable: the store is closing, overloaded or out of reach. Only if it says that it is unknown, the change may be stored.
            Exhausted: the disk is full; nothing was written.
            Invalid: a value does not fit into the database.
        """
        ...

    def create(self, tables: MetaData) -> None:
        """Make the tables that are missing, and migrate those of an older Ostinato; a store of a newer one is refused."""
        ...

    def close(self) -> None:
        """Finish what was accepted, then let go of the database."""
        ...
