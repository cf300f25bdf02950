"""Postgres: rows in a PostgreSQL database, shared by any number of servers; their writes take turns, group by group."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError, StatementError

from ostinato.kernel.errors import Corrupt, Exhausted, Invalid, MissingExtra, Unavailable
from ostinato.storage.rows.group import Group
from ostinato.storage.rows.rows import Tx
from ostinato.storage.rows.schema import bring
from ostinato.storage.rows.snapshots import Snapshots

T = TypeVar("T")

_LOCK = int.from_bytes(b"ostinato", "big")
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_LOCK})"  # else it may see what was before its turn
_CONNECT = {
    "application_name": "ostinato",
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_PREPARE = (
    "SET extra_float_digits = 1; SET statement_timeout = '60s'; SET lock_timeout = '20s'; "
    "SET idle_in_transaction_session_timeout = '10min'; "
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_PREPARE_WRITER = "SET idle_in_transaction_session_timeout = '20s'"

_GONE = {"57P01", "57P02", "57P03", "25P03", "25P04", "53300"}
_CLASHED = {"40001", "40P01"}
_UNFIT = {"22001", "22003", "22021", "22P05"}
_HINT = "see that PostgreSQL runs and that OSTINATO_DATABASE_URL is right; what was asked may be asked again"


class Postgres:
    """A PostgreSQL database, named by a URL such as `postgresql://user:password@host:5432/database`.

    One advisory lock, held by a group of changes from its first statement to its commit, makes the writes of all processes follow one
    another: a change sees everything that was committed before it, as on SQLite. Readers never wait.

    Raises:
        Invalid: the URL is none of a PostgreSQL database.
        MissingExtra: psycopg is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise MissingExtra.of("psycopg", "postgres") from None
        self._engine = create_engine(
            _parsed(url),
            connect_args=_CONNECT,
            isolation_level="AUTOCOMMIT",
            paramstyle="format",
            poolclass=NullPool,
            hide_parameters=True,
            use_native_hstore=False,
        )
        event.listen(self._engine, "connect", _prepare)
        self._snapshots = Snapshots(self._engine, _BEGIN_READ, _execute, _told)
        self._group = Group(_Session(self._engine))

    def read(self, query: Callable[[Tx], T]) -> T:
        return self._snapshots.read(query)

    def write(self, change: Callable[[Tx], T]) -> T:
        return self._group.write(change)

    def create(self, tables: MetaData) -> None:
        bring(self, tables)

    def close(self) -> None:
        self._group.close()
        self._snapshots.close()


class _Session:
    """The connection of the writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._driver: Any = None

    def free(self) -> bool:
        return True  # nobody waits longer for the lock than `lock_timeout`

    def begin(self) -> Tx:
        if self._connection is not None:
            try:
                return self._begun(self._connection)
            except Exception:
                if not self._driver.closed:
                    raise
                self.close()  # it was lost while nothing was written: only a new one can tell whether the database is there
        self._connection = self._engine.connect()
        self._driver = self._connection.connection.driver_connection
        _execute(self._driver, _PREPARE_WRITER)
        return self._begun(self._connection)

    def execute(self, sql: str) -> None:
        _execute(self._driver, sql)

    def intact(self) -> bool:
        return bool(self._driver.pgconn.transaction_status == _INTRANS)

    def commit(self) -> None:
        try:
            _execute(self._driver, "COMMIT")
        except Exception as error:
            if self._driver.closed:
                raise Unavailable(
                    "the connection to PostgreSQL broke during a commit: whether it was written is unknown",
                    hint="repeat the request: what is stored already is not stored twice",
                ) from error
            raise

    def rollback(self) -> None:
        if self._driver is not None:
            try:
                _execute(self._driver, "ROLLBACK")
            except Exception:
                self.close()

    def told(self, error: Exception) -> Exception:
        return _told(error)

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
        self._connection = self._driver = None

    def _begun(self, connection: Connection) -> Tx:
        _execute(self._driver, _BEGIN_WRITE)
        return Tx(connection, self._driver)


_INTRANS = 2
_FATAL = 7


def _execute(driver: Any, sql: str) -> None:
    """Run plain statements in one round trip, without what psycopg does for statements with parameters."""
    result = driver.pgconn.exec_(sql.encode())
    if result.status == _FATAL:
        import psycopg.errors

        raise psycopg.errors.error_from_result(result)


def _prepare(driver: Any, _: object) -> None:
    """What the settings of the database or its user must not decide: how exactly numbers are told, which texts fit, what a commit is."""
    encoding = driver.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        hint = "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0 makes one that holds all texts"
        raise Invalid(f"the database has the encoding {encoding}, not UTF8", hint=hint, field="database_url")
    _execute(driver, _PREPARE)


def _told(error: Exception) -> Exception:
    """What a caller is told of an error: what is wrong with the server, the connection or the value, or the error as it is."""
    cause = error.orig if isinstance(error, StatementError) else error
    if isinstance(cause, OverflowError | UnicodeEncodeError):
        return Invalid("a value does not fit into the database", hint="integers have 64 bits, texts are of Unicode characters")
    import psycopg

    if not isinstance(cause, psycopg.Error):
        return error
    state, said = cause.sqlstate or "", str(cause).partition("\n")[0]
    if state in _UNFIT or (isinstance(cause, psycopg.DataError) and not state):
        return Invalid(f"a value does not fit into the database: {said}", hint="texts are of Unicode characters without NUL")
    if state in ("53100", "53200", "53400"):
        return Exhausted(f"PostgreSQL has no room left: {said}", hint="free some space for PostgreSQL; reading goes on")
    if state in ("XX001", "XX002"):
        return Corrupt(f"the database is damaged: {said}", hint="restore a backup")
    if state == "55P03":
        return Unavailable("another server holds the turn to write; nothing was written", hint="try again; look for a stopped server")
    if state == "57014":
        return Unavailable("PostgreSQL took longer than a minute", hint="ask for less, or look at what PostgreSQL is busy with")
    if state == "25006":
        return Unavailable("this PostgreSQL server takes no writes", hint="let OSTINATO_DATABASE_URL name the primary server")
    if state in ("42501", "3F000"):
        hint = "let the user of OSTINATO_DATABASE_URL own the database, or the schema in its search_path"
        return Unavailable(f"PostgreSQL refuses: {said}", hint=hint, retry_after_s=60)  # somebody has to do something first
    if said.startswith("invalid connection option"):  # it names the option, not its value
        return Invalid(f"OSTINATO_DATABASE_URL: {said}", hint="options after ? are those of libpq", field="database_url")
    lost = isinstance(cause, psycopg.OperationalError) or type(cause) is psycopg.DatabaseError  # the latter, of libpq itself
    if state in _GONE or state in _CLASHED or state.startswith("08") or (lost and not state):
        return Unavailable(f"PostgreSQL is out of reach: {said.rpartition(': ')[2]}", hint=_HINT)  # where it is, is not for everybody
    return error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise Invalid(
            "OSTINATO_DATABASE_URL is not the URL of a PostgreSQL database",  # and is not shown: it may hold a password
            hint="postgresql://user:password@host:5432/database",
            field="database_url",
        )
    return parsed.set(drivername="postgresql+psycopg")
