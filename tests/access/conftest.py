"""Access, with the ledger that it tells its acts, on rows of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.access.browser import Place, placed

from ostinato.access.passwords import Passwords
from ostinato.access.service import Access
from ostinato.kernel.clock import ReplayClock
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import metadata
from ostinato.testing.rows import opened


@dataclass
class Store:
    """A store in a folder, after its first start."""

    path: Path
    machine_clock: ReplayClock = field(default_factory=lambda: ReplayClock(datetime(2026, 1, 1, tzinfo=UTC)))

    def __post_init__(self) -> None:
        clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
        self.rows = opened(os.environ.get("OSTINATO_DATABASE_URL") or str(self.path / "ostinato.db"))
        self.rows.create(metadata)
        self.ledger = Ledger(rows=self.rows, clock=clock, key_path=self.path / "ledger-key")
        cheap = Passwords(rounds=1, memory_kib=64)
        self.access = Access(rows=self.rows, record=self.ledger.append, clock=clock, machine_clock=self.machine_clock, passwords=cheap)

    def acts(self) -> list[str]:
        return [f"{event.verb} {event.subject}" for event in self.ledger.after("test", limit=1000)]


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    made = Store(tmp_path)
    made.access.bootstrap(tmp_path)
    yield made
    made.rows.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[Place]:
    """A served store, which is also called ml.example.org."""
    monkeypatch.setenv("OSTINATO_HOSTS", "ml.example.org")
    with placed(tmp_path / "store") as found:
        yield found
