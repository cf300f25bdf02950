"""Cost at scale, told by the plans of the database rather than by seconds: the events of others change nothing."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from tests.ledger.conftest import Store

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.progress import watch_progress
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Tx

EVENTS = 12_000


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A chain of 300 versions, each made from the one before, under the noise of many others."""
    store = Store.open(tmp_path_factory.mktemp("crowd"))
    append = store.ledger.append

    def some(start: int, tx: Tx) -> None:
        for n in range(start, start + 500):
            if n % (EVENTS // 300) == 0:
                older, newer = (Ref("dataset", "d", f"v{n * 300 // EVENTS + more}") for more in (0, 1))
                append(tx, "dataset.delivered", Ref("dataset", "d"), inputs=[older], outputs=[newer])
            append(tx, "run.finished", Ref("run", f"R{n}"), inputs=[Ref("dataset", "hot", "1")], outputs=[Ref("artifact", f"a{n}")])

    with calling(Caller(actor="person:ana")):
        for start in range(0, EVENTS, 500):
            store.rows.write(partial(some, start))
        store.ledger.comment(Ref("dataset", "hot", "1"), "so popular, @ben")
        store.ledger.seal()
    yield store
    store.rows.close()


def test_lineage_at_scale(crowd: Store) -> None:
    with calling(Caller(actor="person:ana")):
        chain = crowd.ledger.lineage(Ref("dataset", "d", "v300"), depth=400)
        assert len(chain.nodes) >= 300
        assert not chain.truncated
        middle = chain.edges[len(chain.edges) // 2]
        before = crowd.ledger.lineage(middle.target, at=middle.at, depth=400)
        assert len(before.edges) <= len(chain.edges) // 2 + 1
        assert all(edge.at <= middle.at for edge in before.edges)
        wide = crowd.ledger.lineage(Ref("dataset", "hot", "1"), "down")
        assert wide.truncated or len(wide.edges) == EVENTS
        assert len(wide.edges) <= 20_001


_QUESTIONS: dict[str, Callable[[Store], object]] = {
    "who changed it": lambda store: store.ledger.history(Ref("dataset", "d", "v7")),
    "events of a thing": lambda store: store.ledger.events(subject=Ref("dataset", "d"), newest_first=True, limit=5),
    "events of nothing": lambda store: store.ledger.events(subject=Ref("run", "none"), verb="run.*"),
    "comments": lambda store: store.ledger.comments(Ref("dataset", "hot", "1")),
    "mentions": lambda store: store.ledger.mentions(),
    "the same comment": lambda store: store.ledger.comment(Ref("dataset", "hot", "1"), "so popular, @ben"),
    "one step up": lambda store: store.ledger.lineage(Ref("artifact", "a77"), depth=1),
    "the newest": lambda store: store.ledger.events(newest_first=True, limit=50),
}


@pytest.mark.parametrize("question", _QUESTIONS)
def test_no_question_reads_the_whole_ledger(crowd: Store, question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each statement that was run is explained by SQLite: it searches, and scans nothing."""
    seen: list[str] = []
    connect = sqlite3.connect

    def traced(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*given, **named)
        connection.set_trace_callback(seen.append)
        return connection

    monkeypatch.setattr(sqlite3.dbapi2, "connect", traced)
    with calling(Caller(actor="person:ana")):
        other = Store.open(crowd.path)
        seen.clear()
        _QUESTIONS[question](other)
        other.rows.close()
    asked = [sql for sql in seen if sql.startswith("SELECT") and "ledger_" in sql]
    assert asked
    with closing(connect(crowd.path / "ostinato.db")) as connection:
        for sql in asked:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert not any(line.startswith("SCAN ledger_") for line in plan), (sql, plan)
            if "ledger_ref" in sql:
                assert all("(project=?)" not in line for line in plan), (sql, plan)


def test_verification_keeps_nothing_in_memory(crowd: Store) -> None:
    tracemalloc.start()
    try:
        assert crowd.ledger.verify().ok
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000, "of 8 MB of events"


def test_verification_tells_how_far_it_is(crowd: Store) -> None:
    told: list[tuple[int, int]] = []
    with watch_progress(lambda done, total: told.append((done, total))):
        found = crowd.ledger.verify()
    assert told[-1] == (found.events, found.events)
    assert told == sorted(told)
    assert len(told) > 10
