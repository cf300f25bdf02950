"""Triggers: each event starts one execution, and none starts itself without end."""

from __future__ import annotations

import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.pipelines.worker import work


def deliver(app: SimpleNamespace, name: str = "flights", version: int = 1) -> None:
    """An event as a delivery of data leaves it."""
    ref = Ref("dataset", name)
    app.rows.write(lambda tx: app.ledger.append(tx, "dataset.delivered", ref, outputs=(ref.at(version),), data={"rows": version * 10}))


def caused(app: SimpleNamespace) -> list[dict[str, Any]]:
    return [e.parameters for e in reversed(app.pipelines.search(limit=1000).items) if e.cause]


def test_an_event_starts_a_pipeline_with_what_it_says(app: SimpleNamespace, flows: ModuleType) -> None:
    deliver(app)
    parameters = {"n": "${data.rows}", "source": "${output}"}
    made = app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", subject="dataset:flights", parameters=parameters)
    assert app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", subject="dataset:flights", parameters=parameters) == made
    deliver(app, version=2)
    deliver(app, "weather", 3)
    for _ in range(3):
        app.pipelines.tick()
    assert [(p["n"], p["source"]) for p in caused(app)] == [(20, "dataset:flights@2")], "from now on, and each event once"
    (execution,) = app.pipelines.search().items
    assert (execution.cause, execution.actor) == ("trigger:fresh", "person:ana")
    assert work(app, app.pipelines, threading.Event(), once=True) == 1
    assert app.pipelines.get(execution.id).state == "finished"


