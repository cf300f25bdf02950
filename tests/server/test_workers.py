"""Workers of a server: one is there while something waits or runs, and none at rest."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest
from tests.server.running import address, opened, running

from ostinato.client.remote import Remote
from ostinato.server.workers import Workers
from ostinato.testing.processes import until

pytestmark = pytest.mark.timeout(120)

START_CPU_S = 2.5
"""From the start of a worker to its first step it needs a second of a core; on a busy machine each takes longer."""

FLOWS = """
import os, pathlib, time
import ostinato as ost

@ost.step
def wait(gate: str) -> int:
    pathlib.Path(gate + f".{os.getpid()}").touch()
    while not pathlib.Path(gate).exists():
        time.sleep(0.02)
    return os.getpid()

@ost.pipeline
def gated(gate: str) -> int:
    return wait(gate)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "gated_flows.py").write_text(FLOWS)
    return {"OSTINATO_PIPELINES": "gated_flows", "PYTHONPATH": str(tmp_path), "OSTINATO_LEASE_S": "3"}


def workers(server: int) -> list[psutil.Process]:
    """The worker processes of a server that are not being reaped."""
    return [c for c in psutil.Process(server).children() if c.status() != psutil.STATUS_ZOMBIE and "worker" in c.cmdline()]


def ended(app: Remote, id: str) -> bool:
    return app.pipelines.get(id).state == "finished"


def test_a_worker_comes_with_work_stays_a_while_and_goes(tmp_path: Path, env: dict[str, str]) -> None:
    gate = tmp_path / "gate"
    with running(tmp_path / "store", env=env | {"OSTINATO_WORKER_IDLE_S": "1"}) as server, opened(tmp_path / "store") as app:
        assert workers(server.pid) == []
        first = app.pipelines.start("gated_flows:gated", {"gate": str(gate)})
        until(lambda: list(tmp_path.glob("gate.*")), what="the work")
        [worker] = workers(server.pid)
        spent = worker.cpu_times()
        assert spent.user + spent.system < START_CPU_S, "who comes first waits while a worker starts"
        second = app.pipelines.start("gated_flows:gated", {"gate": str(tmp_path / "other")})
        (tmp_path / "other").touch()
        gate.touch()
        until(lambda: ended(app, first.id) and ended(app, second.id))
        assert {int(path.suffix[1:]) for path in [*tmp_path.glob("gate.*"), *tmp_path.glob("other.*")]} == {worker.pid}, "it stays for more"
        until(lambda: not workers(server.pid), what="its end")
        third = app.pipelines.start("gated_flows:gated", {"gate": str(gate)}, key="third")
        until(lambda: ended(app, third.id), what="work for another")
        assert httpx.get(f"{address(tmp_path / 'store')}/health/ready").json()["checks"]["workers"] == "ok"
    assert "a worker ended" not in (tmp_path / "log").read_text(), "to idle and go is no failure"


def test_r84_the_work_of_a_killed_worker_is_taken_up(tmp_path: Path, env: dict[str, str]) -> None:
    with running(tmp_path / "store", env=env) as server, opened(tmp_path / "store") as app:
        started = app.pipelines.start("gated_flows:gated", {"gate": str(tmp_path / "gate")})
        until(lambda: list(tmp_path.glob("gate.*")), what="the work")
        [first] = workers(server.pid)
        first.kill()
        until(lambda: len(list(tmp_path.glob("gate.*"))) == 2, what="another worker at the work")
        assert "a worker ended: SIGKILL" in (tmp_path / "log").read_text()
        (tmp_path / "gate").touch()
        until(lambda: ended(app, started.id))


def test_a_killed_server_leaves_no_workers_and_the_next_goes_on(tmp_path: Path, env: dict[str, str]) -> None:
    data = tmp_path / "store"
    with running(data, env=env) as server, opened(data) as app:
        started = app.pipelines.start("gated_flows:gated", {"gate": str(tmp_path / "gate")})
        until(lambda: list(tmp_path.glob("gate.*")), what="the work")
        [first] = workers(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        (tmp_path / "gate").touch()  # what it is at, a worker that is told to end may bring to an end
        until(lambda: not first.is_running() or first.status() == psutil.STATUS_ZOMBIE)
    with running(data, env=env), opened(data) as app:
        until(lambda: ended(app, started.id), what="the rest of the work")


def test_a_server_that_ends_gives_back_what_its_workers_had(tmp_path: Path, env: dict[str, str]) -> None:
    data = tmp_path / "store"
    with running(data, env=env) as server, opened(data) as app:
        started = app.pipelines.start("gated_flows:gated", {"gate": str(tmp_path / "gate")})
        until(lambda: list(tmp_path.glob("gate.*")), what="the work")
        [first] = workers(server.pid)
        server.send_signal(signal.SIGTERM)
        (tmp_path / "gate").touch()
        assert server.wait(30) == 0
        assert not first.is_running()
    with running(data, env=env), opened(data) as app:
        until(lambda: ended(app, started.id))
        assert app.pipelines.get(started.id).attempt == 1, "to be told to end is no failed attempt"


def test_what_the_clock_starts_gets_a_worker(tmp_path: Path, env: dict[str, str]) -> None:
    data, replay = tmp_path / "store", ("--clock", "replay", "--at", "2013-01-01T00:00:00Z")
    (tmp_path / "gate").touch()
    with running(data, *replay, env=env) as server, opened(data) as app:
        app.pipelines.schedule("daily", "gated_flows:gated", "0 6 * * *", parameters={"gate": str(tmp_path / "gate")})
        assert workers(server.pid) == []
        app.clock.set(app.clock.now().replace(hour=7))
        until(lambda: [event.verb for event in app.ledger.events(verb="execution.finished").items], what="its work")


def test_workers_may_be_there_from_the_start(tmp_path: Path) -> None:
    with running(tmp_path / "store", env={"OSTINATO_WORKER_IDLE_S": "0", "OSTINATO_WORKERS": "1"}) as server:
        until(lambda: len(workers(server.pid)) == 1)
        [first] = workers(server.pid)
        first.kill()
        until(lambda: workers(server.pid) not in ([], [first]), what="another in its place")


def test_more_come_only_while_something_waits_still(tmp_path: Path) -> None:
    waiting, sleep = [True], ["/bin/sh", "-c", "exec sleep 60"]
    many, others = Workers(sleep, 3, lambda: waiting[0]), set(psutil.Process().children())

    def started() -> set[psutil.Process]:
        return set(psutil.Process().children()) - others

    many.start()
    try:
        until(lambda: len(started()) >= 2, what="a second one")
        waiting[0] = False
        time.sleep(0.5)  # a round that has begun may end with one more
        assert len(started()) in (2, 3)
        assert many.check() == "ok"
    finally:
        many.end()
    assert started() == set()


def test_workers_that_die_at_once_are_started_ever_later_and_make_the_server_unready() -> None:
    failing = Workers(["/bin/sh", "-c", "exit 3"], 1, lambda: True)
    failing.start()
    try:
        until(lambda: failing.check() != "ok")
        assert failing.check() == "1 of 1 workers are down; the last exit was exit 3"
    finally:
        failing.end()


def test_a_store_out_of_reach_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    asked = []

    def due() -> bool:
        asked.append(1)
        raise OSError("gone")

    workers = Workers(["/bin/false"], 1, due)
    workers.start()
    until(lambda: len(asked) > 1)
    workers.end()
    assert "no worker could be started" in caplog.text
