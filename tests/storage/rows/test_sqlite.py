"""SQLite: the contract of rows, one flush for all that wait, turns between processes, and what a broken file or disk gets."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ostinato.kernel.errors import Conflict, Corrupt, Exhausted, Invalid, Unavailable
from ostinato.storage.rows import place as places
from ostinato.storage.rows.sqlite import Sqlite
from ostinato.testing.processes import until
from ostinato.testing.rows import RowsContract, add, spawn, tables, together, writers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.db"


@pytest.fixture
def rows(path: Path) -> Iterator[Sqlite]:
    opened = Sqlite(path)
    opened.create(tables)
    yield opened
    opened.close()


class TestSqlite(RowsContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return str(tmp_path / "rows.db")


def test_one_flush_serves_all_that_wait(rows: Sqlite) -> None:
    commits: list[str] = []
    rows.write(lambda tx: tx._driver.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None))
    assert together(rows, [add(str(i)) for i in range(50)]) == list(range(1, 51))
    assert len(commits) == 3, "of the one that set the trace, the one that held the writer, and the group"
    assert writers(rows) == [str(i) for i in range(50)]


def test_callers_who_write_on_and_on_share_their_flushes(rows: Sqlite) -> None:
    commits: list[str] = []
    rows.write(lambda tx: tx._driver.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: [rows.write(add(str(n))) for _ in range(40)], range(8)))
    assert len(writers(rows)) == 320
    assert len(commits) < 160, "whoever writes again joins those who were committed with him"
    until(lambda: not rows._group._lead.locked(), seconds=5)


def test_a_main_thread_that_is_called_away_keeps_nobody_waiting(rows: Sqlite) -> None:
    entered, go = threading.Event(), threading.Event()

    def away(*_: object) -> None:
        go.set()
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, away)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(rows.write, lambda _: entered.set() or go.wait(10))
        assert entered.wait(10)
        others = [pool.submit(rows.write, add(str(n))) for n in range(4)]
        until(lambda: rows._group._queue.qsize() == 4, seconds=5)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(TimeoutError):
                rows.write(add("main"))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert first.result(10)
        assert len({other.result(10) for other in others}) == 4
        assert pool.submit(rows.write, add("later")).result(10)
    assert sorted(writers(rows)) == ["0", "1", "2", "3", "later", "main"], "what was accepted is done"


def test_a_change_that_breaks_the_transaction_takes_nobody_with_it(rows: Sqlite) -> None:
    broken = "INSERT OR ROLLBACK INTO note (id) VALUES (1), (1)"
    outcomes = together(rows, [add("a"), lambda tx: tx.execute(text(broken)), add("b")])
    assert isinstance(outcomes[1], IntegrityError | Conflict)
    assert sorted(writers(rows)) == ["a", "b"]


def test_two_processes_share_a_file_fairly(path: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    both = [spawn(str(path), name, out) for name, out in zip(("one", "two"), outs, strict=True)]
    try:
        for out in outs:
            until(lambda out=out: out.read_bytes().count(b"\n") > 0)
        before = [out.read_bytes().count(b"\n") for out in outs]
        until(lambda: sum(out.read_bytes().count(b"\n") for out in outs) > sum(before) + 2000)
        done = [out.read_bytes().count(b"\n") - start for out, start in zip(outs, before, strict=True)]
    finally:
        for process in both:
            process.kill()
            process.wait(10)
    assert min(done) > 0
    assert max(done) / min(done) < 3, f"unequal shares: {done}"


def test_the_writer_outlives_a_database_that_cannot_be_opened_for_a_while(rows: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    enter, connect = rows._turnstile.enter, rows._engine.connect
    failures = iter([OSError("no locks"), None, None])
    refusals = iter([OSError("too many open files"), None])

    def failing_enter() -> None:
        if (failure := next(failures)) is not None:
            raise failure
        enter()

    def failing_connect() -> object:
        if (refusal := next(refusals)) is not None:
            raise refusal
        return connect()

    rows._group._session._connection = None  # type: ignore[attr-defined]
    monkeypatch.setattr(rows._turnstile, "enter", failing_enter)
    monkeypatch.setattr(rows._engine, "connect", failing_connect)
    with pytest.raises(OSError, match="no locks"):
        rows.write(add("first"))
    with pytest.raises(OSError, match="too many"):
        rows.write(add("second"))
    rows.write(add("third"))
    monkeypatch.undo()
    assert writers(rows) == ["third"]


def test_a_full_disk_is_said_and_reading_goes_on(rows: Sqlite) -> None:
    rows.write(add("before"))
    pages = rows.write(lambda tx: int(tx.execute(text("PRAGMA page_count")).scalar_one()))
    rows.write(lambda tx: tx.execute(text(f"PRAGMA max_page_count = {pages}")))
    with pytest.raises(Exhausted, match="full") as caught:
        rows.write(lambda tx: [add("x" * 10_000)(tx) for _ in range(100)])
    assert "free" in caught.value.hint
    assert writers(rows) == ["before"]
    rows.write(lambda tx: tx.execute(text(f"PRAGMA max_page_count = {pages + 1000}")))
    rows.write(add("after"))
    assert writers(rows) == ["before", "after"]


_REFUSED = """
import resource, sys
from ostinato.kernel.errors import Unavailable
from ostinato.testing.rows import add, opened, tables
rows = opened(sys.argv[1])
rows.create(tables)
rows.write(add("before"))
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
for change in (lambda tx: [add("x" * 1000, i)(tx) for i in range(100)], add("later")):
    try:
        rows.write(change)
    except Unavailable as error:
        print(error)
