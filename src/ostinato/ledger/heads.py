"""Tables of signed heads, and of the tiles of the Merkle tree under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text, bindparam, func, select

from ostinato.ledger.merkle import Tile
from ostinato.ledger.store import CHUNK, LOWEST
from ostinato.ledger.types import Head
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Tx, metadata

head_table = Table(
    "ledger_head",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)

tile_table = Table(
    "ledger_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

_last = Prepared(select(head_table).order_by(head_table.c.size.desc()).limit(1))
_next = Prepared(select(head_table).where(head_table.c.size > bindparam("after")).order_by(head_table.c.size).limit(CHUNK))
_insert = Prepared(head_table.insert())
_here = (tile_table.c.level == bindparam("at_level"), tile_table.c.index == bindparam("at_index"))
_tile = Prepared(select(tile_table.c.hashes).where(*_here))
_drop_tile = Prepared(tile_table.delete().where(*_here))
_insert_tile = Prepared(tile_table.insert())


def last(tx: Tx) -> Head | None:
    """The newest head."""
    found = tx.fetch(_last)
    return _head(found[0]) if found else None


def each(tx: Tx) -> Iterator[Head]:
    """All heads, smallest first, a few in memory at a time."""
    after = LOWEST
    while found := tx.fetch(_next, {"after": after}):
        yield from map(_head, found)
        after = found[-1][0]


def of_size(tx: Tx, size: int) -> Head | None:
    """The head of that size."""
    row = tx.first(select(head_table).where(head_table.c.size == size))
    return None if row is None else _head(row)


def add(tx: Tx, head: Head, tiles: Sequence[Tile]) -> None:
    """Store a head and the tiles that grew to it."""
    tx.run(_insert, {"size": head.size, "root": head.root, "at": head.at, "note": head.note})
    for tile in tiles:
        tx.run(_drop_tile, {"at_level": tile.level, "at_index": tile.index})
        tx.run(_insert_tile, {"level": tile.level, "index": tile.index, "hashes": tile.hashes})


def tile(tx: Tx, level: int, index: int) -> Tile:
    """A tile; an empty one if there is none."""
    found = tx.fetch(_tile, {"at_level": level, "at_index": index})
    return Tile(level, index, bytes(found[0][0]) if found else b"")


def tiles(tx: Tx) -> int:
    """The number of tiles."""
    return int(tx.execute(select(func.count()).select_from(tile_table)).scalar_one())


def _head(row: Sequence[Any]) -> Head:
    return Head(size=row[0], root=row[1], at=row[2], note=row[3])
