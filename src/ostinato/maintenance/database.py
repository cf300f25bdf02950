"""The rows of a store as one SQLite file, whatever their database, so that a backup has one form and one check."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import text

import ostinato.app  # noqa: F401 — whoever imports it knows the tables of all slices
from ostinato.kernel.errors import Conflict
from ostinato.kernel.settings import Settings
from ostinato.maintenance.files import DATABASE
from ostinato.storage.rows import file
from ostinato.storage.rows.chosen import rows_of
from ostinato.storage.rows.rows import Tx, metadata
from ostinato.storage.rows.sqlite import REVISION
from ostinato.storage.rows.transfer import dump, load


def snapshot(settings: Settings, target: Path) -> None:
    """Copy the rows as of this instant into the new file `target`, without blocking writers.

    Raises:
        Unavailable: the database server is out of reach.
        Conflict: it holds a store of another revision.
    """
    if settings.database_url:
        with closing(rows_of(settings)) as rows:
            if (found := rows.read(revision)) != REVISION:
                hint = "use the Ostinato that it is of; or open it once, with any command, and an older one is migrated"
                raise Conflict(f"the database has revision {found}, this Ostinato writes {REVISION}", hint=hint)
            dump(rows, metadata, target)
    else:
        file.copy(settings.data / DATABASE, target)


def revision(tx: Tx) -> int | None:
    """The revision of a store's database; None if it states none."""
    try:
        found = tx.all(text("SELECT max(revision) FROM store_revision"))[0][0]
    except Exception:  # each database says in its own way that there is no such table
        return None
    return None if found is None else int(found)


@contextmanager
def looked_at(settings: Settings) -> Iterator[Path]:
    """A file with the rows, to be read only: that of the store itself, or a snapshot that is gone afterwards."""
    if not settings.database_url:
        yield settings.data / DATABASE
        return
    cache = settings.data / "cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".looked-at-") as folder:
        path = Path(folder) / DATABASE
        snapshot(settings, path)
        yield path


def restore_rows(source: Path, settings: Settings) -> None:
    """Copy all rows of the file `source` into the empty database of the settings, in one transaction.

    Raises:
        Conflict: the database is not empty.
        Unavailable: the server is out of reach.
    """
    with closing(rows_of(settings)) as rows:
        load(source, metadata, rows)
