"""Journal: what was logged is on the disk when `log` returns, and is read back exactly, torn or not."""

from __future__ import annotations

import math
import os
import resource
import stat
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.kernel.errors import Invalid
from ostinato.tracking.client import folders
from ostinato.tracking.client import journal as journal_file
from ostinato.tracking.client.folders import About
from ostinato.tracking.client.journal import Journal, LeftJournal
from ostinato.tracking.client.records import Deed, Reader, Rows
from ostinato.tracking.client.shipping import Cursor

ABOUT = About(run="r1", experiment="flights")
Point = tuple[str, int, int, float]


def written(home: Path | None, calls: list[tuple[dict[str, float], int]], cap: int = 1 << 30) -> Journal:
    journal = Journal(ABOUT, home, cap)
    for number, (values, step) in enumerate(calls):
        with journal.lock:
            assert journal.points(tuple(values), step, number, values.values())
    return journal


def read(folder: Path, most: int = 1 << 40) -> list[Point | dict]:
    """All that another process finds in a journal."""
    left, number, found = LeftJournal(folder), 0, []
    while number is not None:
        if (viewed := left.view(number)) is not None:
            reader = Reader(viewed[0])
            while (record := reader.next(viewed[1], most, check=True)) is not None:
                found += points_of(record) if isinstance(record, Rows) else [record.told]
        number = left.after(number)
    return found


def points_of(rows: Rows) -> list[Point]:
    frame = rows.frame
    columns = (np.frombuffer(frame.key, "<u4"), np.frombuffer(frame.steps, "<i8"), np.frombuffer(frame.times_us, "<i8"))
    values = np.frombuffer(frame.values, "<f8")
    assert {len(column) for column in columns} == {rows.points} == {len(values)}
    return [(frame.keys[k], int(s), int(t), float(v)) for k, s, t, v in zip(*columns, values, strict=True)]


def flat(calls: list[tuple[dict[str, float], int]]) -> list[Point]:
    return [(key, step, number, value) for number, (values, step) in enumerate(calls) for key, value in values.items()]


def bits(points: list[Point]) -> list[tuple[str, int, int, bytes]]:
    return [(key, step, at, struct.pack("<d", value)) for key, step, at, value in points]


KEYS = st.sampled_from(["loss", "auc", "läuft/ja", "a b", "k" * 200])
CALLS = st.lists(st.tuples(st.dictionaries(KEYS, st.floats(), min_size=1, max_size=4), st.integers(-(2**63), 2**63 - 1)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(CALLS, st.integers(1, 30), st.data())
def test_every_bit_comes_back_in_order_however_it_is_batched_and_cut(calls: list, most: int, data: st.DataObject) -> None:
    journal = written(None, calls)
    buffer, until = journal.view(journal.number) or (b"", 0)
    reader, found = Reader(buffer), []
    while isinstance(rows := reader.next(until, most, check=True), Rows):
        again = Reader(buffer, rows.start).next(rows.end, 1 << 60, check=True)
        assert again == rows  # whoever goes on after a crash sends the very same batch
        found += points_of(rows)
    assert bits(found) == bits(flat(calls))
    torn = bytearray(buffer[:until])
    if until > journal_file.BEGIN:
        place_of_damage = data.draw(st.integers(journal_file.BEGIN, until - 1))
        torn[place_of_damage] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, until))
    for damaged, end in ((torn, len(torn)), (torn[:cut].ljust(until, b"\0"), until)):
        reader, kept = Reader(damaged), []
        while isinstance(rows := reader.next(end, 1 << 60, check=True), Rows):
            kept += points_of(rows)
        assert bits(kept) == bits(flat(calls))[: len(kept)]  # a beginning of what was logged, nothing made up


def test_many_rows_of_a_kind_are_read_at_once_and_as_one_by_one() -> None:
    calls = [({f"k{n}": n / 7 for n in range(1 + run % 3)}, step) for run in range(40) for step in range(run * run % 90)]
    journal = written(None, calls)
    buffer, until = journal.view(journal.number) or (b"", 0)
    for most in (1, 7, 1000, 1 << 60):
        for end in (until, until - 5):
            one, many = Reader(buffer), Reader(buffer)
            while isinstance(rows := one.next(end, most, check=True), Rows):
                assert many.next(end, most, check=False) == rows
            assert many.next(end, most, check=False) is None
            assert many.at == one.at


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail_or_invent(noise: bytes) -> None:
    for buffer in (noise, journal_file.MAGIC + noise):
        assert Reader(buffer).next(len(buffer), 100, check=True) is None or isinstance(
            Reader(buffer).next(len(buffer), 100, check=True), Rows | Deed
        )


