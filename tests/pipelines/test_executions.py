"""Executions in one process: results, memo, failures, retries, logs, events."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.pipelines.conftest import services

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Invalid, NotFound, StepFailed
from ostinato.kernel.ref import Ref
from ostinato.pipelines.worker import work


def drain(app: SimpleNamespace) -> int:
    """Run everything that is due, as a worker does."""
    return work(app, app.pipelines, threading.Event(), once=True)


def calls(traces: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in traces.iterdir()}


def test_outside_an_execution_steps_are_functions(flows: ModuleType) -> None:
    assert flows.total(flows.load(4)) == 18
    assert flows.square.map([1, 2, 3]) == [1, 4, 9]
    with pytest.raises(Conflict):
        flows.fit(18)


def test_r12_a_rerun_skips_unchanged_nodes(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    first = app.pipelines.run(flows.train, n=4, folder=str(traces))
    assert first.state == "finished"
    assert app.pipelines.value(first.id) == flows.Fit(auc=0.518, names=("a", "b"))
    steps = app.pipelines.steps(first.id)
    assert [(s.name, s.cached, s.state) for s in steps] == [
        ("load", False, "finished"),
        ("total", False, "finished"),
        ("fit", False, "finished"),
    ]
    assert [s.needs for s in steps] == [[], [steps[0].id], [steps[1].id]]
    assert [s.type for s in steps] == ["table", "json", "json"]
    assert app.tables.read(steps[0].output)["x"].to_pylist() == [0, 1, 2, 3]

    second = app.pipelines.run(flows.train, n=4, folder=str(traces))
    assert [s.cached for s in app.pipelines.steps(second.id)] == [True, True, True]
    assert calls(traces) == {"load": 1, "total": 1, "fit": 1}
    assert app.pipelines.output(second.id) == {"auc": 0.518, "names": ["a", "b"]}


def test_steps_are_runs_under_the_run_of_the_execution(app: SimpleNamespace, flows: ModuleType) -> None:
    execution = app.pipelines.run(flows.train, n=4)
    run = app.runs.get(execution.id)
    assert (run.experiment, run.state, run.params["n"]) == ("train", "finished", 4)
    children = {r.name: r for r in app.runs.search(parent=execution.id).items}
    assert {name: r.state for name, r in children.items()} == {"load": "finished", "total": "finished", "fit": "finished"}
    assert app.runs.metrics(children["fit"].id)["auc"].last == 0.518
    assert {s.run for s in app.pipelines.steps(execution.id)} == {r.id for r in children.values()}
    assert [line.text for line in app.pipelines.logs(execution.id)] == ["total is 18"]
    again = app.pipelines.run(flows.train, n=4)
    assert not app.runs.search(parent=again.id).items, "what did not run is no run"


def test_start_is_idempotent_by_key(app: SimpleNamespace, flows: ModuleType) -> None:
    first = app.pipelines.start("flows:train", {"n": 3}, key="day-1")
    assert first.state == "queued"
    assert app.pipelines.start("flows:train", {"n": 3}, key="day-1") == first
    with pytest.raises(Conflict):
        app.pipelines.start("flows:train", {"n": 4}, key="day-1")
    assert drain(app) == 1
    done = app.pipelines.start("flows:train", {"n": 3}, key="day-1")
    assert (done.id, done.state, done.attempt) == (first.id, "finished", 1)
    assert app.pipelines.wait(first.id, 0).ended


def test_who_waits_does_not_hold_up_the_end_of_the_process(app: SimpleNamespace, flows: ModuleType) -> None:
    queued = app.pipelines.start("flows:train", {"n": 3}, key="day-2")
    threading.Timer(0.2, app.pipelines.drain).start()
    began = time.monotonic()
    assert app.pipelines.wait(queued.id, 15).state == "queued"
    assert time.monotonic() - began < 5


def test_parameters_and_targets_are_checked_at_the_start(app: SimpleNamespace, flows: ModuleType) -> None:
    with pytest.raises(Invalid) as wrong:
        app.pipelines.start("flows:train", {"n": "three"})
    assert wrong.value.field == "n"
    for parameters in ({}, {"n": 1, "m": 2}):
        with pytest.raises(Invalid):
            app.pipelines.start("flows:train", parameters)
    for target in ("os:system", "flows:scale", "flows:nothing", "nothing"):
        with pytest.raises(NotFound):
            app.pipelines.start(target, {})
    assert app.pipelines.search().items == []


def test_registered_names(app: SimpleNamespace, flows: ModuleType) -> None:
    made = app.pipelines.register("nightly", "flows:train")
    assert (made.summary, app.pipelines.register("nightly", "flows:train")) == ("Load, add, fit.", made)
    execution = app.pipelines.start("nightly", {"n": 2})
    drain(app)
    assert app.pipelines.get(execution.id).pipeline == "nightly"
    assert app.pipelines.search(pipeline="nightly", state="finished").items[0].id == execution.id
    with pytest.raises(NotFound) as missing:
        app.pipelines.start("nightli", {"n": 2})
    assert "nightly" in missing.value.hint


def test_failures_keep_inputs_traceback_and_log(app: SimpleNamespace, flows: ModuleType) -> None:
    with pytest.raises(StepFailed) as failed:
        app.pipelines.run(flows.broken, x=0)
    assert "ZeroDivisionError" in failed.value.message
    (execution,) = app.pipelines.search(state="failed").items
    assert "ZeroDivisionError" in execution.traceback
    (step,) = app.pipelines.steps(execution.id)
    assert (step.state, step.arguments, step.error) == ("failed", {"x": 0}, "ZeroDivisionError: integer division or modulo by zero")
    assert "return 1 // x" in app.pipelines.logs(execution.id)[0].text
    assert app.runs.get(execution.id).state == "failed"
    assert app.runs.get(step.run).error == step.error
    with pytest.raises(Conflict):
        app.pipelines.output(execution.id)
    with pytest.raises(StepFailed):
        app.pipelines.run(flows.broken, x=0)
    assert not app.pipelines.steps(app.pipelines.search(state="failed", limit=1).items[0].id)[0].cached, "a failure is not remembered"


def test_retries(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    execution = app.pipelines.run(flows.patient, folder=str(traces))
    (step,) = app.pipelines.steps(execution.id)
    assert (step.attempt, step.state, calls(traces)) == (3, "finished", {"flaky": 3})
    assert len([line for line in app.pipelines.logs(execution.id) if "not yet" in line.text]) == 2
    assert app.runs.get(step.run).state == "finished"


def test_map_in_processes_remembers_each_item(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    execution = app.pipelines.run(flows.squares, n=5, executor="processes", folder=str(traces))
    assert app.pipelines.value(execution.id) == 30
    more = app.pipelines.run(flows.squares, n=7, folder=str(traces))
    assert app.pipelines.value(more.id) == 91
    assert calls(traces) == {f"square-{i}": 1 for i in range(7)}
    assert sum(s.cached for s in app.pipelines.steps(more.id)) == 5


def test_a_failure_in_a_map_keeps_the_others(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    with pytest.raises(StepFailed, match="unlucky"):
        app.pipelines.run(flows.squares, n=15, executor="processes", folder=str(traces))
    assert calls(traces) == {f"square-{i}": 1 for i in range(15)}
    (execution,) = app.pipelines.search().items
    assert sorted(s.state for s in app.pipelines.steps(execution.id)) == ["failed"] + ["finished"] * 14


def test_timeouts_kill_the_process(app: SimpleNamespace, flows: ModuleType) -> None:
    assert app.pipelines.value(app.pipelines.run(flows.timed, seconds=0.01).id) == "awake"
    with pytest.raises(StepFailed, match=r"longer than 0\.5 s"):
        app.pipelines.run(flows.timed, seconds=60.0)


def test_values_of_many_kinds_come_back(app: SimpleNamespace, flows: ModuleType) -> None:
    made = app.pipelines.value(app.pipelines.run(flows.mixture, n=3).id)
    assert made["made"]["array"].tolist() == made["first"].tolist() == [0, 1, 2]
    assert made["made"]["raw"] == b"\x00\x01"
    assert made["made"]["nan"] != made["made"]["nan"]
    assert (made["made"]["$table"], len(made["made"]["big"])) == ("no mark", 500)


def test_cancel_what_waits(app: SimpleNamespace, flows: ModuleType) -> None:
    execution = app.pipelines.start("flows:train", {"n": 3})
    assert app.pipelines.cancel(execution.id).state == "cancelled"
    assert drain(app) == 0
    assert app.pipelines.cancel(execution.id).state == "cancelled"


def test_the_oldest_goes_first_and_runs_as_its_actor(app: SimpleNamespace, flows: ModuleType) -> None:
    with calling(Caller(actor="person:ben", project="other")):
        ben = app.pipelines.start("flows:train", {"n": 2})
    ana = app.pipelines.start("flows:train", {"n": 2})
    assert [app.pipelines.claim().id, app.pipelines.claim().id] == [ben.id, ana.id]
    assert app.pipelines.claim() is None
    with pytest.raises(NotFound):
        app.pipelines.get(ben.id)
    with calling(Caller(actor="person:ben", project="other")):
        assert app.ledger.events(verb="execution.started").items[0].actor == "person:ben"


def test_events_carry_the_lineage(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    trained = app.pipelines.start("flows:train", {"n": 2, "source": "dataset:flights@4"})
    sent = app.pipelines.start("flows:long", {"folder": str(traces)})
    drain(app)
    verbs = [e.verb for e in app.ledger.events(subject=Ref("execution", trained.id)).items]
    assert verbs == ["execution.requested", "execution.started", "execution.finished"]
    finished = {e.subject.name: e for e in app.ledger.events(verb="execution.finished").items}
    assert finished[trained.id].inputs == (Ref("dataset", "flights", "4"),)
    assert finished[sent.id].outputs == (Ref("model", "late", "1"),)


def test_steps_with_effects_run_in_every_execution(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    for _ in range(2):
        app.pipelines.run(flows.long, folder=str(traces))
    assert calls(traces)["sent"] == 2
    assert calls(traces)["ended-7"] == 1


def test_the_context_of_a_step(app: SimpleNamespace, project: Any) -> None:
    flows: ModuleType = project.edit(
        "def boom(x: int) -> int:\n    return 1 // x",
        "def boom(x: int) -> list:\n    c = current()\n    return [c.app is not None, c.execution, c.step, scale(x), square(x)]",
    )
    execution = app.pipelines.run(flows.broken, x=2)
    (step,) = app.pipelines.steps(execution.id)
    assert app.pipelines.output(execution.id) == [True, execution.id, step.id, 6, 4], "a step within a step is its function"


def test_parameters_and_metrics_of_a_body_are_those_of_its_run(app: SimpleNamespace, project: Any) -> None:
    flows: ModuleType = project.edit(
        "    return boom(x)", "    current().run.log(body=1.5)\n    current().log('hello')\n    return boom(x)"
    )
    execution = app.pipelines.run(flows.broken, x=1)
    assert app.runs.metrics(execution.id)["body"].last == 1.5
    assert [line.text for line in app.pipelines.logs(execution.id)] == ["hello"]
    assert [t.name for t in threading.enumerate() if t.name.startswith("ostinato-l")] == [], "no thread outlives its execution"


def test_pages_of_executions(app: SimpleNamespace, flows: ModuleType) -> None:
    ids = {app.pipelines.start("flows:train", {"n": i}).id for i in range(5)}
    first = app.pipelines.search(limit=3)
    rest = app.pipelines.search(limit=3, after=first.next)
    assert {e.id for e in first.items + rest.items} == ids
    assert rest.next is None
    for wrong in ({"limit": 0}, {"after": "nonsense"}):
        with pytest.raises(Invalid):
            app.pipelines.search(**wrong)


def test_the_log_of_a_step_is_there_while_it_runs(app: SimpleNamespace, project: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    waiting = f"current().log('begun')\n    while not Path({str(gate)!r}).exists():\n        time.sleep(0.01)\n    return x"
    flows: ModuleType = project.edit("def boom(x: int) -> int:\n    return 1 // x", f"def boom(x: int) -> int:\n    {waiting}")
    execution = app.pipelines.start(flows.broken.target, {"x": 1})
    thread = threading.Thread(target=drain, args=(app,))
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not (lines := app.pipelines.logs(execution.id)):
            assert time.monotonic() < deadline
        (step,) = app.pipelines.steps(execution.id)
        assert (lines[0].text, lines[0].step, step.state) == ("begun", step.id, "running")
        assert app.pipelines.logs(execution.id, step=step.id) == lines
        assert app.pipelines.logs(execution.id, after=lines[-1].seq) == app.pipelines.logs(execution.id, step="other") == []
    finally:
        gate.touch()
        thread.join()
    assert app.pipelines.get(execution.id).state == "finished"


def test_what_steps_cost_is_kept_and_priced(tmp_path: Path, project: Any) -> None:
    flows: ModuleType = project.edit(
        "def boom(x: int) -> int:\n    return 1 // x",
        """def boom(x: int) -> int:
    kept = bytearray(80 << 20)
    kept[::4096] = b"x" * len(kept[::4096])
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    return x""",
    )
    app = services(tmp_path / "store", cpu_hour_price=36.0)
    with calling(Caller(actor="person:ana")):
        execution = app.pipelines.run(flows.broken, x=1)
        (step,) = app.pipelines.steps(execution.id)
        assert 0.1 <= step.cpu_s < 5
        assert step.wall_s >= 0.09
        assert step.cost == pytest.approx(step.cpu_s / 100)
        assert (execution.cpu_s, execution.peak_rss_mb, execution.cost) == (step.cpu_s, step.peak_rss_mb, step.cost)
        run = app.runs.get(step.run)
        assert (run.spent.cpu_s, run.spent.wall_s, run.spent.peak_rss_mb) == (step.cpu_s, step.wall_s, step.peak_rss_mb)
        assert app.runs.get(execution.id).spent.cpu_s == execution.cpu_s
        app.pipelines.run(flows.mixture, n=1)
        small = app.pipelines.steps(app.pipelines.search(pipeline="mixture").items[0].id)[0]
        assert small.peak_rss_mb < step.peak_rss_mb - 60, "the peak of a step is its own, not that of the process so far"
        again = app.pipelines.run(flows.broken, x=1)
        assert (again.cpu_s, again.cost) == (0.0, 0.0), "what is remembered costs nothing"
    app.rows.close()


def test_all_tries_are_paid_for(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    execution = app.pipelines.run(flows.patient, folder=str(traces))
    (step,) = app.pipelines.steps(execution.id)
    assert step.attempt == 3
    assert app.runs.get(step.run).spent.cpu_s == execution.cpu_s == step.cpu_s > 0


def test_a_map_keeps_to_its_limit(app: SimpleNamespace, project: Any, traces: Path) -> None:
    flows: ModuleType = project.edit(
        '    _ran(folder, f"square-{x}")\n',
        '    _ran(folder, f"square-{x}")\n    _ran(folder, f"now-{os.getpid()}")\n    time.sleep(0.02)\n',
    )
    project.edit(
        "square.map(range(n), executor=executor, folder=folder)", "square.map(range(n), executor=executor, at_most=1, folder=folder)"
    )
    flows = project.load()
    execution = app.pipelines.run(flows.squares, n=6, executor="processes", folder=str(traces))
    assert app.pipelines.value(execution.id) == 55
    spans = sorted((s.started, s.ended) for s in app.pipelines.steps(execution.id) if s.name == "square")
    assert len(spans) == 6
    assert len([p for p in traces.iterdir() if p.name.startswith("now-")]) <= 2
    with pytest.raises(Invalid):
        flows.square.map([1], at_most=-1)


def test_equal_items_of_a_map_run_once(app: SimpleNamespace, project: Any, traces: Path) -> None:
    flows: ModuleType = project.edit("square.map(range(n),", "square.map([3] * n,")
    execution = app.pipelines.run(flows.squares, n=5, executor="processes", folder=str(traces))
    assert app.pipelines.value(execution.id) == 45
    assert calls(traces) == {"square-3": 1}


def test_retry_goes_on_where_it_failed(app: SimpleNamespace, flows: ModuleType, traces: Path) -> None:
    (traces / "flaky").write_bytes(b"")
    execution = app.pipelines.start("flows:squares", {"n": 14, "folder": str(traces)}, key="one")
    drain(app)
    assert app.pipelines.get(execution.id).state == "failed"
    assert app.runs.get(execution.id).state == "failed"
    assert app.pipelines.retry(execution.id).state == "queued"
    assert app.pipelines.retry(execution.id).state == "queued", "a repeat changes nothing"
    assert app.runs.get(execution.id).state == "running"
    drain(app)
    assert app.pipelines.get(execution.id).state == "failed"
    assert calls(traces)["square-13"] == 2
    assert calls(traces)["square-12"] == 1, "what had finished was not repeated"
    assert [e.verb for e in app.ledger.events(verb="execution.retried").items] == ["execution.retried"]
    done = app.pipelines.start("flows:train", {"n": 1})
    drain(app)
    with pytest.raises(Conflict):
        app.pipelines.retry(done.id)
    with pytest.raises(StepFailed):
        app.pipelines.run(flows.broken, x=0)
    with pytest.raises(Conflict):
        app.pipelines.retry(app.pipelines.search(pipeline="broken").items[0].id)


def test_what_is_cancelled_before_it_began_can_be_retried(app: SimpleNamespace, flows: ModuleType) -> None:
    execution = app.pipelines.start("flows:train", {"n": 1})
    app.pipelines.cancel(execution.id)
    app.pipelines.retry(execution.id)
    drain(app)
    assert app.pipelines.get(execution.id).state == "finished"


@pytest.mark.parametrize("target", ["ostinato.testing.crowd:trace", "ostinato.serving.batch:batch", "ostinato.monitoring.measure:measure"])
def test_what_the_platform_runs_itself_is_not_started_by_name(app: SimpleNamespace, flows: ModuleType, target: str) -> None:
    with pytest.raises(NotFound, match="no pipeline"):
        app.pipelines.start(target, {})
    with pytest.raises(NotFound, match="no pipeline"):
        app.pipelines.schedule("mine", target, "0 6 * * *")
    with pytest.raises(NotFound, match="no pipeline"):
        app.pipelines.trigger("mine", "run.finished", target)
    with pytest.raises(NotFound, match="no pipeline"):
        app.pipelines.register("mine", target)
