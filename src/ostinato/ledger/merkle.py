"""Merkle trees as RFC 9162 §2.1 hashes them, grown leaf by leaf and cut into tiles of 256 hashes (C2SP tlog-tiles)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

EMPTY = hashlib.sha256(b"").digest()
WIDTH = 256
"""Hashes in a full tile; eight levels of the tree lie between two levels of tiles."""
HASH_SIZE = 32

_sha256 = hashlib.sha256


def leaf(body: bytes) -> bytes:
    """The hash of one entry."""
    return _sha256(b"\x00" + body).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return _sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of sibling hashes."""
    while len(hashes) > 1:
        hashes = [_sha256(b"\x01" + hashes[i] + hashes[i + 1]).digest() for i in range(0, len(hashes), 2)]
    return hashes[0]


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes of the tree's level 8 × `level` from 256 × `index` on, 256 at most."""

    level: int
    index: int
    hashes: bytes


class Tree:
    """A tree that grows at its right edge: of each level of tiles it keeps the one tile that is not full yet.

    `full` collects the tiles that were filled; whoever grows the tree takes them away.

    >>> tree = Tree()
    >>> tree.add(b"act")
    >>> tree.root() == leaf(b"act"), tree.size
    (True, 1)
    >>> Tree.grown(1, tree.edge()).root() == tree.root()
    True
    """

    __slots__ = ("_edge", "full", "size")

    def __init__(self) -> None:
        self._edge: list[list[bytes]] = []
        self.full: list[Tile] = []
        self.size = 0

    @classmethod
    def grown(cls, size: int, edge: Sequence[Tile]) -> Tree:
        """The tree of `size` entries whose `edge()` it was; other tiles are passed over.

        Raises:
            ValueError: no tree of that size has such an edge.
        """
        tree = cls()
        tree.size = size
        found = {tile.level: tile for tile in edge}
        for level, (index, count) in enumerate(edge_of(size)):
            tile = found.get(level, Tile(level, index, b""))
            if (tile.index, len(tile.hashes)) != (index, count * HASH_SIZE):
                raise ValueError(f"the tile {index} of level {level} should hold {count} hashes")
            tree._edge.append(split(tile.hashes))
        return tree

    def add(self, body: bytes) -> None:
        """Append one entry."""
        self.extend([body])

    def extend(self, bodies: Sequence[bytes]) -> None:
        """Append entries."""
        hashes = [_sha256(b"\x00" + body).digest() for body in bodies]
        self.size += len(hashes)
        self._grow(0, hashes, self.size)

    def _grow(self, level: int, hashes: list[bytes], size: int) -> None:
        """Put `hashes` at the end of a level that then has `size` of them."""
        if level == len(self._edge):
            self._edge.append([])
        waiting = self._edge[level] + hashes
        first = (size - len(waiting)) // WIDTH
        roots = []
        for index in range(len(waiting) // WIDTH):
            tile = waiting[index * WIDTH : (index + 1) * WIDTH]
            self.full.append(Tile(level, first + index, b"".join(tile)))
            roots.append(fold(tile))
        self._edge[level] = waiting[len(roots) * WIDTH :]
        if roots:
            self._grow(level + 1, roots, size // WIDTH)

    def edge(self) -> list[Tile]:
        """The tiles at the right edge that hold something and are not full: all that the tree needs to grow on."""
        return [Tile(level, self.size // WIDTH ** (level + 1), b"".join(hashes)) for level, hashes in enumerate(self._edge) if hashes]

    def root(self) -> bytes:
        """The Merkle tree hash of all entries: 32 bytes."""
        root = b""
        for hashes in self._edge:
            end = len(hashes)
            while end:
                start = end & (end - 1)  # the smallest complete subtree comes last
                peak = fold(hashes[start:end])
                root, end = (node(peak, root) if root else peak), start
        return root or EMPTY


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile, one by one."""
    return [hashes[i : i + HASH_SIZE] for i in range(0, len(hashes), HASH_SIZE)]


def edge_of(size: int) -> list[tuple[int, int]]:
    """Index and number of hashes of the tile at the edge of each level, for a tree of `size` entries.

    >>> edge_of(600)
    [(2, 88), (0, 2)]
    """
    found = []
    while size:
        found.append(divmod(size, WIDTH))
        size //= WIDTH
    return found


# ---- proofs


class Nodes(Protocol):
    """Where the hashes of a tree are found."""

    def complete(self, level: int, index: int) -> bytes:
        """The root of the `index`-th complete subtree of 2 ** `level` entries."""
        ...


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The audit path of the entry `index` in the tree of `size` entries (RFC 9162 §2.1.3.1): nearest sibling first."""
    path, start, end = list[bytes](), 0, size
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            path.append(subtree(nodes, middle, end))
            end = middle
        else:
            path.append(subtree(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The proof that the tree of `new` entries continues that of `old` (RFC 9162 §2.1.4.1); 0 < `old` ≤ `new`."""
    path, start, end, whole = list[bytes](), 0, new, True
    while old != end:
        middle = start + _half(end - start)
        if old <= middle:
            path.append(subtree(nodes, middle, end))
            end = middle
        else:
            path.append(subtree(nodes, start, middle))
            start, whole = middle, False
    return ([] if whole else [subtree(nodes, start, end)]) + path[::-1]


def _half(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def subtree(nodes: Nodes, start: int, end: int) -> bytes:
    """The root over the entries from `start` to before `end`, a subtree of the tree; from 0 on, the root of a smaller tree."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes.complete(level, start >> level)
    middle = start + _half(count)
    return node(subtree(nodes, start, middle), subtree(nodes, middle, end))


def root_of_inclusion(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that the path leads to from the leaf hash `entry` (RFC 9162 §2.1.3.2); None if it is no path for that place."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, entry
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            root = node(sibling, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node(root, sibling)
        place, last = place >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path shows that the tree of `new` entries continues that of `old` (RFC 9162 §2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node(sibling, before), node(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root
