"""Experiments, the life of runs, sources and candidates: each verb, its repeats, its refusals and its events."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.testing.fixtures import both  # noqa: F401
from ostinato.tracking.types import MetricFrame, Source, Use


def told(app: Ostinato, verb: str = "*") -> list[str]:
    return [event.verb for event in app.ledger.events(verb=None if verb == "*" else verb).items]


def frame(*points: tuple[str, int, float], **of: str) -> MetricFrame:
    made = MetricFrame.of([(key, step, 1_357_000_000_000_000 + step, value) for key, step, value in points])
    return MetricFrame(keys=made.keys, key=made.key, steps=made.steps, times_us=made.times_us, values=made.values, **of)


def test_an_experiment_is_made_by_itself_or_before(app: Ostinato) -> None:
    runs = app.runs
    made = runs.create_experiment("Default", id="0", tags={"team": "a"}, note="# Why")
    assert runs.create_experiment("Default", id="0", tags={"team": "a"}, note="# Why") == made
    assert (made.id, made.ref, made.runs, made.last_started_at) == ("0", Ref("experiment", "0"), 0, made.created_at)
    run = runs.start("0", id="r1")
    assert (run.experiment, run.experiment_id, run.name) == ("Default", "0", "Default")
    assert runs.start("Default", id="r1") == run
    other = runs.start("Nächtliche Läufe / 夜", id="r2")
    assert runs.experiment(other.experiment_id).name == "Nächtliche Läufe / 夜"
    assert [e.name for e in runs.experiments()] == ["Default", "Nächtliche Läufe / 夜"]
    assert told(app, "experiment.*") == ["experiment.created"], "the first run's event says that it made one"
    assert app.ledger.events(subject=other.ref).items[0].data["new_experiment"] == other.experiment_id
    for same in ({"name": "Default"}, {"name": "Default", "id": "1"}, {"name": "other", "id": "0"}, {"name": "0"}):
        with pytest.raises(Conflict):
            runs.create_experiment(**same)
    for wrong in ("", "  ", "a\nb", "x" * 501):
        with pytest.raises(Invalid):
            runs.start(wrong)
    with pytest.raises(NotFound, match="Defalt"):
        runs.experiment("Defalt")


def test_runs_follow_an_experiment_that_is_renamed(app: Ostinato) -> None:
    runs = app.runs
    kept = runs.start("old", id="r1")
    runs.start("taken")
    runs.save_view("mine", "old")
    runs.save_view("other", "taken")
    runs.rename_experiment("old", "new")
    assert runs.start("old", id="r1").id == "r1", "a start that is sent again may know the name of before only"
    for other in ("taken", "nowhere"):
        with pytest.raises(Conflict, match="belongs to"):
            runs.start(other, id="r1")
    assert [view.experiment for view in runs.views()] == ["new", "taken"]
    assert runs.rename_experiment("new", "new").id == kept.experiment_id
    assert (runs.get("r1").experiment, runs.get("r1").experiment_id) == ("new", kept.experiment_id)
    assert [run.id for run in runs.search("new").items] == ["r1"]
    with pytest.raises(Conflict, match="taken"):
        runs.rename_experiment("new", "taken")
    assert runs.start("old").experiment_id != kept.experiment_id, "the name is free"
    assert runs.start("old", id="r1").id == "r1", "also where another has it now"
    assert told(app, "experiment.*") == ["experiment.renamed"]


def test_a_deleted_experiment_takes_its_runs_along_and_brings_them_back(app: Ostinato) -> None:
    runs = app.runs
    for run in ("r1", "r2"):
        runs.start("e", id=run)
    runs.delete("r1")
    for _ in range(2):
        gone = runs.delete_experiment("e")
    assert gone.deleted_at is not None
    assert runs.experiments() == []
    assert [e.name for e in runs.experiments("deleted")] == [e.name for e in runs.experiments("all")] == ["e"]
    assert runs.search("e").items == []
    assert {run.id for run in runs.search("e", view="deleted").items} == {"r1", "r2"}
    acts: list[Callable[[], object]] = [
        lambda: runs.start("e"), lambda: runs.restore("r2"), lambda: runs.create_experiment("e"), lambda: runs.tag("r2", {"a": "b"}),
        lambda: runs.change_experiment("e", note="late"), lambda: runs.rename_experiment("e", "f"),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(Conflict, match="deleted"):
            act()
    for _ in range(2):
        runs.restore_experiment("e")
    assert [run.id for run in runs.search("e").items] == ["r2"], "what was deleted before stays so"
    assert told(app, "experiment.*") == ["experiment.deleted", "experiment.restored"]


def test_tags_and_notes_of_experiments(both: Ostinato) -> None:  # noqa: F811
    runs = both.runs
    runs.create_experiment("a/b c", tags={"x": "1", "y": "2"})
    changed = runs.change_experiment("a/b c", tags={"x": None, "z": "3"}, note="*why*")
    assert (changed.tags, changed.note) == ({"y": "2", "z": "3"}, "*why*")
    assert runs.experiment("a/b c") == runs.experiment(changed.id) == changed
    runs.create_experiment("other", tags={"y": "4"})
    assert [e.name for e in runs.search_experiments(["tags.y > 3"]).items] == ["other"]
    assert [e.name for e in runs.search_experiments(["name ~ A/ and note is not null"]).items] == ["a/b c"]
    first = runs.search_experiments(order_by="-name", limit=1)
    assert [e.name for e in first.items + runs.search_experiments(order_by="-name", after=first.next).items] == ["other", "a/b c"]
    with pytest.raises(Invalid, match="no metrics"):
        runs.search_experiments(["metrics.x > 1"])


def test_a_deleted_run_takes_no_writes_and_comes_back_whole(app: Ostinato) -> None:
    runs = app.runs
    runs.start("e", id="r1", params={"depth": 3})
    runs.log("r1", "c", 0, frame(("auc", 0, 0.7)))
    for _ in range(2):
        assert runs.delete("r1").deleted_at is not None
    acts: list[Callable[[], object]] = [
        lambda: runs.log("r1", "c", 1, frame(("auc", 1, 0.8))), lambda: runs.params("r1", {"a": 1}), lambda: runs.tag("r1", {"a": "b"}),
        lambda: runs.put_artifact("r1", "a", b""), lambda: runs.finish("r1"), lambda: runs.resume("r1"), lambda: runs.beat("r1", 10),
        lambda: runs.use("r1", [Use(source=Source(name="x", digest="y"))]), lambda: runs.change("r1", note="x"),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(Conflict, match="deleted"):
            act()
    assert runs.rows().items == []
    assert (runs.index().total, runs.index(view="deleted").total, runs.index(view="all", order_by="metrics.auc").total) == (0, 1, 1)
    runs.restore("r1")
    assert (runs.get("r1").params, runs.metrics("r1")["auc"].last) == ({"depth": 3}, 0.7)
    assert told(app, "run.*") == ["run.started", "run.deleted", "run.restored"]
    with pytest.raises(Invalid):
        runs.rows(view="gone")  # type: ignore[arg-type]


def test_a_run_is_changed_at_once_and_told_once(both: Ostinato) -> None:  # noqa: F811
    runs = both.runs
    runs.start("e", id="r1", tags={"a": "1", "b": "2"})
    for _ in range(2):
        run = runs.change("r1", name="best", note="# It went well", tags={"a": None, "c": "3"}, params={"depth": 3, "text": "x" * 10_000})
    assert (run.name, run.note, run.tags, run.params["text"]) == ("best", "# It went well", {"b": "2", "c": "3"}, "x" * 10_000)
    with pytest.raises(Conflict, match="depth"):
        runs.change("r1", note="lost", params={"depth": True})
    with pytest.raises(Conflict, match="depth"):
        runs.params("r1", {"depth": 3.0})
    assert runs.get("r1").note == "# It went well"
    runs.finish("r1")
    with pytest.raises(Conflict, match="ended"):
        runs.change("r1", params={"late": 1})
    runs.change("r1", note="afterwards")
    events = both.ledger.events(subject=Ref("run", "r1")).items
    assert [event.verb for event in events] == ["run.started", "run.changed", "run.finished", "run.changed"]
    said = dict(events[1].data)
    assert (said["params"], said["tags"], said["note"], said["before"]) == (["depth", "text"], ["a", "c"], True, "e")
    with pytest.raises(Invalid):
        runs.change("r1", name="")


def test_a_run_goes_on_whoever_resumes_it(app: Ostinato, clock: ReplayClock) -> None:
    runs = app.runs
    runs.start("e", id="r1", state="scheduled", started_at=datetime(2012, 1, 1, tzinfo=UTC))
    planned = runs.get("r1")
    assert (planned.state, planned.started_at.year, planned.recorded_at) == ("scheduled", 2012, clock.now())
    assert runs.experiments()[0].running == 0
    assert runs.resume("r1").state == "running"
    runs.finish("r1", "failed", error="no", ended_at=datetime(2012, 1, 2, tzinfo=UTC))
    assert runs.get("r1").ended_at == datetime(2012, 1, 2, tzinfo=UTC)
    again = [runs.resume("r1", lease_s=60) for _ in range(2)]
    assert [(run.state, run.ended_at, run.error) for run in again] == [("running", None, "")] * 2
    for client in ("first", "second"):
        for _ in range(2):
            runs.log("r1", client, 0, frame(("auc", 0, 0.7)))
    assert runs.metrics("r1")["auc"].n == 2, "two clients, each once"
    runs.finish("r1")
    assert told(app, "run.*") == ["run.started", "run.reopened", "run.failed", "run.reopened", "run.finished"]


def test_only_an_amendable_run_takes_more_after_its_end(app: Ostinato) -> None:
    runs = app.runs
    runs.start("e", id="r1", amendable=True)
    runs.finish("r1")
    runs.log("r1", "c", 0, frame(("auc", 0, 0.7)))
    runs.params("r1", {"late": 1})
    runs.put_artifact("r1", "late.txt", b"late")
    runs.finish("r1", "failed")
    found = runs.get("r1")
    assert (found.state, found.params, found.amendable, runs.metrics("r1")["auc"].last) == ("failed", {"late": 1}, True, 0.7)
    runs.drop_artifact("r1", "late.txt")
    with pytest.raises(NotFound):
        runs.drop_artifact("r1", "late.txt")


def test_a_source_that_many_runs_used_is_kept_once_and_found(both: Ostinato) -> None:  # noqa: F811
    runs = both.runs
    flights = Source(name="flights", digest="abc", type="local", source="/data/f.csv", schema='{"ä": 1}', profile="{}")
    for number in range(3):
        runs.start("e", id=f"r{number}")
        uses = [Use(source=flights, context="training" if number else "test", tags={"k": "v"})]
        for _ in range(2):
            found = runs.use(f"r{number}", uses)
        assert [(use.source.name, use.source.schema, use.tags) for use in found] == [("flights", '{"ä": 1}', {"k": "v"})]
    runs.use("r0", [Use(source=Source(name="flights", digest="other"))])
    used = runs.sources(["r0", "r1", "none"])
    assert [use.source.digest for use in used["r0"]] == ["abc", "other"]
    assert used["r0"][0].source == used["r1"][0].source
    assert used["none"] == []
    assert {r.id for r in runs.rows(where=["datasets.digest = abc and datasets.context = training"]).items} == {"r1", "r2"}
    assert len(both.ledger.events(verb="run.linked").items) == 4
    with pytest.raises(Invalid):
        runs.use("r0", [Use(source=Source(name=" ", digest=""))])


def test_a_candidate_is_kept_with_its_files_and_measures(both: Ostinato) -> None:  # noqa: F811
    runs = both.runs
    runs.start("e", id="r1")
    made = runs.add_candidate("late", run="r1", id="m-1", type="sklearn", params={"depth": 3}, step=5)
    assert runs.add_candidate("late", run="r1", id="m-1") == made
    assert (made.state, made.experiment, made.ref) == ("pending", "e", Ref("candidate", "m-1"))
    of = {"candidate": "m-1", "dataset_name": "flights", "dataset_digest": "abc"}
    for _ in range(2):
        runs.log("r1", "c", 0, frame(("auc", 0, 0.7), ("auc", 1, math.nan), ("loss", 0, math.inf), **of))
    runs.put_candidate_artifact("m-1", "MLmodel", b"flavors: {}")
    runs.put_artifact("r1", "MLmodel", b"the run's own")
    runs.change_candidate("m-1", "ready", tags={"a": "b"})
    with pytest.raises(Conflict, match="ready"):
        runs.put_candidate_artifact("m-1", "more", b"")
    found = runs.candidate("m-1")
    assert [(m.key, m.step, m.value, m.dataset_name) for m in found.measures] == [
        ("auc", 0, 0.7, "flights"), ("auc", 1, "nan", "flights"), ("loss", 0, "inf", "flights"),
    ]  # fmt: skip
    assert runs.metrics("r1")["auc"].n == 2, "the run has them as well"
    assert runs.candidate_artifact("m-1", "MLmodel") == b"flavors: {}"
    assert [a.path for a in runs.candidate_artifacts("m-1")] == [a.path for a in runs.artifacts("r1")] == ["MLmodel"]
    runs.add_candidate("other", experiment="e", id="m-2")
    assert [c.id for c in runs.candidates(["metrics.auc is nan and max(metrics.auc) >= 0.7 and run = r1"]).items] == ["m-1"]
    assert [c.id for c in runs.candidates(order_by="metrics.loss").items] == ["m-1", "m-2"]
    assert runs.candidates(["metrics.loss > 0"], dataset_name="weather").items == []
    assert [c.id for c in runs.candidates(["params.depth = 3 and tags.a = b and state = ready"]).items] == ["m-1"]
    runs.delete_candidate("m-1")
    assert [c.id for c in runs.candidates(["experiment = e"]).items] == ["m-2"]
    with pytest.raises(Conflict, match="deleted"):
        runs.change_candidate("m-1", "failed")
    assert runs.restore_candidate("m-1").deleted_at is None
    verbs = [event.verb for event in both.ledger.events(subject=made.ref).items]
    assert verbs == ["candidate.added", "candidate.changed", "candidate.deleted", "candidate.restored"]
    assert [str(edge.source) for edge in both.ledger.lineage(made.ref).edges] == ["run:r1"]
    for wrong in (lambda: runs.candidate("m-3"), lambda: runs.add_candidate("x", run="r9")):
        with pytest.raises(NotFound):
            wrong()
    with pytest.raises(Conflict):
        runs.add_candidate("another", run="r1", id="m-1")
    with pytest.raises(NotFound):
        runs.log("r1", "c", 1, frame(("auc", 2, 0.7), candidate="m-3"))
    assert runs.metrics("r1")["auc"].n == 2


def test_another_project_sees_none_of_it(app: Ostinato) -> None:
    runs = app.runs
    runs.create_experiment("e", id="0")
    runs.start("e", id="r1")
    runs.use("r1", [Use(source=Source(name="x", digest="y"))])
    runs.add_candidate("late", run="r1", id="m-1")
    with calling(Caller(actor="person:eve", project="other")):
        assert runs.experiments("all") == []
        assert runs.sources(["r1"]) == {"r1": []}
        assert runs.candidates(view="all").items == []
        runs.create_experiment("e", id="0")
        for act in (lambda: runs.delete("r1"), lambda: runs.candidate("m-1"), lambda: runs.delete_candidate("m-1")):
            with pytest.raises(NotFound):
                act()
        runs.delete_experiment("0")
    assert runs.experiment("e").deleted_at is None


def test_a_view_is_kept_for_all_and_changed_by_its_owner(both: Ostinato) -> None:  # noqa: F811
    runs = both.runs
    look = {"experiment": "e", "where": ["metrics.auc > 0.7 and tags.`a b` = x"], "order_by": "-metrics.auc", "columns": ["params.depth"]}
    for _ in range(2):
        kept = runs.save_view("best / nightly", **look)
    assert (kept.owner, kept.where, kept.columns) == ("person:admin", look["where"], ["params.depth"])
    changed = runs.save_view("best / nightly", order_by="started_at")
    assert (changed.id, changed.where, changed.experiment) == (kept.id, [], None)
    assert runs.views() == [changed]
    for wrong in ({"where": ["nonsense"]}, {"order_by": "size"}, {"columns": ["params.x"] * 501}):
        with pytest.raises(Invalid):
            runs.save_view("other", **wrong)
    runs.drop_view("best / nightly")
    with pytest.raises(NotFound):
        runs.drop_view("best / nightly")
    assert [e.verb for e in both.ledger.events(subject=Ref("view", kept.id)).items] == ["view.saved", "view.saved", "view.dropped"]


def test_a_view_of_somebody_else_stays_theirs(app: Ostinato) -> None:
    app.runs.save_view("best")
    with calling(Caller(actor="person:eve")):
        assert [view.owner for view in app.runs.views()] == ["person:admin"]
        for act in (lambda: app.runs.save_view("best", order_by="name"), lambda: app.runs.drop_view("best")):
            with pytest.raises(Conflict, match="person:admin"):
                act()


KILLED = """
import os, sys
from ostinato.app import Ostinato
from ostinato.tracking.types import MetricFrame, Source, Use
app = Ostinato.open(sys.argv[1])
number = 0
while True:
    run = app.runs.start(f"e{number}", id=f"r{number}").id
    app.runs.use(run, [Use(source=Source(name=f"s{number}", digest="d"))])
    app.runs.add_candidate("late", run=run, id=f"m{number}")
    app.runs.log(run, "c", 0, MetricFrame(**{k: getattr(MetricFrame.of([("auc", 0, 0, 0.5)]), k)
        for k in ("keys", "key", "steps", "times_us", "values")}, candidate=f"m{number}"))
    app.runs.change(run, tags={"done": "yes"})
    print(number, flush=True)
    number += 1
