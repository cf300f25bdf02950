"""The ledger's story on PostgreSQL: what the other tests say of SQLite, in one walk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import SystemClock
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.ledger.witness import check_consistency, check_inclusion
from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import metadata

LATE = Ref("model", "late", "7")


@pytest.fixture
def rows(postgres_url: str) -> Iterator[Postgres]:
    opened = Postgres(postgres_url)
    opened.create(metadata)
    with calling(Caller(actor="person:ana")):
        yield opened
    opened.close()


@pytest.fixture
def ledger(rows: Postgres, tmp_path: Path) -> Ledger:
    return Ledger(rows=rows, clock=SystemClock(), key_path=tmp_path / "ledger-key")


def test_events_comments_proofs_and_erasure(rows: Postgres, ledger: Ledger, tmp_path: Path) -> None:
    made = rows.write(
        lambda tx: [
            ledger.append(tx, "run.finished", Ref("run", f"R{n}"), inputs=[Ref("dataset", "d", "1")], outputs=[Ref("artifact", f"a{n}")])
            for n in range(300)
        ]
    )
    assert [event.seq for event in made] == list(range(300))
    head = ledger.seal()
    assert head is not None
    said = ledger.comment(LATE, "hello @ben \x00")
    assert ledger.comment(LATE, "hello @ben \x00") == said
    ledger.edit_comment(said.id, "hello @cleo")
    for other in ("late-2", "Late", "later"):
        ledger.comment(Ref("model", other, "7"), "of another")
    assert [c.text for c in ledger.comments(Ref("model", "late")).items] == ["hello @cleo"]
    assert [e.seq for e in ledger.history(Ref("run", "R7"))] == [7]
    assert len(ledger.lineage(Ref("dataset", "d", "1"), "down").edges) == 300
    ledger.subscribe("archive", "file", verbs=["*.commented"])
    ledger.replay("archive")
    ledger.tick()
    assert len((tmp_path / "sinks" / "default" / "events.jsonl").read_text().splitlines()) == 4
    newer = ledger.seal()
    assert newer is not None
    assert check_inclusion(ledger.proof(made[5].id, 300), head.note, ledger.key()) == made[5]
    check_consistency(ledger.consistency(300), head.note, newer.note, ledger.key())
    assert ledger.erase(Ref("person", "ana")) == 5
    assert ledger.comments(LATE).items[0].text is None
    found = ledger.verify(head.note)
    assert found.problems == []
    assert (found.events, found.sealed) == (newer.size + 1, newer.size)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("UPDATE ledger_event SET actor = 'person:eve' WHERE seq = 4", "event 4: edited in the columns actor"),
        ("UPDATE ledger_event SET body = body || '\\x00' WHERE seq = 4", "events 0 to 9"),
        ("DELETE FROM ledger_event WHERE seq > 4", "the tail was cut"),
        ("DELETE FROM ledger_private", "no event says"),
    ],
)
def test_r54_tampering_is_found(rows: Postgres, ledger: Ledger, edit: str, expected: str) -> None:
    ledger.comment(LATE, "fine")
    rows.write(lambda tx: [ledger.append(tx, "run.started", Ref("run", f"R{n}")) for n in range(9)])
    ledger.seal()
    assert ledger.verify().ok
    rows.write(lambda tx: tx.execute(text(edit)))
    assert any(expected in problem for problem in ledger.verify().problems), ledger.verify().problems
