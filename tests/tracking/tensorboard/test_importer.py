"""Taking: event files become runs, each event once, also while they grow and after kill -9."""

from __future__ import annotations

import contextvars
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, NotFound, Unavailable
from ostinato.tracking.service import Runs
from ostinato.tracking.tensorboard.checkpoint import Note
from ostinato.tracking.tensorboard.importer import Board, Boards
from ostinato.tracking.tensorboard.messages import put
from ostinato.tracking.tensorboard.records import framed
from ostinato.tracking.types import MetricFrame

START = 1_700_000_000.0


def event(step: int, tag: str = "loss", value: float | None = None) -> bytes:
    """A record of one scalar, a second per step."""
    return put(1, START + step) + put(2, step) + put(5, put(1, put(1, tag) + put(2, float(step if value is None else value), code="f")))


def named(n: int) -> str:
    return f"events.out.tfevents.{int(START) + n}.host"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs" / "first"
    folder.mkdir(parents=True)
    (folder / named(0)).write_bytes(framed([put(1, START) + put(3, "brain.Event:2"), *(event(n) for n in range(50))]))
    return tmp_path / "logs"


def taking(runs: Any, logs: Path, tmp_path: Path, **how: Any) -> Boards:
    return Boards(logs, runs, home=tmp_path / "state", target="here", **how)


def once(runs: Any, logs: Path, tmp_path: Path, **how: Any) -> list[Board]:
    boards = taking(runs, logs, tmp_path, **how)
    try:
        found = [*boards.take(final=True, following=False)]
        boards.end()
        return found
    finally:
        boards.close()


def test_a_folder_is_a_run_with_the_times_of_its_events(runs: Runs, logs: Path, tmp_path: Path) -> None:
    (board,) = once(runs, logs, tmp_path)
    run = runs.get(board.taken.run)
    assert (run.experiment, run.name, run.state) == ("logs", "first", "finished")
    assert (run.started_at.timestamp(), run.ended_at and run.ended_at.timestamp()) == (START, START + 49)
    curve = runs.curve(run.id, "loss")
    assert (curve.steps, curve.values) == (list(range(50)), [float(n) for n in range(50)])
    assert curve.times_us[7] == int((START + 7) * 1e6)


def test_again_it_takes_what_was_added_and_a_new_file_beside(runs: Runs, logs: Path, tmp_path: Path) -> None:
    once(runs, logs, tmp_path)
    with (logs / "first" / named(0)).open("ab") as file:
        file.write(framed([event(n) for n in range(50, 60)]))
    (logs / "first" / named(9)).write_bytes(framed([event(n) for n in range(60, 70)]))
    (board,) = once(runs, logs, tmp_path)
    once(runs, logs, tmp_path)
    assert runs.curve(board.taken.run, "loss").steps == list(range(70))
    assert runs.get(board.taken.run).ended_at.timestamp() == START + 69  # type: ignore[union-attr]


def test_values_repeated_steps_and_strange_tags_are_kept_exactly(runs: Runs, logs: Path, tmp_path: Path) -> None:
    values = [float("nan"), float("inf"), -0.0, 2.0**-149, 3.4028234663852886e38]
    strange = [event(3, f"a{chr(10)}b/{'x' * 300}", value) for value in values] + [event(-(2**62), "low", 1.0)]
    (logs / "first" / named(5)).write_bytes(framed(strange))
    (board,) = once(runs, logs, tmp_path)
    key = next(key for key in runs.metrics(board.taken.run) if key.startswith("a_b/"))
    assert runs.curve(board.taken.run, key).values == ["nan", "inf", -0.0, 2.0**-149, 3.4028234663852886e38]
    assert runs.curve(board.taken.run, "low").steps == [-(2**62)]


def test_what_is_damaged_is_passed_over_and_told_with_its_place(runs: Runs, logs: Path, tmp_path: Path) -> None:
    path = logs / "first" / named(0)
    data = bytearray(path.read_bytes())
    data[len(framed([put(1, START) + put(3, "brain.Event:2"), event(0)])) + 20] ^= 1
    path.write_bytes(bytes(data[:-5]))
    (board,) = once(runs, logs, tmp_path)
    assert runs.curve(board.taken.run, "loss").steps == [0, *range(2, 49)]
    assert len(board.taken.damaged) == 1
    assert "the checksum is wrong" in board.taken.damaged[0]
    assert board.taken.waiting > 0


