"""Logger: nothing logged is lost, an error never hides the user's, and a bad network is waited out."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostinato.kernel.errors import Conflict, Invalid, Unavailable
from ostinato.storage.blobs.local import Local
from ostinato.tracking import capture, logger
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs


class Flaky:
    """A door to runs that drops every other request, half of them after they were served."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.dropped = 0
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)

    def log(self, *arguments: Any) -> None:
        self.calls += 1
        if self.calls % 4 == 1:
            self.dropped += 1
            raise Unavailable("lost on the way there")
        self._runs.log(*arguments)
        if self.calls % 4 == 3:
            self.dropped += 1
            raise Unavailable("lost on the way back")


def test_r28_two_lines_record_params_data_metrics_artifacts_environment_and_code(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with Logger.start(runs, "flights", params={"depth": 3}, inputs=["dataset:flights@4"]) as run:
        for step in range(5):
            run.log({"train/loss": 1 / (step + 1)}, auc=0.5 + step / 10, step=step)
        run.log_params(rate=0.1)
        run.tag(team="a")
        run.artifact("model.json", tmp_path / "model.json")
        run.artifact("notes.txt", "text")
        run.artifact("raw", b"\0\1")
        run.output("model:late@1")
    found = runs.get(run.id)
    assert found.state == "finished"
    assert found.params == {"depth": 3, "rate": 0.1}
    assert list(map(str, found.inputs + found.outputs)) == ["dataset:flights@4", "model:late@1"]
    assert runs.curve(run.id, "auc").values == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert runs.metrics(run.id)["train/loss"].last == 0.2
    assert runs.artifact(run.id, "raw") == b"\0\1"
    assert {"model.json", "notes.txt", "raw"} <= {a.path for a in runs.artifacts(run.id)}
    assert found.code.host
    assert found.code.entry
    assert found.environment is not None
    packages = json.loads(Local(tmp_path / "blobs").open(found.environment))["packages"]
    assert packages["numpy"] == __import__("numpy").__version__


def test_steps_count_on_from_the_last_one(runs: Runs) -> None:
    with Logger.start(runs, "flights") as run:
        run.log(a=1)
        run.log(a=2)
        run.log(a=3, step=10)
        run.log(a=4)
    assert runs.curve(run.id, "a").steps == [0, 1, 10, 11]


def test_a_failure_is_recorded_and_passed_on(runs: Runs) -> None:
    run = Logger.start(runs, "flights")
    run.log(a=1)
    with pytest.raises(ZeroDivisionError), run:
        run.log(a=1 / 0)
    found = runs.get(run.id)
    assert (found.state, found.error) == ("failed", "ZeroDivisionError: division by zero")
    assert b"1 / 0" in runs.artifact(run.id, "traceback.txt")
    assert runs.curve(run.id, "a").values == [1.0]


def test_an_interrupt_means_killed_and_exit_zero_means_finished(runs: Runs) -> None:
    with pytest.raises(KeyboardInterrupt), Logger.start(runs, "flights") as run:
        raise KeyboardInterrupt
    assert runs.get(run.id).state == "killed"
    with pytest.raises(SystemExit), Logger.start(runs, "flights") as run:
        sys.exit(0)
    assert runs.get(run.id).state == "finished"
    with pytest.raises(SystemExit), Logger.start(runs, "flights") as run:
        sys.exit(3)
    assert runs.get(run.id).state == "killed"


def test_a_bad_network_loses_and_doubles_nothing(runs: Runs) -> None:
    door = Flaky(runs)
    with Logger.start(door, "flights") as run:
        for step in range(20_000):
            run.log(a=step, step=step)
        run.flush()
        run.log(a=-1, step=20_000)
    assert door.dropped >= 2
    assert runs.curve(run.id, "a").values == [*map(float, range(20_000)), -1.0]


def test_a_server_that_stays_away_is_said_so(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logger, "_PATIENCE_S", 0.3)
    run = Logger.start(runs, "flights")
    monkeypatch.setattr(Runs, "log", lambda *_: (_ for _ in ()).throw(Unavailable("away")))
    run.log(a=1)
    with pytest.raises(Unavailable, match="away"):
        run.flush()
    monkeypatch.undo()
    run.finish()
    assert runs.curve(run.id, "a").values == [1.0]


def test_a_direct_logger_raises_what_the_store_refuses_and_fails_the_run(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Logger(runs, runs.start("flights"))
    monkeypatch.setattr(Runs, "log", lambda *_: (_ for _ in ()).throw(Invalid("no such points")))
    run.log(a=1)
    with pytest.raises(Invalid, match="no such points"):
        run.finish()
    found = runs.get(run.id)
    assert (found.state, found.error) == ("failed", "points were not kept: no such points")


def test_what_no_store_takes_as_a_name_is_refused_at_once(runs: Runs) -> None:
    with Logger.start(runs, "flights") as run:
        for bad in ("a\n", "", "k" * 251, 7):
            with pytest.raises(Invalid, match="name of a metric"):
                run.log({bad: 1.0})
        run.log(a=1)
    assert runs.curve(run.id, "a").steps == [0]


def test_what_is_no_number_is_refused_at_once(runs: Runs) -> None:
    with Logger.start(runs, "flights") as run:
        for bad in ({"a": "high"}, {"a": None}):
            with pytest.raises(Invalid, match="not a number"):
                run.log(bad)
        for step in (1.5, 2**63):
            with pytest.raises(Invalid, match="step"):
                run.log(a=1, step=step)
        run.log(a=True)
    with pytest.raises(Conflict):
        run.log(a=1)
    assert runs.curve(run.id, "a").values == [1.0]


def test_what_is_no_scalar_is_a_parameter_or_a_tag_as_text(runs: Runs) -> None:
    given = {
        "units": [64, 64], "schedule": {"warmup": np.int64(10), "by": Path("x")}, "rate": np.float32(0.5), "trees": np.int64(300),
        "on": np.bool_(True), "data": Path("data/2013"), "since": date(2013, 1, 1), "none": None, "map": {(1, 2): 3}, "many": np.zeros(2),
    }  # fmt: skip
    with Logger.start(runs, "arguments", params=given, tags={"fold": 3}, capture=False) as run:
        run.log_params(given)  # the same again
        run.log_params({"momentum": np.float64(0.9)}, shape=(2, 3))
        run.tag(epochs=10, best=True)
    found = runs.get(run.id)
    assert found.params == {
        "units": "[64, 64]", "schedule": '{"warmup": 10, "by": "x"}', "rate": 0.5, "trees": 300, "on": True, "data": "data/2013",
        "since": "2013-01-01", "none": None, "map": "{(1, 2): 3}", "many": "[0. 0.]", "momentum": 0.9, "shape": "[2, 3]",
    }  # fmt: skip
    assert found.tags == {"fold": "3", "epochs": "10", "best": "True"}


def test_many_threads_may_log_to_one_run(runs: Runs) -> None:
    with Logger.start(runs, "flights") as run:
        threads = [threading.Thread(target=lambda n=n: [run.log({f"k{n}": i}, step=i) for i in range(2000)]) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for n in range(6):
        assert runs.curve(run.id, f"k{n}").steps == list(range(2000))


def test_points_arrive_within_a_second_or_two_without_being_asked(runs: Runs) -> None:
    with Logger.start(runs, "flights") as run:
        run.log(a=1)
        deadline = time.monotonic() + 5
        while not runs.metrics(run.id) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert runs.metrics(run.id)["a"].last == 1.0


def git(folder: Path, *command: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(["git", "-C", folder, *command], env=os.environ | identity, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_and_the_patch_lead_back_to_the_very_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "repo" / "jobs" / "train.py"
    program.parent.mkdir(parents=True)
    monkeypatch.setattr(capture, "entry_point", lambda: program)
    assert capture.code().commit is None
    program.write_text("depth = 3\n")
    git(tmp_path / "repo", "init", "-q")
    git(tmp_path / "repo", "add", ".")
    git(tmp_path / "repo", "commit", "-qm", "one")
    clean = capture.code()
    assert (clean.commit, clean.dirty, clean.entry) == (git(tmp_path / "repo", "rev-parse", "HEAD"), False, "jobs/train.py")
    program.write_text("depth = 5\n")
    assert capture.code().dirty
    (tmp_path / "code.patch").write_bytes(capture.difference())
    git(tmp_path / "repo", "checkout", "-q", ".")
    git(tmp_path / "repo", "apply", str(tmp_path / "code.patch"))
    assert program.read_text() == "depth = 5\n"


def test_kill_9_leaves_a_run_that_shows_as_killed_and_keeps_what_was_sent(runs: Runs, tmp_path: Path, place: str) -> None:
    program = f"""
import time
from pathlib import Path
from ostinato.kernel.caller import Caller, set_process_caller
from ostinato.kernel.clock import SystemClock
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.local import Local
from ostinato.storage.series.series import Series
from ostinato.testing.rows import opened
from ostinato.tracking.client import start
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs
home = Path({str(tmp_path)!r})
set_process_caller(Caller(actor="person:ana"))
start.LEASE_S = 1
rows, clock = opened({place!r}), SystemClock()
ledger = Ledger(rows=rows, clock=clock, key_path=home / "ledger-key")
run = Logger.start(Runs(rows=rows, blobs=Local(home / "blobs"), series=Series(rows), ledger=ledger, clock=clock), "flights")
run.log(a=1)
run.flush()
print(run.id, flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        run = process.stdout.readline().strip()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    deadline = time.monotonic() + 10
    while runs.get(run).state == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert runs.get(run).state == "killed"
    assert runs.curve(run, "a").values == [1.0]


def measured(task: tuple[Logger, int]) -> tuple[int, str]:
    """What a worker of a pool does, in an interpreter of its own."""
    run, number = task
    for step in range(3):
        run.log({f"part/{number}": step}, step=step)
    with run:  # ends its part alone
        run.artifact(f"part-{number}.txt", str(number))
    return os.getpid(), run.id


def test_a_run_travels_to_workers_that_are_spawned(runs: Runs) -> None:
    with Logger.start(runs, "pools", capture=False) as run:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            told = pool.map(measured, [(run, number) for number in range(4)], chunksize=1)
        run.log(whole=1)
        assert runs.get(run.id).state == "running"
    assert {id_ for _, id_ in told} == {run.id}
    assert os.getpid() not in {pid for pid, _ in told}
    assert runs.get(run.id).state == "finished"
    assert {key: found.n for key, found in runs.metrics(run.id).items()} == {f"part/{number}": 3 for number in range(4)} | {"whole": 1}
    assert runs.artifact(run.id, "part-3.txt") == b"3"


def test_a_copy_of_a_run_is_the_run(runs: Runs) -> None:
    with Logger.start(runs, "pools", capture=False) as run:
        assert copy.deepcopy({"logger": run})["logger"] is run
