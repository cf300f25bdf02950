"""A store with the real services, in front of which an endpoint stands whose answers a test makes up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import NotFound
from ostinato.kernel.ref import Ref
from ostinato.monitoring.service import Monitors

PIPELINE = """
from ostinato.pipelines.definition import pipeline

@pipeline
def again(until: str, trees: int = 10) -> str:
    return f"{until} {trees}"
"""


def table(seed: int, rows: int = 3000, *, month: int = 1, shift: float = 0.0, slope: float = 3.0, nulls: float = 0.0) -> pa.Table:
    """Answers with labels over a month: `delay` (shifted), `carrier`, `score`, `label` (as steep as `slope` in the score)."""
    rng = np.random.default_rng(seed)
    delay = rng.normal(size=rows)
    score = 1 / (1 + np.exp(-delay))
    label = (rng.random(rows) < 1 / (1 + np.exp(-slope * delay))).astype(float)
    start = np.datetime64(f"2013-{month:02d}-01", "us")
    at = start + rng.integers(0, 28 * 86_400, rows).astype("timedelta64[s]")
    return pa.table(
        {
            "request_id": [f"{month}-{seed}-{i}" for i in range(rows)],
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "version": np.ones(rows, np.int64),
            "score": score,
            "label": label,
            "delay": pa.array(delay + shift, mask=rng.random(rows) < nulls),
            "carrier": rng.choice(["AA", "UA", "DL"], rows),
        }
    )


@dataclass
class Answers:
    """An endpoint by its answers."""

    given: pa.Table = field(default_factory=lambda: table(1))
    serving: int = 1
    rollbacks: list[str] = field(default_factory=list)

    @property
    def version(self) -> Ref:
        return Ref("model", "late", str(self.serving))

    def get(self, endpoint: str) -> Answers:
        if endpoint != "late":
            raise NotFound.named("endpoint", endpoint, ["late"])
        return self

    def frame(self, endpoint: str, since: datetime, until: datetime) -> pa.Table:
        at = self.get(endpoint).given["at"].to_pylist()
        return self.given.filter(pa.array([since <= t < until for t in at]))

    def values(self, endpoint: str, feature: str, since: datetime, until: datetime) -> pa.Table | None:
        found = self.frame(endpoint, since, until)
        return found.select([feature]) if feature in found.column_names else None

    def rollback(self, endpoint: str, reason: str) -> Answers:
        self.rollbacks.append(reason)
        self.serving -= 1
        return self


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[Ostinato]:
    (tmp_path / "retraining.py").write_text(PIPELINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("OSTINATO_PIPELINES", "retraining")
    with Ostinato.open(tmp_path / "store", clock=ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))) as opened:
        yield opened


@pytest.fixture
def monitors(store: Ostinato, answers: Answers) -> Monitors:
    parts: dict[str, Any] = {name: getattr(store, name) for name in ("rows", "tables", "ledger", "clock", "pipelines")}
    store.monitors = Monitors(**parts, endpoints=cast(Any, answers))
    return store.monitors


@pytest.fixture
def reference(store: Ostinato) -> str:
    """The digest of a reference from the same source as the answers."""
    return store.tables.write(table(0, month=1).drop_columns(["request_id", "version"])).digest