def test_a_store_that_fails_between_any_two_steps_gets_each_event_once(runs: Runs, logs: Path, tmp_path: Path) -> None:
    (logs / "first" / named(1)).write_bytes(framed([event(n, "acc") for n in range(20)] + [event(n) for n in range(50, 80)]))
    dice = random.Random(5)

    class Flaky:
        def __getattr__(self, name: str) -> Any:
            verb = getattr(runs, name)

            def call(*args: Any, **kwargs: Any) -> Any:
                if dice.random() < 0.3:
                    raise Unavailable("lost on the way there")
                answer = verb(*args, **kwargs)
                if dice.random() < 0.3:
                    raise Unavailable("lost on the way back")
                return answer

            return call

    for _ in range(200):
        try:
            (board,) = once(Flaky(), logs, tmp_path)
            break
        except Unavailable:
            continue
    assert runs.curve(board.taken.run, "loss").steps == list(range(80))
    assert runs.curve(board.taken.run, "acc").steps == list(range(20))
    assert {key: metric.n for key, metric in runs.metrics(board.taken.run).items()} == {"loss": 80, "acc": 20}


def test_it_follows_a_training_and_ends_runs_that_fall_silent(
    runs: Runs, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostinato.tracking.tensorboard.importer._ROUND_S", 0.02)
    stop, grown = threading.Event(), threading.Semaphore(0)
    boards = taking(runs, logs, tmp_path)
    ids: dict[str, str] = {}

    def told(board: Board) -> None:
        ids[board.taken.folder.name] = board.taken.run
        grown.release()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(boards.follow, stop, told, 0.3))
    thread.start()
    assert grown.acquire(timeout=20)
    assert runs.get(ids["first"]).state == "running"
    with (logs / "first" / named(0)).open("ab") as file:
        more = framed([event(n) for n in range(50, 55)])
        file.write(more[:30])
        file.flush()
        file.write(more[30:])
    (logs / "second").mkdir()
    (logs / "second" / named(3)).write_bytes(framed([event(0)]))
    deadline = time.monotonic() + 20
    while "second" not in ids or runs.metrics(ids["first"])["loss"].n < 55 or runs.get(ids["first"]).state != "finished":
        assert time.monotonic() < deadline
        grown.acquire(timeout=0.05)
    with (logs / "first" / named(0)).open("ab") as file:
        file.write(framed([event(55)]))
    while runs.metrics(ids["first"])["loss"].n < 56:
        assert time.monotonic() < deadline
        grown.acquire(timeout=0.05)
    stop.set()
    thread.join(20)
    boards.end()
    boards.close()
    assert runs.curve(ids["first"], "loss").steps == list(range(56))
    assert runs.get(ids["first"]).state == runs.get(ids["second"]).state == "finished"


def test_two_at_once_do_not_take_the_same(runs: Runs, logs: Path, tmp_path: Path) -> None:
    boards = taking(runs, logs, tmp_path)
    assert [*boards.take(final=True, following=False)]
    with pytest.raises(Conflict, match="another process"):
        once(runs, logs, tmp_path)
    boards.close()
    once(runs, logs, tmp_path)


def test_without_its_notes_nothing_is_taken_twice(runs: Runs, logs: Path, tmp_path: Path) -> None:
    (board,) = once(runs, logs, tmp_path)
    with pytest.raises(Conflict, match="already"):
        once(runs, logs, tmp_path / "elsewhere")
    (other,) = once(runs, logs, tmp_path / "elsewhere", called="again")
    assert other.taken.run != board.taken.run
    assert runs.curve(other.taken.run, "loss").steps == list(range(50))