def test_an_event_read_again_starts_nothing_again(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    app.pipelines.trigger("fresh", "dataset.*", "flows:train", parameters={"n": 1})
    for version in range(1, 4):
        deliver(app, version=version)
    with monkeypatch.context() as patched:
        patched.setattr(app.ledger, "advance", lambda *_: None)  # as if the server died before it noted how far it was
        app.pipelines.tick()
    threads = [threading.Thread(target=app.pipelines.tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(caused(app)) == 3


def test_events_of_other_projects_set_nothing_off(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", parameters={"n": 1})
    with calling(Caller(actor="person:ben", project="other")):
        deliver(app)
        app.pipelines.trigger("theirs", "dataset.delivered", "flows:train", parameters={"n": 2})
        deliver(app)
    app.pipelines.tick()
    assert caused(app) == []
    with calling(Caller(actor="person:ben", project="other")):
        assert [p["n"] for p in caused(app)] == [2]


def test_what_would_set_itself_off_without_end_is_stopped(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.trigger("again", "execution.finished", "flows:train", parameters={"n": 1, "source": "${subject}"})
    app.pipelines.start("flows:train", {"n": 1})
    for _ in range(30):
        work(app, app.pipelines, threading.Event(), once=True)
        app.pipelines.tick()
    assert len(caused(app)) == 8
    (trigger,) = app.pipelines.triggers()
    assert "8 executions in a row set each other off" in trigger.stopped
    (stopped,) = app.ledger.events(verb="trigger.stopped").items
    assert stopped.data["reason"] == trigger.stopped
    armed = app.pipelines.trigger("again", "execution.finished", "flows:train", parameters={"n": 1, "source": "${subject}"})
    assert armed.stopped == ""
    app.pipelines.tick()
    assert len(caused(app)) == 8, "what happened before is over"


def test_a_loop_through_what_a_step_does_is_stopped(app: SimpleNamespace, project: Any) -> None:
    project.edit(
        "def boom(x: int) -> int:\n    return 1 // x",
        """def boom(x: int) -> int:
    from ostinato.kernel.ref import Ref
    app = current().app
    app.rows.write(lambda tx: app.ledger.append(tx, "dataset.delivered", Ref("dataset", "derived"), data={"rows": x + 1}))
    return x""",
    )
    app.pipelines.trigger("derive", "dataset.delivered", "flows:broken", parameters={"x": "${data.rows}"})
    deliver(app)
    for _ in range(30):
        app.pipelines.tick()
        work(app, app.pipelines, threading.Event(), once=True)
    assert [p["x"] for p in caused(app)] == list(range(10, 18))
    assert app.pipelines.triggers()[0].stopped
    (event, *_) = [e for e in app.ledger.events(verb="dataset.delivered").items if e.subject.name == "derived"]
    assert app.pipelines.get(event.data["within"]).cause == "trigger:derive"


def test_what_spreads_is_stopped_before_it_fills_the_queue(
    app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostinato.pipelines.triggers._SPREAD_MAX", 10)
    app.pipelines.trigger("wide", "run.*", "flows:train", parameters={"n": 1, "source": "${id}"})
    app.pipelines.start("flows:train", {"n": 1})
    for _ in range(40):
        work(app, app.pipelines, threading.Event(), once=True)
        app.pipelines.tick()
        (trigger,) = app.pipelines.triggers()
        if trigger.stopped:
            break
    assert "it spread: 10 executions" in trigger.stopped
    assert len(caused(app)) < 300


def test_many_events_that_are_no_loop_are_not_stopped(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", parameters={"n": 1, "source": "${output}"})
    for version in range(1, 40):
        deliver(app, version=version)
    app.pipelines.tick()
    work(app, app.pipelines, threading.Event(), once=True)
    app.pipelines.tick()
    assert len(caused(app)) == 39
    assert app.pipelines.triggers()[0].stopped == ""


def test_what_cannot_start_is_said_and_passed_over(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.trigger("odd", "dataset.delivered", "flows:train", parameters={"n": "${data.missing}"})
    app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", parameters={"n": 1})
    deliver(app)
    app.pipelines.tick()
    app.pipelines.tick()
    assert [p["n"] for p in caused(app)] == [1]
    (failed,) = app.ledger.events(verb="trigger.failed").items
    assert "data.missing" in failed.data["error"]


def test_triggers_are_checked_and_deleted(app: SimpleNamespace, flows: ModuleType) -> None:
    for on in ("everything", "trigger.failed", ""):
        with pytest.raises(Invalid):
            app.pipelines.trigger("x", on, "flows:train", parameters={"n": 1})
    with pytest.raises(Invalid):
        app.pipelines.trigger("x", "model.promoted", "flows:train", parameters={"m": 1})
    with pytest.raises(NotFound):
        app.pipelines.trigger("x", "model.promoted", "flows:nothing")
    app.pipelines.trigger("x", "dataset.delivered", "flows:train", parameters={"n": 1})
    app.pipelines.untrigger("x")
    deliver(app)
    app.pipelines.tick()
    assert caused(app) == []
    with pytest.raises(NotFound):
        app.pipelines.untrigger("x")


def test_a_paused_trigger_starts_nothing_and_a_resumed_one_what_comes_after(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", parameters={"n": "${data.rows}"})
    assert app.pipelines.pause_trigger("fresh").paused
    assert app.pipelines.pause_trigger("fresh").paused, "a repeat changes nothing"
    deliver(app, version=1)
    app.pipelines.tick()
    assert caused(app) == []
    again = app.pipelines.trigger("fresh", "dataset.delivered", "flows:train", parameters={"n": "${data.rows}", "source": "x"})
    assert again.paused, "to set it otherwise is not to resume it"
    assert not app.pipelines.resume_trigger("fresh").paused
    app.pipelines.tick()
    assert caused(app) == [], "what came meanwhile sets nothing off"
    deliver(app, version=2)
    app.pipelines.tick()
    assert [p["n"] for p in caused(app)] == [20]
    assert [e.verb for e in app.ledger.history(Ref("trigger", "fresh"))][1:] == ["trigger.paused", "trigger.set", "trigger.resumed"]
    with pytest.raises(NotFound):
        app.pipelines.pause_trigger("frish")


def test_a_trigger_that_stopped_by_itself_is_resumed(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.trigger("again", "execution.finished", "flows:train", parameters={"n": 1, "source": "${subject}"})
    app.pipelines.start("flows:train", {"n": 1})
    for _ in range(12):
        work(app, app.pipelines, threading.Event(), once=True)
        app.pipelines.tick()
    assert app.pipelines.triggers()[0].stopped
    assert not app.pipelines.resume_trigger("again").stopped
    app.pipelines.start("flows:train", {"n": 2})
    before = len(caused(app))
    work(app, app.pipelines, threading.Event(), once=True)
    app.pipelines.tick()
    assert len(caused(app)) == before + 1