print(len(rows.read(lambda tx: tx.all(__import__("sqlalchemy").text("SELECT 1 FROM note")))))
"""


def test_a_commit_that_the_disk_refused_is_said_to_be_unknown_and_the_writer_goes_on_behind_a_log_without_doubt(path: Path) -> None:
    told = subprocess.run([sys.executable, "-c", _REFUSED, str(path)], capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    first, count = told.stdout.splitlines()
    assert "whether that write is stored is unknown" in first
    assert int(count) in (2, 102), "all of it or nothing, and what came later"
    again = Sqlite(path)
    again.write(add("again"))
    assert len(writers(again)) == int(count) + 1
    again.close()


def test_a_file_that_is_no_database_and_a_torn_one_are_said_to_be_damaged(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1000)
    rows = Sqlite(path)
    with pytest.raises(Corrupt, match="damaged") as caught:
        rows.create(tables)
    assert "backup" in caught.value.hint
    with pytest.raises(Corrupt):
        rows.write(add("a"))
    rows.close()


def test_a_file_that_another_program_holds_is_said_to_be_held(rows: Sqlite, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows.write(lambda tx: tx.execute(text("PRAGMA busy_timeout = 50")))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="another program") as caught:
            rows.write(add("a"))
        assert str(path) in caught.value.hint
        assert writers(rows) == []
    rows.write(add("b"))
    assert writers(rows) == ["b"]


def test_a_folder_on_a_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / {tmp_path} rw - nfs4 host:/x rw\n")
    monkeypatch.setattr(places, "_MOUNTS", mounts)
    with pytest.raises(Invalid, match="nfs4") as caught:
        Sqlite(tmp_path / "store" / "rows.db")
    assert "OSTINATO_DATABASE_URL" in caught.value.hint


@pytest.mark.parametrize("where", ["in the main thread", "in another"])
def test_a_write_that_nobody_comes_to_is_given_up_and_never_done(
    rows: Sqlite, path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr("ostinato.storage.rows.group._WAIT_S", 0.2)
    other = Sqlite(path)
    other._turnstile.enter()
    with ThreadPoolExecutor(1) as pool:
        write = rows.write if where == "in the main thread" else lambda change: pool.submit(rows.write, change).result(10)
        with pytest.raises(Unavailable, match="nothing was written"):
            write(add("given up"))
    other._turnstile.leave()
    monkeypatch.undo()
    rows.write(add("next"))
    assert writers(rows) == ["next"]
    other.close()


def test_a_child_of_a_fork_writes_nothing_through_its_parents_connection(rows: Sqlite) -> None:
    """Its locks and its place in the file are the parent's: a write of it could end half in a transaction of the parent."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            try:
                rows.write(lambda tx: None)
            except Conflict as refused:
                os.write(write, refused.message.encode())
        os._exit(0)
    os.close(write)
    assert b"before this process was forked" in os.read(read, 1000)
    os.close(read)
    os.waitpid(child, 0)
