"""Workers that are killed at any point: nothing lost, no effect that had ended is repeated, no limit exceeded, and no lease waited for."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from tests.pipelines.conftest import services

from ostinato.pipelines import lease_owner
from ostinato.pipelines.service import Pipelines
from ostinato.storage.rows import lease
from ostinato.testing.processes import until

CONFTEST = Path(__file__).with_name("conftest.py")
KILLS = 20
NURSERY = """
import os, runpy, signal, sys, threading
from pathlib import Path
from ostinato.pipelines.worker import work
conftest, store, project = sys.argv[1:]
sys.path.insert(0, project)
services = runpy.run_path(conftest)["services"]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    pid = os.fork()
    if pid == 0:
        app = services(Path(store), lease_s=600)
        work(app, app.pipelines, threading.Event())
    print(pid, flush=True)
"""
FLOWS = '''
import os
import time
from pathlib import Path

import ostinato as ost


def _note(folder: str, name: str) -> None:
    handle = os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, b"x")
    os.close(handle)


@ost.step
def plain(i: int) -> int:
    return i + 1


@ost.step(cache=False)
def effect(folder: str, name: str, seconds: float) -> str:
    """An outside that takes a key, as one should: a repeat of what was in the middle is no second effect."""
    key = ost.current().step
    _note(folder, f"tried-{name}-{key}")
    time.sleep(seconds)
    _note(folder, f"ended-{name}-{key}")
    return name


@ost.pipeline(tags=["narrow"])
def busy(folder: str, name: str) -> int:
    held = Path(folder) / f"running-{os.getpid()}"
    held.touch()
    total = 0
    for i in range(6):
        effect(folder, f"{name}-{i}", 0.004)
        total = plain.map(range(total, total + 20))[-1].value()
    held.unlink()
    return total
'''


class Crew:
    """Worker processes that can be killed and replaced; forked from one that has imported everything already."""

    def __init__(self, tmp_path: Path, count: int) -> None:
        line = [sys.executable, "-c", NURSERY, CONFTEST, tmp_path / "store", tmp_path / "project"]
        self._nursery = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.members = [self._born() for _ in range(count)]

    def kill(self, place: int) -> None:
        os.kill(self.members[place], signal.SIGKILL)
        until(lambda: dead(self.members[place]))

    def replace(self, place: int) -> None:
        self.members[place] = self._born()

    def end(self) -> None:
        for pid in self.members:
            if not dead(pid):
                os.kill(pid, signal.SIGKILL)
                until(lambda pid=pid: dead(pid))
        self._nursery.kill()
        self._nursery.communicate()

    def _born(self) -> int:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())


def dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@contextmanager
def crew(tmp_path: Path, count: int) -> Iterator[Crew]:
    made = Crew(tmp_path, count)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def busy(project: object, tmp_path: Path, traces: Path) -> Path:
    (tmp_path / "project" / "flows.py").write_text(FLOWS)
    return traces


def test_workers_killed_under_load_lose_and_double_nothing(app: SimpleNamespace, busy: Path, tmp_path: Path) -> None:
    app.pipelines.limit("narrow", 2)
    started = [app.pipelines.start("flows:busy", {"folder": str(busy), "name": str(i)}, key=str(i)) for i in range(KILLS)]
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    with crew(tmp_path, 3) as workers:
        kills = over = 0
        deadline = time.monotonic() + 100
        while kills < KILLS or not all(app.pipelines.get(e.id).ended for e in started):
            assert time.monotonic() < deadline, "waited too long"
            running = app.pipelines.search(state="running").items
            over += len(running) > 2
            if kills < KILLS and running:
                time.sleep(chance.uniform(0, 0.05))
                place = chance.randrange(3)
                workers.kill(place)
                workers.replace(place)
                kills += 1
            else:
                time.sleep(0.01)
            for unlucky in app.pipelines.search(state="failed").items:
                assert "worker died 5 times" in unlucky.error
                app.pipelines.retry(unlucky.id)
    done = [app.pipelines.get(e.id) for e in started]
    assert {(e.state, e.error) for e in done} <= {("finished", "")}, [e.error for e in done]
    assert over == 0, "a limit holds whoever dies"
    assert len(app.ledger.events(verb="execution.started", limit=1000).items) > KILLS, "no kill hit anything"
    ended = [p for p in busy.iterdir() if p.name.startswith("ended-")]
    assert len(ended) == KILLS * 6, "each effect under one key"
    for execution in done:
        steps = app.pipelines.steps(execution.id)
        assert {s.state for s in steps} == {"finished"}
        assert len(steps) == 6 * 21
        assert app.runs.get(execution.id).state == "finished"
    problems = app.ledger.verify().problems
    assert problems == []


def test_an_effect_that_was_kept_is_not_repeated(app: SimpleNamespace, busy: Path, tmp_path: Path) -> None:
    """Killed between two effects: the first, whose end was kept, stays done."""
    execution = app.pipelines.start("flows:busy", {"folder": str(busy), "name": "one"})
    with crew(tmp_path, 1) as workers:
        for _ in range(3):
            known = len(app.pipelines.steps(execution.id))
            until(lambda known=known: len(app.pipelines.steps(execution.id)) > known or app.pipelines.get(execution.id).ended)
            kept = {s.id for s in app.pipelines.steps(execution.id) if s.name == "effect" and s.state == "finished"}
            before = {p.name: p.stat().st_size for p in busy.iterdir() if p.name[-26:] in kept}
            workers.kill(0)
            workers.replace(0)
            until(lambda: app.pipelines.get(execution.id).state in ("running", "finished"))
            assert {name: (busy / name).stat().st_size for name in before} == before
        until(lambda: app.pipelines.get(execution.id).ended)
    assert app.pipelines.get(execution.id).state == "finished"


def test_a_killed_worker_does_not_cost_its_lease(app: SimpleNamespace, flows: ModuleType, tmp_path: Path, traces: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    execution = app.pipelines.start("flows:long", {"folder": str(traces), "gate": str(gate)})
    with crew(tmp_path, 1) as workers:
        until(lambda: (traces / "begun-5").exists())
        assert app.pipelines.get(execution.id).state == "running"
        workers.kill(0)
        assert app.pipelines.get(execution.id).state == "lost", "the lease of 600 s would stand, but its holder is dead"
        (gate / "open").touch()
        workers.replace(0)
        until(lambda: app.pipelines.get(execution.id).ended)
    assert (app.pipelines.get(execution.id).state, app.pipelines.get(execution.id).attempt) == ("finished", 2)


def test_two_workers_race_for_the_same_execution(tmp_path: Path, flows: ModuleType, app: SimpleNamespace) -> None:
    other = services(tmp_path / "store")
    wanted = [app.pipelines.start("flows:train", {"n": i}).id for i in range(40)]
    taken: list[str] = []

    def take(pipelines: Pipelines) -> None:
        while (claim := pipelines.claim()) is not None:
            taken.append(claim.id)

    threads = [threading.Thread(target=take, args=(store.pipelines,)) for store in (app, other) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(wanted)
    other.rows.close()


def test_who_is_gone() -> None:
    assert not lease_owner.is_gone(lease_owner.owner())
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    token, _, rest = lease_owner.owner().partition("@")
    host, _, born = rest.split(":")
    stat = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    living = f"{token}@{host}:{child.pid}:{stat[19]}"
    assert not lease_owner.is_gone(living)
    assert lease_owner.is_gone(f"{token}@{host}:{child.pid}:1"), "the number belongs to another process now"
    child.kill()
    until(lambda: lease_owner.is_gone(living))  # dead, if not buried
    child.wait()
    assert lease_owner.is_gone(living)
    assert not lease_owner.is_gone(f"{token}@another-host.1:{child.pid}:{born}"), "of another host nobody here knows"
    assert not lease_owner.is_gone("")


def test_a_wall_clock_that_steps_changes_no_lease(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = app.pipelines.start("flows:train", {"n": 1})
    held = app.pipelines.claim()
    real = time.time
    for step_s in (3600, -3600):
        monkeypatch.setattr(time, "time", lambda step_s=step_s: real() + step_s)
        assert app.pipelines.claim() is None, "not shared"
        assert app.pipelines.heartbeat(held), "not lost"
        assert app.pipelines.get(execution.id).state == "running"
    app.pipelines.execute(held)
    assert app.pipelines.get(execution.id).state == "finished"


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_database_whose_clock_is_set_ends_no_live_work_and_keeps_no_dead(
    app: SimpleNamespace, flows: ModuleType, step_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_by, later = [0.0], [0.0]
    real_s = lease.machine_s
    monkeypatch.setattr(lease, "machine_s", lambda: real_s() + later[0])
    monkeypatch.setattr(lease.LeaseClock, "now", lambda clock, _: lease.Moment(clock.machine_s() + set_by[0], "database", steady=False))
    execution = app.pipelines.start("flows:train", {"n": 1})
    held = app.pipelines.claim()
    assert app.pipelines.claim() is None
    set_by[0] = step_s
    assert app.pipelines.claim() is None, "it lives: nobody has seen it silent"
    later[0] = 10.0
    assert app.pipelines.heartbeat(held)
    assert app.pipelines.get(execution.id).state == "running"
    later[0] = 20.0
    assert app.pipelines.claim() is None, "10 s since its last beat"
    set_by[0] = 0.0
    later[0] = 36.0
    assert app.pipelines.get(execution.id).state == "lost"
    assert app.pipelines.claim().fence == held.fence + 1, "silent for more than its 15 s"
    assert not app.pipelines.heartbeat(held)


@pytest.mark.sqlite  # the clock of a database goes on
def test_another_start_of_the_machine_voids_all_leases(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = app.pipelines.start("flows:train", {"n": 1})
    app.pipelines.claim()
    assert app.pipelines.get(execution.id).state == "running"
    monkeypatch.setattr(lease, "boot", lambda: "another")
    assert app.pipelines.get(execution.id).state == "lost"
    assert app.pipelines.claim().attempt == 2


def test_five_deaths_are_enough_and_a_retry_goes_on(app: SimpleNamespace, project: object, tmp_path: Path, traces: Path) -> None:
    flows = tmp_path / "project" / "flows.py"
    flows.write_text(FLOWS.replace("    return i + 1\n", "    if i == 25:\n        os.kill(os.getpid(), 9)\n    return i + 1\n"))
    execution = app.pipelines.start("flows:busy", {"folder": str(traces), "name": "one"})
    with crew(tmp_path, 1) as workers:
        for _ in range(200):
            until(lambda: dead(workers.members[0]))
            if app.pipelines.get(execution.id).attempt == 5 and app.pipelines.get(execution.id).state == "lost":
                break
            workers.replace(0)
    assert app.pipelines.claim() is None
    failed = app.pipelines.get(execution.id)
    assert (failed.state, failed.attempt) == ("failed", 5)
    assert "its worker died 5 times" in failed.error
    assert "retry" in failed.error
    assert app.runs.get(execution.id).state == "failed"
    effects = [p.name for p in traces.iterdir() if p.name.startswith("ended-")]
    assert len(effects) == 2
    flows.write_text(FLOWS)
    retried = app.pipelines.retry(execution.id)
    assert (retried.state, retried.attempt, retried.error) == ("queued", 0, "")
    with crew(tmp_path, 1):
        until(lambda: app.pipelines.get(execution.id).ended)
    assert app.pipelines.get(execution.id).state == "finished"
    assert app.runs.get(execution.id).state == "finished"
    assert {(traces / name).stat().st_size for name in effects} == {1}, "what had ended was not repeated"


def test_what_a_step_started_ends_with_its_worker(app: SimpleNamespace, project: object, tmp_path: Path, traces: Path) -> None:
    text = FLOWS.replace("    return i + 1\n", f"    _note({str(traces)!r}, f'pid-{{os.getpid()}}')\n    time.sleep(60)\n    return i\n")
    (tmp_path / "project" / "flows.py").write_text(
        text.replace("plain.map(range(total, total + 20))", 'plain.map([1, 2], executor="processes")')
    )
    app.pipelines.start("flows:busy", {"folder": str(traces), "name": "one"})
    with crew(tmp_path, 1) as workers:
        until(lambda: list(traces.glob("pid-*")))
        pids = [int(p.name[4:]) for p in traces.glob("pid-*")]
        workers.kill(0)
        until(lambda: all(dead(pid) for pid in pids))
