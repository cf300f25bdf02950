"""Inclusion and consistency proofs, made from the tiles in a few reads."""

from __future__ import annotations

from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from ostinato.ledger import heads, store
from ostinato.ledger.merkle import WIDTH, consistency, fold, inclusion, is_consistent, leaf, root_of_inclusion, split, subtree
from ostinato.ledger.note import Verifier
from ostinato.ledger.types import Consistency, Head, Inclusion
from ostinato.storage.rows.rows import Tx

_HINT = "ostinato ledger verify"


class _Tiles:
    """The complete subtrees of the sealed tree, out of its tiles; each tile is read once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._read: dict[tuple[int, int], list[bytes]] = {}

    def complete(self, level: int, index: int) -> bytes:
        """The root of the `index`-th complete subtree of 2 ** `level` entries.

        Raises:
            Corrupt: the tile does not hold it.
        """
        tier, height = divmod(level, 8)
        first = index << height
        place = tier, first // WIDTH
        if place not in self._read:
            self._read[place] = split(heads.tile(self._tx, *place).hashes)
        hashes = self._read[place][first % WIDTH : first % WIDTH + (1 << height)]
        if len(hashes) != 1 << height:
            raise Corrupt(f"the tile {place[1]} of level {tier} is too short", hint=_HINT)
        return fold(hashes)


def prove_inclusion(tx: Tx, key: Verifier, project: str, event: str, size: int | None) -> Inclusion:
    """That the event of the project is one of those that a head covers. See `Ledger.proof`."""
    found = store.body_of(tx, project, event)
    if found is None:
        raise NotFound(f"no event {event!r}", hint="ledger.events() lists them with their ids")
    (seq, body), head = found, _head(tx, size)
    if seq >= head.size:
        raise Conflict(f"the head of {head.size} events does not cover event {seq}", hint="ledger.seal(), or wait ten seconds")
    path = inclusion(_Tiles(tx), seq, head.size)
    if root_of_inclusion(leaf(body), seq, head.size, path) != key.check(head.note).root:
        raise Corrupt(f"event {seq} is not what was sealed", hint=_HINT)
    return Inclusion(seq=seq, size=head.size, body=body, path=[hash.hex() for hash in path], note=head.note)


def prove_consistency(tx: Tx, key: Verifier, old_size: int, new_size: int | None) -> Consistency:
    """That one head continues another. See `Ledger.consistency`."""
    head, tiles = _head(tx, new_size), _Tiles(tx)
    if not 0 < old_size <= head.size:
        raise Invalid(
            f"no ledger of {old_size} events lies before that of {head.size}", hint="1 to the size of the newer", field="old_size"
        )
    path = consistency(tiles, old_size, head.size)
    if not is_consistent(old_size, head.size, subtree(tiles, 0, old_size), key.check(head.note).root, path):
        raise Corrupt("the tiles of the ledger are not those that were sealed", hint=_HINT)
    return Consistency(old_size=old_size, new_size=head.size, path=[hash.hex() for hash in path], note=head.note)


def _head(tx: Tx, size: int | None) -> Head:
    head = heads.last(tx) if size is None else heads.of_size(tx, size)
    if head is None:
        raise NotFound("the ledger has no head" + (f" of {size} events" if size is not None else ""), hint="ledger.heads() lists them")
    return head
