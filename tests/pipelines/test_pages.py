"""What pages of pipelines read, each in one call."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest

from ostinato.kernel.errors import Invalid, NotFound, StepFailed
from ostinato.pipelines.source_inspection import outline
from ostinato.pipelines.types import Edge, Origin
from ostinato.pipelines.why import _differences
from ostinato.pipelines.worker import work


def test_the_page_of_an_execution(app: SimpleNamespace, flows: ModuleType) -> None:
    first = app.pipelines.run(flows.train, n=4)
    again = app.pipelines.run(flows.train, n=4)
    page = app.pipelines.page(first.id)
    load, total, fit = page.steps
    assert page.execution == app.pipelines.get(first.id)
    assert page.edges == [Edge(before=load.id, after=total.id), Edge(before=total.id, after=fit.id)]
    assert page.counts == {"finished": 3}
    assert page.last_line == app.pipelines.logs(first.id)[-1].seq
    assert page.verbs == []
    assert [step.origin for step in page.steps] == [None] * 3
    assert all(step.queued <= step.started <= step.ended for step in page.steps)
    remembered = app.pipelines.page(again.id, limit=2)
    assert [step.origin for step in remembered.steps] == [Origin(execution=first.id, step=step.id, run=step.run) for step in (load, total)]
    assert (remembered.counts, remembered.last_line) == ({"cached": 3}, 0)
    assert app.pipelines.steps(again.id)[:2] == remembered.steps
    with pytest.raises(NotFound):
        app.pipelines.page("none")


def test_the_page_of_a_failure_has_its_traceback(app: SimpleNamespace, flows: ModuleType) -> None:
    execution = app.pipelines.start("flows:broken", {"x": 0})
    assert app.pipelines.page(execution.id).verbs == ["cancel"]
    work(app, app.pipelines, threading.Event(), once=True)
    page = app.pipelines.page(execution.id)
    (step,) = page.steps
    assert step.error == "ZeroDivisionError: integer division or modulo by zero"
    assert "return 1 // x" in step.traceback
    assert (page.counts, page.verbs) == ({"failed": 1}, ["retry"])
    assert app.pipelines.retry(execution.id).state == "queued"
    with pytest.raises(StepFailed):
        app.pipelines.run(flows.broken, x=0)
    assert app.pipelines.page(app.pipelines.search(limit=1).items[0].id).verbs == [], "an embedded one is run again, not retried"


def test_the_overview_and_the_page_of_a_pipeline(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.register("daily", "flows:train")
    app.pipelines.schedule("nightly", "daily", "0 3 * * *", parameters={"n": 2})
    app.pipelines.schedule("hourly", "flows:train", "0 * * * *", parameters={"n": 2})
    app.pipelines.trigger("fresh", "dataset.*", "daily", parameters={"n": 1})
    runs = [app.pipelines.start("daily", {"n": n}).id for n in range(25)]
    other = app.pipelines.run(flows.squares, n=2)
    daily, squares = app.pipelines.overview()
    assert (daily.name, daily.target, daily.registered, daily.summary) == ("daily", "flows:train", True, "Load, add, fit.")
    assert [glimpse.id for glimpse in daily.recent] == sorted(runs, reverse=True)[:20]
    assert {glimpse.state for glimpse in daily.recent} == {"queued"}
    assert daily.next_at == min(schedule.next_at for schedule in app.pipelines.schedules())
    assert (squares.name, squares.registered, squares.next_at) == ("squares", False, None)
    assert (squares.recent[0].id, squares.recent[0].state, squares.recent[0].wall_s) == (other.id, "finished", other.wall_s)
    page = app.pipelines.about("daily")
    assert page.pipeline == daily
    assert [(p.name, p.type, p.default, p.required) for p in page.parameters] == [
        ("n", "int", "", True), ("folder", "str", "''", False), ("source", "str", "''", False),
    ]  # fmt: skip
    assert page.schema["properties"] == {
        "n": {"type": "integer"}, "folder": {"type": "string", "default": ""}, "source": {"type": "string", "default": ""},
    }  # fmt: skip
    assert page.schema["required"] == ["n"]
    assert app.pipelines.about("squares").pipeline.summary == outline("flows:squares").summary
    assert ([s.name for s in page.schedules], [t.name for t in page.triggers], page.problem) == (["hourly", "nightly"], ["fresh"], "")
    app.pipelines._catalogue._modules = ()
    closed = app.pipelines.about("daily")
    assert (closed.parameters, "OSTINATO_PIPELINES" in closed.problem) == ([], True)
    assert replace(closed, problem="", parameters=page.parameters, schema=page.schema) == page
    with pytest.raises(NotFound):
        app.pipelines.about("dayly")


def test_what_the_work_of_an_execution_began_with(app: SimpleNamespace, flows: ModuleType) -> None:
    first = app.pipelines.run(flows.train, n=4)
    (cause,) = app.pipelines.causes(first.id)
    assert (cause.name, cause.compared_with, cause.changes) == ("load", None, [])
    assert app.pipelines.causes(app.pipelines.run(flows.train, n=4).id) == [], "all was remembered"
    other = app.pipelines.run(flows.train, n=5)
    (cause,) = app.pipelines.causes(other.id)
    assert cause == app.pipelines.why(other.id, "load")
    assert [(change.part, change.name, change.before, change.after) for change in cause.changes] == [("argument", "n", "4", "5")]
    with pytest.raises(NotFound):
        app.pipelines.causes("none")
    with pytest.raises(Invalid):
        app.pipelines.causes(first.id, limit=0)


def test_a_long_argument_that_changed_at_its_end_is_seen_and_shown_there() -> None:
    old, new = ("[" + "1, " * 300 + end for end in ("2]", "3]"))
    (change,) = _differences("argument", {"rows": old, "same": old}, {"rows": new, "same": old})
    assert (change.before, change.after) == (f"…{old[-42:]}", f"…{new[-42:]}")
    (gone,) = _differences("argument", {"rows": old, "n": "1"}, {"n": "1"})
    assert (gone.before, gone.after) == (f"{old[:198]}…", None)


def test_a_pipeline_of_the_platform_is_not_started_by_hand(app: SimpleNamespace) -> None:
    given = ("endpoint", "dataset", "key", "at", "request_id", "since", "until")
    app.pipelines.start_own("ostinato.serving.batch:batch", dict.fromkeys(given, "") | {"views": None}, key="batch")
    page = app.pipelines.about("batch")
    assert "platform's own" in page.problem
    assert page.schema["properties"]["views"] == {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}


def test_a_tail_of_the_log_waits_for_the_next_line(app: SimpleNamespace, flows: ModuleType) -> None:
    execution = app.pipelines.start("flows:train", {"n": 2})
    assert app.pipelines.logs(execution.id) == []
    worker = threading.Thread(target=work, args=(app, app.pipelines, threading.Event()), kwargs={"once": True})
    worker.start()
    (line,) = app.pipelines.logs(execution.id, timeout_s=20)
    worker.join()
    assert line.text == "total is 3"
    assert app.pipelines.logs(execution.id, after=line.seq, timeout_s=20) == [], "it has ended: there is nothing to wait for"
    assert app.pipelines.logs(execution.id, step=line.step) == [line]
    assert app.pipelines.logs(execution.id, step="another") == []
