"""Merkle trees as RFC 9162 §2.1 hashes them, built leaf by leaf in the memory of a few hashes."""

from __future__ import annotations

import hashlib

EMPTY = hashlib.sha256(b"").digest()


def leaf(body: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + body).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The compact range of the first `size` leaves: the roots of its complete subtrees, largest first.

    >>> tree = Tree()
    >>> tree.add(b"act")
    >>> tree.root() == leaf(b"act"), tree.size
    (True, 1)
    >>> Tree.read(1, tree.range()).root() == tree.root()
    True
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self.size = 0

    @classmethod
    def read(cls, size: int, packed: bytes) -> Tree:
        """The tree whose `range()` was `packed`."""
        tree = cls()
        tree.size = size
        tree._peaks = [packed[i : i + 32] for i in range(0, len(packed), 32)]
        return tree

    def add(self, body: bytes) -> None:
        """Append one entry."""
        peak, size = leaf(body), self.size
        while size & 1:
            peak, size = _node(self._peaks.pop(), peak), size >> 1
        self._peaks.append(peak)
        self.size += 1

    def root(self) -> bytes:
        """The Merkle tree hash of all entries: 32 bytes."""
        if not self._peaks:
            return EMPTY
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root

    def range(self) -> bytes:
        """The state from which the tree can grow on: 32 bytes per set bit of `size`."""
        return b"".join(self._peaks)
