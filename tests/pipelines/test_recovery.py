"""Executions whose worker dies, falls silent, stops or is cancelled."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ostinato.kernel.errors import Unavailable
from ostinato.pipelines import leases, service
from ostinato.pipelines.recording import Recorder
from ostinato.pipelines.worker import work
from ostinato.storage.rows import lease
from ostinato.testing.processes import until

CONFTEST = Path(__file__).with_name("conftest.py")
WORKER = """
import runpy, sys, threading
from pathlib import Path
from ostinato.pipelines.worker import work
from ostinato.storage.rows import lease
conftest, store, project, lease_s = sys.argv[1:]
sys.path.insert(0, project)
app = runpy.run_path(conftest)["services"](Path(store), lease_s=int(lease_s))
print("ready", flush=True)
work(app, app.pipelines, threading.Event())
"""
PATIENCE_S = 60.0


@contextmanager
def worker_process(tmp_path: Path, lease_s: int) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-c", WORKER, CONFTEST, tmp_path / "store", tmp_path / "project", str(lease_s)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def calls(traces: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in traces.iterdir()}


def skip_ahead(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the leases of everybody run out, seen by all who look."""
    machine_s = lease.machine_s() + seconds
    monkeypatch.setattr(lease, "machine_s", lambda: machine_s)
    monkeypatch.setattr(lease.Watch, "still_s", lambda *_: seconds)
    now = lease.LeaseClock.now

    def later(clock: lease.LeaseClock, tx: object) -> lease.Moment:
        moment = now(clock, tx)
        return moment if moment.steady else replace(moment, s=moment.s + seconds)

    monkeypatch.setattr(lease.LeaseClock, "now", later)