def test_a_folder_without_event_files_is_refused(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no event files"):
        once(runs, tmp_path, tmp_path)


def test_histograms_tensors_and_hyperparameters_without_any_library(runs: Runs, logs: Path, tmp_path: Path) -> None:
    packed = struct.pack("<9d", -1.0, 0.0, 4.0, 0.0, 1.0, 1.0, 1.0, 2.0, 0.0)
    shape = put(2, put(2, put(1, 3)) + put(2, put(1, 3)))
    histogram = put(1, "w") + put(8, put(1, 2) + shape + put(4, packed)) + put(9, put(1, put(1, "histograms")))
    scalar = put(1, "s") + put(8, put(1, 1) + put(4, struct.pack("<f", 0.5))) + put(9, put(1, put(1, "scalars")))
    pairs = {"lr": put(2, 0.1), "name": put(3, "x"), "on": put(4, 1)}
    session = put(3, b"".join(put(1, put(1, name) + put(2, value)) for name, value in pairs.items()))
    params = put(1, "_hparams_/session_start_info") + put(9, put(1, put(1, "hparams") + put(2, session)))
    (logs / "first" / named(4)).write_bytes(framed([put(1, START) + put(2, 1) + put(5, put(1, v)) for v in (histogram, scalar, params)]))
    (board,) = once(runs, logs, tmp_path)
    run = board.taken.run
    assert runs.get(run).params == {"lr": 0.1, "name": "x", "on": True}
    last = {key: metric.last for key, metric in runs.metrics(run).items()}
    assert (last["s"], last["w/min"], last["w/max"]) == (0.5, -1.0, 1.0)
    assert last["w/p50"] == pytest.approx(np.interp(2.5, [0, 4, 5], [-1, 0, 1]))
    (kept,) = [file.path for file in runs.artifacts(run) if file.path.startswith("histograms/")]
    assert b'"counts": [4.0, 1.0, 0.0]' in runs.artifact(run, kept)


def test_killed_at_any_moment_the_command_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / named(0)).write_bytes(framed([event(n, f"m{n % 3}", n) for n in range(40_000)]))
    environment = {
        **os.environ, "OSTINATO_DATA": str(tmp_path / "store"), "OSTINATO_JOURNAL": str(tmp_path / "journal"), "HOME": str(tmp_path)
    }  # fmt: skip
    command = [sys.executable, "-m", "ostinato.cli.main", "tensorboard", "watch", str(folder)]
    killed = 0
    notes = tmp_path / "journal" / "tensorboard"
    for turn in range(2):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 90
        before = _marked(notes)
        while process.poll() is None and _marked(notes) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
        killed += _marked(notes) != before
        with (folder / named(0)).open("ab") as file:
            file.write(framed([event(n, f"m{n % 3}", n) for n in range(40_000 + 100 * turn, 40_100 + 100 * turn)]))
    assert killed
    done = subprocess.run([*command[:4], "import", str(folder)], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with Ostinato.open(tmp_path / "store") as app:
        (run,) = app.runs.search("logs").items
        assert run.state == "finished"
        for n in range(3):
            assert app.runs.curve(run.id, f"m{n}").steps == list(range(n, 40_200, 3))


def _marked(notes: Path) -> str:
    return "".join(found.read_text() for found in notes.glob("*.json"))


def test_points_of_others_in_the_run_are_no_reason_to_refuse(runs: Runs, logs: Path, tmp_path: Path) -> None:
    (board,) = once(runs, logs, tmp_path)
    runs.log(board.taken.run, "me", 0, MetricFrame.of([("own", 0, 1, 1.0)]))
    once(runs, logs, tmp_path)
    assert runs.metrics(board.taken.run)["loss"].n == 50


def test_the_child_of_a_fork_closes_no_file_that_took_the_place_of_a_lock(tmp_path: Path) -> None:
    asked, told = os.pipe()
    note = Note(tmp_path, "r1", "here")
    number = note._held
    assert number is not None
    note.close()
    os.dup2(told, number)  # its number is given to something else
    try:
        if (child := os.fork()) == 0:
            try:
                os.write(number, b".")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.set_blocking(asked, False)
        assert os.read(asked, 1) == b"."
    finally:
        for end in (asked, told, number):
            os.close(end)
