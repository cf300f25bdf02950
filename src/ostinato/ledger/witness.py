"""Checks that need no store: a proof against a head that was kept and the public key of the ledger.

>>> from ostinato.kernel.errors import Invalid
>>> try:
...     check_consistency(Consistency(old_size=1, new_size=2, path=[], note=""), "", "", "no key")
... except Invalid as error:
...     print(error.message)
not the key of a ledger
"""

from __future__ import annotations

from collections.abc import Sequence

from ostinato.kernel.errors import Invalid
from ostinato.kernel.event import Event
from ostinato.ledger.body import event_of, read
from ostinato.ledger.merkle import is_consistent, leaf, root_of_inclusion
from ostinato.ledger.note import Verifier
from ostinato.ledger.types import Consistency, Inclusion


def check_inclusion(proof: Inclusion, note: str, key: str) -> Event:
    """The event that `proof` shows to be in the ledger whose head is `note`; its personal values are no part of a proof.

    `key` is the public key, `origin+id+key`, as `Ledger.key` gives it.

    Raises:
        Invalid: the key did not sign the head, the proof is for another head, or it proves nothing.
    """
    stated = Verifier.parse(key).check(note)
    _same_size(proof.size, stated.size)
    if root_of_inclusion(leaf(proof.body), proof.seq, proof.size, _hashes(proof.path)) != stated.root:
        raise Invalid(f"the proof does not show that this is event {proof.seq} of the ledger", field="proof")
    try:
        return event_of(read(proof.body), proof.seq, {})
    except ValueError as error:
        raise Invalid(f"what is proved is no event: {error}", field="proof") from error


def check_consistency(proof: Consistency, old_note: str, new_note: str, key: str) -> None:
    """See that the ledger of the head `new_note` continues, unaltered, that of `old_note`.

    Raises:
        Invalid: the key did not sign a head, the proof is for other heads, or it proves nothing: then the ledger was rewritten.
    """
    verifier = Verifier.parse(key)
    old, new = verifier.check(old_note), verifier.check(new_note)
    _same_size(proof.old_size, old.size)
    _same_size(proof.new_size, new.size)
    if not is_consistent(old.size, new.size, old.root, new.root, _hashes(proof.path)):
        raise Invalid(f"the ledger of {new.size} events does not continue that of {old.size}", field="proof")


def _same_size(proved: int, stated: int) -> None:
    if proved != stated:
        raise Invalid(f"the proof is about {proved} events, the head about {stated}", hint="ask for a proof of that size", field="proof")


def _hashes(path: Sequence[str]) -> list[bytes]:
    try:
        return [bytes.fromhex(hash) for hash in path]
    except ValueError:
        raise Invalid("a proof holds hashes in hex", field="proof") from None
