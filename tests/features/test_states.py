"""How views stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from ostinato.app import Ostinato
from ostinato.data.types import Contract
from ostinato.features.types import Feature, FeatureView
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import NotFound

START = datetime(2013, 1, 1, tzinfo=UTC)


def deliver(app: Ostinato, key: str, ids: list[int], hour: int) -> None:
    sink = pa.BufferOutputStream()
    at = pa.array([START + timedelta(hours=hour)] * len(ids), pa.timestamp("us", "UTC"))
    pa.parquet.write_table(pa.table({"id": ids, "who": ["a"] * len(ids), "at": at}), sink)
    assert app.datasets.upload("events", key, sink.getvalue().to_pybytes()).state == "accepted"


def test_the_states_of_views(app: Ostinato, clock: ReplayClock) -> None:
    app.datasets.create("events", Contract(key=["id"], time="at"))
    deliver(app, "one", [1, 2], hour=0)
    for name, limit in (("fast", 2.0), ("slow", 48.0), ("unloaded", None)):
        counted = [Feature(name="n", kind="count")]
        view = FeatureView(name=name, dataset="events", entity=["who"], timestamp="at", features=counted, freshness_hours=limit)
        app.features.define(view)
    clock.set(START + timedelta(hours=5))
    for name in ("fast", "slow"):
        app.features.materialize(name)
    deliver(app, "two", [3], hour=4)
    app.features.materialize("slow")
    clock.set(START + timedelta(hours=7))

    fast, slow, unloaded = app.features.states()
    assert [s.view.name for s in (fast, slow, unloaded)] == ["fast", "slow", "unloaded"]
    assert (fast.freshness.age_hours, fast.freshness.fresh, fast.loaded, fast.latest) == (7.0, False, 1, 2)
    assert (slow.freshness.age_hours, slow.freshness.fresh, slow.loaded, slow.loaded_at) == (3.0, True, 2, START + timedelta(hours=5))
    assert (unloaded.freshness.newest, unloaded.freshness.fresh, unloaded.loaded, unloaded.loaded_at) == (None, None, None, None)
    assert (fast.keys, fast.defined_at, fast.defined_by) == ({"who": "string"}, START, "person:admin")
    assert app.features.state("slow") == slow
    assert app.features.freshness("slow") == slow.freshness
    with pytest.raises(NotFound, match="slo"):
        app.features.state("slo")
