"""Which database the settings choose for the rows."""

from __future__ import annotations

from pathlib import Path

from ostinato.kernel.errors import Conflict, Corrupt
from ostinato.kernel.settings import Settings
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import Rows
from ostinato.storage.rows.sqlite import Sqlite


def rows_of(settings: Settings) -> Rows:
    """The rows of a store: in the PostgreSQL database of `database_url`, or else in the file `ostinato.db` of its folder.

    Raises:
        Corrupt: that file is lost: the folder is that of a store already.
        Conflict: there is that file, and `database_url` names a database.
    """
    path = settings.data / "ostinato.db"
    if settings.database_url:
        if path.exists():
            hint = "unset OSTINATO_DATABASE_URL; or back up, and restore into PostgreSQL and a new folder"
            raise Conflict(f"the rows of this store are in {path}, not in PostgreSQL", hint=hint)
        return Postgres(settings.database_url)
    if (settings.data / "admin-token").exists() and not any(_size(name) for name in (path, path.with_name("ostinato.db-wal"))):
        hint = "set OSTINATO_DATABASE_URL if its rows are in PostgreSQL, else restore a backup; a new store begins in an empty folder"
        raise Corrupt(f"{path} is lost, and its folder is that of a store", hint=hint)
    return Sqlite(path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