def test_kill_9_in_the_middle_of_a_step(app: SimpleNamespace, flows: ModuleType, tmp_path: Path, traces: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    execution = app.pipelines.start("flows:long", {"folder": str(traces), "gate": str(gate)}, key="once")
    with worker_process(tmp_path, lease_s=2) as first:
        until(lambda: (traces / "begun-5").exists())
        time.sleep(0.3)  # in the middle of a step, not at its first instruction
        first.kill()
        first.wait()
    assert app.pipelines.get(execution.id).state in ("running", "lost")
    until(lambda: app.pipelines.get(execution.id).state == "lost")
    (gate / "open").touch()
    with worker_process(tmp_path, lease_s=2):
        until(lambda: app.pipelines.wait(execution.id, 1).ended)
    done = app.pipelines.get(execution.id)
    assert (done.state, done.attempt) == ("finished", 2)
    assert app.pipelines.output(execution.id) == [0, 1, 2, 3, 4, 5, 6, 7, "model:late@1"]
    assert calls(traces) == {f"begun-{i}": 1 + (i == 5) for i in range(8)} | {f"ended-{i}": 1 for i in range(8)} | {"sent": 1}
    steps = app.pipelines.steps(execution.id)
    assert [s.name for s in steps] == ["slow"] * 3 + ["send"] + ["slow"] * 5
    assert {s.state for s in steps} == {"finished"}
    assert not any(s.cached for s in steps), "each ran in this execution, whoever ran it"
    until(lambda: app.runs.get(execution.id).state == "finished")
    states = [run.state for run in app.runs.search(parent=execution.id).items]
    assert states.count("finished") == 9
    assert states.count("running") == 0


def test_what_never_finishes_fails_after_its_attempts(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = app.pipelines.start("flows:train", {"n": 1})
    for attempt in range(1, 6):
        held = app.pipelines.claim()
        assert (held.id, held.attempt) == (execution.id, attempt)
        assert app.pipelines.claim() is None
        skip_ahead(monkeypatch, 100.0 * attempt)
    assert app.pipelines.claim() is None
    failed = app.pipelines.get(execution.id)
    assert failed.state == "failed"
    assert failed.error.startswith("its worker died 5 times")


def test_a_late_worker_writes_nothing(app: SimpleNamespace, flows: ModuleType, traces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = app.pipelines.start("flows:long", {"folder": str(traces)})
    late = app.pipelines.claim()
    skip_ahead(monkeypatch, 100.0)
    present = app.pipelines.claim()
    assert (present.id, present.fence) == (late.id, late.fence + 1)
    assert not app.pipelines.heartbeat(late)
    assert app.pipelines.heartbeat(present)
    app.pipelines.execute(late)
    assert app.pipelines.steps(execution.id) == []
    assert app.pipelines.get(execution.id).state == "running"
    assert "sent" not in calls(traces), "what has effects waits until it is known that the lease is held"
    app.pipelines.execute(present)
    assert app.pipelines.get(execution.id).state == "finished"
    app.pipelines.execute(late)
    app.pipelines.release(late)
    assert app.pipelines.get(execution.id).state == "finished"


def test_cancel_what_runs(app: SimpleNamespace, flows: ModuleType, tmp_path: Path, traces: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    execution = app.pipelines.start("flows:long", {"folder": str(traces), "gate": str(gate)})
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(app, app.pipelines, stop))
    thread.start()
    try:
        until(lambda: (traces / "begun-5").exists())
        app.pipelines.cancel(execution.id)
        assert app.pipelines.get(execution.id).state == "running"
        time.sleep(0.1)  # longer than a step that need not be durable before the next
        (gate / "open").touch()
        until(lambda: app.pipelines.get(execution.id).ended)
    finally:
        stop.set()
        thread.join()
    assert app.pipelines.get(execution.id).state == "cancelled"
    assert app.runs.get(execution.id).state == "killed"
    assert (traces / "ended-5").exists()
    assert not (traces / "begun-6").exists(), "it ends before its next step"
    assert app.ledger.events(verb="execution.cancelled").items


def test_cancel_what_was_given_back(app: SimpleNamespace, flows: ModuleType) -> None:
    execution = app.pipelines.start("flows:train", {"n": 1})
    app.pipelines.release(app.pipelines.claim())
    assert app.pipelines.cancel(execution.id).state == "cancelled"
    assert app.runs.get(execution.id).state == "killed"


def test_a_worker_that_stops_gives_its_execution_back(app: SimpleNamespace, flows: ModuleType, tmp_path: Path, traces: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    execution = app.pipelines.start("flows:long", {"folder": str(traces), "gate": str(gate)})
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(app, app.pipelines, stop))
    thread.start()
    until(lambda: (traces / "begun-5").exists())
    stop.set()
    (gate / "open").touch()
    thread.join(PATIENCE_S)
    given_back = app.pipelines.get(execution.id)
    assert (given_back.state, given_back.attempt) == ("queued", 0)
    assert work(app, app.pipelines, threading.Event(), once=True) == 1
    assert app.pipelines.get(execution.id).state == "finished"
    assert set(calls(traces).values()) == {1}, "no step ran twice"


def test_an_embedded_execution_that_died_is_failed(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "execute", lambda *_, **__: None)  # as if the process ended here
    with pytest.raises(Exception, match="running"):
        app.pipelines.run(flows.train, n=1)
    skip_ahead(monkeypatch, 100.0)
    (execution,) = app.pipelines.search().items
    assert execution.state == "lost"
    assert app.pipelines.claim() is None
    assert app.pipelines.get(execution.id).state == "failed"


def test_two_workers_share_the_work(app: SimpleNamespace, flows: ModuleType, tmp_path: Path, traces: Path) -> None:
    started = [app.pipelines.start("flows:squares", {"n": 2 + i, "folder": str(traces / str(i))}) for i in range(12)]
    for i in range(12):
        (traces / str(i)).mkdir()
    with worker_process(tmp_path, 15), worker_process(tmp_path, 15):
        until(lambda: all(app.pipelines.get(e.id).ended for e in started))
    assert [app.pipelines.get(e.id).error for e in started] == [""] * 12
    assert [app.pipelines.output(e.id) for e in started] == [sum(x * x for x in range(2 + i)) for i in range(12)]
    assert {size for i in range(12) for size in calls(traces / str(i)).values()} == {1}


def test_a_store_out_of_reach_loses_the_lease_not_the_truth(
    app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(change: object) -> None:
        raise Unavailable("out of reach", retry_after_s=0.05)

    app.pipelines.start("flows:train", {"n": 1})
    held = replace(app.pipelines.claim(), deadline_s=lease.machine_s() + 0.3)
    monkeypatch.setattr(app.rows, "write", refuse)
    keeper = leases.Lease(app.rows, Recorder(app.blobs, app.ledger, app.clock), lease.LeaseClock(), held, 0.3, lambda: False)
    try:
        with keeper.writing() as batch:
            batch.logs.append({"project": "default"})
        with pytest.raises(leases.LeaseLost):
            keeper.flush()
        with pytest.raises(leases.LeaseLost):
            keeper.check()
    finally:
        keeper.close()


def test_an_answer_that_is_lost_repeats_nothing(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    write, chance = app.rows.write, random.Random(0)

    def deaf(change: object) -> object:
        done = write(change)
        if chance.random() < 0.5:
            raise Unavailable("the connection broke during a commit", retry_after_s=0.01)
        return done

    execution = app.pipelines.start("flows:train", {"n": 4})
    held = app.pipelines.claim()
    monkeypatch.setattr(app.rows, "write", deaf)
    app.pipelines.execute(held)
    monkeypatch.undo()
    page = app.pipelines.page(execution.id)
    assert (page.execution.state, page.counts) == ("finished", {"finished": 3}), page.execution.traceback
    assert [line.text for line in app.pipelines.logs(execution.id)] == ["total is 18"]
    assert page.execution.cpu_s == pytest.approx(sum(step.cpu_s for step in page.steps))
    assert len(app.ledger.events(verb="execution.finished").items) == 1
    assert {run.state for run in app.runs.search().items} == {"finished"}
