"""The verbs of the ledger, in process and over HTTP: the same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.witness import check_consistency, check_inclusion
from ostinato.testing.fixtures import both

if TYPE_CHECKING:
    from ostinato.app import Ostinato

__all__ = ["both"]


def test_what_is_said_is_read_in_every_way(app: Ostinato, both: Ostinato) -> None:
    made = [Ref("dataset", "flights", "1")]
    app.rows.write(
        lambda tx: app.ledger.append(tx, "dataset.delivered", Ref("dataset", "flights"), inputs=[Ref("source", "a.csv")], outputs=made)
    )
    said = both.ledger.comment(Ref("dataset", "flights", "1"), "complete")
    assert (said.actor, said.verb, said.data["text"]) == ("person:admin", "dataset.commented", "complete")
    assert both.ledger.events(subject=Ref("dataset", "flights", "1"), verb="dataset.*").items == [said]
    assert both.ledger.history(Ref("dataset", "flights")) == app.ledger.history(Ref("dataset", "flights"))
    assert [str(ref) for ref in both.ledger.lineage(Ref("source", "a.csv"), "down").nodes] == ["source:a.csv", "dataset:flights@1"]
    page = both.ledger.events(limit=2)
    assert page.next is not None
    assert both.ledger.events(after=page.next, limit=2).items[0].seq == 2
    with pytest.raises(Invalid):
        both.ledger.events(limit=0)


def test_seals_travel(app: Ostinato, both: Ostinato) -> None:
    head = both.ledger.seal()
    assert head is not None
    assert both.ledger.seal() is None
    assert both.ledger.heads() == [head]
    assert both.ledger.key() == app.ledger.key()
    assert both.ledger.verify(head.note).ok
    assert not both.ledger.verify(head.note.replace("\n4\n", "\n5\n")).ok


def test_subscriptions_travel(both: Ostinato) -> None:
    made = both.ledger.subscribe("archive", "file", {"name": "audit"}, ["model.*"])
    assert made.secret is not None
    (shown,) = both.ledger.subscriptions()
    assert (shown.name, shown.parameters, shown.verbs, shown.secret) == ("archive", {"name": "audit"}, ["model.*"], None)
    both.ledger.unsubscribe("archive")
    with pytest.raises(NotFound):
        both.ledger.unsubscribe("archive")


def test_comments_travel(both: Ostinato) -> None:
    late = Ref("model", "late", "7")
    said = both.ledger.comment(late, "fine, @admin")
    edited = both.ledger.edit_comment(said.id, "not fine, @admin")
    assert both.ledger.comments(late).items == [edited]
    assert [wording.text for wording in edited.earlier] == ["fine, @admin"]
    assert [mention.text for mention in both.ledger.mentions().items] == ["not fine, @admin"]
    assert both.ledger.erase(Ref("person", "admin")) == 2
    assert both.ledger.comments(late).items[0].text is None
    assert both.ledger.events(subject=late).items[0].erased == ("text",)


def test_proofs_travel(both: Ostinato) -> None:
    said = both.ledger.comment(Ref("model", "late"), "fine")
    both.ledger.seal()
    note, key, proof = both.ledger.export_head().decode(), both.ledger.key(), both.ledger.proof(said.id)
    assert check_inclusion(proof, note, key).id == said.id
    both.ledger.comment(Ref("model", "late"), "really")
    both.ledger.seal()
    check_consistency(both.ledger.consistency(proof.size), note, both.ledger.export_head().decode(), key)
    with pytest.raises(NotFound):
        both.ledger.proof("nothing")


def test_retrying_and_replaying_travel(both: Ostinato) -> None:
    both.ledger.subscribe("archive", "file", {"name": "audit"})
    both.ledger.replay("archive", after=0)
    assert both.ledger.retry("archive") == 0
    assert both.ledger.parked("archive") == []
    with pytest.raises(NotFound):
        both.ledger.retry("archiv")
