"""Transfer: all rows of a database into another, of whatever kind; values go over as they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, Table, TypeDecorator, func, select, text

from ostinato.kernel.errors import Conflict, Invalid
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.rows.sqlite import Sqlite

_BATCH = 1000


def dump(rows: Rows, tables: MetaData, target: Path) -> None:
    """Put all rows as of one instant into the new SQLite file `target`; writers are not held up."""
    copied = Sqlite(target)
    try:
        copied.create(tables)
        copied.write(lambda to: rows.read(lambda source: _copy(source, to, tables)))
    finally:
        copied.close()


def load(source: Path, tables: MetaData, rows: Rows) -> None:
    """Put all rows of the SQLite file `source`, which is migrated if need be, into an empty database, in one transaction.

    If these very rows are there already, nothing is done.

    Raises:
        Conflict: there are other rows in the database.
        Invalid: a value does not fit into that kind of database.
    """
    file = Sqlite(source)
    try:
        file.create(tables)  # it may be of an older revision
        rows.create(tables)
        if (found := rows.read(lambda tx: _filled(tx, tables))) is None:
            rows.write(lambda tx: _fill(tx, file, tables))
        elif not rows.read(lambda tx: file.read(lambda given: _same(given, tx, tables))):
            raise _not_empty(found)
    finally:
        file.close()


def _fill(tx: Tx, file: Sqlite, tables: MetaData) -> None:
    if (found := _filled(tx, tables)) is not None:  # since we looked
        raise _not_empty(found)
    file.read(lambda given: _copy(given, tx, tables))
    _number(tx, tables)


def _filled(tx: Tx, tables: MetaData) -> str | None:
    """The first table that has a row."""
    return next((t.name for t in tables.sorted_tables if tx.first(select(text("1")).select_from(t).limit(1)) is not None), None)


def _not_empty(table: str) -> Conflict:
    return Conflict(f"the database is not empty: there are rows in {table}", hint="restore into a database that was made for it")


def _copy(source: Tx, target: Tx, tables: MetaData) -> None:
    for table in _bare(tables):
        for batch in _batches(source, table):
            try:
                target.execute(table.insert(), batch)
            except Invalid as error:
                raise Invalid(f"{table.name}: {error.message}", hint=error.hint) from error


def _batches(source: Tx, table: Table) -> Iterator[list[dict[str, Any]]]:
    for part in source.execute(select(table).execution_options(yield_per=_BATCH)).mappings().partitions():
        yield [dict(row) for row in part]


def _bare(tables: MetaData) -> list[Table]:
    """The tables with the types that the databases know."""
    bare = MetaData()
    for table in tables.sorted_tables:
        columns: list[Column[Any]] = [
            Column(c.name, c.type.impl_instance if isinstance(c.type, TypeDecorator) else c.type, autoincrement=False)
            for c in table.columns
        ]
        Table(table.name, bare, *columns)
    return [bare.tables[table.name] for table in tables.sorted_tables]


def _same(one: Tx, other: Tx, tables: MetaData) -> bool:
    """Whether two databases hold the same rows, whatever their order."""

    def digest(tx: Tx, table: Table) -> int:
        rows = (tuple(row.values()) for batch in _batches(tx, table) for row in batch)
        return sum(int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=16).digest()) for row in rows)

    return all(digest(one, table) == digest(other, table) for table in _bare(tables))


def _number(tx: Tx, tables: MetaData) -> None:
    """Let PostgreSQL number on from the rows that are there; SQLite does so by itself."""
    for column in [table.autoincrement_column for table in tables.sorted_tables]:
        if column is None or tx._connection.dialect.name != "postgresql":
            continue
        sequence = tx.all(text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": column.table.name, "column": column.name})
        newest = tx.all(select(func.max(column)))
        if sequence[0][0] is not None and newest[0][0] is not None:
            tx.execute(text("SELECT setval(CAST(:sequence AS regclass), :newest)"), {"sequence": sequence[0][0], "newest": newest[0][0]})
