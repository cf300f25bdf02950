"""Proofs for third parties: made by a store, checked without one."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger.body import read
from ostinato.ledger.merkle import leaf
from ostinato.ledger.note import Checkpoint, Verifier, signed
from ostinato.ledger.signing_key import SigningKey
from ostinato.ledger.types import Consistency, Head, Inclusion
from ostinato.ledger.witness import check_consistency, check_inclusion

if TYPE_CHECKING:
    from tests.ledger.conftest import Store


def _sealed(store: Store, *counts: int) -> tuple[list[Event], list[Head]]:
    """So many events under one head after another."""
    events, heads = [], []
    for count in counts:
        events += store.rows.write(
            lambda tx, count=count: [store.ledger.append(tx, "run.started", Ref("run", f"r{n}"), data={"n": n}) for n in range(count)]
        )
        head = store.ledger.seal()
        assert head is not None
        heads.append(head)
    return events, heads


def test_an_event_is_proved_to_whoever_kept_a_head(store: Store) -> None:
    events, (first, second) = _sealed(store, 300, 77)
    key = store.ledger.key()
    assert store.ledger.export_head().decode() == second.note
    for event in events[::29]:
        proof = store.ledger.proof(event.id)
        assert check_inclusion(proof, second.note, key) == event
        assert (proof.seq, proof.size, proof.note) == (event.seq, 377, second.note)
    proof = store.ledger.proof(events[7].id, size=300)
    assert check_inclusion(proof, first.note, key) == events[7]
    with pytest.raises(Conflict, match="does not cover event 376"):
        store.ledger.proof(events[376].id, size=300)
    with pytest.raises(NotFound):
        store.ledger.proof(events[7].id, size=301)
    with pytest.raises(NotFound):
        store.ledger.proof("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    with calling(Caller(actor="person:bo", project="other")), pytest.raises(NotFound):
        store.ledger.proof(events[7].id)


def test_a_proof_proves_nothing_else(store: Store) -> None:
    events, (first, second) = _sealed(store, 20, 13)
    key, proof = store.ledger.key(), store.ledger.proof(events[5].id)
    body = proof.body.replace(b"r5", b"r6")
    wrong = [
        (replace(proof, body=body), second.note, key),
        (replace(proof, seq=6), second.note, key),
        (replace(proof, path=proof.path[::-1]), second.note, key),
        (replace(proof, path=["xyz"]), second.note, key),
        (proof, first.note, key),
        (proof, second.note.replace("\n33\n", "\n34\n"), key),
        (proof, second.note, SigningKey(b"k" * 32).public.text),
        (proof, second.note, "ostinato/x+00000000+AAAA"),
    ]
    for claimed, note, by in wrong:
        with pytest.raises(Invalid):
            check_inclusion(claimed, note, by)


def test_what_is_no_event_is_not_proved_to_be_one(store: Store) -> None:
    _, (head,) = _sealed(store, 1)
    seal = SigningKey(b"k" * 32)
    tree_of_one = Inclusion(seq=0, size=1, body=b"no event", path=[], note="")
    note = seal.sign(1, leaf(b"no event"))
    with pytest.raises(Invalid, match="no event"):
        check_inclusion(tree_of_one, note, seal.public.text)
    assert head.size == 1


def test_heads_are_proved_to_continue_one_another(store: Store) -> None:
    _, heads = _sealed(store, 3, 253, 1, 300)
    key = store.ledger.key()
    for old in heads:
        proof = store.ledger.consistency(old.size)
        check_consistency(proof, old.note, heads[-1].note, key)
        for new in heads:
            if old.size <= new.size:
                check_consistency(store.ledger.consistency(old.size, new.size), old.note, new.note, key)
    middle = store.ledger.consistency(256)
    with pytest.raises(Invalid):
        check_consistency(middle, heads[0].note, heads[-1].note, key)
    with pytest.raises(Invalid):
        check_consistency(replace(middle, path=middle.path[:-1]), heads[1].note, heads[-1].note, key)
    for size in (0, -1, 558):
        with pytest.raises(Invalid):
            store.ledger.consistency(size)


def test_a_rewritten_ledger_has_no_proof_that_it_continues(store: Store, elsewhere: Store) -> None:
    _, (kept, _) = _sealed(store, 10, 10)
    _, (new,) = _sealed(elsewhere, 20)
    with pytest.raises(Invalid, match="does not continue"):
        check_consistency(elsewhere.ledger.consistency(10), kept.note, new.note, store.ledger.key())


def test_nothing_is_proved_from_tiles_or_events_that_were_tampered_with(store: Store) -> None:
    events, _ = _sealed(store, 300)
    store.edit("UPDATE ledger_event SET body = CAST(replace(CAST(body AS TEXT), 'run:r7', 'run:r8') AS BLOB) WHERE seq = 7")
    with pytest.raises(Corrupt, match="not what was sealed"):
        store.ledger.proof(events[7].id)
    store.edit('UPDATE ledger_tile SET hashes = zeroblob(8192) WHERE level = 0 AND "index" = 0')
    with pytest.raises(Corrupt):
        store.ledger.consistency(255)
    store.edit("DELETE FROM ledger_tile")
    with pytest.raises(Corrupt, match="too short"):
        store.ledger.proof(events[8].id)


def test_a_proof_takes_two_milliseconds_at_most(store: Store) -> None:
    events, _ = _sealed(store, 3000)
    began = time.process_time()
    for event in events[::100]:
        store.ledger.proof(event.id)
    assert (time.process_time() - began) / 30 < 0.010, "the aim is 2 ms; a busy machine may take longer"


def test_the_ledger_without_a_head_exports_none(store: Store) -> None:
    with pytest.raises(NotFound):
        store.ledger.export_head()
    store.act("run.started", "run:r1")
    with pytest.raises(NotFound, match="no head"):
        store.ledger.proof(store.ledger.events().items[0].id)


# ---- parsers: whatever they are given, they say Invalid or what it is

_SEAL = SigningKey(b"s" * 32)


@given(text=st.text())
def test_any_text_is_a_note_or_refused(text: str) -> None:
    with pytest.raises(Invalid):
        _SEAL.public.check(text)
    with pytest.raises(Invalid):
        Verifier.parse(text)


@given(data=st.data(), size=st.integers(0, 2**62), root=st.binary(min_size=32, max_size=32))
def test_a_note_with_one_character_changed_is_refused_or_says_the_same(data: st.DataObject, size: int, root: bytes) -> None:
    note = _SEAL.sign(size, root)
    stated = _SEAL.public.check(note)
    assert (stated.size, stated.root) == (size, root)
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + data.draw(st.characters()) + note[at + 1 :]
    with suppress(Invalid):
        assert _SEAL.public.check(changed) == stated


def test_numbers_have_one_form() -> None:
    for size in ("05", "+5", " 5", "5 ", "5_0", "\u0665", "-0", "9" * 5000):
        text = f"{_SEAL.public.origin}\n{size}\n{'A' * 43}=\n"
        note = signed(Checkpoint(origin="x", size=0, root=b""), _SEAL.public, _SEAL._private.sign(text.encode()))
        with pytest.raises(Invalid):
            _SEAL.public.check(text + note[note.index("\n—") :])


@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_body_or_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read(body)


@given(
    seq=st.integers(), size=st.integers(), body=st.binary(max_size=50), path=st.lists(st.one_of(st.text(), st.just("ab" * 32)), max_size=4)
)
def test_any_proof_is_refused_but_the_true_one(seq: int, size: int, body: bytes, path: list[str]) -> None:
    note = _SEAL.sign(5, b"r" * 32)
    with pytest.raises(Invalid):
        check_inclusion(Inclusion(seq=seq, size=size, body=body, path=path, note=note), note, _SEAL.public.text)
    with pytest.raises(Invalid):
        check_consistency(Consistency(old_size=seq, new_size=size, path=path, note=note), note, _SEAL.sign(6, b"q" * 32), _SEAL.public.text)


def test_the_database_is_read_by_anyone_with_the_tiles_alone(store: Store) -> None:
    """A proof needs no events but the one that is proved."""
    events, (head,) = _sealed(store, 600)
    store.edit("DELETE FROM ledger_event WHERE seq != 599")
    assert check_inclusion(store.ledger.proof(events[599].id), head.note, store.ledger.key()) == events[599]
