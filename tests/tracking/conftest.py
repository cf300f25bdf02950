"""A store with runs, built by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.rows import Rows
from ostinato.storage.series.series import Series
from ostinato.tracking.service import Runs


@pytest.fixture(autouse=True)
def journal_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Journals of a test lie in a folder of its own."""
    monkeypatch.setenv("OSTINATO_JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setenv("OSTINATO_FINISH_S", "10")
    return tmp_path / "journal"


@pytest.fixture
def clock() -> ReplayClock:
    return ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))


@pytest.fixture
def ledger(rows: Rows, clock: ReplayClock, tmp_path: Path) -> Ledger:
    return Ledger(rows=rows, clock=clock, key_path=tmp_path / "ledger-key")


@pytest.fixture
def runs(rows: Rows, ledger: Ledger, clock: ReplayClock, tmp_path: Path) -> Iterator[Runs]:
    made = Runs(rows=rows, blobs=Local(tmp_path / "blobs"), series=Series(rows), ledger=ledger, clock=clock)
    with calling(Caller(actor="person:ana")):
        yield made
