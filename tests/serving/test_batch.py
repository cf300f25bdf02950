"""Batch prediction: rows of a dataset through the served version into the same log, resumed without doing anything twice."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.serving.conftest import Shop, ask, model

from ostinato.data.types import Contract
from ostinato.kernel.errors import Invalid
from ostinato.serving import batch as batches
from ostinato.serving.plane.log import read

START = datetime(2013, 1, 1, tzinfo=UTC)


@pytest.fixture
def flights(shop: Shop) -> Shop:
    """A deployed model, and a dataset of 50 flights, one an hour."""
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    table = pa.table(
        {
            "id": [f"f{i}" for i in range(50)],
            "at": pa.array([START + timedelta(hours=i) for i in range(50)], pa.timestamp("us", "UTC")),
            "distance": [i / 10 for i in range(50)],
            "month": [1] * 50,
            "carrier": ["AA" if i % 2 else None for i in range(50)],
            "late": [i % 2 for i in range(50)],
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    shop.datasets.create("flights", Contract(checks=[], key=["id"], time="at"))
    shop.datasets.upload("flights", "2013-01", file.getvalue())
    return shop


def run(shop: Shop, execution: str) -> dict[str, object]:
    """Do the work as a worker does."""
    app = SimpleNamespace(**{name: value for name, value in vars(shop).items() if not name.startswith("_")})
    while (claim := shop.pipelines.claim()) is not None:
        shop.pipelines.execute(claim, app=app)
    done = shop.pipelines.get(execution)
    assert done.state == "finished", done.traceback
    output: dict[str, object] = shop.pipelines.output(execution)
    return output


def test_r68_a_batch_gives_the_scores_that_asking_one_by_one_gives(flights: Shop) -> None:
    client = flights.client()
    online = {f"f{i}": ask(client, f"f{i}", distance=i / 10, carrier="AA" if i % 2 else None)["outputs"][0]["data"][0] for i in range(5)}
    start = flights.endpoints.batch
    execution = start("late", "flights", "january", at="at", request_id="id", since=START, until=START + timedelta(hours=20))
    assert start("late", "flights", "january", at="at", request_id="id", since=START, until=START + timedelta(hours=20)).id == execution.id
    done = run(flights, execution.id)
    assert (done["rows"], done["scored"], done["skipped"], done["version"]) == (20, 15, 5, "model:late@1")
    stored = flights.tables.read(str(done["digest"])).to_pydict()
    scores = dict(zip(stored["request_id"], stored["score"], strict=True))
    assert {r: scores[r] for r in online} == online
    frame = flights.endpoints.frame("late", since=START + timedelta(hours=5))
    found = {p["request_id"]: p for p in frame.to_pylist()}
    assert (found["f7"]["role"], found["f7"]["at"], found["f7"]["distance"]) == ("batch", START + timedelta(hours=7), 0.7)
    assert {r: found[r]["score"] for r in found if r in stored} == {r: scores[r] for r in found if r in stored}
    assert flights.endpoints.label_from("late", "flights@1", "id", "late", since=START, until=START + timedelta(hours=20)) == 15
    labels = {p.request_id: p.label for p in flights.endpoints.predictions("late", limit=1000)}
    assert labels["f7"] == 1.0
    assert "f20" not in labels


def test_r68_a_batch_that_died_half_way_is_finished_without_repeats(flights: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_CHUNK_ROWS", 20)
    writes, write = [], batches.write_segment

    def dying(path: object, lines: object) -> None:
        writes.append(path)
        if len(writes) == 2:
            raise OSError("the disk is gone")
        write(path, lines)  # type: ignore[arg-type]

    monkeypatch.setattr(batches, "write_segment", dying)
    first = flights.endpoints.batch("late", "flights", "january", at="at", request_id="id")
    with pytest.raises(AssertionError):
        run(flights, first.id)
    app = SimpleNamespace(endpoints=flights.endpoints, models=flights.models, tables=flights.tables, clock=flights.clock)
    monkeypatch.setattr(batches, "current", lambda: SimpleNamespace(app=app))
    rows = flights.datasets.table("flights@1")
    done = batches.score.function(rows, {"model": "late@1", "views": []}, "late", "january", "at", "id")
    assert (done["rows"], done["scored"]) == (50, 50)
    assert len(writes) == 4  # the second chunk twice, the first not again
    logged = read(flights.endpoints.log_folder("late"))["request_id"].to_pylist()
    assert sorted(logged) == sorted(f"f{i}" for i in range(50))


def test_a_window_needs_to_know_where_the_instants_stand(flights: Shop) -> None:
    with pytest.raises(Invalid):
        flights.endpoints.batch("late", "flights", "january", since=START)
