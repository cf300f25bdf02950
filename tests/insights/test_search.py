"""Search: what is called so, to whom, in which order, and how long it takes."""

from __future__ import annotations

import io
import time
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.insights.conftest import Loop

from ostinato.app import Ostinato
from ostinato.data.types import Contract
from ostinato.features.types import Feature, FeatureView
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import metadata


def refs(app: Ostinato, text: str, limit: int = 20) -> list[str]:
    return [str(hit.ref) for hit in app.insights.search(text, limit).hits]


def test_r21_everything_is_found_by_what_it_is_called(loop: Loop, both: Ostinato) -> None:
    loop.deliver("first", [1.0])
    loop.version(1, 1.0)
    loop.approve(1)
    loop.app.models.promote("late@1")
    run = loop.app.runs.search().items[0]
    assert refs(both, "late") == ["model:late"]
    assert refs(both, "LAT") == ["model:late"]
    assert refs(both, "delayed") == ["model:late"], "by what is said about it"
    assert refs(both, "flights@") == ["dataset:flights@1"]
    assert refs(both, "late@champ") == ["model:late@1"]
    assert refs(both, "model:late@1") == ["model:late@1"]
    assert refs(both, str(run.ref)) == [str(run.ref)]
    assert refs(both, run.id[:12]) == [str(run.ref)]
    assert refs(both, "weight") == [str(run.ref)]
    assert refs(both, "rit") == ["person:rita"]
    assert refs(both, "service:tr") == ["service:trainer"]
    assert refs(both, "no such thing") == []


def test_views_pipelines_and_executions_are_found(app: Ostinato, loop: Loop) -> None:
    out = io.BytesIO()
    at = pa.array([loop.clock.now()], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"id": ["a"], "at": at, "delay": [1.0]}), out)
    app.datasets.create("arrivals", Contract(key=["id"]))
    app.datasets.upload("arrivals", "first", out.getvalue())
    view = FeatureView(
        name="recent", dataset="arrivals", entity=["id"], timestamp="at", features=[Feature(name="mean_delay", kind="mean", column="delay")]
    )
    app.features.define(view)
    assert refs(app, "mean_d") == refs(app, "feature:recent") == ["feature:recent"]
    row = {"project": "default", "name": "nightly", "target": "m:f", "summary": "each night", "created_by": "person:admin"}
    row |= {"created_at": loop.clock.now()}
    app.rows.write(lambda tx: tx.execute(metadata.tables["pipeline_definition"].insert(), row))
    assert refs(app, "nightly") == ["pipeline:nightly"]
    started = app.pipelines.start_own(
        "ostinato.monitoring.measure:measure", {"monitor": "m", "start": "", "end": "", "key": "k"}, key="m/2013-01"
    )
    assert refs(app, "2013-01") == refs(app, started.id) == refs(app, f"execution:{started.id[:14]}") == [f"execution:{started.id}"]


def test_exact_comes_before_beginnings_and_parts_and_things_before_their_runs(app: Ostinato, loop: Loop) -> None:
    for name in ("delay", "delay-long", "my-delay"):
        app.datasets.create(name, loop.app.datasets.get("flights").contract)
    run = app.runs.start("trials", "delay")
    found = app.insights.search("delay").hits
    assert [(str(hit.ref), hit.match) for hit in found] == [
        ("dataset:delay", "exact"), (str(run.ref), "exact"), ("dataset:delay-long", "prefix"), ("dataset:my-delay", "part"),
        ("model:late", "part"),
    ]  # fmt: skip
    loop.at(5)
    later = app.runs.start("trials", "delay")
    assert refs(app, "run:delay") == [str(later.ref), str(run.ref)], "the recent first"
    cut = app.insights.search("delay", limit=2)
    assert (len(cut.hits), cut.more) == (2, True)
    assert app.insights.search("run:delay", limit=2).more is False


def test_signs_of_sql_are_letters_like_others(app: Ostinato) -> None:
    app.runs.start("a", "50% off")
    app.runs.start("a", "x_y/z")
    assert len(refs(app, "50%")) == len(refs(app, "x_y")) == len(refs(app, "y/z")) == 1
    assert refs(app, "%") == refs(app, "50%")
    assert refs(app, "x%z") == refs(app, "xay") == refs(app, "'; --") == []
    for bad in ("", "  ", "x" * 201, "a\nb"):
        with pytest.raises(Invalid):
            app.insights.search(bad)


def test_one_finds_only_what_one_may_read_and_only_in_the_project(app: Ostinato, loop: Loop) -> None:
    app.runs.start("late runs", "late")
    app.access.define_role("runs", ["run:read"])
    app.access.create_person("late-max", ["runs"])
    app.access.create_project("other")
    with calling(Caller(actor="person:late-max")):
        found = refs(app, "late")
        assert [ref.partition(":")[0] for ref in found] == ["run", "experiment", "person"], "of people, oneself"
        assert refs(app, "model:late") == []
        assert refs(app, "rita") == []
    with calling(Caller(actor="person:admin", project="other")):
        assert refs(app, "model:late") == refs(app, "run:late") == refs(app, "experiment:late") == []


def test_a_search_takes_no_longer_among_many_runs(app: Ostinato) -> None:
    run = app.runs.start("first", "needle")
    table = metadata.tables["tracking_run"]
    row = dict(app.rows.read(lambda tx: tx.first(table.select())._mapping))  # type: ignore[union-attr]

    experiments = metadata.tables["tracking_experiment"]
    known = dict(app.rows.read(lambda tx: tx.first(experiments.select())._mapping))  # type: ignore[union-attr]
    others = [known | {"id": f"e{i}", "name": f"e{i}"} for i in range(20)]
    app.rows.write(lambda tx: tx.execute(experiments.insert(), others))

    def grow(start: int, count: int) -> None:
        many = [
            row | {"id": f"R{i:09}", "experiment": f"e{i % 20}", "name": f"run {i}", "started_at": row["started_at"] + timedelta(seconds=i)}
            for i in range(start, start + count)
        ]
        app.rows.write(lambda tx: tx.execute(table.insert(), many))

    def cpu_s() -> float:
        spent = []
        for _ in range(5):
            begun = time.process_time()
            refs(app, "run 7")
            spent.append(time.process_time() - begun)
        return min(spent)

    grow(1, 4_000)
    few = cpu_s()
    grow(4_001, 36_000)
    assert cpu_s() < 2 * few + 0.005
    assert refs(app, "R000000017") == ["run:R000000017"], "by its id any run is found"
    assert refs(app, "e1")[0] == "experiment:e1"
    assert Ref("run", run.id) == run.ref