"""


def test_what_was_acknowledged_before_a_kill_is_whole(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "store")], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        while int(child.stdout.readline()) < 5:
            pass
    finally:
        child.kill()
        rest = child.communicate(timeout=30)[0].split()
    done = int(rest[-1]) if rest else 5
    with Ostinato.open(tmp_path / "store") as app:
        runs = app.runs
        for number in range(done + 1):
            run = f"r{number}"
            assert (runs.get(run).tags, runs.get(run).experiment) == ({"done": "yes"}, f"e{number}")
            assert [use.source.name for use in runs.sources([run])[run]] == [f"s{number}"]
            assert [m.value for m in runs.candidate(f"m{number}").measures] == [0.5]
        for run in runs.search(limit=1000).items:
            assert runs.experiment(run.experiment).id == run.experiment_id, "no run without its experiment"
        verbs = [event.verb for event in app.ledger.events(subject=Ref("run", "r0")).items]
        assert verbs == ["run.started", "run.linked", "run.changed"]


def test_lists_are_in_the_order_of_time_too(app: Ostinato, clock: ReplayClock) -> None:
    for number in range(3):
        app.runs.start("e", id=f"r{number}", started_at=datetime(2012, 1, 3 - number, tzinfo=UTC))
        clock.set(clock.now() + timedelta(hours=1))
    assert [run.id for run in app.runs.search(order_by="started_at").items] == ["r2", "r1", "r0"]
    assert [run.id for run in app.runs.search(order_by="recorded_at").items] == ["r0", "r1", "r2"]
