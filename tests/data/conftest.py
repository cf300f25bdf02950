"""A store with datasets, built from its parts, and an inbox to put files into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ostinato.data.service import Datasets
from ostinato.data.types import Delivery, SourceSpec
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.rows import Rows, metadata
from ostinato.storage.tables.tables import Tables
from ostinato.testing.rows import opened as rows_at


@dataclass
class Store:
    """The parts that the tests look at."""

    datasets: Datasets
    ledger: Ledger
    tables: Tables
    clock: ReplayClock
    inbox: Path
    rows: Rows

    def put(self, name: str, text: str | bytes) -> SourceSpec:
        """Write a file into the inbox; returns the source that reads it as CSV."""
        (self.inbox / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return SourceSpec(kind="csv", parameters={"path": name})

    def deliver(self, dataset: str, key: str, text: str) -> Delivery:
        """Deliver a CSV text."""
        return self.datasets.deliver(dataset, self.put(f"{dataset}-{key}.csv", text), key)


@pytest.fixture
def opened(tmp_path: Path, place: str) -> Iterator[Callable[[], Store]]:
    """Opens the same store anew, as a restarted process would."""
    alive: list[Rows] = []

    def open_store() -> Store:
        for old in alive:
            old.close()
        rows = rows_at(place)
        alive.append(rows)
        rows.create(metadata)
        clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
        blobs = Local(tmp_path / "blobs")
        tables = Tables(blobs, tmp_path / "cache")
        ledger = Ledger(rows=rows, clock=clock, key_path=tmp_path / "key")
        inbox = tmp_path / "inbox"
        inbox.mkdir(exist_ok=True)
        datasets = Datasets(rows=rows, blobs=blobs, tables=tables, ledger=ledger, clock=clock, inbox=inbox)
        return Store(datasets=datasets, ledger=ledger, tables=tables, clock=clock, inbox=inbox, rows=rows)

    with calling(Caller(actor="person:ana")):
        yield open_store
    for rows in alive:
        rows.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    """A fresh store."""
    return opened()
