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
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.sqlite import Sqlite
from ostinato.storage.series.series import Series
from ostinato.tracking.service import Runs


@pytest.fixture
def clock() -> ReplayClock:
    return ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Sqlite]:
    opened = Sqlite(tmp_path / "rows.db")
    yield opened
    opened.close()


@pytest.fixture
def ledger(rows: Sqlite, clock: ReplayClock, tmp_path: Path) -> Ledger:
    return Ledger(rows=rows, clock=clock, key_path=tmp_path / "ledger-key")


@pytest.fixture
def runs(rows: Sqlite, ledger: Ledger, clock: ReplayClock, tmp_path: Path) -> Iterator[Runs]:
    made = Runs(rows=rows, blobs=Local(tmp_path / "blobs"), series=Series(rows), ledger=ledger, clock=clock)
    rows.create(metadata)
    with calling(Caller(actor="person:ana")):
        yield made
