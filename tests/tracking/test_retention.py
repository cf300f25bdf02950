"""Retention: rules say what is kept how long; a dry run says what they would take, and servers apply them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Denied, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import TimeSliced
from ostinato.testing.fixtures import both
from ostinato.tracking.types import MetricFrame, State

START = datetime(2013, 1, 1, tzinfo=UTC)

__all__ = ["both"]


def run(
    app: Ostinato, id: str, state: State, auc: float | None = None, tags: dict[str, str] | None = None, experiment: str = "night"
) -> None:
    app.runs.start(experiment, id=id, tags=tags)
    if auc is not None:
        app.runs.log(id, "c", 0, MetricFrame.of([("auc", 1, 1, auc)]))
    app.runs.put_artifact(id, "model", id.encode() * 100)
    app.runs.finish(id, state)


def ids(app: Ostinato, view: str = "active") -> set[str]:
    return {found.id for found in app.runs.search(view=view).items}  # type: ignore[arg-type]


def test_rules_delete_and_later_purge(both: Ostinato, app: Ostinato, clock: ReplayClock) -> None:
    for name, auc in (("a", 0.9), ("b", 0.8), ("c", 0.7), ("d", None)):
        run(both, name, "finished", auc)
    run(both, "failed", "failed")
    run(both, "kept", "failed", tags={"keep": "yes"})
    both.runs.start("night", id="going")
    both.runs.retain("failures", "delete", 7, where=["state in (failed, killed)"], keep_tagged=["keep"])
    both.runs.retain("best", "delete", 30, experiment="night", keep_best=2, best_by="-metrics.auc", where=["state = finished"])
    both.runs.retain("gone", "purge", 30)
    assert [rule.name for rule in both.runs.retention()] == ["best", "failures", "gone"]
    clock.set(START + timedelta(days=8))
    plan = both.runs.apply_retention()
    assert [(found.rule, found.runs) for found in plan] == [("best", []), ("failures", ["failed"]), ("gone", [])]
    assert (plan[1].took.applied, plan[1].took.freed) == (False, 600)
    assert ids(both, "deleted") == set(), "a dry run takes nothing"
    app.tick()
    assert ids(both, "deleted") == {"failed"}
    clock.set(START + timedelta(days=31))
    (best,) = both.runs.apply_retention("best", apply=True)
    assert set(best.runs) == {"c", "d"}, "the best two stay, and what was not measured is not among them"
    clock.set(START + timedelta(days=39))
    both.runs.apply_retention(apply=True)
    assert ids(both, "all") == {"a", "b", "c", "d", "kept", "going"}, "what was deleted on day 8 is destroyed on day 39"
    clock.set(START + timedelta(days=62))
    both.runs.apply_retention(apply=True)
    assert ids(both, "all") == {"a", "b", "kept", "going"}
    (purged, *_) = app.ledger.events(verb="run.purged").items
    assert purged.data["rule"] == "gone"


def test_a_rule_spares_what_is_held_and_takes_whole_experiments(app: Ostinato, clock: ReplayClock) -> None:
    run(app, "a", "finished", experiment="old")
    run(app, "b", "finished", experiment="held")
    app.runs.add_candidate("loose", experiment="held", id="m-1")
    app.runs.delete_candidate("m-1")
    hold = app.ledger.hold(Ref("experiment", "held"), "audit")
    for experiment in ("old", "held"):
        app.runs.delete_experiment(experiment)
    app.runs.retain("gone", "purge", 1)
    clock.set(START + timedelta(days=2))
    (plan,) = app.runs.apply_retention()
    assert (sorted(plan.runs), plan.took.experiments, plan.took.kept) == (["a", "b"], 1, 3)
    (done,) = app.runs.apply_retention(apply=True)
    assert (done.took.runs, done.took.experiments, done.took.kept) == (1, 1, 3)
    assert [found.name for found in app.runs.experiments("all")] == ["held"]
    app.ledger.release(hold.id, "over")
    (done,) = app.runs.apply_retention(apply=True)
    assert (done.took.runs, done.took.candidates, done.took.experiments, done.took.kept) == (1, 1, 1, 0)
    assert app.runs.experiments("all") == []


def test_servers_apply_rules_of_every_project_each_hour(app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch) -> None:
    app.access.create_project("lab")
    with calling(Caller(actor="person:admin", project="lab")):
        run(app, "x", "failed")
        app.runs.retain("failures", "delete", 1)
    clock.set(START + timedelta(days=2))
    app.tick()
    with calling(Caller(actor="person:admin", project="lab")):
        assert ids(app, "deleted") == {"x"}
        run(app, "y", "failed")
        clock.set(START + timedelta(days=4))
        app.runs.tick()
        assert ids(app) == {"y"}, "a server looks once a minute"
        app.runs._upkeep = TimeSliced()
        app.runs.tick()
        assert ids(app) == set()
        (event, *_) = app.ledger.events(verb="run.deleted", newest_first=True).items
    assert (event.actor, event.data["rule"]) == ("person:admin", "failures")


def test_rules_are_checked_and_replaced(app: Ostinato) -> None:
    first = app.runs.retain("r", "delete", 7, where=["state = failed"])
    assert app.runs.retain("r", "delete", 7, where=["state = failed"]) == first
    assert app.runs.retain("r", "delete", 8).days == 8
    assert len(app.ledger.events(verb="retention.declared").items) == 2
    for wrong in (
        {"act": "delete", "days": -1}, {"act": "delete", "days": 1, "where": ["state is"]}, {"act": "delete", "days": 1, "keep_best": 3},
        {"act": "delete", "days": 1, "keep_best": 3, "best_by": "name"},
        {"act": "purge", "days": 1, "keep_best": 3, "best_by": "metrics.a"},
    ):  # fmt: skip
        with pytest.raises(Invalid):
            app.runs.retain("r", **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        app.runs.retain("r", "delete", 1, experiment="none")
    with pytest.raises(NotFound, match="retention rule"):
        app.runs.apply_retention("none")
    app.runs.drop_retention("r")
    with pytest.raises(NotFound):
        app.runs.drop_retention("r")


def test_the_rules_of_another_project_are_not_named(app: Ostinato) -> None:
    app.runs.retain("mine", "delete", 7)
    with calling(Caller(actor="person:admin", project="other")):
        app.runs.retain("mince-secret", "delete", 7)
    with pytest.raises(NotFound) as refused:
        app.runs.drop_retention("mince-secre")
    assert "mince-secret" not in f"{refused.value} {refused.value.hint}"


def test_who_may_destroy_and_who_may_hold(app: Ostinato, both: Ostinato) -> None:
    if app is both:
        return  # in process, the owner may all
    from ostinato.client.remote import connect

    run(app, "a", "finished")
    url = both._link.url  # type: ignore[attr-defined]
    may = {"scientist": (False, False), "steward": (True, True), "auditor": (False, True), "project_admin": (True, True)}
    for role, (purges, holds) in may.items():
        who = app.access.create_person(role.replace("_", "-"), [role]).id
        with app.acting_as(who):
            token = app.access.issue_token(who).secret
        with connect(url, token) as remote:
            for allowed, act in (
                (purges, lambda remote=remote: remote.runs.purge_runs()),
                (holds, lambda remote=remote: remote.ledger.hold(Ref("run", "a"), "audit")),
            ):
                if allowed:
                    act()
                else:
                    with pytest.raises(Denied):
                        act()
