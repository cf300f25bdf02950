"""PostgreSQL: the contract of rows, servers that vanish and come back, and what is told of it."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import insert, select, text

from ostinato.kernel.errors import Invalid, Unavailable
from ostinato.kernel.settings import Settings
from ostinato.storage.rows import postgres
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx
from ostinato.testing.postgres import PostgresServer
from ostinato.testing.processes import until
from ostinato.testing.rows import RowsContract, add, note, tables, together, writers


@pytest.fixture
def rows(postgres_url: str) -> Iterator[Postgres]:
    opened = Postgres(postgres_url)
    opened.create(tables)
    yield opened
    opened.close()


class TestPostgres(RowsContract):
    @pytest.fixture
    def place(self, postgres_url: str) -> str:
        return postgres_url


def cut(url: str, which: str = "") -> int:
    """End the connections of a store, as an administrator would; how many."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() AND query ~ %s"
    with psycopg.connect(url, autocommit=True) as connection:
        return len(connection.execute(query, [url.rpartition("/")[2], which]).fetchall())


def test_connections_that_were_cut_while_idle_are_replaced_unseen(rows: Postgres, postgres_url: str) -> None:
    rows.write(add("a"))
    assert writers(rows) == ["a"]
    assert cut(postgres_url) >= 2
    assert writers(rows) == ["a"]
    rows.write(add("b"))
    assert writers(rows) == ["a", "b"]


def test_a_change_whose_connection_is_cut_before_its_commit_is_run_again_once(rows: Postgres, postgres_url: str) -> None:
    runs: list[int] = []

    def unlucky(times: int) -> Callable[[Tx], int]:
        def change(tx: Tx) -> int:
            runs.append(1)
            done = add(f"unlucky {times}")(tx)
            if len(runs) <= times:
                cut(postgres_url, "note")
            return add("second half")(tx) + done

        return change

    assert rows.write(unlucky(1)) > 0
    assert len(runs) == 2
    assert writers(rows) == ["unlucky 1", "second half"]
    runs.clear()
    with pytest.raises(Unavailable, match="out of reach"):
        rows.write(unlucky(5))
    assert len(runs) == 2, "once more, not for ever"
    outcomes = together(rows, [add("x"), unlucky(3), add("y")])
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    assert sorted(writers(rows)[2:]) == sorted(["x", "unlucky 3", "second half", "y"])


