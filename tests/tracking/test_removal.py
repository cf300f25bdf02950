"""Purge: what was deleted goes for good, with all that it has and with nothing that others need."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from ostinato.app import Ostinato
from ostinato.kernel.digest import canonical
from ostinato.kernel.errors import Conflict, Invalid, NotFound, OstinatoError, Unavailable
from ostinato.kernel.ref import Ref
from ostinato.maintenance.collect import collect
from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.registry.types import Field, Signature
from ostinato.storage.rows.rows import Tx, metadata
from ostinato.tracking.types import Environment, MetricFrame, Source, Use

KEPT = ("ledger_", "blob_owner", "access_", "store_", "note", "typed")
"""Tables whose rows outlive what they speak of."""


def fill(app: Ostinato, run: str, points: int = 10, content: bytes = b"weights", experiment: str = "flights") -> str:
    """A run with something of everything."""
    environment = environment_of(run)
    app.runs.start(experiment, run, {"rate": 0.1}, {"team": "a"}, id=run, note="It went well.", environment=environment)
    frame = MetricFrame.of([("loss", step, step, math.nan if step % 3 else step / 7) for step in range(points)])
    app.runs.log(run, "client", 0, frame)
    app.runs.put_artifact(run, "model.bin", content)
    app.runs.put_artifact(run, "log.txt", run.encode())
    app.runs.use(run, [Use(source=Source(name="data", digest="d1"), context="training")])
    made = app.runs.add_candidate("tree", run, id=f"of-{run}")
    app.runs.put_candidate_artifact(made.id, "tree.json", b"{}" + run.encode())
    app.runs.log(run, "client", 1, MetricFrame(**{**vars_of(MetricFrame.of([("auc", 1, 1, 0.7)])), "candidate": made.id}))
    app.runs.finish(run)
    return run


def environment_of(run: str) -> Environment:
    return Environment(python="3.11", platform="x", packages={"run": run})


def vars_of(frame: MetricFrame) -> dict[str, Any]:
    return {name: getattr(frame, name) for name in frame.__slots__}


def left(app: Ostinato) -> dict[str, int]:
    """How many rows there are, by table, but for those that outlive."""

    def count(tx: Tx) -> dict[str, int]:
        names = [table for table in metadata.sorted_tables if not table.name.startswith(KEPT)]
        found = {table.name: int(tx.all(select(func.count()).select_from(table))[0][0]) for table in names}
        return {name: n for name, n in found.items() if n}

    return app.rows.read(count)


def test_a_purged_run_leaves_nothing_but_its_events(app: Ostinato) -> None:
    app.runs.create_experiment("flights")
    before = left(app)
    fill(app, "one", points=5000)
    with pytest.raises(Conflict, match="was not deleted"):
        app.runs.purge("one")
    app.runs.delete("one")
    took = app.runs.purge("one")
    assert (took.applied, took.runs, took.candidates, took.points, took.files) == (True, 1, 1, 5001, 3)
    assert took.size == len(b"weights" + b"one" + b"{}one")
    assert took.freed == took.size + len(canonical(asdict(environment_of("one")))), "the environment goes as well"
    assert left(app) == before, "all rows of it are gone"
    with pytest.raises(NotFound):
        app.runs.get("one")
    (event,) = app.ledger.events(verb="run.purged").items
    assert event.data == {"experiment": app.runs.experiment("flights").id, "points": 5001, "files": 2, "size": 10}
    assert app.ledger.verify().ok
    app.runs.start("flights", id="one")
    assert app.runs.metrics("one") == {}, "the id is free, and nothing of before comes back"


def test_blobs_that_others_name_are_neither_counted_as_freed_nor_collected(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, own = b"shared" * 1000, b"own" * 1000
    for run, content in (("one", shared), ("two", shared), ("three", own)):
        fill(app, run, content=content)
        app.runs.delete(run)
    some = len(b"one" + b"{}one" + canonical(asdict(environment_of("one"))))
    assert app.runs.purge_runs(where=["name = one"]).freed == some, "the other run still names the content"
    plan = app.runs.purge_runs(where=["name in (one, two)"])
    assert (plan.applied, plan.runs, plan.freed) == (False, 2, 2 * some + len(shared)), "counted once, with the last that names it"
    assert app.runs.get("one").deleted_at is not None, "a dry run takes nothing"
    app.models.create("late")
    done = app.runs.purge_runs(where=["name in (one, two)"], apply=True)
    assert (done.applied, done.freed) == (True, plan.freed)


def register(app: Ostinato, run: str) -> str:
    app.models.create_open("late")
    artifact = app.models.upload(Linear().dump(Logistic(intercept=0.5, terms=[Term(weight=1.0)])))
    version = app.models.register("late", artifact, "linear", Signature(inputs=[Field(name="distance")]), run=Ref("run", run))
    return str(version.ref)


def test_what_is_needed_stays_and_the_refusal_says_why(app: Ostinato) -> None:
    fill(app, "one")
    version = register(app, "one")
    app.runs.delete("one")
    with pytest.raises(Conflict, match=r"run:one stays: model:late@1 came of it"):
        app.runs.purge("one")
    plan = app.runs.purge_runs(apply=True)
    assert (plan.runs, plan.kept, str(plan.refused[0].ref)) == (0, 1, "run:one")
    app.runs.delete_experiment("flights")
    with pytest.raises(Conflict, match="came of it"):
        app.runs.purge_experiment("flights")
    assert len(app.runs.artifacts("one")) == 2, "refused as a whole"
    app.models.remove(version)
    assert app.runs.purge("one").runs == 1


def test_a_run_goes_with_its_deleted_parts_and_stays_for_one_that_was_not(app: Ostinato) -> None:
    fill(app, "whole")
    for part, parent in (("part", "whole"), ("deep", "part")):
        app.runs.start("flights", id=part, parent=parent)
    for run in ("whole", "deep"):
        app.runs.delete(run)
    with pytest.raises(Conflict, match="run part is part of it, and stays"):
        app.runs.purge("whole")
    assert app.runs.purge_runs().kept == 1, "what is beneath a part that stays may go"
    app.runs.delete("part")
    assert app.runs.purge("whole").runs == 3
    assert app.runs.search(view="all").items == []


def test_a_purged_experiment_frees_its_name(app: Ostinato) -> None:
    before = left(app)
    for n in range(3):
        fill(app, f"run-{n}")
    app.runs.add_candidate("loose", experiment="flights")
    app.runs.save_view("mine", "flights")
    old = app.runs.experiment("flights")
    with pytest.raises(Conflict, match="was not deleted"):
        app.runs.purge_experiment("flights")
    app.runs.delete_experiment("flights")
    with pytest.raises(Conflict, match="deleted"):
        app.runs.create_experiment("flights")
    took = app.runs.purge_experiment("flights")
    assert (took.experiments, took.runs, took.candidates, took.points) == (1, 3, 4, 33)
    assert left(app) == before
    (event,) = app.ledger.events(verb="experiment.purged").items
    assert (event.subject, event.data["runs"]) == (old.ref, 3)
    assert app.runs.create_experiment("flights").id != old.id


def test_deleted_only_false_is_the_explicit_word(app: Ostinato) -> None:
    fill(app, "one")
    fill(app, "two")
    assert app.runs.purge("one", deleted_only=False).runs == 1
    assert app.runs.purge_experiment("flights", deleted_only=False).runs == 1
    assert left(app) == {}


def test_a_candidate_can_be_purged_by_itself(app: Ostinato) -> None:
    fill(app, "one")
    with pytest.raises(Conflict, match="was not deleted"):
        app.runs.purge_candidate("of-one")
    app.runs.delete_candidate("of-one")
    took = app.runs.purge_candidate("of-one")
    assert (took.runs, took.candidates, took.files) == (0, 1, 1)
    assert app.runs.candidates(view="all").items == []
    assert len(app.runs.artifacts("one")) == 2


def test_what_an_interrupted_purge_has_left_is_swept_later(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    before = left(app)
    app.runs.create_experiment("flights")
    fill(app, "one")
    app.runs.delete("one")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app.runs, "_sweep", killed)
    with pytest.raises(KeyboardInterrupt):
        app.runs.purge("one")
    monkeypatch.undo()
    assert {"series_latest", "tracking_artifact", "tracking_purge"} <= left(app).keys(), "this is a purge that was cut short"
    with pytest.raises(NotFound):
        app.runs.get("one")
    with pytest.raises(Unavailable, match="just being purged"):
        app.runs.start("flights", id="one")
    app.runs.tick()
    assert left(app).keys() - before.keys() == {"tracking_experiment"}
    app.runs.start("flights", id="one")


def test_a_hold_protects_against_every_way_to_destroy(app: Ostinato) -> None:
    fill(app, "one")
    app.access.create_person("eva", roles=["auditor"])
    app.access.create_person("sam", roles=["scientist"])
    with app.acting_as("person:eva"):
        hold = app.ledger.hold(Ref("experiment", "flights"), "Case 12/2013")
        assert app.ledger.hold(Ref("experiment", "flights"), "Case 12/2013") == hold, "a repeat is one hold"
    assert hold.ref == app.runs.experiment("flights").ref, "by what it is called for good"
    app.runs.delete("one")
    with pytest.raises(Conflict, match=r"held by person:eva, 2013-01-01: Case 12/2013"):
        app.runs.purge("one")
    assert app.runs.purge_runs(apply=True).kept == 1
    app.runs.delete_candidate("of-one")
    with pytest.raises(Conflict, match="Case 12"):
        app.runs.purge_candidate("of-one")
    app.runs.start("flights", id="two", amendable=True)
    app.runs.put_artifact("two", "a.txt", b"1")
    for destroy in (lambda: app.runs.drop_artifact("two", "a.txt"), lambda: app.runs.put_artifact("two", "a.txt", b"2")):
        with pytest.raises(Conflict, match="is held"):
            destroy()
    released = app.ledger.release(hold.id, "settled")
    assert (released.released_by, released.release_reason) == ("person:admin", "settled")
    assert app.ledger.holds() == []
    assert app.ledger.holds(released=True) == [released]
    assert app.runs.purge("one").runs == 1
    assert [event.verb for event in app.ledger.events(touching=hold.ref).items][-2:] == ["experiment.held", "experiment.released"]


def test_a_hold_on_what_a_run_is_part_of_or_on_a_model_protects_too(app: Ostinato) -> None:
    fill(app, "whole")
    app.runs.start("flights", id="part", parent="whole")
    app.runs.finish("part")
    app.ledger.hold(Ref("run", "whole"), "audit")
    app.runs.delete("part")
    with pytest.raises(Conflict, match="audit"):
        app.runs.purge("part")
    version = register(app, "whole")
    held = app.ledger.hold(Ref.parse(version), "audit")
    for removed in (version, "late"):
        with pytest.raises(Conflict, match="is held"):
            app.models.remove(removed)
    app.ledger.release(held.id, "done")
    app.models.remove(version)


def taken_in(app: Ostinato, run: str, parent: str | None) -> bool:
    """Take in a run, like the one called `pattern`, as if it came from another store."""
    return app.runs.adopt(replace(app.runs.get("pattern"), id=run, parent=parent), "0" * 64, whole=True)


def test_no_run_is_part_of_itself_in_whatever_order_it_comes(app: Ostinato) -> None:
    app.runs.start("flights", id="pattern")
    app.runs.finish("pattern")
    with pytest.raises(Invalid, match="part of itself"):
        taken_in(app, "alone", parent="alone")
    assert taken_in(app, "deep", parent="middle"), "what it is part of need not have come"
    assert taken_in(app, "middle", parent="outer")
    for close in (lambda: taken_in(app, "outer", parent="deep"), lambda: app.runs.start("flights", id="outer", parent="deep")):
        with pytest.raises(Invalid, match="run outer would be part of itself"):
            close()
    app.runs.start("flights", id="outer", parent="pattern")
    assert taken_in(app, "deep", parent="middle"), "a repeat is fine"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("hold", [False, True])
def test_runs_that_are_part_of_each_other_all_the_same_are_purged(app: Ostinato, hold: bool) -> None:
    for run in ("bystander", "one", "two"):
        app.runs.start("flights", id=run)
    runs = metadata.tables["tracking_run"]
    for run, parent in (("one", "two"), ("two", "one")):
        app.rows.write(lambda tx, run=run, parent=parent: tx.execute(update(runs).where(runs.c.id == run).values(parent=parent)))
        app.runs.delete(run)
    if hold:
        app.ledger.hold(Ref("run", "bystander"), "audit")
    assert (app.runs.purge_runs().runs, app.runs.purge_runs().kept) == (2, 0)
    assert app.runs.purge("one").runs == 2


@pytest.mark.parametrize("ref", ["run:none", "experiment:none", "model:none@1", "dataset:none"])
def test_a_hold_on_what_is_not_there_is_refused(app: Ostinato, ref: str) -> None:
    with pytest.raises(NotFound, match="there is no"):
        app.ledger.hold(Ref.parse(ref), "typo")
    with pytest.raises(OstinatoError, match="reason"):
        app.ledger.hold(Ref.parse(ref), " ")


def test_a_purge_gives_the_disk_back(app: Ostinato, tmp_path: Path) -> None:
    large = b"x" * 3_000_000
    fill(app, "one", content=large)
    app.runs.delete("one")
    took = app.runs.purge("one")
    found = collect(app.settings.data, older_than_hours=2)
    assert found.size == 0, "young blobs are spared"
    for path in (app.settings.data / "blobs").rglob("*"):
        os.utime(path, (1, 1))
    assert collect(app.settings.data, apply=True, older_than_hours=2).size == took.freed
