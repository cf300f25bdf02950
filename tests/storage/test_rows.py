"""Rows: nothing acknowledged is lost, nothing half done is seen, and a neighbour's failure is its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.errors import Conflict, Invalid, Unavailable
from ostinato.storage.rows.rows import Instant, Json, Tx
from ostinato.storage.rows.sqlite import Sqlite

tables = MetaData()
note = Table("note", tables, Column("id", Integer, primary_key=True), Column("writer", Text), Column("seq", Integer))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.db"


@pytest.fixture
def rows(path: Path) -> Iterator[Sqlite]:
    opened = Sqlite(path)
    opened.create(tables)
    yield opened
    opened.close()


def add(writer: str, seq: int = 0) -> Callable[[Tx], int]:
    return lambda tx: tx.execute(insert(note), {"writer": writer, "seq": seq}).inserted_primary_key[0]


def writers(rows: Sqlite) -> list[str]:
    return [row.writer for row in rows.read(lambda tx: tx.all(select(note.c.writer).order_by(note.c.id)))]


def together(rows: Sqlite, changes: list[Callable[[Tx], object]]) -> list[object]:
    """Run changes in one group: the writer is held until all of them wait."""
    entered, go = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        entered.set()
        go.wait(10)

    def outcome(change: Callable[[Tx], object]) -> object:
        try:
            return rows.write(change)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(changes) + 1) as pool:
        held = pool.submit(rows.write, hold)
        assert entered.wait(10)
        futures = []
        for position, change in enumerate(changes, 1):
            futures.append(pool.submit(outcome, change))
            deadline = time.monotonic() + 10
            while rows._queue.qsize() < position and time.monotonic() < deadline:
                time.sleep(0.001)
        go.set()
        held.result(10)
        return [future.result(10) for future in futures]


def test_one_flush_serves_all_that_wait(rows: Sqlite) -> None:
    commits: list[str] = []
    event.listen(rows._engine, "before_cursor_execute", lambda c, cursor, sql, *_: commits.append(sql) if sql == "COMMIT" else None)
    assert together(rows, [add(str(i)) for i in range(50)]) == list(range(1, 51))
    assert len(commits) == 2
    assert writers(rows) == [str(i) for i in range(50)]


def test_a_change_that_fails_undoes_itself_alone(rows: Sqlite) -> None:
    def fail(tx: Tx) -> None:
        add("half")(tx)
        raise Invalid("no")

    outcomes = together(rows, [add("a"), fail, lambda tx: tx.execute(text("nonsense")), add("b")])
    assert isinstance(outcomes[1], Invalid)
    assert isinstance(outcomes[2], OperationalError)
    assert writers(rows) == ["a", "b"]


@pytest.mark.parametrize("broken", ["INSERT OR ROLLBACK INTO note (id) VALUES (1), (1)", "ROLLBACK"])
def test_a_change_that_breaks_the_transaction_takes_nobody_with_it(rows: Sqlite, broken: str) -> None:
    runs: list[str] = []

    def counted(tx: Tx) -> int:
        runs.append("a")
        return add("a")(tx)

    outcomes = together(rows, [counted, lambda tx: tx.execute(text(broken)), add("b")])
    assert isinstance(outcomes[1], IntegrityError | Conflict)
    assert writers(rows) == ["a", "b"]
    assert runs == ["a", "a"], "the neighbour was run again in a new transaction"
    assert rows.write(add("c"))


def test_a_read_sees_one_instant(rows: Sqlite) -> None:
    count = select(func.count()).select_from(note)

    def twice(tx: Tx) -> tuple[int, int]:
        before = tx.execute(count).scalar_one()
        threading.Thread(target=rows.write, args=(add("meanwhile"),)).start()
        deadline = time.monotonic() + 5
        while rows.read(lambda other: other.execute(count).scalar_one()) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        return before, tx.execute(count).scalar_one()

    assert rows.read(twice) == (0, 0)
    assert writers(rows) == ["meanwhile"]


def test_a_change_runs_on_behalf_of_its_caller(rows: Sqlite) -> None:
    def write(name: str) -> str:
        with calling(Caller(actor=f"person:{name}")):
            return rows.write(lambda tx: caller().actor)

    with ThreadPoolExecutor(8) as pool:
        names = [f"p{i}" for i in range(50)]
        assert list(pool.map(write, names)) == [f"person:{name}" for name in names]


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_ever(rows: Sqlite) -> None:
    with pytest.raises(Conflict):
        rows.write(lambda tx: rows.write(add("inner")))
    assert rows.write(add("outer"))


def test_close_finishes_what_was_accepted_and_refuses_the_rest(rows: Sqlite, path: Path) -> None:
    answers: list[object] = []

    def work(name: str) -> None:
        try:
            answers.extend(rows.write(add(name, seq)) for seq in range(10_000))
        except Unavailable as error:
            answers.append(error)

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    rows.close()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    acknowledged = {answer for answer in answers if isinstance(answer, int)}
    again = Sqlite(path)
    assert {row.id for row in again.read(lambda tx: tx.all(select(note.c.id)))} == acknowledged
    again.close()


def test_a_store_of_a_newer_revision_is_refused_untouched(rows: Sqlite, path: Path) -> None:
    rows.write(lambda tx: tx.execute(text("UPDATE store_revision SET revision = 999")))
    rows.close()
    newer = Sqlite(path)
    more = MetaData()
    Table("more", more, Column("id", Integer, primary_key=True))
    with pytest.raises(Unavailable, match="revision 999"):
        newer.create(more)
    assert newer.read(lambda tx: tx.first(text("SELECT 1 FROM sqlite_master WHERE name = 'more'"))) is None
    newer.close()


def test_instants_and_json_come_back_as_they_were(rows: Sqlite) -> None:
    typed = MetaData()
    table = Table("typed", typed, Column("at", Instant), Column("value", Json))
    rows.create(typed)
    new_york = timezone(timedelta(hours=-5))
    instants = [datetime(1, 1, 1, tzinfo=UTC), datetime(2013, 3, 10, 2, 30, 0, 1, new_york), datetime.max.replace(tzinfo=UTC)]
    for at in instants:
        rows.write(lambda tx, at=at: tx.execute(insert(table), {"at": at, "value": {"b": [1, None, "ä"], "a": True}}))
    found = rows.read(lambda tx: tx.all(select(table)))
    assert [row.at for row in found] == instants
    assert all(row.at.utcoffset() == timedelta(0) and row.value == {"a": True, "b": [1, None, "ä"]} for row in found)


WRITER = """
import os, sys, threading
path, name, folder = sys.argv[1:]
sys.path.insert(0, folder)
from test_rows import Sqlite, add, tables
rows = Sqlite(path)
rows.create(tables)
def work(writer):
    for seq in range(1_000_000):
        rows.write(add(writer, seq))
        os.write(1, f"{writer} {seq}\\n".encode())
