"""The tree, the checkpoints and the key."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostinato.kernel.errors import Corrupt, Invalid
from ostinato.ledger.signing_key import SigningKey

if TYPE_CHECKING:
    from tests.ledger.conftest import Store


def test_a_note_is_what_a_witness_reads(tmp_path: Path) -> None:
    seal = SigningKey.at(tmp_path / "key")
    note = seal.sign(5, b"r" * 32)
    text, _, signature = note.partition("\n\n")
    origin, size, root = text.split("\n")
    assert (size, base64.b64decode(root)) == ("5", b"r" * 32)
    dash, name, packed = signature.rstrip("\n").split(" ")
    assert (dash, name) == ("—", origin)
    verifier_name, key_id, key = seal.public.text.split("+", 2)
    raw = base64.b64decode(key)
    assert (verifier_name, raw[:1]) == (origin, b"\x01")
    assert hashlib.sha256(f"{origin}\n".encode() + raw).digest()[:4].hex() == key_id
    assert base64.b64decode(packed)[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(base64.b64decode(packed)[4:], f"{text}\n".encode())


def test_only_this_stores_signature_counts(tmp_path: Path) -> None:
    ours, theirs = SigningKey.at(tmp_path / "a"), SigningKey.at(tmp_path / "b")
    note = ours.sign(5, b"r" * 32)
    assert ours.public.check(note).size == 5
    assert ours.public.check(note + "— witness.example/w AAAA\n").size == 5, "signatures of witnesses are passed over"
    for wrong in (theirs.sign(5, b"r" * 32), note.replace("\n5\n", "\n6\n"), note.split("—")[0], "", "x", note.replace("— ", "— x")):
        with pytest.raises(Invalid):
            ours.public.check(wrong)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    make = (
        "import sys; from pathlib import Path; from ostinato.ledger.signing_key import SigningKey; "
        "print(SigningKey.at(Path(sys.argv[1])).public.text)"
    )
    started = [subprocess.Popen([sys.executable, "-c", make, str(tmp_path / "key")], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.communicate()[0] for process in started} | {SigningKey.at(tmp_path / "key").public.text + "\n"}) == 1
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


def test_heads_follow_the_events(store: Store) -> None:
    assert store.ledger.seal() is None
    for number in range(3):
        store.act("run.started", f"run:r{number}")
    first = store.ledger.seal()
    assert first is not None
    assert first.size == 3
    assert store.ledger.seal() is None, "nothing new, nothing to sign"
    store.act("run.finished", "run:r0")
    second = store.ledger.seal()
    assert second is not None
    assert store.ledger.heads() == [first, second]
    assert SigningKey.at(store.path / "ledger-key").public.check(second.note).root.hex() == second.root
    assert store.ledger.verify(first.note).ok
    assert store.ledger.key() == SigningKey.at(store.path / "ledger-key").public.text


def test_the_tick_seals_by_number(store: Store) -> None:
    store.act("run.started", "run:r")
    store.ledger.tick()
    assert store.ledger.heads() == [], "one event waits for company, or for ten seconds"
    for number in range(255):
        store.act("run.started", f"run:r{number}")
    store.ledger.tick()
    assert [head.size for head in store.ledger.heads()] == [256]


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE ledger_tile SET hashes = zeroblob(32)",
        "DELETE FROM ledger_tile",
        "UPDATE ledger_head SET size = 2",
        "DELETE FROM ledger_event WHERE seq = 2",
        "UPDATE ledger_event SET seq = 9 WHERE seq = 4",
    ],
)
def test_nothing_is_signed_on_top_of_what_was_tampered_with(store: Store, edit: str) -> None:
    store.act("run.started", "run:r0")
    store.ledger.seal()
    for number in range(4):
        store.act("run.started", f"run:r{number}")
    store.edit(edit)
    with pytest.raises(Corrupt):
        store.ledger.seal()
    assert len(store.ledger.heads()) == 1
