"""Runs: each verb, its repeats, its refusals and its events."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Invalid, NotFound, TooLarge
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.tracking import store
from ostinato.tracking.lookup import VALUES_MAX
from ostinato.tracking.service import Runs
from ostinato.tracking.types import Code, Environment, MetricFrame

FLIGHTS = Ref("dataset", "flights", "4")
MODEL = Ref("model", "late", "1")


def frame(*points: tuple[str, int, float]) -> MetricFrame:
    return MetricFrame.of([(key, step, 1_357_000_000_000_000 + step, value) for key, step, value in points])


def verbs(ledger: Ledger) -> list[str]:
    return [event.verb for event in ledger.events().items]


def test_a_run_remembers_all_that_it_was_told(runs: Runs, clock: ReplayClock) -> None:
    code = Code(commit="abc", dirty=True, entry="train.py", arguments=["--depth", "3"], host="here")
    environment = Environment(python="CPython 3.11.7", platform="Linux x86_64", packages={"numpy": "2.4"})
    params = {"depth": 3, "rate": 0.1, "kind": "tree", "flag": True, "none": None, "missing": math.nan}
    made = runs.start("flights", "first", params, {"team": "a"}, None, [FLIGHTS], code=code, environment=environment)
    clock.set(clock.now() + timedelta(hours=1))
    runs.finish(made.id, outputs=[MODEL])
    run = runs.get(made.id)
    assert (run.state, run.experiment, run.name, run.started_by) == ("finished", "flights", "first", "person:ana")
    assert run.params == params | {"missing": "nan"}
    assert (run.tags, run.inputs, run.outputs, run.code) == ({"team": "a"}, [FLIGHTS], [MODEL], code)
    assert run.ended_at is not None
    assert run.ended_at - run.started_at == timedelta(hours=1)
    assert runs.start("flights", environment=environment).environment == run.environment


def test_a_run_has_no_more_parameters_and_tags_than_all_can_wait_for(runs: Runs) -> None:
    many = {f"k{n}": "v" for n in range(VALUES_MAX)}
    run = runs.start("flights", params=many, tags=many)
    for act in (
        lambda: runs.start("flights", params=many | {"one": "more"}),
        lambda: runs.start("flights", tags=many | {"one": "more"}),
        lambda: runs.params(run.id, {"one": "more"}),
        lambda: runs.tag(run.id, {"one": "more"}),
    ):
        with pytest.raises(TooLarge, match="10001") as caught:
            act()
        assert "artifact" in caught.value.hint
    assert len(runs.get(run.id).params) == VALUES_MAX


def test_every_verb_may_be_repeated(runs: Runs, ledger: Ledger) -> None:
    for _ in range(2):
        runs.start("flights", id="r1", params={"depth": 3})
        runs.params("r1", {"rate": 0.1})
        runs.tag("r1", {"team": "a"})
        runs.link("r1", inputs=[FLIGHTS], outputs=[MODEL])
        runs.log("r1", "c", 0, frame(("auc", 0, 0.7)))
        runs.put_artifact("r1", "model.json", b"{}")
        if runs.get("r1").ended_at is None:
            runs.finish("r1")
            break
    for _ in range(2):
        assert runs.start("flights", id="r1").params == {"depth": 3, "rate": 0.1}
        runs.log("r1", "c", 0, frame(("auc", 0, 0.7)))
        runs.put_artifact("r1", "model.json", b"{}")
        runs.finish("r1")
    assert runs.metrics("r1")["auc"].n == 1
    assert len(runs.artifacts("r1")) == 1
    assert verbs(ledger) == ["run.started", "run.changed", "run.tagged", "run.linked", "run.linked", "run.finished"]


def test_what_contradicts_is_refused(runs: Runs) -> None:
    runs.start("flights", id="r1", params={"depth": 3})
    with pytest.raises(Conflict, match="depth"):
        runs.params("r1", {"depth": 4, "rate": 0.1})
    assert "rate" not in runs.get("r1").params
    with pytest.raises(Conflict, match="experiment"):
        runs.start("weather", id="r1")
    assert [e.name for e in runs.experiments()] == ["flights"], "a refused run makes no experiment"
    with pytest.raises(Invalid):
        runs.finish("r1", "running")
    runs.finish("r1", "failed", error="ValueError: no")
    assert runs.get("r1").error == "ValueError: no"
    for act in (
        lambda: runs.finish("r1"),
        lambda: runs.log("r1", "c", 0, frame(("auc", 0, 0.7))),
        lambda: runs.params("r1", {"rate": 0.1}),
        lambda: runs.put_artifact("r1", "late.txt", b"late"),
        lambda: runs.link("r1", outputs=[MODEL]),
    ):
        with pytest.raises(Conflict):
            act()
    runs.tag("r1", {"seen": "yes"})


def test_what_is_absent_is_not_found(runs: Runs) -> None:
    runs.start("flights", id="r1")
    for act in (
        lambda: runs.get("r2"),
        lambda: runs.finish("r2"),
        lambda: runs.log("r2", "c", 0, frame(("auc", 0, 0.7))),
        lambda: runs.put_artifact("r2", "a", b""),
        lambda: runs.artifact("r1", "a"),
        lambda: runs.curve("r2", "auc"),
        lambda: runs.start("flights", parent="r2"),
        lambda: runs.beat("r2", 10),
    ):
        with pytest.raises(NotFound):
            act()


def test_another_project_sees_nothing(runs: Runs) -> None:
    runs.start("flights", id="r1")
    runs.log("r1", "c", 0, frame(("auc", 0, 0.7)))
    with calling(Caller(actor="person:eve", project="other")):
        assert runs.search().items == []
        assert runs.experiments() == []
        with pytest.raises(NotFound):
            runs.metrics("r1")
        with pytest.raises(NotFound):
            runs.artifacts("r1")
        runs.start("flights", id="r1")
        assert runs.metrics("r1") == {}


def test_values_are_exact_and_travel_as_json_can(runs: Runs) -> None:
    runs.start("flights", id="r1")
    values = [0.1, math.nan, math.inf, -math.inf, -0.0, 5e-324]
    runs.log("r1", "c", 0, frame(*[("loss", step, value) for step, value in enumerate(values)]))
    runs.log("r1", "c", 1, frame(("loss", 2, 7.0), ("other", 0, math.nan)))
    curve = runs.curve("r1", "loss")
    assert curve.steps == [0, 1, 2, 2, 3, 4, 5]
    assert list(map(repr, curve.values)) == ["0.1", "'nan'", "'inf'", "7.0", "'-inf'", "-0.0", "5e-324"]
    assert curve.times_us[0] == 1_357_000_000_000_000
    loss, other = runs.metrics("r1")["loss"], runs.metrics("r1")["other"]
    assert (loss.last, loss.step, loss.min, loss.max, loss.n) == (5e-324, 5, "-inf", "inf", 7)
    assert (other.last, other.min, other.max) == ("nan", None, None)
    assert runs.curve("r1", "loss", after_step=3).steps == [4, 5]
    assert runs.curve("r1", "absent").steps == []


@pytest.mark.parametrize(
    "broken",
    [
        MetricFrame(keys=["a"], key=b"\0" * 4, steps=b"\0" * 8, times_us=b"\0" * 8, values=b"\0" * 7),
        MetricFrame(keys=["a"], key=b"\0" * 4, steps=b"\0" * 8, times_us=b"\0" * 16, values=b"\0" * 8),
        MetricFrame(keys=["a"], key=b"\1\0\0\0", steps=b"\0" * 8, times_us=b"\0" * 8, values=b"\0" * 8),
        MetricFrame(keys=["a\n"], key=b"\0" * 4, steps=b"\0" * 8, times_us=b"\0" * 8, values=b"\0" * 8),
        MetricFrame(keys=[""], key=b"", steps=b"", times_us=b"", values=b""),
    ],
)
def test_a_broken_frame_is_refused_whole(runs: Runs, broken: MetricFrame) -> None:
    runs.start("flights", id="r1")
    with pytest.raises(Invalid):
        runs.log("r1", "c", 0, broken)
    assert runs.metrics("r1") == {}


def test_artifacts_are_replaced_while_running_and_stay_within_the_run(runs: Runs) -> None:
    runs.start("flights", id="r1")
    runs.put_artifact("r1", "models/late.json", b"old")
    runs.put_artifact("r1", "models/late.json", b"new")
    runs.put_artifact("r1", "empty", b"")
    assert runs.artifact("r1", "models/late.json") == b"new"
    assert [(a.path, a.size) for a in runs.artifacts("r1")] == [("empty", 0), ("models/late.json", 3)]
    for path in ("", "/etc/passwd", "../up", "a/../../b", "a//b", "./a", "a/", "a\0b", "x" * 501):
        with pytest.raises(Invalid):
            runs.put_artifact("r1", path, b"")


def test_search_pages_through_everything_once_in_order(runs: Runs, clock: ReplayClock) -> None:
    for i in range(23):
        if i % 3 == 0:
            clock.set(clock.now() + timedelta(minutes=1))
        runs.start("flights" if i % 2 else "weather", id=f"r{i:02}", parent="r00" if i > 20 else None)
        if i % 4:
            runs.log(f"r{i:02}", "c", 0, frame(("auc", 0, math.inf if i == 5 else math.nan if i == 6 else (i * 7 % 10) / 10)))
        if i % 5 == 0:
            runs.finish(f"r{i:02}")

    def all_pages(order_by: str, **wanted: str) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = runs.search(order_by=order_by, limit=4, after=after, **wanted)
            found += [run.id for run in page.items]
            if page.next is None:
                return found
            after = page.next

    everything = [f"r{i:02}" for i in range(23)]
    assert all_pages("started_at") == everything
    assert all_pages("-started_at") == everything[::-1]
    measured = sorted((math.inf if i == 5 else (i * 7 % 10) / 10, f"r{i:02}") for i in range(23) if i % 4 and i != 6)
    lacking = everything[::4]
    assert all_pages("metrics.auc") == [*(run for _, run in measured), "r06", *lacking]
    assert all_pages("-metrics.auc") == [*(run for _, run in measured[::-1]), "r06", *lacking[::-1]]
    assert all_pages("started_at", experiment="weather") == everything[::2]
    assert all_pages("started_at", state="finished") == everything[::5]
    assert all_pages("started_at", parent="r00") == ["r21", "r22"]
    assert sorted(all_pages("-ended_at")) == everything
    assert [(e.name, e.runs, e.running) for e in runs.experiments()] == [("flights", 11, 9), ("weather", 12, 9)]
    for bad in ({"order_by": "size"}, {"after": "nonsense"}, {"after": "[1]"}, {"limit": 0}, {"limit": 1001}):
        with pytest.raises(Invalid):
            runs.search(**bad)


def test_a_run_whose_process_fell_silent_counts_as_killed_until_it_speaks(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.start("flights", id="r1", lease_s=60)
    runs.start("flights", id="r2")
    assert runs.get("r1").state == "running"
    moment = store.LEASES.now
    monkeypatch.setattr(store.LEASES, "now", lambda tx: replace(moment(tx), s=moment(tx).s + 61))
    assert runs.get("r1").state == "killed"
    assert [run.id for run in runs.search(state="killed").items] == ["r1"]
    assert [run.id for run in runs.search(state="running").items] == ["r2"]
    assert runs.experiments()[0].running == 1
    runs.tag("r1", {"seen": "yes"})
    runs.beat("r1", 600)
    assert runs.get("r1").state == "running"
    assert runs.finish("r1").state == "finished"


def test_lineage_runs_from_the_data_through_the_run_to_the_model(runs: Runs, ledger: Ledger) -> None:
    run = runs.start("flights", inputs=[FLIGHTS])
    runs.finish(run.id, outputs=[MODEL])
    edges = {(str(edge.source), str(edge.target)) for edge in ledger.lineage(MODEL).edges}
    assert edges == {(str(FLIGHTS), str(run.ref)), (str(run.ref), str(MODEL))}


def test_r29_compare_says_in_what_runs_differ(runs: Runs) -> None:
    for run, depth, auc in (("r1", 3, 0.7), ("r2", 5, 0.8), ("r3", 3, 0.7)):
        runs.start("flights", id=run, params={"depth": depth, "same": 1}, code=Code(commit="abc"))
        runs.log(run, "c", 0, frame(("auc", 0, auc)))
    assert {d.what: d.values for d in runs.compare(["r1", "r2", "r3"])} == {"params.depth": [3, 5, 3], "metrics.auc": [0.7, 0.8, 0.7]}
    assert runs.compare(["r1", "r3"]) == []
    with pytest.raises(Invalid):
        runs.compare(["r1"])
