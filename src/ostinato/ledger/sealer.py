"""Sealing: extends the Merkle tree by the new events, and stores its tiles and a signed head in one write."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Corrupt, Invalid
from ostinato.ledger import heads, store
from ostinato.ledger.merkle import Tree, edge_of
from ostinato.ledger.note import Verifier
from ostinato.ledger.signing_key import SigningKey
from ostinato.ledger.types import Head
from ostinato.storage.rows.rows import Rows, Tx

_EVENTS = 256
_PAUSE_S = 10.0
_AT_ONCE = 65_536
_HINT = "ostinato ledger verify"


@dataclass(frozen=True, slots=True)
class _Growth:
    """A tree that has grown beyond the head of `base` events."""

    base: int
    tree: Tree


class Sealer:
    """Signs what the ledger holds. Any number of processes may seal the same ledger: each head continues the one before."""

    def __init__(self, rows: Rows, clock: Clock, seal: SigningKey) -> None:
        self._rows = rows
        self._clock = clock
        self._seal = seal
        self._sealed_s = time.monotonic()

    def due(self) -> bool:
        """Whether 256 events wait for a seal, or any for 10 s."""
        last, count = self._rows.read(lambda tx: (heads.last(tx), store.count(tx)))
        waiting = count - (last.size if last else 0)
        return waiting >= _EVENTS or (waiting > 0 and time.monotonic() - self._sealed_s >= _PAUSE_S)

    def seal(self) -> Head | None:
        """Sign the root of all events so far; None if the last head has them all.

        Raises:
            Corrupt: the ledger does not continue from its last head; nothing is signed.
        """
        self._sealed_s, sealed = time.monotonic(), None
        end = self._rows.read(store.count)
        while (growth := self._rows.read(lambda tx: self._grow(tx, end))) is not None:
            sealed = self._rows.write(partial(self._store_head, growth)) or sealed
        return sealed

    def _grow(self, tx: Tx, end: int) -> _Growth | None:
        """The tree over the next events beyond the last head and before `end`, hashed outside of any write."""
        last, count = heads.last(tx), store.count(tx)
        base = last.size if last else 0
        tree = resumed(tx, last, self._seal.public)
        if count < base:
            raise Corrupt(f"the last head counts {base} events, {count} are left", hint=_HINT)
        if end <= base:
            return None
        end = min(end, base + _AT_ONCE)
        for start in range(base, end, store.CHUNK):
            tree.extend(store.bodies(tx, start, min(start + store.CHUNK, end)))
        if tree.size != end:
            raise Corrupt(f"the ledger has {count} positions, but events are missing among them", hint=_HINT)
        return _Growth(base, tree)

    def _store_head(self, growth: _Growth, tx: Tx) -> Head | None:
        """Sign and keep the head, if the last one is still that from which the tree has grown."""
        last, tree = heads.last(tx), growth.tree
        if (last.size if last else 0) != growth.base:
            return None  # another process was faster
        root = tree.root()
        head = Head(size=tree.size, root=root.hex(), at=self._clock.now(), note=self._seal.sign(tree.size, root))
        heads.add(tx, head, [*tree.full, *tree.edge()])
        return head


def resumed(tx: Tx, last: Head | None, key: Verifier) -> Tree:
    """The tree of the last head, from the tiles at its edge.

    Raises:
        Corrupt: the head was not signed by the key, or the tiles do not have its root.
    """
    if last is None:
        return Tree()
    try:
        stated = key.check(last.note)
        tree = Tree.grown(last.size, [heads.tile(tx, level, index) for level, (index, _) in enumerate(edge_of(last.size))])
    except (Invalid, ValueError) as error:
        raise Corrupt(f"the last head of the ledger is not what was signed: {error}", hint=_HINT) from error
    if (stated.size, stated.root) != (tree.size, tree.root()):
        raise Corrupt("the last head of the ledger is not what was signed: its tiles have another root", hint=_HINT)
    return tree