def test_a_commit_whose_answer_is_lost_is_said_to_be_unknown(rows: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = rows._group._session

    def lost() -> None:
        session._driver.execute("COMMIT")  # type: ignore[attr-defined]
        session._driver.close()  # type: ignore[attr-defined]
        commit()

    commit = session.commit
    monkeypatch.setattr(session, "commit", lost)
    with pytest.raises(Unavailable, match="unknown"):
        rows.write(add("stored"))
    monkeypatch.undo()
    assert rows.write(add("next"))
    assert writers(rows) == ["stored", "next"]


def test_a_new_connection_that_is_lost_before_it_can_begin_is_out_of_reach(rows: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    execute, lost = postgres._execute, list[str]()

    def failing(driver: psycopg.Connection[object], sql: str) -> None:
        if sql == postgres._BEGIN_WRITE and len(lost) < 2:
            lost.append(sql)
            with socket.socket(fileno=os.dup(driver.pgconn.socket)) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        execute(driver, sql)

    rows.write(add("a"))
    monkeypatch.setattr(postgres, "_execute", failing)
    with pytest.raises(Unavailable, match="out of reach") as refused:
        rows.write(add("b"))
    assert refused.value.hint
    rows.write(add("c"))
    assert (writers(rows), len(lost)) == (["a", "c"], 2)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_goes_and_comes_back(how: signal.Signals) -> None:
    server = PostgresServer()
    rows = Postgres(server.database())
    try:
        rows.create(tables)
        acknowledged = [rows.write(add(str(i), i)) for i in range(20)]
        server.stop(how)
        for act in (lambda: rows.write(add("gone")), lambda: writers(rows)) * 2:
            started = time.monotonic()
            with pytest.raises(Unavailable) as caught:
                act()
            assert time.monotonic() - started < 10
            assert "OSTINATO_DATABASE_URL" in caught.value.hint
            assert str(server.port) not in str(caught.value), "where the database is, is not for everybody"
        server.start()
        rows.write(add("back", 20))
        assert set(acknowledged) <= {row.id for row in rows.read(lambda tx: tx.all(select(note.c.id)))}
        assert writers(rows)[-1] == "back"
        assert "gone" not in writers(rows)
    finally:
        rows.close()
        server.close()


def test_a_stopped_process_cannot_hold_the_turn_for_ever(rows: Postgres, postgres_url: str) -> None:
    stopped, entered, go = Postgres(postgres_url), threading.Event(), threading.Event()
    stopped.write(lambda tx: tx.execute(text("SET idle_in_transaction_session_timeout = '300ms'")))  # 20 s in earnest

    def stop(tx: Tx) -> None:
        entered.set()
        go.wait(10)
        add("too late")(tx)

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(stopped.write, stop)
        assert entered.wait(10)
        started = time.monotonic()
        rows.write(add("a"))
        assert 0.2 < time.monotonic() - started < 10
        go.set()
        late.result(20)
    assert writers(rows) == ["a", "too late"], "its first try is void, its second in order"
    stopped.close()


def test_who_waits_too_long_for_the_turn_is_told(rows: Postgres, postgres_url: str) -> None:
    rows.write(lambda tx: tx.execute(text("SET lock_timeout = '200ms'")))
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [int.from_bytes(b"ostinato", "big")])
        with pytest.raises(Unavailable, match="holds the turn"):
            rows.write(add("a"))
        assert writers(rows) == []
    rows.write(add("b"))
    assert writers(rows) == ["b"]


def test_a_reader_can_write_nothing(rows: Postgres) -> None:
    with pytest.raises(Unavailable, match="takes no writes"):
        rows.read(add("a"))


def test_nul_in_a_text_is_invalid(rows: Postgres) -> None:
    for change in (add("a\0b"), lambda tx: tx.run(Prepared(insert(note), ("writer",)), {"writer": "a\0b"})):
        with pytest.raises(Invalid, match="fit"):
            rows.write(change)
    with pytest.raises(Invalid, match="fit"):
        rows.read(lambda tx: tx.all(select(note).where(note.c.writer == "\0")))


def test_acknowledged_is_durable_even_if_the_server_is_set_to_forget(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET synchronous_commit = off")
    rows = Postgres(postgres_url)
    assert rows.write(lambda tx: tx.execute(text("SHOW synchronous_commit")).scalar_one()) == "on"
    rows.close()


def test_a_turn_sees_the_turn_before_even_if_the_server_is_set_to_older_snapshots(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET default_transaction_isolation = 'repeatable read'")
    one, other = Postgres(postgres_url), Postgres(postgres_url)
    one.create(tables)
    other.write(add("warm"))
    entered = threading.Event()

    def slowly(tx: Tx) -> None:
        entered.set()
        until(lambda: one.read(lambda tx: tx.execute(waiting).scalar_one()))
        add("first")(tx)

    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    thread = threading.Thread(target=one.write, args=(slowly,))
    thread.start()
    entered.wait(30)
    seen = other.write(lambda tx: [row.writer for row in tx.all(select(note.c.writer).order_by(note.c.id))])
    thread.join()
    one.close()
    other.close()
    assert seen == ["warm", "first"]


def test_a_password_is_shown_nowhere(postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = postgres_server.url("nowhere")
    password = re.search(r":([^:@]*)@", url)[1]  # type: ignore[index]
    shown = [repr(Settings.read("x", {"OSTINATO_DATABASE_URL": url, "OSTINATO_TOKEN": password}))]
    for wrong in (
        url,
        url.replace(password, password + "x"),
        url.replace("127.0.0.1", "host.invalid"),
        f"mysql://u:{password}@h/d",
        f"::{password}::",
    ):
        try:
            rows = Postgres(wrong)
        except Invalid as error:
            shown += [str(error), error.hint, repr(error)]
            continue
        for act, what in ((rows.create, tables), (rows.write, add("a"))):
            with pytest.raises(Unavailable) as caught:
                act(what)
            told = caught.value
            shown += [str(told), told.hint, repr(told), repr(told.__cause__), str(told.__cause__)]
        rows.close()
        shown.append(repr(rows._engine))
    shown.append(caplog.text)
    assert not any(password in text for text in shown), [text for text in shown if password in text]


@pytest.mark.parametrize("url", ["", "postgresql", "mysql://a/b", "postgresql://h:port/x", "sqlite:///x"])
def test_a_url_that_names_no_postgresql_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        Postgres(url)
    assert caught.value.field == "database_url"
    assert url == "" or url not in str(caught.value)


def test_settings_of_a_database_change_no_value(postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for setting in ("extra_float_digits = 0", "client_encoding = 'LATIN1'", "synchronous_commit = off", "datestyle = 'German'"):
            connection.execute(f"ALTER DATABASE {name} SET {setting}".encode())
    rows = Postgres(postgres_url)
    number, words, commits = rows.write(
        lambda tx: tx.execute(text("SELECT 0.1::float8 + 0.2::float8, '€😀', current_setting('synchronous_commit')")).one()
    )
    rows.close()
    assert (number, words, commits) == (0.1 + 0.2, "€😀", "on")


def test_a_database_that_cannot_hold_every_text_is_refused(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    rows = Postgres(postgres_server.url("latin"))
    with pytest.raises(Invalid, match="encoding LATIN1") as caught:
        rows.create(tables)
    rows.close()
    postgres_server.drop(postgres_server.url("latin"))
    assert "ENCODING 'UTF8'" in caught.value.hint


def test_a_user_who_may_make_no_table_is_told_so_at_once(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
    rows, began = Postgres(re.sub(r"//[^@]*@", "//poor:poor@", postgres_url)), time.monotonic()
    with pytest.raises(Unavailable, match="permission denied") as caught:
        rows.create(tables)
    rows.close()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE poor")
    assert "own the database" in caught.value.hint
    assert time.monotonic() - began < 30


def test_an_option_that_libpq_does_not_know_is_named(postgres_url: str) -> None:
    rows = Postgres(f"{postgres_url}?sslmod=require")
    with pytest.raises(Invalid, match="sslmod"):
        rows.create(tables)
    rows.close()


def test_a_server_that_swallows_everything_is_given_up_in_time() -> None:
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(1)
        rows = Postgres(f"postgresql://u:p@127.0.0.1:{hole.getsockname()[1]}/d")
        outcomes: list[BaseException] = []

        def write() -> None:
            try:
                rows.write(add("a"))
            except Unavailable as error:
                outcomes.append(error)

        started = time.monotonic()
        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(outcomes) == 3, outcomes
        assert time.monotonic() - started < 25
        rows.close()
