"""The tables of the current revision as SQL: stored for each release, so that migrations are tested against real schemas.

`python -m ostinato.testing.schema FOLDER` writes `<revision>.sqlite.sql` and `<revision>.postgresql.sql`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

import ostinato.app  # noqa: F401 — brings the tables of all slices
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.schema import latest

_DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def statements(kind: str) -> str:
    """The statements that make all tables and indexes in a database of the kind `sqlite` or `postgresql`."""
    dialect = _DIALECTS[kind]()
    made = []
    for table in metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=lambda index: str(index.name))]
    return "".join("\n".join(line.strip() for line in text.strip().splitlines()) + ";\n" for text in made)


if __name__ == "__main__":
    for kind in _DIALECTS:
        (Path(sys.argv[1]) / f"{latest()}.{kind}.sql").write_text(statements(kind))
