"""A ledger on rows of its own, without the rest of the platform."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

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
    """A store in a folder; `act` appends one event."""

    path: Path
    clock: ReplayClock
    rows: Rows
    ledger: Ledger

    @classmethod
    def open(cls, path: Path, **settings: str) -> Store:
        clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
        rows = opened(os.environ.get("OSTINATO_DATABASE_URL") or str(path / "ostinato.db"))
        rows.create(metadata)
        known = Settings.read(path, env={"OSTINATO_SINK_NETWORKS": "127.0.0.0/8"} | settings)
        return cls(path, clock, rows, Ledger(rows=rows, clock=clock, key_path=path / "ledger-key", settings=known))

    def act(self, verb: str, subject: str, inputs: Sequence[str] = (), outputs: Sequence[str] = (), data: Any = None) -> Event:
        refs: dict[str, Any] = {"inputs": [Ref.parse(r) for r in inputs], "outputs": [Ref.parse(r) for r in outputs]}
        return self.rows.write(lambda tx: self.ledger.append(tx, verb, Ref.parse(subject), **refs, data=data))

    def edit(self, *statements: str) -> None:
        """What somebody with a database tool does behind our back; bytes are written as SQLite does: `x'00'`."""
        if os.environ.get("OSTINATO_DATABASE_URL"):
            if any(words in one for one in statements for words in ("AS BLOB", "zeroblob", "'yesterday'")):
                pytest.skip("the edit is in SQLite's own words: its casts, or a value that only columns without a type take")
            statements = tuple(re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'::bytea", one) for one in statements)
        self.rows.write(lambda tx: [tx.execute(text(statement)) for statement in statements])


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    made = Store.open(tmp_path)
    with calling(Caller(actor="person:ana")):
        yield made
    made.rows.close()
