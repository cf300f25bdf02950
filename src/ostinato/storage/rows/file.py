"""A SQLite database as a file: copied while it is written to, checked, and read without knowing its tables."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

from ostinato.storage import disk

_MAGIC = b"SQLite format 3\x00"
_STEP_PAGES = 2000
_FETCH = 1000


def is_database(path: Path) -> bool:
    """Whether the file is a SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def copy(source: Path, target: Path) -> None:
    """Put a copy of the database as of this instant into the new file `target`, flushed to disk; writers are not held up.

    The copy is made inside a read transaction of its own: without one, SQLite starts again whenever another process commits.

    Raises:
        Exhausted: the disk of `target` is full.
        Unavailable: a disk refuses to read or write.
    """
    with _connected(source) as database, _connected(target, "rwc") as copied:
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        database.backup(copied, pages=_STEP_PAGES)
        database.execute("ROLLBACK")
    with target.open("rb") as file:
        os.fsync(file.fileno())


def problems(path: Path) -> list[str]:
    """What SQLite's own check of the file finds; empty if it is sound."""
    try:
        with _connected(path) as database:
            found = [str(row[0]) for row in database.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def revision(path: Path) -> int | None:
    """The revision of the schema of a store's database; None if it states none."""
    with _connected(path) as database:
        try:
            found = database.execute("SELECT max(revision) FROM store_revision").fetchone()
        except sqlite3.OperationalError:
            return None
        return None if found[0] is None else int(found[0])


def cells(path: Path, but: Collection[str] = ()) -> Iterator[bytes]:
    """Every text and every byte string in any row of any table `but` those, as of one instant."""
    with _connected(path) as database:
        database.execute("BEGIN")
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in set(tables) - set(but):
            cursor = database.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608 — a name that the database gave
            while rows := cursor.fetchmany(_FETCH):
                for row in rows:
                    for cell in row:
                        if isinstance(cell, str):
                            yield cell.encode("utf-8", "surrogatepass")
                        elif isinstance(cell, bytes):
                            yield cell


def texts(path: Path, table: str, *names: str) -> Iterator[tuple[str, ...]]:
    """The texts of some columns of every row; nothing if there is no such table."""
    with _connected(path) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone():
            query = f"SELECT {', '.join(map(_quoted, names))} FROM {_quoted(table)}"  # noqa: S608 — names of ours
            for row in database.execute(query):
                yield tuple(map(str, row))


def column(path: Path, table: str, name: str) -> Iterator[str]:
    """The texts in one column, each once; nothing if there is no such table or column."""
    with _connected(path) as database:
        if any(row[1] == name for row in database.execute(f"PRAGMA table_info({_quoted(table)})")):
            query = f"SELECT DISTINCT {_quoted(name)} FROM {_quoted(table)} WHERE {_quoted(name)} != ''"  # noqa: S608 — names of ours
            for row in database.execute(query):
                yield str(row[0])


@contextlib.contextmanager
def _connected(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30.0)
    try:
        yield database
    except sqlite3.OperationalError as error:
        if (told := disk.told(error, path.parent)) is error:
            raise
        raise told from error
    finally:
        database.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
