"""Schema: the tables of a store and their revision; a new store is made, an older one migrated, a newer one refused."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable

from sqlalchemy import Column, Connection, Integer, MetaData, Table, func, inspect, select, text

from ostinato.kernel.errors import Conflict, Unavailable
from ostinato.storage.rows import migrations
from ostinato.storage.rows.rows import Rows, Tx

_revisions = Table("store_revision", MetaData(), Column("revision", Integer, nullable=False))
_found = select(func.max(_revisions.c.revision))
_WAIT_S = 60.0
_PATIENCE = "2s"


def latest() -> int:
    """The revision that this code reads and writes."""
    return 1 + len(_steps())


def bring(rows: Rows, tables: MetaData) -> None:
    """Make the tables that are missing, and migrate those of an older revision; writers of the same store may go on.

    Raises:
        Conflict: the store is of a newer revision; nothing was written.
        Unavailable: somebody held a table for a minute; nothing was written.
    """
    if not rows.read(lambda tx: _wanting(tx._connection, tables)):
        return None
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            return rows.write(lambda tx: _bring(tx, tables))
        except Unavailable as error:
            if time.monotonic() + error.retry_after_s > deadline:
                raise
            time.sleep(0.2)


def _wanting(connection: Connection, tables: MetaData) -> bool:
    """Whether anything is to be made or migrated."""
    present = set(inspect(connection).get_table_names())
    found = _stated(connection, present)
    if found is not None and found > latest():
        raise Conflict(
            f"the store has revision {found}, this Ostinato knows revisions up to {latest()}",
            hint="upgrade Ostinato, or open a copy from a backup of before",
        )
    return found != latest() or not present.issuperset(tables.tables)


def _bring(tx: Tx, tables: MetaData) -> None:
    connection = tx._connection
    if not _wanting(connection, tables):
        return  # another process was faster
    present = set(inspect(connection).get_table_names())
    found = _stated(connection, present)
    if found is None:
        _revisions.create(connection, checkfirst=True)
        connection.execute(_revisions.insert(), {"revision": latest()})
    elif found < latest():
        _migrate(connection, found)
        present = set(inspect(connection).get_table_names())
    missing = [table for table in tables.sorted_tables if table.name not in present]
    tables.create_all(connection, tables=missing, checkfirst=False)


def _migrate(connection: Connection, found: int) -> None:
    from alembic.migration import MigrationContext  # a third of a second, and hardly ever needed
    from alembic.operations import Operations

    if connection.dialect.name == "postgresql":  # who waits for a table keeps all others from it: give up soon, and try again
        patience = text("SELECT set_config('lock_timeout', :patience, true), set_config('statement_timeout', '0', true)")
        connection.execute(patience, {"patience": _PATIENCE})
    operations = Operations(MigrationContext.configure(connection))
    for step in _steps()[found - 1 :]:
        upgrade: Callable[[Operations], None] = importlib.import_module(f"{migrations.__name__}.{step}").upgrade
        upgrade(operations)
    connection.execute(_revisions.update(), {"revision": latest()})


def _stated(connection: Connection, present: set[str]) -> int | None:
    return connection.execute(_found).scalar() if _revisions.name in present else None


def _steps() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(migrations.__path__))
