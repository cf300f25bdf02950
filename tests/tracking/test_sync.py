"""Sync: nothing that `log` returned from is lost, nothing comes twice: killed trainers, killed shippers, absent and full stores."""

from __future__ import annotations

import logging
import os
import random
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ostinato.app import Ostinato
from ostinato.client.remote import connect
from ostinato.kernel.errors import Conflict, Exhausted, Unavailable
from ostinato.testing import processes
from ostinato.testing.doors import served
from ostinato.testing.processes import free_port, until
from ostinato.tracking.client import folders, journal, shipping
from ostinato.tracking.client.sync import SyncResult, sync
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs

QUIET = {"capture": False}


def shipped(home: Path, runs: Any) -> list[SyncResult]:
    return list(sync(home, lambda _: nullcontext(runs)))


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """A process that does the work, and where it says what it has done."""
    told, says = os.pipe()

    def child() -> None:
        os.close(told)
        work(says)

    pid = processes.forked(child)
    os.close(says)
    return pid, told


def acknowledged(told: int) -> int:
    """How many steps the process has said to be logged; everything it wrote before it died is still there."""
    data = b""
    while part := os.read(told, 1 << 16):
        data += part
    os.close(told)
    return len(data) // 8


def killed_after(pid: int, told: int, seconds: float) -> int:
    select.select([told], [], [], 20)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return acknowledged(told)


def test_kill_9_of_the_trainer_at_any_moment_loses_and_doubles_nothing(app: Ostinato, tmp_path: Path, journal_home: Path) -> None:
    token = (app.settings.data / "admin-token").read_text().strip()
    chance = random.Random(7)
    with served(app) as url:
        for turn in range(20):
            online = turn % 2 == 0

            def train(says: int, run: str = f"r{turn}", online: bool = online) -> None:
                runs = connect(url, token).runs if online else None
                logger = Logger.start(runs, "flights", id=run, capture=False, params={"turn": run})
                for step in range(10**9):
                    logger.log(loss=step, auc=-step, step=step)
                    os.write(says, step.to_bytes(8, "little"))

            pid, told = forked(train)
            steps = killed_after(pid, told, chance.uniform(0.0, 0.12))
            found = shipped(journal_home, app.runs)
            assert [s.left for s in found] == [""]
            for key, sign in (("loss", 1), ("auc", -1)):
                curve = app.runs.curve(f"r{turn}", key, limit=10**7)
                assert len(curve.steps) >= steps
                assert curve.steps == list(range(len(curve.steps)))
                assert curve.values == [float(sign * step) for step in curve.steps]
            assert app.runs.get(f"r{turn}").params == {"turn": f"r{turn}"}
    assert list(folders.journals(journal_home)) == []


