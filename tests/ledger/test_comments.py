"""Comments, mentions, and the erasure of what is personal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Denied, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.comments import mentioned
from ostinato.ledger.store import event_table, private_table
from ostinato.ledger.witness import check_inclusion
from ostinato.testing.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.ledger.conftest import Store

LATE = Ref("model", "late", "7")
BEN = Caller(actor="person:ben")


def test_comments_are_listed_by_what_they_are_about(store: Store) -> None:
    for number in range(5):
        store.ledger.comment(LATE.at(number % 2 + 1), f"word {number}")
        store.act("model.promoted", f"model:late@{number % 2 + 1}")
    store.ledger.comment(Ref("model", "late-2", "1"), "of another model")
    store.ledger.comment(Ref("model", "later"), "and another")
    assert [c.text for c in store.ledger.comments(LATE.at(1)).items] == ["word 0", "word 2", "word 4"]
    assert [c.text for c in store.ledger.comments(Ref("model", "late")).items] == [f"word {n}" for n in range(5)]
    seen, after = [], None
    while True:
        page = store.ledger.comments(Ref("model", "late"), after=after, limit=2)
        seen += [c.text for c in page.items]
        if (after := page.next) is None:
            break
    assert seen == [f"word {n}" for n in range(5)]
    with calling(Caller(actor="person:ana", project="other")):
        assert store.ledger.comments(LATE.at(1)).items == []


def test_r32_who_is_mentioned_finds_it(store: Store) -> None:
    store.ledger.comment(Ref("run", "r1"), "@ben and @cleo: odd, mail ops@ben.example. @ben!")
    store.ledger.comment(Ref("run", "r1"), "@ben once more")
    with calling(BEN):
        newest, first = store.ledger.mentions().items
        assert (first.author, first.ref, first.text) == ("person:ana", Ref("run", "r1"), "@ben and @cleo: odd, mail ops@ben.example. @ben!")
        assert newest.text == "@ben once more"
        page = store.ledger.mentions(limit=1)
        assert page.items == [newest]
        assert store.ledger.mentions(after=page.next, limit=1).items == [first]
        assert store.ledger.comments(Ref("comment", first.comment)).items == []
    with calling(Caller(actor="person:cleo")):
        assert len(store.ledger.mentions().items) == 1
    assert store.ledger.mentions().items == []


def test_an_edit_keeps_the_earlier_words_and_tells_whom_it_mentions_anew(store: Store) -> None:
    said = store.ledger.comment(LATE, "fine, @ben")
    edited = store.ledger.edit_comment(said.id, "not fine, @ben @cleo")
    assert (edited.text, [w.text for w in edited.earlier]) == ("not fine, @ben @cleo", ["fine, @ben"])
    assert store.ledger.edit_comment(said.id, "not fine, @ben @cleo") == edited, "the same words again are no edit"
    assert store.ledger.comments(LATE).items == [edited]
    assert [e.verb for e in store.ledger.history(Ref("comment", said.id))] == ["model.commented", "comment.edited"]
    for name in ("ben", "cleo"):
        with calling(Caller(actor=f"person:{name}")):
            (mention,) = store.ledger.mentions().items
            assert mention.text == "not fine, @ben @cleo"
    with calling(BEN), pytest.raises(Denied, match="person:ana said it"):
        store.ledger.edit_comment(said.id, "very fine")
    with pytest.raises(NotFound):
        store.ledger.edit_comment("01ARZ3NDEKTSV4RRFFQ69G5FAV", "x")
    with pytest.raises(NotFound):
        store.ledger.edit_comment(store.act("run.started", "run:r1").id, "x")
    with calling(Caller(actor="person:ana", project="other")), pytest.raises(NotFound):
        store.ledger.edit_comment(said.id, "x")


def test_comments_answer_comments(store: Store) -> None:
    said = store.ledger.comment(LATE, "why?")
    with calling(BEN):
        store.ledger.comment(Ref("comment", said.id), "because")
    assert [c.text for c in store.ledger.comments(Ref("comment", said.id)).items] == ["because"]
    assert store.ledger.lineage(LATE, "down").edges == [], "what is said of a thing is not made from it"


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001, "\ud800"])
def test_what_is_no_text_is_no_comment(store: Store, text: str) -> None:
    with pytest.raises(Invalid):
        store.ledger.comment(LATE, text)
    said = store.ledger.comment(LATE, "x" * 10_000)
    with pytest.raises(Invalid):
        store.ledger.edit_comment(said.id, text)


def test_any_text_comes_back(store: Store) -> None:
    for text in ("\x00", "\u202e", '"}', "é\n\t🙂", "@", "@@ben", "@-ben"):
        if text.strip():
            store.ledger.comment(LATE, text)
    assert [c.text for c in store.ledger.comments(LATE).items] == ["\x00", "\u202e", '"}', "é\n\t🙂", "@", "@@ben", "@-ben"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ben", ["ben"]),
        ("(@ben), @ben: @b-e.n_1.", ["ben", "b-e.n_1"]),
        ("a@ben.de git@host:x", []),
        ("@" + "x" * 64, ["x" * 64]),
        ("".join(f"@p{n} " for n in range(99)), [f"p{n}" for n in range(50)]),
    ],
)
def test_mentions_are_whole_words(text: str, names: list[str]) -> None:
    assert mentioned(text) == names


# ---- erasure


def test_r19_erasing_deletes_the_value_and_keeps_the_tree(store: Store) -> None:
    said = store.ledger.comment(LATE, "my mother is Ada of Turin")
    store.ledger.edit_comment(said.id, "my mother is Ada of Milan")
    with calling(BEN):
        store.ledger.comment(LATE, "hello")
    head = store.ledger.seal()
    assert head is not None
    assert store.ledger.erase(Ref("person", "ana")) == 2
    assert store.ledger.erase(Ref("person", "ana")) == 0
    (event,) = store.ledger.events(verb="person.erased").items
    assert (event.subject, event.data) == (Ref("person", "ana"), {"values": 2})
    mine, his = store.ledger.comments(LATE).items
    assert (mine.text, [w.text for w in mine.earlier], his.text) == (None, [None], "hello")
    found = store.ledger.events(verb="model.commented").items[0]
    assert (found.data["text"], found.erased, found.id) == (None, ("text",), said.id)
    store.ledger.seal()
    assert store.ledger.verify(head.note).problems == []
    assert check_inclusion(store.ledger.proof(said.id, head.size), head.note, store.ledger.key()).erased == ("text",)
    again = store.ledger.comment(LATE, "my mother is Ada of Turin")
    assert again.id != said.id, "nothing remembers that it was said before"


def test_r19_nothing_of_the_value_stays_in_the_file(store: Store, request: pytest.FixtureRequest) -> None:
    store.ledger.comment(LATE, "my mother is Ada of Turin")
    store.ledger.comment(LATE, "the model is fine")
    with calling(BEN):
        store.ledger.comment(LATE, "my mother is Bea of Rome")
    store.ledger.erase(Ref("person", "ana"))
    store.rows.close()
    if store.place.startswith("postgresql:"):
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.vacuum(store.place)
        with server.stopped(store.place, "ledger_private") as file:
            content = file.read_bytes()
    else:
        store.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        content = Path(store.place).read_bytes()
    assert b"Ada of Turin" not in content
    assert b"Bea of Rome" in content


def test_other_projects_and_persons_keep_what_they_said(store: Store) -> None:
    with calling(Caller(actor="person:ana", project="other")):
        store.ledger.comment(LATE, "elsewhere")
    with calling(BEN):
        store.ledger.comment(LATE, "mine")
        assert store.ledger.erase(Ref("person", "ana")) == 0
    with calling(Caller(actor="person:ana", project="other")):
        assert [c.text for c in store.ledger.comments(LATE).items] == ["elsewhere"]


def test_a_slice_may_keep_personal_values_of_another_person(store: Store) -> None:
    event = store.rows.write(
        lambda tx: store.ledger.append(
            tx, "person.invited", Ref("person", "ben"), data={"role": "viewer"}, private={"mail": "ben@example.org"}, person="person:ben"
        )
    )
    assert event.data == {"role": "viewer", "mail": "ben@example.org"}
    assert store.ledger.events().items == [event]
    store.ledger.erase(Ref("person", "ben"))
    assert store.ledger.events().items[0].data == {"role": "viewer", "mail": None}
    assert store.ledger.verify().ok


def test_deleting_behind_the_back_is_no_erasure_even_if_one_came_before(store: Store) -> None:
    store.ledger.comment(LATE, "first")
    store.ledger.erase(Ref("person", "ana"))
    store.ledger.comment(LATE, "second")
    store.edit("DELETE FROM ledger_private")
    assert store.ledger.verify().problems == ["event 2: its personal values are gone, and no event says that they were erased"]


def test_equal_values_have_different_commitments(store: Store) -> None:
    store.ledger.comment(LATE, "yes")
    store.ledger.comment(LATE, "yes", key="again")
    salts = store.rows.read(lambda tx: tx.execute(select(private_table.c.salt)).scalars().all())
    bodies = store.rows.read(lambda tx: tx.execute(select(event_table.c.body)).scalars().all())
    assert len(set(salts)) == 2
    assert {len(salt) for salt in salts} == {32}
    assert all(b"yes" not in body for body in bodies)
