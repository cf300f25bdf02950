"""A ledger on rows of its own, without the rest of the platform."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Rows, metadata
from ostinato.testing.rows import opened


@dataclass
class Store:
    """A store in a folder; `act` appends one event. `place` is where its rows are, as `opened` takes it."""

    path: Path
    place: str
    clock: ReplayClock
    rows: Rows
    ledger: Ledger

    @classmethod
    def open(cls, path: Path, url: str = "", **settings: str) -> Store:
        clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
        place = url or os.environ.get("OSTINATO_DATABASE_URL") or str(path / "ostinato.db")
        rows = opened(place)
        rows.create(metadata)
        known = Settings.read(path, env={"OSTINATO_SINK_NETWORKS": "127.0.0.0/8"} | settings)
        return cls(path, place, clock, rows, Ledger(rows=rows, clock=clock, key_path=path / "ledger-key", settings=known))

    def act(self, verb: str, subject: str, inputs: Sequence[str] = (), outputs: Sequence[str] = (), data: Any = None) -> Event:
        refs: dict[str, Any] = {"inputs": [Ref.parse(r) for r in inputs], "outputs": [Ref.parse(r) for r in outputs]}
        return self.rows.write(lambda tx: self.ledger.append(tx, verb, Ref.parse(subject), **refs, data=data))

    def edit(self, *statements: str) -> None:
        """What somebody with a database tool does behind our back, in the words of SQLite."""
        for statement in statements:
            self.sql(statement)

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement that the owner of the database runs over a connection of his own."""
        if not self.place.startswith("postgresql:"):
            with closing(sqlite3.connect(self.place)) as file, file:
                return file.execute(statement, values).fetchall()
        with psycopg.connect(self.place) as server:
            cursor = server.execute(_in_postgres(statement).encode(), values)
            return cursor.fetchall() if cursor.description else []


_OTHERWISE = {
    r"x'([0-9a-f]*)'": r"'\\x\1'::bytea",
    r"zeroblob\((\d+)\)": r"decode(repeat('00', \1), 'hex')",
    r"CAST\(replace\(CAST\(body AS TEXT\), ('.*?'), ('.*?')\) AS BLOB\)": r"overlay(body placing \2 from position(\1::bytea in body))",
    r"CAST\((.*?) AS BLOB\)": r"\1",
    r"SET at_us = '(\w+)' WHERE (.*)": r"ALTER at_us TYPE text USING CASE WHEN \2 THEN '\1' ELSE at_us::text END",
    r"UPDATE (\w+) ALTER": r"ALTER TABLE \1 ALTER",
    r"\?": "%s",
}
"""What SQLite says otherwise than PostgreSQL, where only its owner gets a value of another type into a column."""


def _in_postgres(words: str) -> str:
    for here, there in _OTHERWISE.items():
        words = re.sub(here, there, words)
    return words


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    made = Store.open(tmp_path)
    with calling(Caller(actor="person:ana")):
        yield made
    made.rows.close()


@pytest.fixture
def elsewhere(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Another store under the same key."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    shutil.copy(tmp_path / "ledger-key", home)
    made = Store.open(home, request.getfixturevalue("postgres_url") if store.place.startswith("postgresql:") else "")
    yield made
    made.rows.close()