for i in range(4):
    threading.Thread(target=work, args=(f"{name}.{i}",)).start()
"""


def spawn(path: Path, name: str, out: Path) -> subprocess.Popen[bytes]:
    """A process that writes with four threads, and prints what was acknowledged."""
    with out.open("wb") as file:
        return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(Path(__file__).parent)], stdout=file)


def wait_for_lines(out: Path, n: int) -> None:
    deadline = time.monotonic() + 30
    while out.read_bytes().count(b"\n") < n:
        assert time.monotonic() < deadline, "the writer is stuck"
        time.sleep(0.005)


def test_kill_9_loses_nothing_acknowledged_and_frees_the_lock(path: Path, tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for round_ in range(4):
        out = tmp_path / f"out{round_}"
        process = spawn(path, f"w{round_}", out)
        try:
            wait_for_lines(out, 50)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        acknowledged += [line for line in out.read_text().split("\n")[:-1] if line]
    rows = Sqlite(path)
    stored = [f"{row.writer} {row.seq}" for row in rows.read(lambda tx: tx.all(select(note)))]
    assert len(acknowledged) >= 200
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    assert rows.read(lambda tx: tx.execute(text("PRAGMA integrity_check")).scalar_one()) == "ok"
    started = time.monotonic()
    rows.write(add("after"))
    assert time.monotonic() - started < 5
    rows.close()


def test_two_processes_share_a_file_fairly(path: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    both = [spawn(path, name, out) for name, out in zip(("one", "two"), outs, strict=True)]
    try:
        for out in outs:
            wait_for_lines(out, 1)
        before = [out.read_bytes().count(b"\n") for out in outs]
        time.sleep(1.5)
        done = [out.read_bytes().count(b"\n") - start for out, start in zip(outs, before, strict=True)]
    finally:
        for process in both:
            process.kill()
            process.wait(10)
    assert min(done) > 0
    assert max(done) / min(done) < 3, f"unequal shares: {done}"


@pytest.mark.timeout(20)
def test_the_writer_outlives_a_database_that_cannot_be_opened_for_a_while(rows: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    turn, connect = rows._turnstile.turn, rows._engine.connect
    failures = iter([OSError("no locks"), None, None])
    refusals = iter([OSError("too many open files"), None])

    def failing_turn() -> object:
        if (failure := next(failures)) is not None:
            raise failure
        return turn()

    def failing_connect() -> object:
        if (refusal := next(refusals)) is not None:
            raise refusal
        return connect()

    monkeypatch.setattr(rows._turnstile, "turn", failing_turn)
    monkeypatch.setattr(rows._engine, "connect", failing_connect)
    with pytest.raises(OSError, match="no locks"):
        rows.write(add("first"))
    with pytest.raises(OSError, match="too many"):
        rows.write(add("second"))
    rows.write(add("third"))
    monkeypatch.undo()
    assert writers(rows) == ["third"]
