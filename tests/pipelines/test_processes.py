"""Steps in processes of their own: stopped with all that they started, and clear about what a main program must look like."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.pipelines.test_kills import dead

from ostinato.kernel.errors import StepFailed
from ostinato.pipelines.executors import processes
from ostinato.pipelines.executors.processes import Processes
from ostinato.testing.processes import until

MAIN = """
import sys
from pathlib import Path

import ostinato as ost


@ost.step
def square(x: int) -> int:
    return x * x


@ost.pipeline
def squares(n: int) -> list[int]:
    return square.map(range(n), executor="processes")


def main() -> None:
    with ost.open(sys.argv[1]) as app:
        done = app.pipelines.run(squares, n=3)
        print("got", app.pipelines.value(done.id), len(app.pipelines.search().items))

"""


def polite(folder: str) -> None:
    """Say goodbye when told to go."""
    signal.signal(signal.SIGTERM, lambda *_: (Path(folder, "bye").touch(), os._exit(0)))
    Path(folder, "ready").touch()
    time.sleep(60)


def stubborn(folder: str) -> None:
    """Stay, and leave a child that stays as well."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"])
    Path(folder, "pids").write_text(f"{os.getpid()} {child.pid}")
    Path(folder, "ready").touch()
    time.sleep(60)


def test_a_step_that_takes_too_long_may_say_goodbye(tmp_path: Path) -> None:
    executor = Processes(1)
    try:
        future = executor.submit(functools.partial(polite, str(tmp_path)), timeout_s=2.0)
        with pytest.raises(TimeoutError, match="longer than 2 s"):
            future.result(60)
        assert (tmp_path / "bye").exists()
    finally:
        executor.close()


def test_whoever_stays_is_killed_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_GRACE_S", 0.3)
    executor = Processes(1)
    try:
        future = executor.submit(functools.partial(stubborn, str(tmp_path)), timeout_s=3.0)
        with pytest.raises(TimeoutError):
            future.result(60)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        until(lambda: all(dead(pid) for pid in pids))
    finally:
        executor.close()


def test_closing_ends_what_runs(tmp_path: Path) -> None:
    executor = Processes(1)
    executor.submit(functools.partial(polite, str(tmp_path)))
    until(lambda: (tmp_path / "ready").exists())
    executor.close()
    assert (tmp_path / "bye").exists()


@pytest.mark.parametrize("guarded", [True, False])
def test_a_main_program_without_a_guard_is_told_so(tmp_path: Path, guarded: bool) -> None:
    program = tmp_path / "program.py"
    program.write_text(MAIN + ('if __name__ == "__main__":\n    main()\n' if guarded else "main()\n"))
    ran = subprocess.run([sys.executable, program, tmp_path / "store"], capture_output=True, text=True, timeout=120, check=False)
    if guarded:
        assert (ran.returncode, ran.stdout) == (0, "got [0, 1, 4] 1\n"), ran.stderr
        return
    assert ran.returncode == 1
    last = ran.stderr.strip().rpartition("StepFailed: ")[2]
    assert 'could not import program.py: it imports the main program: put what that does under `if __name__ == "__main__":`' in last


def test_a_step_with_a_timeout_says_that_it_runs_elsewhere(app: SimpleNamespace, project: Any) -> None:
    flows: ModuleType = project.edit("    time.sleep(seconds)\n", "    current().log('here')\n")
    with pytest.raises(StepFailed, match="runs inline"):
        app.pipelines.run(flows.timed, seconds=0.0)
