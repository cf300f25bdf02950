"""The contract of `Rows`, as tests that every member passes, and a process that writes until it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, String, Table, Text, bindparam, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.errors import Conflict, Invalid, Unavailable
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx
from ostinato.storage.rows.sqlite import Sqlite
from ostinato.testing.processes import until

tables = MetaData()
note = Table(
    "note",
    tables,
    Column("id", Integer, primary_key=True),
    Column("writer", Text),
    Column("seq", Integer),
    Column("key", String(20), unique=True),
)
_typed = MetaData()
typed = Table(
    "typed",
    _typed,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant),
    Column("value", Json),
    Column("flag", Boolean),
    Column("raw", LargeBinary),
)
_count = select(func.count()).select_from(note)


def opened(place: str) -> Rows:
    """The rows at a URL of PostgreSQL, or else in a file."""
    return Postgres(place) if place.startswith("postgresql:") else Sqlite(place)


def add(writer: str, seq: int = 0) -> Callable[[Tx], int]:
    """A change that adds a note, and gives its id."""
    return lambda tx: int(tx.execute(insert(note), {"writer": writer, "seq": seq}).inserted_primary_key[0])  # type: ignore[index]


def _here(tx: Tx) -> int:  # noqa: ARG001
    """A change that tells the thread that runs it."""
    return threading.get_ident()


def writers(rows: Rows) -> list[str]:
    """Who wrote the notes, in their order."""
    return [row.writer for row in rows.read(lambda tx: tx.all(select(note.c.writer).order_by(note.c.id)))]


def together(rows: Rows, changes: list[Callable[[Tx], object]]) -> list[object]:
    """Run changes in one group: the writer is held until all of them wait. Gives their results or errors."""
    entered, go = threading.Event(), threading.Event()
    waiting = rows._group._queue  # type: ignore[attr-defined]

    def hold(tx: Tx) -> None:  # noqa: ARG001
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
        for change in changes:
            futures.append(pool.submit(outcome, change))
            until(lambda: waiting.qsize() >= len(futures))
        go.set()
        held.result(10)
        return [future.result(10) for future in futures]


class RowsContract:
    """Subclass it as `Test…`, and override the fixture `place`: where a store is, as `opened` takes it."""

    @pytest.fixture
    def place(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def rows(self, place: str) -> Iterator[Rows]:
        rows = opened(place)
        rows.create(tables)
        yield rows
        rows.close()

    def test_a_change_that_fails_undoes_itself_alone(self, rows: Rows) -> None:
        def fail(tx: Tx) -> None:
            add("half")(tx)
            raise Invalid("no")

        outcomes = together(rows, [add("a"), fail, lambda tx: tx.execute(text("nonsense")), add("b")])
        assert isinstance(outcomes[1], Invalid)
        assert isinstance(outcomes[2], DBAPIError)
        assert writers(rows) == ["a", "b"]

    def test_a_change_that_fails_alone_leaves_nothing(self, rows: Rows) -> None:
        def fail(tx: Tx) -> None:
            add("half")(tx)
            raise Invalid("no")

        with pytest.raises(Invalid):
            rows.write(fail)
        assert rows.write(add("next")) > 0
        assert writers(rows) == ["next"]

    @pytest.mark.parametrize("broken", ["ROLLBACK", "COMMIT"])
    def test_a_change_that_ends_the_transaction_takes_nobody_with_it(self, rows: Rows, broken: str) -> None:
        outcomes = together(rows, [add("a"), lambda tx: tx.execute(text(broken)), add("b")])
        assert isinstance(outcomes[1], Conflict)
        assert set(writers(rows)) == {"a", "b"}
        assert rows.write(add("c")) > 0

    def test_a_read_sees_one_instant_and_waits_for_nobody(self, rows: Rows) -> None:
        def twice(tx: Tx) -> tuple[int, int]:
            before = tx.execute(_count).scalar_one()
            threading.Thread(target=rows.write, args=(add("meanwhile"),)).start()
            until(lambda: rows.read(lambda other: other.execute(_count).scalar_one()) > before)
            return before, tx.execute(_count).scalar_one()

        assert rows.read(twice) == (0, 0)
        assert writers(rows) == ["meanwhile"]

    def test_changes_of_all_who_share_the_store_follow_one_another(self, rows: Rows, place: str) -> None:
        def next_(tx: Tx) -> int:
            seq = int(tx.execute(select(func.coalesce(func.max(note.c.seq), -1) + 1)).scalar_one())
            tx.execute(insert(note), {"writer": "n", "seq": seq})
            return seq

        other = opened(place)
        with ThreadPoolExecutor(16) as pool:
            given = list(pool.map(lambda i: (rows, other)[i % 2].write(next_), range(200)))
        other.close()
        assert sorted(given) == list(range(200))

    def test_a_change_runs_on_behalf_of_its_caller(self, rows: Rows) -> None:
        def write(name: str) -> str:
            with calling(Caller(actor=f"person:{name}")):
                return rows.write(lambda tx: caller().actor)  # noqa: ARG005

        with ThreadPoolExecutor(8) as pool:
            names = [f"p{i}" for i in range(50)]
            assert list(pool.map(write, names)) == [f"person:{name}" for name in names]

    def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_ever(self, rows: Rows) -> None:
        with pytest.raises(Conflict):
            rows.write(lambda tx: rows.write(add("inner")))  # noqa: ARG005
        assert rows.write(add("outer"))

    def test_who_finds_nobody_writing_writes_itself_unless_a_signal_may_interrupt_it(self, rows: Rows) -> None:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(rows.write, _here).result(10) == pool.submit(threading.get_ident).result(10)
        assert rows.write(_here) != threading.get_ident()

    def test_who_writes_itself_commits_what_others_wait_for(self, rows: Rows) -> None:
        def fail(tx: Tx) -> None:
            add("half")(tx)
            raise Invalid("no")

        group = rows._group  # type: ignore[attr-defined]
        for changes in ([_here, add("a"), _here], [_here, add("b"), fail]):
            with ThreadPoolExecutor(3) as pool, ThreadPoolExecutor(1) as last:
                with group._lead:  # somebody else is at it
                    waiting = [pool.submit(rows.write, change) for change in changes]
                    until(lambda: group._queue.qsize() == 3)
                leader = last.submit(rows.write, _here).result(10)
                assert waiting[0].result(10) == leader
                assert isinstance(waiting[-1].exception(10), Invalid if fail in changes else type(None))
                alone = last.submit(threading.get_ident).result(10)
                assert leader == (group._thread.ident if fail in changes else alone), "what failed is run again by the thread"
        assert writers(rows) == ["a", "b"]

    def test_close_finishes_what_was_accepted_and_refuses_the_rest(self, rows: Rows, place: str) -> None:
        answers: list[object] = []

        def work(name: str) -> None:
            try:
                answers.extend(rows.write(add(name, seq)) for seq in range(10_000))
            except Unavailable as error:
                answers.append(error)

        threads = [threading.Thread(target=work, args=(str(i),)) for i in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: rows.read(lambda tx: tx.execute(_count).scalar_one()) > 50)
        rows.close()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        acknowledged = {answer for answer in answers if isinstance(answer, int)}
        again = opened(place)
        assert acknowledged <= {row.id for row in again.read(lambda tx: tx.all(select(note.c.id)))}
        again.close()
        with pytest.raises(Unavailable):
            rows.read(lambda tx: tx.all(select(note)))
        with pytest.raises(Unavailable):
            rows.write(add("late"))

    def test_a_store_of_a_newer_revision_is_refused_untouched(self, rows: Rows, place: str) -> None:
        rows.write(lambda tx: tx.execute(text("UPDATE store_revision SET revision = 999")))
        newer, more = opened(place), MetaData()
        Table("more", more, Column("id", Integer, primary_key=True))
        with pytest.raises(Conflict, match="revision 999"):
            newer.create(more)
        with pytest.raises(DBAPIError):
            newer.read(lambda tx: tx.first(text("SELECT 1 FROM more")))
        newer.close()

    def test_values_come_back_as_they_were_by_either_way(self, rows: Rows) -> None:
        rows.create(_typed)
        new_york = timezone(timedelta(hours=-5))
        instants = [datetime(1, 1, 1, tzinfo=UTC), datetime(2013, 3, 10, 2, 30, 0, 1, new_york), datetime.max.replace(tzinfo=UTC), None]
        value, prepared = {"b": [1, None, "ä\u0000😀"], "a": True}, Prepared(insert(typed))
        plain = [{"id": i, "at": at, "value": value, "flag": i % 2 == 0, "raw": bytes(range(256))} for i, at in enumerate(instants)]
        rows.write(lambda tx: tx.execute(insert(typed), plain))
        assert rows.write(lambda tx: tx.run(prepared, [row | {"id": i} for i, row in enumerate(plain, len(plain))])) == len(plain)
        every = select(typed).where(typed.c.id >= bindparam("least")).order_by(typed.c.id)
        expected = [(i, *list(plain[i % 4].values())[1:]) for i in range(8)]
        found = rows.read(lambda tx: tx.fetch(Prepared(every), {"least": 0}))
        assert found == expected
        assert rows.read(lambda tx: [tuple(row) for row in tx.all(every, {"least": 0})]) == expected
        assert found[1][1].utcoffset() == timedelta(0)

    def test_prepared_statements_count_return_and_fail_as_others_do(self, rows: Rows) -> None:
        put = Prepared(insert(note), ("writer", "seq", "key"))
        change = Prepared(note.update().where(note.c.writer == bindparam("who"), note.c.seq < 5).values(seq=bindparam("to")))
        gone = Prepared(note.delete().where(note.c.seq == bindparam("gone")).returning(note.c.writer))
        many = [{"writer": "a" if i < 4 else "b", "seq": i, "key": str(i)} for i in range(6)]
        assert rows.write(lambda tx: tx.run(put, many)) == 6
        assert rows.write(lambda tx: tx.run(change, {"who": "a", "to": 9})) == 4
        assert rows.write(lambda tx: tx.fetch(gone, {"gone": 4})) == [("b",)]
        with pytest.raises(IntegrityError):
            rows.write(lambda tx: tx.run(put, many[0]))
        with pytest.raises(KeyError):
            rows.write(lambda tx: tx.run(put, {"writer": "c"}))
        assert rows.write(lambda tx: (tx.insert_missing(note, {"key": "0"}), tx.insert_missing(note, {"key": "z"}))) == (False, True)
        assert len(writers(rows)) == 6

    def test_a_value_that_does_not_fit_is_invalid(self, rows: Rows) -> None:
        self._refused(rows, "writer", "\ud800")
        self._refused(rows, "seq", 2**70)
        assert writers(rows) == []

    def _refused(self, rows: Rows, name: str, wrong: object) -> None:
        put, query = Prepared(insert(note), (name,)), select(note).where(note.c[name] == wrong)
        with pytest.raises(Invalid, match="fit"):
            rows.write(lambda tx: tx.execute(insert(note), {name: wrong}))
        with pytest.raises(Invalid, match="fit"):
            rows.write(lambda tx: tx.run(put, {name: wrong}))
        with pytest.raises(Invalid, match="fit"):
            rows.read(lambda tx: tx.all(query))

    def test_streams_give_all_rows(self, rows: Rows) -> None:
        rows.write(lambda tx: tx.execute(insert(note), [{"seq": i} for i in range(2500)]))
        assert rows.read(lambda tx: [row.seq for row in tx.stream(select(note.c.seq).order_by(note.c.seq))]) == list(range(2500))


_WRITER = """
import os, sys, threading
from ostinato.testing.rows import add, opened, tables
rows = opened(os.environ["PLACE"])
rows.create(tables)
def work(writer):
    for seq in range(1_000_000):
        rows.write(add(writer, seq))
        os.write(1, f"{writer} {seq}\\n".encode())
for i in range(4):
    threading.Thread(target=work, args=(f"{sys.argv[1]}.{i}",)).start()
"""


def spawn(place: str, name: str, out: Path) -> subprocess.Popen[bytes]:
    """A process that writes with four threads, and prints into `out` what was acknowledged."""
    with out.open("wb") as file:
        return subprocess.Popen([sys.executable, "-c", _WRITER, name], stdout=file, env=os.environ | {"PLACE": place})