def test_segments_follow_one_another_and_each_can_be_read_alone(tmp_path: Path) -> None:
    calls = [({"loss": 1 / n, f"k{n % 7}": math.nan}, n) for n in range(1, 40_000)]
    journal = written(tmp_path, calls)
    with journal.lock:
        journal.deed("tag", tags={"ü": "\ud800"})
    assert journal.folder is not None
    assert journal.number >= 3
    assert bits([p for p in read(journal.folder, 1000) if isinstance(p, tuple)]) == bits(flat(calls))
    assert read(journal.folder)[-1]["tags"] == {"ü": "\ud800"}
    before = len(read(journal.folder))
    journal.drop(0)
    assert 0 < len(read(journal.folder)) < before
    journal.close()


def test_only_the_owner_can_look(tmp_path: Path) -> None:
    journal = written(tmp_path / "home", [({"a": 1.0}, 0)])
    assert journal.folder is not None
    journal.keep_file(b"secret")
    for path in (tmp_path / "home", *journal.folder.parents[:1], journal.folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for file in journal.folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
    journal.close()


def test_beyond_the_cap_a_little_waits_in_memory_and_then_there_is_no_room(tmp_path: Path) -> None:
    journal = Journal(ABOUT, tmp_path, 200_000)
    with journal.lock:
        kept = sum(journal.points(("a",), n, n, (1.0,)) for n in range(600_000))
        assert 400_000 < kept < 600_000
        assert "OSTINATO_JOURNAL_MB" in journal.full
        journal.deed("finish", state="finished")  # deeds are kept all the same
    assert journal.folder is not None
    assert sum(f.stat().st_size for f in journal.folder.glob("*.segment")) < 200_000
    journal.close()


def test_a_full_disk_is_no_error_and_when_there_is_room_again_it_is_used(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = written(tmp_path, [({"a": 1.0}, 0)])
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, hard))
        with journal.lock:
            assert all(journal.points(("a",), n, n, (1.0,)) for n in range(1, 10_000))
        assert journal.full
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with journal.lock:
        assert all(journal.points(("a",), n, n, (1.0,)) for n in range(10_000, 60_000))
    assert not journal.full
    journal.close()


def test_what_does_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    journal = written(tmp_path, [({"a": 1.0}, 0)])
    at = journal.at
    with journal.lock:
        for bad in ("x", None, 10**400):
            with pytest.raises(struct.error):
                journal.points(("a",), 1, 1, (bad,))  # type: ignore[arg-type]
            with pytest.raises(struct.error):
                journal.points(("new",), 1, 1, (bad,))  # type: ignore[arg-type]
        with pytest.raises(Invalid):
            journal.points(("a\n",), 1, 1, (1.0,))
    assert journal.at == at
    journal.close()


def test_one_process_ships_a_journal_and_the_living_are_known(tmp_path: Path) -> None:
    journal = written(tmp_path, [({"a": 1.0}, 0)])
    assert journal.folder is not None
    assert folders.is_alive(journal.folder)
    held = folders.lock_cursor(journal.folder)
    assert held is not None
    assert folders.lock_cursor(journal.folder) is None
    folders.unlock_file(held)
    journal.close()
    assert not folders.is_alive(journal.folder)
    folders.remove(journal.folder)
    assert folders.lock_cursor(journal.folder) is None
    assert list(tmp_path.iterdir()) == []


def test_a_torn_cursor_leaves_the_one_before(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "cursor", os.O_RDWR | os.O_CREAT)
    cursor = Cursor.of(fd)
    for seq in range(5):
        cursor.save(seq=seq, segment=0, start=100 * seq, end=0)
    assert (Cursor.of(fd).seq, Cursor.of(fd).start) == (4, 400)
    newest = cursor.turn % 2 * 64
    os.pwrite(fd, b"\xff" * 10, newest + 5)
    assert (Cursor.of(fd).seq, Cursor.of(fd).start) == (3, 300)
    os.close(fd)
