"""Shipping beside others: journals of dead ranks, of other trainings, of segments that were in memory, in the middle of being made."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ostinato.kernel.errors import Denied, Invalid, Unavailable
from ostinato.storage.blobs import sending
from ostinato.testing.processes import forked, until
from ostinato.tracking.client import folders, sender, shipping
from ostinato.tracking.client import journal as journal_file
from ostinato.tracking.client.folders import About
from ostinato.tracking.client.journal import Journal, LeftJournal
from ostinato.tracking.client.sender import Sender, settle, take_over
from ostinato.tracking.client.shipping import Cursor, Shipper
from ostinato.tracking.client.sync import SyncResult, sync
from ostinato.tracking.service import Runs

ABOUT = About(run="r1", experiment="flights")


class Wrapped:
    """A store of which some verbs do something else."""

    def __init__(self, runs: Runs, **instead: Callable[..., Any]) -> None:
        self._runs = runs
        self.__dict__.update(instead)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)


def refusing(error: Exception) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    return refuse


def shipped(home: Path, runs: Any) -> list[SyncResult]:
    return list(sync(home, lambda _: nullcontext(runs)))


def log(journal: Journal, *steps: int, key: str = "a") -> Journal:
    for step in steps:
        with journal.lock:
            assert journal.points((key,), step, step, (float(step),))
    return journal


def left(home: Path, about: About, *steps: int, key: str = "a") -> Path:
    """What a process that died has left."""
    journal = log(Journal(about, home, 1 << 30), *steps, key=key)
    journal.close()
    assert journal.folder is not None
    return journal.folder


def test_a_segment_is_seen_whole_or_not_at_all(journal_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    write = os.write

    def watched(fd: int, data: bytes) -> int:
        seen.append([found.name for found in journal_home.rglob("*.segment")])
        return write(fd, data)

    monkeypatch.setattr(journal_file.os, "write", watched)
    journal = Journal(ABOUT, journal_home, 1 << 30)
    journal.begin()
    assert seen == [[]]
    assert [found.name for found in journal_home.rglob("0000*")] == ["00000000.segment"]
    journal.close()


def test_a_view_that_was_short_is_looked_at_anew(runs: Runs) -> None:
    journal = log(Journal(ABOUT, None, 0), *range(100))
    runs.start("flights", id="r1")
    whole, end = journal.view(0) or (b"", 0)

    class Growing:
        folder, about = None, ABOUT
        shown = end // 2

        def view(self, _: int) -> tuple[bytes, int]:
            return bytes(whole[: self.shown]), end

        def after(self, _: int) -> None:
            return None

    source = Growing()
    shipper = Shipper(source, runs, "c", Cursor(), own=False)  # type: ignore[arg-type]
    while shipper.step():
        pass
    assert 0 < len(runs.curve("r1", "a").steps) < 100
    source.shown = end
    while shipper.step():
        pass
    assert runs.curve("r1", "a").steps == list(range(100))


@pytest.mark.parametrize("error", [Denied("not yours"), OSError("broken"), Invalid("no"), ValueError("odd")])
def test_the_journals_of_others_hold_up_neither_points_nor_beats(runs: Runs, journal_home: Path, monkeypatch, error: Exception) -> None:
    monkeypatch.setattr(sender, "_BEAT_S", 0.0)
    runs.start("flights", id="r1")
    other = left(journal_home, ABOUT, 1, 2, key="others")
    beats: list[str] = []
    broken = threading.Event()
    broken.set()

    def refuse(run: str, client: str, *batch: Any) -> None:
        if client.startswith(other.name) and broken.is_set():
            raise error
        runs.log(run, client, *batch)

    journal = log(Journal(ABOUT, journal_home, 1 << 30), 1)
    ships = Sender(Wrapped(runs, log=refuse, beat=lambda run, _: beats.append(run)), journal)  # type: ignore[arg-type]
    try:
        until(lambda: other in ships._others and ships._others[other].pause_s, 10)
        known = len(beats)
        log(journal, 2)
        assert ships.drain(10)
        assert ships.failure is None
        assert runs.curve("r1", "a").steps == [1, 2]
        until(lambda: len(beats) > known, 10)
        broken.clear()
        if isinstance(error, Denied | OSError):  # it may be otherwise the next time
            until(lambda: "others" in runs.metrics("r1"), 10)
    finally:
        ships.stop()
        journal.close()


def test_a_long_backlog_of_others_does_not_come_first(runs: Runs, journal_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.tracking.client.shipping.BATCH", 1)
    runs.start("flights", id="r1")
    left(journal_home, ABOUT, *range(100), key="others")
    order: list[str] = []

    def log_(run: str, client: str, seq: int, frame: Any) -> None:
        order.extend(frame.keys)
        if len(order) == 5:
            log(journal, 1)
        runs.log(run, client, seq, frame)

    journal = Journal(ABOUT, journal_home, 1 << 30)
    journal.begin()
    ships = Sender(Wrapped(runs, log=log_), journal)  # type: ignore[arg-type]
    try:
        until(lambda: "a" in order, 10)
        assert order.index("a") <= 2 * sender._STEPS
    finally:
        ships.stop()
        journal.close()


def test_living_children_of_other_trainings_are_left_to_these(runs: Runs, journal_home: Path) -> None:
    for run in ("r1", "r2"):
        runs.start("flights", id=run)
    journals = {}
    for run, child in (("r1", True), ("r2", True), ("r2", False)):
        about = About(run=run, experiment="flights", data="store", child=child)
        journals[run, child] = log(Journal(about, journal_home, 1 << 30), 1)
    dead = left(journal_home, About(run="r2", experiment="flights", data="store", child=True), 1)
    own = log(Journal(About(run="r1", experiment="flights", data="store"), journal_home, 1 << 30), 1)
    ships = Sender(runs, own)
    try:
        assert ships.drain(10)
        until(lambda: len(ships._others) >= 2, 10)
        assert set(ships._others) == {journals["r1", True].folder, dead}
    finally:
        ships.stop()
        for journal in (own, *journals.values()):
            journal.close()


RANK = About(run="r1", experiment="flights", rank=1)


@pytest.fixture
def ended(runs: Runs) -> Any:
    """A run that the first rank has ended."""
    runs.start("flights", id="r1")
    return runs.finish("r1", "failed", error="diverged")


def as_it_was(runs: Runs, ended: Any) -> None:
    now = runs.get("r1")
    assert (now.state, now.error, now.ended_at) == (ended.state, ended.error, ended.ended_at)


@pytest.mark.parametrize("child", [False, True])
def test_the_rest_of_a_dead_rank_leaves_the_run_ended_as_it_was(runs: Runs, journal_home: Path, ended: Any, child: bool) -> None:
    left(journal_home, About(run="r1", experiment="flights", rank=0 if child else 1, child=child), 1, 2)
    assert [s.left for s in shipped(journal_home, runs)] == [""]
    assert runs.curve("r1", "a").steps == [1, 2]
    as_it_was(runs, ended)
    assert list(folders.journals(journal_home)) == []


@pytest.mark.parametrize("error", [Unavailable("away"), Invalid("no")])
def test_an_error_leaves_the_run_of_a_dead_rank_ended(runs: Runs, journal_home: Path, ended: Any, monkeypatch, error: Exception) -> None:
    monkeypatch.setattr("ostinato.tracking.client.shipping.BATCH", 1)
    folder = left(journal_home, RANK, 1, 2)

    def once(run: str, client: str, seq: int, frame: Any) -> None:
        if seq == 1:
            raise error
        runs.log(run, client, seq, frame)

    assert str(error) in shipped(journal_home, Wrapped(runs, log=once))[0].left
    as_it_was(runs, ended)
    assert folder.exists()
    assert [s.left for s in shipped(journal_home, runs)] == [""]
    assert runs.curve("r1", "a").steps == [1, 2]
    as_it_was(runs, ended)


def test_the_next_shipper_ends_what_a_killed_one_has_opened(runs: Runs, journal_home: Path, ended: Any) -> None:
    folder = left(journal_home, RANK, 1)
    taken = take_over(folder, runs)
    assert taken is not None
    assert taken[0].step()
    assert runs.get("r1").state == "running"
    taken[1].close()  # as if killed
    assert [s.left for s in shipped(journal_home, runs)] == [""]
    assert runs.curve("r1", "a").steps == [1]
    as_it_was(runs, ended)


def test_a_run_that_goes_on_here_is_not_ended_for_a_dead_rank(runs: Runs, journal_home: Path, ended: Any) -> None:
    folder = left(journal_home, RANK, 1)
    taken = take_over(folder, runs)
    assert taken is not None
    assert taken[0].step()
    taken[1].close()
    first = log(Journal(ABOUT, journal_home, 1 << 30), 1)
    again = take_over(folder, runs)
    assert again is not None
    assert settle(*again, folder)
    assert runs.get("r1").state == "running"
    first.close()


def test_a_training_ends_the_runs_of_others_at_once(runs: Runs, journal_home: Path, ended: Any) -> None:
    left(journal_home, About(run="r1", experiment="flights", data="store", rank=1), 1)
    runs.start("flights", id="r2")
    own = log(Journal(About(run="r2", experiment="flights", data="store"), journal_home, 1 << 30), 1)
    ships = Sender(runs, own)
    try:
        until(lambda: "a" in runs.metrics("r1") and runs.get("r1").state != "running", 10)
        as_it_was(runs, ended)
    finally:
        ships.stop()
        own.close()


def in_memory_then_on_disk(home: Path, about: About, monkeypatch: pytest.MonkeyPatch) -> tuple[Journal, int]:
    """A journal with its first segment in memory and the next on the disk, whose disk has room once the first is full."""
    journal = Journal(about, home, 1 << 30)
    with monkeypatch.context() as patched:
        patched.setattr(journal, "_on_disk", lambda _: None)
        step = 0
        while journal.number < 0 or journal._room - journal.at >= 200:
            log(journal, step)
            step += 1
    while journal.number == 0:
        log(journal, step)
        step += 1
    log(journal, *range(step, step + 50))
    return journal, step + 50


def test_numbers_of_a_lost_segment_in_memory_are_not_used_again(runs: Runs, journal_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.start("flights", id="r1")
    journal, steps = in_memory_then_on_disk(journal_home, ABOUT, monkeypatch)
    assert journal.folder is not None
    cursor = Cursor.of(folders.lock_cursor(journal.folder) or -1)

    def lost(*batch: Any) -> None:
        runs.log(*batch)
        raise Unavailable("the answer is lost")

    with pytest.raises(Unavailable):
        Shipper(journal, Wrapped(runs, log=lost), journal.id, cursor, own=True).step()  # type: ignore[arg-type]
    cursor.close()
    journal.close()
    assert [s.left for s in shipped(journal_home, runs)] == [""]
    assert runs.curve("r1", "a", limit=10**7).steps == list(range(steps))


def test_a_journal_that_began_in_memory_gets_its_cursor_with_the_folder(runs: Runs, journal_home: Path, monkeypatch) -> None:
    monkeypatch.setattr("ostinato.tracking.client.shipping.BATCH", 1000)
    runs.start("flights", id="r1")
    journal = Journal(ABOUT, journal_home, 1 << 30)
    with monkeypatch.context() as patched:
        patched.setattr(journal, "_on_disk", lambda _: None)
        log(journal, *range(10))
        ships = Sender(runs, journal)
        assert ships.drain(10)
        assert journal.folder is None
    log(journal, *range(10, 5000))
    assert ships.drain(10)
    assert journal.folder is not None
    assert folders.lock_cursor(journal.folder) is None  # nobody else ships it
    ships._own[1].close()  # type: ignore[index]
    ships._stopping = True  # as if killed
    ships._thread.join(10)
    journal.close()
    assert [s.left for s in shipped(journal_home, runs)] in ([], [""])
    assert runs.curve("r1", "a", limit=10**7).steps == list(range(5000))


def test_a_cursor_goes_on_where_another_process_left_off(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "cursor", os.O_RDWR | os.O_CREAT)
    Cursor.of(fd).save(seq=3, segment=2, start=500, end=700)
    cursor = Cursor(seq=1, start=100)
    cursor.adopt(fd)
    cursor.save(seq=2, start=200)
    assert (Cursor.of(fd).segment, Cursor.of(fd).start) == (2, 500)
    for segment in (1, 2):
        cursor.save(seq=0, segment=segment, start=journal_file.BEGIN, end=0)
    assert (cursor.seq, cursor.segment, cursor.start, cursor.end) == (3, 2, 500, 700)
    cursor.save(seq=4, start=700, end=0)
    assert (Cursor.of(fd).seq, Cursor.of(fd).start) == (4, 700)
    cursor.close()


def test_what_a_living_journal_lost_to_another_shipper_is_no_error(runs: Runs, journal_home: Path) -> None:
    journal = Journal(ABOUT, journal_home, 1 << 30)
    step = 0
    while journal.number < 1:
        log(journal, step)
        step += 1
    assert journal.folder is not None
    LeftJournal(journal.folder).drop(0)
    assert journal.view(0) is None
    journal.close()


def test_a_large_file_goes_in_parts_and_on_with_those_that_are_there(
    runs: Runs, journal_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "LARGE_BYTES", 1_000)
    monkeypatch.setattr(sending, "PART_BYTES", 400)
    content = bytes(range(250)) * 5
    runs.start("flights", id="r1")
    journal = log(Journal(ABOUT, journal_home, 1 << 30), 0)
    file = journal.keep_file(content)[0]
    with journal.lock:
        journal.deed("artifact", path="model.bin", file=file)
    journal.close()
    sent: list[int] = []

    def torn(upload: str, start: int, part: bytes) -> object:
        if len(sent) == 2:
            raise Unavailable("the server is gone")
        sent.append(start)
        return runs.send_part(upload, start, part)

    list(shipped(journal_home, Wrapped(runs, send_part=torn)))
    assert sent == [0, 400]
    again: list[int] = []
    counted = Wrapped(runs, send_part=lambda upload, start, part: (again.append(start), runs.send_part(upload, start, part)))
    assert not shipped(journal_home, counted)[0].left
    assert again == [800, 1200]
    assert runs.artifact("r1", "model.bin") == content


def test_the_child_of_a_fork_holds_no_lock_of_its_parent(journal_home: Path) -> None:
    journal = log(Journal(ABOUT, journal_home, 1 << 30), 0)
    assert journal.folder is not None
    held = folders.lock_cursor(journal.folder)
    assert held is not None
    (asked, told), (heard, there) = os.pipe(), os.pipe()

    def wait() -> None:
        os.close(told)
        os.write(there, b".")
        os.read(asked, 1)  # until the parent has looked

    child = forked(wait)
    try:
        os.read(heard, 1)
        assert folders.lock_cursor(journal.folder) is None, "this process has it"
        folders.unlock_file(held)
        journal.close()
        anew = folders.lock_cursor(journal.folder)
        assert anew is not None, "and nobody else"
        folders.unlock_file(anew)
        assert not folders.is_alive(journal.folder)
    finally:
        for end in (told, asked, heard, there):
            os.close(end)
        os.waitpid(child, 0)
