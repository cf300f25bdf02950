"""A store with features, built from its parts, and events to put into it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.data.service import Datasets
from ostinato.data.types import Contract
from ostinato.features.service import Features
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
    features: Features
    ledger: Ledger
    clock: ReplayClock
    rows: Rows
    home: Path

    def upload(self, dataset: str, key: str, table: pa.Table) -> None:
        """Deliver a table; it must be accepted."""
        sink = io.BytesIO()
        pq.write_table(table, sink)
        assert self.datasets.upload(dataset, key, sink.getvalue()).state == "accepted"

    def events(self, rows: list[tuple[str | None, int | None, int, int | None, float | None]]) -> pa.Table:
        """Rows (who, hour of 2013, id, whole number, number) as a table."""
        return events(rows)

    def close(self) -> None:
        self.features.close()
        self.rows.close()


@pytest.fixture
def opened(tmp_path: Path, place: str) -> Iterator[Callable[[], Store]]:
    """Opens the same store anew, as a restarted process would."""
    alive: list[Store] = []

    def open_store() -> Store:
        for old in alive:
            old.close()
        rows = rows_at(place)
        clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
        blobs = Local(tmp_path / "blobs")
        tables = Tables(blobs, tmp_path / "cache")
        ledger = Ledger(rows=rows, clock=clock, key_path=tmp_path / "key")
        datasets = Datasets(rows=rows, blobs=blobs, tables=tables, ledger=ledger, clock=clock, inbox=tmp_path)
        online = tmp_path / "online.db"
        features = Features(rows=rows, tables=tables, ledger=ledger, clock=clock, datasets=datasets, online_path=online)
        rows.create(metadata)
        alive.append(Store(datasets=datasets, features=features, ledger=ledger, clock=clock, rows=rows, home=tmp_path))
        return alive[-1]

    with calling(Caller(actor="person:ana")):
        yield open_store
    for store in alive:
        store.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    """A store with the dataset `events`, whose version 1 has one row of an entity that nobody asks for."""
    store = opened()
    store.datasets.create("events", Contract(key=["id"]))
    store.upload("events", "first", events([("nobody", 0, 0, 0, 0.0)]))
    return store


def events(rows: list[tuple[str | None, int | None, int, int | None, float | None]]) -> pa.Table:
    """Rows (who, hour of 2013, id, whole number, number) as a table."""
    start = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())
    who, hours, ids, wholes, numbers = (list(c) for c in zip(*rows, strict=True)) if rows else ([], [], [], [], [])
    at = [None if h is None else (start + h * 3600) * 1_000_000 for h in hours]
    return pa.table(
        {
            "who": pa.array(who, pa.string()),
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "id": pa.array(ids, pa.int64()),
            "whole": pa.array(wholes, pa.int64()),
            "number": pa.array(numbers, pa.float64()),
        }
    )