def test_kill_9_of_the_shipper_at_any_moment_loses_and_doubles_nothing(
    app: Ostinato, journal_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (app.settings.data / "admin-token").read_text().strip()
    run = Logger.start(None, "flights", id="r1", **QUIET)
    for step in range(100_000):
        run.log(a=step, step=step)
        if step % 20_000 == 0:
            run.artifact(f"at/{step}", str(step))
    run.finish()
    chance = random.Random(5)
    with served(app) as url:
        for _ in range(8):

            def ship(says: int, batch: int = chance.randint(500, 2000)) -> None:
                monkeypatch.setattr(shipping, "BATCH", batch)  # whoever goes on cuts otherwise
                runs = connect(url, token).runs
                list(sync(journal_home, lambda _: nullcontext(runs), lambda _: os.write(says, b"\0" * 8) and None))

            pid, told = forked(ship)
            for _ in range(chance.randint(1, 8)):
                os.read(told, 8)
            assert killed_after(pid, told, chance.uniform(0.0, 0.01)) < 100
        assert [s.left for s in shipped(journal_home, app.runs)] == [""]
    assert app.runs.curve("r1", "a", limit=10**7).steps == list(range(100_000))
    assert {a.path for a in app.runs.artifacts("r1")} == {f"at/{step}" for step in range(0, 100_000, 20_000)}
    assert app.runs.get("r1").state == "finished"


def test_kill_9_of_the_server_while_the_training_goes_on_loses_and_doubles_nothing(tmp_path: Path) -> None:
    store, port, chance = tmp_path / "store", free_port(), random.Random(3)
    with Ostinato.open(store):
        token = (store / "admin-token").read_text().strip()

    def serve(says: int) -> None:
        with Ostinato.open(store) as opened, served(opened, port=port):
            os.write(says, b"\0" * 8)
            signal.pause()

    server, told = forked(serve)
    select.select([told], [], [], 30)
    run = connect(f"http://127.0.0.1:{port}", token).run("flights", **QUIET)
    stop = threading.Event()
    logged = []

    def train() -> None:
        while not stop.is_set():
            run.log(loss=len(logged), auc=-len(logged), step=len(logged))
            logged.append(None)
            time.sleep(0.0002)

    training = threading.Thread(target=train)
    training.start()
    for _ in range(2):
        killed_after(server, told, chance.uniform(0.1, 0.5))
        server, told = forked(serve)
    stop.set()
    training.join()
    assert run.finish().state == "finished"
    killed_after(server, told, 0.0)
    with Ostinato.open(store) as app:
        for key, sign in (("loss", 1), ("auc", -1)):
            curve = app.runs.curve(run.id, key, limit=10**7)
            assert curve.steps == list(range(len(logged)))
            assert curve.values == [float(sign * step) for step in curve.steps]


def test_a_server_that_is_away_from_the_beginning_gets_all_of_it_later(app: Ostinato, journal_home: Path, monkeypatch) -> None:
    monkeypatch.setenv("OSTINATO_FINISH_S", "0")

    class Away:
        def __getattr__(self, name: str) -> Any:
            def refuse(*_: Any, **__: Any) -> None:
                raise Unavailable("nobody is there")

            return refuse

    with Logger.start(Away(), "flights", params={"depth": 3}, tags={"team": "a"}, inputs=["dataset:flights@4"], **QUIET) as run:
        run.log(a=1)
        run.artifact("notes.txt", "text")
        run.output("model:late@1")
    assert [s.left for s in shipped(journal_home, app.runs)] == [""]
    found = app.runs.get(run.id)
    assert (found.state, found.params, found.tags) == ("finished", {"depth": 3}, {"team": "a"})
    assert list(map(str, found.inputs + found.outputs)) == ["dataset:flights@4", "model:late@1"]
    assert app.runs.artifact(run.id, "notes.txt") == b"text"
    assert shipped(journal_home, app.runs) == []


def test_a_full_store_delays_and_loses_nothing(runs: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    keep, full = Runs.log, threading.Event()
    full.set()

    def log(self: Runs, *given: Any) -> None:
        if full.is_set():
            raise Exhausted("the disk of the store is full", hint="make room")
        keep(self, *given)

    monkeypatch.setattr(Runs, "log", log)
    run = Logger.start(runs, "flights", **QUIET)
    for step in range(500):
        run.log(a=step)
    until(lambda: caplog.records, 10)
    full.clear()
    assert run.finish().state == "finished"
    assert runs.curve(run.id, "a").steps == list(range(500))


def test_what_the_store_refuses_is_said_and_the_rest_is_shipped(runs: Runs, journal_home: Path) -> None:
    runs.start("flights", id="r1", params={"depth": 3})
    with Logger.start(None, "flights", id="r1", **QUIET) as run:
        run.log(a=1)
        run.log_params(depth=4)
        run.log(b=2)
    synced = shipped(journal_home, runs)[0]
    assert "depth" in synced.shipped.refused[0]
    assert (runs.get("r1").state, runs.get("r1").params) == ("finished", {"depth": 3})
    assert sorted(runs.metrics("r1")) == ["a", "b"]
    assert "refused" in synced.left
    assert "depth" in (synced.folder / "refused.txt").read_text()
    again = shipped(journal_home, runs)[0]
    assert (again.shipped.points, again.shipped.refused) == (0, [])


def test_a_run_that_is_not_ours_keeps_its_journal(runs: Runs, journal_home: Path) -> None:
    runs.start("others", id="r1")
    with Logger.start(None, "flights", id="r1", **QUIET) as run:
        run.log(a=1)
    synced = shipped(journal_home, runs)[0]
    assert "belongs to the experiment 'others'" in synced.left
    assert runs.metrics("r1") == {}
    assert list(folders.journals(journal_home)) == [synced.folder]


def test_children_of_a_fork_log_to_the_run_and_the_parent_ships_it(runs: Runs, journal_home: Path) -> None:
    with Logger.start(runs, "flights", **QUIET) as run:
        run.log({"parent": 0.0}, step=0)
        children = []
        for number in range(3):

            def work(says: int, number: int = number) -> None:
                for step in range(200):
                    run.log({f"child{number}": step}, step=step)
                os.write(says, b"\0" * 8)
                if number == 0:
                    signal.pause()

            children.append(forked(work))
        assert [
            killed_after(pid, told, 0.0) if n == 0 else (os.waitpid(pid, 0), acknowledged(told))[1]
            for n, (pid, told) in enumerate(children)
        ]
        run.log({"parent": 1.0}, step=1)
    for number in range(3):
        assert runs.curve(run.id, f"child{number}").steps == list(range(200))
    assert runs.curve(run.id, "parent").steps == [0, 1]
    assert runs.get(run.id).state == "finished"
    assert list(folders.journals(journal_home)) == []


def test_ranks_log_to_one_run_and_the_first_ends_it(runs: Runs, journal_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Logger.start(runs, "flights", id="r1", **QUIET)
    monkeypatch.setenv("RANK", "1")
    second = Logger.start(runs, "flights", id="r1", **QUIET)
    second.log(b=1)
    second.finish("finished")
    assert runs.get("r1").state == "running"
    third = Logger.start(None, "flights", id="r1", **QUIET)
    third.log(c=1)
    first.log(a=1)
    third.finish()
    assert first.finish().state == "finished"
    assert sorted(runs.metrics("r1")) == ["a", "b", "c"]
    late = Logger.start(None, "flights", id="r1", **QUIET)
    late.log(late=1)
    late.finish()
    assert [s.left for s in shipped(journal_home, runs)] == [""]
    assert "late" in runs.metrics("r1")
    assert runs.get("r1").state == "finished"


def test_two_shippers_of_one_journal_do_not_meet(runs: Runs, journal_home: Path) -> None:
    with Logger.start(None, "flights", id="r1", **QUIET) as run:
        for step in range(5000):
            run.log(a=step)
    folder = next(folders.journals(journal_home))
    held = folders.lock_cursor(folder)
    assert held is not None
    assert [s.left for s in shipped(journal_home, runs)] == ["another process ships it"]
    folders.unlock_file(held)
    both = [threading.Thread(target=contextual(shipped), args=(journal_home, runs)) for _ in range(4)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert runs.curve("r1", "a").steps == list(range(5000))


def contextual(work: Callable[..., Any]) -> Callable[..., Any]:
    import contextvars

    context = contextvars.copy_context()
    return lambda *given: context.copy().run(work, *given)


def test_the_next_training_ships_what_a_killed_one_left(app: Ostinato) -> None:
    def train(says: int) -> None:
        run = Logger.start(None, "flights", id="killed", target={"data": str(app.settings.data)}, **QUIET)
        for step in range(300):
            run.log(a=step)
        os.write(says, b"\0" * 8)
        signal.pause()

    killed_after(*forked(train), 0.0)
    with app.run("flights", **QUIET) as run:
        run.log(a=1)
        until(lambda: [r for r in app.runs.search("flights").items if r.id == "killed"] and "a" in app.runs.metrics("killed"), 10)
    assert app.runs.curve("killed", "a").steps == list(range(300))


def test_a_full_disk_stops_no_training_and_is_said(small_disk: Path, runs: Runs, monkeypatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OSTINATO_JOURNAL", str(small_disk / "journal"))
    monkeypatch.setattr(Runs, "log", lambda *_: (_ for _ in ()).throw(Unavailable("away")))
    monkeypatch.setattr(journal, "_MEMORY_BYTES", 1 << 21)
    with caplog.at_level(logging.WARNING):
        run = Logger.start(runs, "flights", **QUIET)
        with (small_disk / "ballast").open("wb") as ballast:
            ballast.write(bytes(37 << 20))
        for step in range(200_000):
            run.log(a=step)
        assert run._lost > 0
        assert "points are lost" in caplog.text
        monkeypatch.undo()
        (small_disk / "ballast").unlink()
        lost = run._lost
        assert run.finish().state == "finished"
    steps = runs.curve(run.id, "a", limit=10**7).steps
    assert len(steps) == 200_000 - lost
    assert len(set(steps)) == len(steps)
    assert runs.get(run.id).tags == {"points_lost": str(lost)}


def test_an_ended_run_takes_no_more(runs: Runs) -> None:
    run = Logger.start(runs, "flights", **QUIET)
    run.finish()
    for late in (lambda: run.log(a=1), lambda: run.artifact("a", b""), lambda: run.log_params(a=1)):
        with pytest.raises(Conflict, match="has ended"):
            late()
    assert run.finish().state == "finished"
    run.tag(a="b")
    assert runs.get(run.id).tags == {"a": "b"}


def test_copies_of_files_go_as_they_are_shipped_and_are_as_they_were(runs: Runs, tmp_path: Path, journal_home: Path) -> None:
    model = tmp_path / "model.bin"
    with Logger.start(runs, "flights", **QUIET) as run:
        for epoch in range(3):
            model.write_bytes(bytes([epoch % 2]) * 1000)  # the third is equal to the first
            run.artifact(f"epoch/{epoch}", model)
        run.artifact("empty", b"")
        model.write_bytes(b"later")
        run.flush()
        assert list(journal_home.rglob("*.file")) == []
        with pytest.raises(FileNotFoundError):
            run.artifact("none", tmp_path / "none")
    for epoch in range(3):
        assert runs.artifact(run.id, f"epoch/{epoch}") == bytes([epoch % 2]) * 1000
    assert runs.artifact(run.id, "empty") == b""
