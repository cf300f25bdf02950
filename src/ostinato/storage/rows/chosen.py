"""Which database the settings choose for the rows."""

from __future__ import annotations

from ostinato.kernel.settings import Settings
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import Rows
from ostinato.storage.rows.sqlite import Sqlite


def rows_of(settings: Settings) -> Rows:
    """The rows of a store: in the PostgreSQL database of `database_url`, or else in the file `ostinato.db` of its folder."""
    return Postgres(settings.database_url) if settings.database_url else Sqlite(settings.data / "ostinato.db")
