"""Leaving: what changes while a purge or a rule is at work, how it shares the time of a server, and how much goes at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from ostinato.app import Ostinato
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import TimeSliced
from ostinato.storage.rows.rows import Tx, metadata
from ostinato.storage.series.latest import latest
from ostinato.tracking.candidate_tables import candidate_table
from ostinato.tracking.removal import cascade as going
from ostinato.tracking.removal import purge as removal
from ostinato.tracking.removal import retention, unshared
from ostinato.tracking.store import artifact_table
from ostinato.tracking.types import MetricFrame

LATER = datetime(2013, 3, 1, tzinfo=UTC)


def ended(app: Ostinato, run: str, experiment: str = "night", parent: str | None = None) -> None:
    app.runs.start(experiment, id=run, parent=parent)
    app.runs.finish(run)


def meanwhile(app: Ostinato, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], change: str = "_leave") -> None:
    """Have something happen once, between what is planned and the first write of what is called so."""
    write, left = app.rows.write, [act]

    def first(done: Any) -> Any:
        if left and getattr(done, "func", done).__name__.startswith(change):
            left.pop()()
        return write(done)

    monkeypatch.setattr(app.rows, "write", first)


def purged(app: Ostinato, kind: str) -> list[str]:
    return [event.subject.name for event in app.ledger.events(verb=f"{kind}.purged", limit=1000).items]


def test_a_candidate_that_is_restored_before_it_goes_stays(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    app.runs.add_candidate("tree", experiment="night", id="m-1")
    app.runs.delete_candidate("m-1")
    meanwhile(app, monkeypatch, lambda: app.runs.restore_candidate("m-1"))
    with pytest.raises(Conflict, match="candidate:m-1 stays: it is not deleted, or was restored"):
        app.runs.purge_candidate("m-1")
    assert app.runs.candidate("m-1").deleted_at is None


@pytest.mark.parametrize("candidate", [False, True])
def test_an_experiment_that_is_restored_before_it_goes_stays(app: Ostinato, monkeypatch: pytest.MonkeyPatch, candidate: bool) -> None:
    app.runs.create_experiment("night")
    if candidate:
        app.runs.add_candidate("tree", experiment="night", id="m-1")
    app.runs.delete_experiment("night")
    meanwhile(app, monkeypatch, lambda: app.runs.restore_experiment("night"))
    with pytest.raises(Conflict, match="restored meanwhile"):
        app.runs.purge_experiment("night")
    assert app.runs.experiment("night").deleted_at is None
    assert len(app.runs.candidates().items) == candidate


def test_a_run_that_is_restored_before_it_goes_stays_with_what_it_is_part_of(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    for run, parent in (("other", None), ("whole", None), ("part", "whole")):
        ended(app, run, parent=parent)
        app.runs.delete(run)
    meanwhile(app, monkeypatch, lambda: app.runs.restore("part"))
    took = app.runs.purge_runs(apply=True)
    assert (took.runs, sorted(str(one.ref) for one in took.refused)) == (1, ["run:part", "run:whole"])
    assert {run.id for run in app.runs.search(view="all").items} == {"whole", "part"}


def test_two_servers_that_apply_one_rule_at_once_purge_each_thing_once(
    app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        app.runs.add_candidate("tree", experiment="night", id=f"m-{number}")
        app.runs.delete_candidate(f"m-{number}")
        ended(app, f"r-{number}", "other")
    app.runs.delete_experiment("other")
    app.runs.retain("gone", "purge", 1)
    clock.set(LATER)
    with Ostinato.open(app.settings.data, clock=clock) as second:
        meanwhile(app, monkeypatch, lambda: second.runs.apply_retention(apply=True))
        app.runs.apply_retention(apply=True)
    assert sorted(purged(app, "candidate")) == ["m-0", "m-1", "m-2"]
    assert sorted(purged(app, "run")) == ["r-0", "r-1", "r-2"]
    assert len(purged(app, "experiment")) == 1


@pytest.mark.parametrize("act", ["resume", "tag"])
def test_a_rule_spares_what_it_is_about_no_longer_when_it_writes(
    app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    ended(app, "one")
    ended(app, "two")
    app.runs.retain("old", "delete", 1, keep_tagged=["keep"])
    clock.set(LATER)
    meanwhile(app, monkeypatch, lambda: app.runs.resume("one") if act == "resume" else app.runs.tag("one", {"keep": "yes"}), "_delete_runs")
    app.runs.apply_retention(apply=True)
    assert [run.id for run in app.runs.search().items] == ["one"]


def test_what_was_deleted_anew_is_not_purged_before_its_time(app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(app, "one")
    app.runs.delete("one")
    app.runs.retain("gone", "purge", 1)
    clock.set(LATER)
    meanwhile(app, monkeypatch, lambda: (app.runs.restore("one"), app.runs.delete("one")))
    (done,) = app.runs.apply_retention(apply=True)
    assert (done.took.runs, done.took.kept, app.runs.get("one").id) == (0, 1, "one")


def test_a_tick_does_a_piece_of_the_upkeep_and_the_next_goes_on(app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimeSliced, "turn_s", 0.0)
    monkeypatch.setattr(retention, "_AT_ONCE", 1)
    monkeypatch.setattr(removal, "_AT_ONCE", 1)
    for number in range(5):
        ended(app, f"r-{number}")
    app.runs.retain("old", "delete", 1)
    clock.set(LATER)
    who, seen = caller(), list[int]()
    while app.runs.retention()[0].applied_at is None:
        seen.append(len(app.runs.search(view="deleted").items))
        app.runs.tick()
        assert caller() == who
        assert len(seen) < 50
    assert {0, 1, 2, 3, 4, 5} <= set(seen), "the rule counts as applied when all of it is done"
    app.runs.drop_retention("old")
    app.runs.retain("gone", "purge", 1)
    clock.set(LATER + timedelta(days=2))
    app.runs._upkeep = TimeSliced()
    while (left := len(app.runs.search(view="all").items)) > 3:
        app.runs.tick()
    assert left == 3
    app.runs.drop_retention("gone")
    for _ in range(20):
        app.runs.tick()
    assert len(app.runs.search(view="all").items) == 3, "a rule that is dropped meanwhile takes nothing more"


def test_files_of_candidates_are_held_as_those_of_runs(app: Ostinato) -> None:
    app.runs.start("night", id="one")
    made = {name: app.runs.add_candidate("tree", "one", id=name).id for name in ("held", "of-run")}
    made["free"] = app.runs.add_candidate("tree", experiment="other", id="free").id
    for candidate in made:
        app.runs.put_candidate_artifact(candidate, "model", b"1")
    holds = [app.ledger.hold(Ref("candidate", "held"), "audit")]
    with pytest.raises(Conflict, match="is held"):
        app.runs.put_candidate_artifact("held", "model", b"2")
    app.runs.put_candidate_artifact("of-run", "model", b"2")
    for ref in (Ref("run", "one"), Ref("experiment", "night")):
        holds.append(app.ledger.hold(ref, "audit"))
        with pytest.raises(Conflict, match="is held"):
            app.runs.put_candidate_artifact("of-run", "model", b"3")
        app.ledger.release(holds.pop().id, "over")
    app.runs.put_candidate_artifact("held", "more", b"2")
    app.runs.put_candidate_artifact("held", "model", b"1")
    app.runs.put_candidate_artifact("free", "model", b"2")
    assert app.runs.candidate_artifact("of-run", "model") == b"2"


def many(app: Ostinato, run: str, n: int) -> None:
    """So many candidates of a run."""
    app.runs.add_candidate("tree", run, id=f"{run}-0")
    (row,) = app.rows.read(lambda tx: tx.all(select(candidate_table).where(candidate_table.c.id == f"{run}-0")))
    rows = [dict(row._mapping) | {"id": f"{run}-{number}"} for number in range(1, n)]
    app.rows.write(lambda tx: tx.execute(insert(candidate_table), rows))


def test_candidates_go_so_many_at_once_and_before_their_run(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going, "CANDIDATES_AT_ONCE", 3)
    for run, n in (("one", 2), ("two", 8), ("three", 3)):
        ended(app, run)
        many(app, run, n)
        app.runs.delete(run)
    write, left = app.rows.write, list[tuple[int, int]]()

    def counted(change: Any) -> Any:
        done = write(change)
        if getattr(change, "func", change).__name__ == "_leave":
            left.append(app.rows.read(lambda tx: tuple(tx.all(select(func.count()).select_from(t))[0][0] for t in TABLES)))
        return done

    monkeypatch.setattr(app.rows, "write", counted)
    took = app.runs.purge_runs(apply=True)
    assert (took.runs, took.candidates) == (3, 13)
    assert left == [(2, 11), (1, 8), (1, 5), (1, 2), (0, 0)]
    assert len(purged(app, "candidate")) == 13


TABLES = (metadata.tables["tracking_run"], candidate_table)


def test_what_is_asked_of_many_candidates_is_asked_of_so_many_at_once(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(app, "one")
    many(app, "one", unshared.AT_ONCE + 1)
    app.runs.delete("one")
    asked = list[int]()

    def needed(tx: Tx, kind: str, names: Any) -> dict[str, list[str]]:
        asked.append(len(names))
        return {}

    monkeypatch.setattr(app.runs, "needed_by", needed)
    assert app.runs.purge_runs().candidates == unshared.AT_ONCE + 1
    assert asked == [1, unshared.AT_ONCE, 1]


def test_what_frees_nothing_reads_no_other_table(app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(app, "one")
    app.runs.start("night", id="two")
    app.runs.put_artifact("two", "a", b"1")
    app.runs.finish("two")
    app.runs.retain("old", "delete", 1)
    clock.set(LATER)

    def never() -> Any:
        raise AssertionError("a table was read")

    assert app.runs.apply_retention()[0].took.freed == 1
    monkeypatch.setattr(unshared, "_declared", never)
    (done,) = app.runs.apply_retention(apply=True)
    assert (done.took.runs, done.took.freed) == (2, 0), "what is only deleted frees nothing yet"
    assert app.runs.purge_runs(where=["id = one"]).freed == 0


def test_a_run_that_is_deleted_while_it_arrives_is_not_restored_by_that(app: Ostinato) -> None:
    ended(app, "one")
    record = replace(app.runs.get("one"), id="two")
    assert not app.runs.adopt(record, "0" * 64)
    app.runs.delete("two")
    with pytest.raises(Conflict, match="deleted while it arrived"):
        app.runs.adopt(record, "0" * 64, whole=True)
    assert app.runs.get("two").deleted_at is not None
    app.runs.restore("two")
    assert app.runs.adopt(record, "0" * 64, whole=True)


def test_many_candidates_leave_in_few_transactions(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        app.runs.add_candidate("tree", experiment="night", id=f"m-{number}")
        app.runs.put_candidate_artifact(f"m-{number}", "model", b"x")
    app.runs.start("night", id="r-1")
    app.runs.log("r-1", "c", 0, MetricFrame.of([("auc", 1, 1, 0.5)]))
    app.runs.finish("r-1")
    app.runs.delete_experiment("night")
    calls, read, write = Counter[str](), app.rows.read, app.rows.write
    monkeypatch.setattr(app.rows, "read", lambda query: (calls.update(["read"]), read(query))[1])
    monkeypatch.setattr(app.rows, "write", lambda change: (calls.update(["write"]), write(change))[1])
    took = app.runs.purge_experiment("night")
    assert (took.candidates, took.files, took.points) == (60, 60, 1)
    assert calls.total() < 40, f"they go together, and not one by one: {calls}"
    left = read(lambda tx: [tx.all(select(func.count()).select_from(table))[0][0] for table in (candidate_table, artifact_table, latest)])
    assert left == [0, 0, 0]
