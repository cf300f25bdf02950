"""Home, inbox and practice of a loop whose answers are known."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from tests.insights.conftest import START, Loop

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref


def lived(loop: Loop) -> None:
    """v1: data at 0 h, registered 2 h, approved 5 h, live 6 h. v2: data 24 h, registered 34 h, approved 35 h, live 36 h, back 40 h."""
    app = loop.app
    loop.deliver("first", [1.0, 2.0])
    loop.at(2)
    loop.version(1, 1.0, cpu_s=3600)
    loop.at(5)
    loop.approve(1)
    loop.at(6)
    app.models.promote("late@1")
    app.endpoints.deploy("late", "late@champion", "first")
    loop.at(24)
    loop.deliver("second", [3.0])
    loop.at(34)
    loop.version(2, 2.0, cpu_s=1800)
    loop.at(35)
    loop.approve(2)
    loop.at(36)
    app.models.promote("late@2")
    app.endpoints.deploy("late", "late@champion", "second")
    loop.at(40)
    app.endpoints.rollback("late", "it answers nonsense")


def test_r88_lead_times_and_what_failed_are_those_of_the_events(loop: Loop) -> None:
    lived(loop)
    loop.at(100)
    found = loop.app.insights.practice()
    assert (found.changes, found.failed_changes.hits, found.failed_changes.cases) == (2, 1, 2)
    assert found.failed_changes.share == 0.5
    assert found.failed_changes.low == pytest.approx(0.0945, abs=1e-4), "Wilson, 1 of 2"
    lead = found.lead_time
    assert (lead.cases, lead.p50_h, lead.worst_h, lead.worst) == (2, 9.0, 12.0, Ref("model", "late", "2"))
    wait = found.approval_wait
    assert (wait.cases, wait.p50_h, wait.worst_h, wait.worst) == (2, 2.0, 3.0, Ref("model", "late", "1"))
    assert (found.restore.cases, found.restore.worst_h) == (1, 4.0)
    assert [(s.stage, s.experiment, s.runs, s.failed, s.cpu_s, s.money) for s in found.stages] == [("training", "fit", 2, 0, 5400.0, None)]
    second, first = found.passages
    assert (second.version, second.delivered_at, second.registered_at, second.approved_at, second.live_at, second.taken_back_at) == (
        Ref("model", "late", "2"), *(START + timedelta(hours=hours) for hours in (24, 34, 35, 36, 40)),
    )  # fmt: skip
    assert (first.version, first.taken_back_at) == (Ref("model", "late", "1"), None)
    early = loop.app.insights.practice(until=START + timedelta(hours=30))
    assert early.failed_changes.low == 0.0, "exactly: nothing failed"
    assert (early.changes, early.failed_changes.hits, early.lead_time.worst_h, early.restore.cases) == (1, 0, 6.0, 0), (
        "as it was known then"
    )
    with pytest.raises(Invalid, match="before it begins"):
        loop.app.insights.practice(since=START, until=START)


def test_the_home_shows_each_part_of_the_loop(loop: Loop) -> None:
    lived(loop)
    loop.at(41)
    now = loop.clock.now()
    loop.answered("old", [now - timedelta(hours=30)] * 7)
    loop.answered("new", [now - timedelta(hours=2.5)] * 10 + [now] * 10, failed=2)
    loop.deliver("third", [-500.0])
    (row,) = loop.app.insights.home().loops
    assert (row.model, row.owner, row.worry) == (Ref("model", "late"), "person:dora", 2)
    assert row.data is not None
    assert (row.data.version, row.data.age_h, row.data.state, row.data.failed) == (
        Ref("dataset", "flights", "2"), 17.0, "quarantined", ["in_range(delay)"],
    )  # fmt: skip
    assert row.trained is not None
    assert (row.trained.version, row.trained.at) == (Ref("model", "late", "2"), START + timedelta(hours=34))
    assert row.production is not None
    assert (row.production.version, row.production.since, row.production.by) == (
        Ref("model", "late", "1"), START + timedelta(hours=40), "person:admin",
    )  # fmt: skip
    assert row.health is not None
    assert (row.health.requests, row.health.errors, sum(row.health.spark_errors)) == (20, 2, 2)
    assert (row.health.spark[-1], row.health.spark[21], len(row.health.spark)) == (10, 10, 24)
    assert row.health.p95_ms == pytest.approx(17.15)
    assert row.cost is not None
    assert (row.cost.runs, row.cost.cpu_s, row.cost.money) == (2, 5400.0, None)
    assert row.absent.keys() == {"rollout", "drift", "quality"}
    assert [(w.verb, w.owner, w.since) for w in row.waits] == [
        ("endpoints.rollout", "", START + timedelta(hours=35)), ("datasets.deliver", "person:admin", now),
    ]  # fmt: skip


def test_drift_and_quality_are_those_of_the_newest_window_beside_the_approval(loop: Loop) -> None:
    app, rng = loop.app, np.random.default_rng(3)
    lived(loop)
    loop.at(50)
    known = loop.reference(rng, 1500)
    app.monitors.create("late", endpoint="late", reference=app.tables.write(known).digest, features=["delay"], block="")
    row = app.insights.home().loops[0]
    assert row.drift is not None
    assert (row.drift.window, row.drift.worst, row.quality) == (None, None, None), "nothing was measured yet"
    loop.scored("window", rng, 600, shift=2.0)
    window = app.monitors.assess("late", START + timedelta(hours=49), START + timedelta(hours=51))
    worst = max((m for m in window.measurements if m.kind == "drift"), key=lambda m: m.effect - m.tolerance)
    (auc,) = (m for m in window.measurements if m.test == "auc")
    row = app.insights.home().loops[0]
    assert row.drift is not None
    assert row.drift.worst is not None
    assert (row.drift.worst.feature, row.drift.worst.effect, row.drift.worst.alarm) == ("delay", worst.effect, True)
    assert row.drift.open_findings == len(app.monitors.findings(state="open")) > 0
    assert row.quality is not None
    assert (row.quality.metric, row.quality.now, row.quality.labelled) == ("auc", auc.observed, 600)
    assert row.quality.low < row.quality.now < row.quality.high
    assert row.quality.high - row.quality.low == pytest.approx(auc.high - auc.low)
    at_approval = app.evaluations.get(app.models.get("late@1").evaluation or "").report.metrics["auc"]
    assert (row.quality.approved, row.quality.approved_low) == (at_approval.value, at_approval.low)
    assert [w.verb for w in row.waits] == ["endpoints.rollout", "monitors.acknowledge"]
    assert row.worry == 2
    with calling(Caller(actor="person:dora")):
        assert app.insights.inbox().counts == {"finding": row.drift.open_findings}
        loop.at(51 + 29 * 24)
        assert app.insights.inbox().counts == {"finding": row.drift.open_findings}, "the window ended within 30 days"
        loop.at(51 + 31 * 24)
        assert app.insights.inbox().counts == {}
    for finding in app.monitors.findings(state="open"):
        app.monitors.acknowledge(finding.id, "the sensor was changed")
    row = app.insights.home().loops[0]
    assert row.drift is not None
    assert (row.drift.open_findings, [w.verb for w in row.waits]) == (0, ["endpoints.rollout"])


def test_parts_that_one_may_not_see_are_told_apart_from_those_that_are_not_there(loop: Loop) -> None:
    loop.deliver("first", [1.0])
    loop.version(1, 1.0)
    loop.app.access.define_role("models", ["model:read"])
    loop.app.access.create_person("max", ["models"])
    with calling(Caller(actor="person:max")):
        (row,) = loop.app.insights.home().loops
        assert (row.data, row.cost) == (None, None)
        assert {row.absent[part] for part in ("data", "cost", "health")} == {
            "needs the permission dataset:read", "needs the permission run:read", "needs the permission endpoint:read",
        }  # fmt: skip
    (row,) = loop.app.insights.home().loops
    assert row.data is not None
    assert row.absent["production"] == "ostinato models promote late@1"


def test_the_inbox_holds_what_this_caller_may_do(loop: Loop) -> None:
    app = loop.app
    loop.deliver("first", [1.0])
    loop.version(1, 1.0)
    loop.at(1)
    loop.version(1, 2.0)
    loop.at(2)
    loop.deliver("second", [-500.0])
    loop.at(3)
    with calling(Caller(actor="person:dora")):
        run = app.runs.start("fit", "dora's")
        app.runs.finish(run.id, "failed", error="out of luck")
    with calling(Caller(actor="person:rita")):
        (item,) = app.insights.inbox().items
        assert (item.kind, item.ref, item.detail) == ("approval", Ref("model", "late", "2"), "not checked yet"), "the first is overtaken"
    with calling(Caller(actor="person:dora")):
        kinds = [(item.kind, str(item.ref)) for item in app.insights.inbox().items]
        assert kinds == [("failure", f"run:{run.id}"), ("quarantine", "dataset:flights")], "newest first"
    with calling(Caller(actor="person:vic")):
        assert app.insights.inbox().items == []
    loop.deliver("second", [2.0])
    loop.approve(2)
    assert app.insights.inbox().counts == {}, "the delivery came again, the version is approved; the failure is another's"


def test_of_an_approver_ones_own_versions_do_not_wait(loop: Loop) -> None:
    loop.deliver("first", [1.0])
    loop.version(1, 1.0)
    loop.app.access.create_person("tom", ["reviewer", "scientist"])
    with calling(Caller(actor="person:tom")):
        assert loop.app.insights.inbox().counts == {"approval": 1}
    with calling(Caller(actor="service:trainer")):
        assert loop.app.insights.inbox().items == []
    loop.approve(1, by="person:tom")
    with calling(Caller(actor="person:tom")):
        assert loop.app.insights.inbox().items == [], "what is approved waits for the deployer"


def test_who_may_nothing_in_a_project_finds_it_not(app: Ostinato) -> None:
    app.access.create_person("eve")
    with calling(Caller(actor="person:eve")):
        for ask in (lambda: app.insights.search("x"), app.insights.inbox):
            with pytest.raises(NotFound, match="no project"):
                ask()


def test_an_empty_project_says_how_to_begin(app: Ostinato) -> None:
    home = app.insights.home()
    assert (home.loops, home.command) == ([], "ostinato models create --name NAME")
    found = app.insights.practice()
    assert (found.changes, found.failed_changes.share, found.lead_time.p50_h, found.stages) == (0, None, None, [])


def test_the_news_leave_out_what_is_no_news_and_fold_what_is_alike(loop: Loop) -> None:
    app = loop.app
    lived(loop)
    told = [(str(n.event.subject), n.event.verb, n.times) for n in app.insights.news()]
    assert told[0] == ("endpoint:late", "endpoint.rolled_back", 1)
    assert ("model:late@2", "model.registered", 1) in told
    assert not any(verb.startswith(("token.", "run.started")) for _, verb, _ in told)
    loop.at(41)
    for text in ("first", "second", "third"):
        app.ledger.comment(Ref("model", "late"), text)
        loop.at(42)
    (newest,) = app.insights.news(limit=1)
    assert (newest.event.verb, newest.event.data["text"], newest.times) == ("model.commented", "third", 3)
    assert newest.since == START + timedelta(hours=41)
    with pytest.raises(Invalid, match="at once"):
        app.insights.news(limit=0)
