"""References: which blobs a store names. Exactly, by the columns that say so, and cautiously, by all that it holds.

What *must* be there is what the slices declare (`info=BLOB` and `info=PACKED` on their columns). What *may be deleted* must be named
nowhere: in no text and no bytes of any row, declared or not, and in no blob that is itself named.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from ostinato.kernel.errors import NotFound
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.rows import file
from ostinato.storage.rows.rows import BLOB, PACKED, metadata

_SIZE = 64
_DIGEST = re.compile("[0-9a-f]{64}")
_RUN = re.compile(rb"[0-9a-f]{64,}")
_LEAF = re.compile(r'"\$[a-z_]+":"([0-9a-f]{64})"')
_PARQUET = b"PAR1"


def declared(database: Path) -> Iterator[tuple[str, str]]:
    """The digest of each blob that must be there, with the column that names it."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            for cell in file.column(database, table.name, column.name) if column.info else ():
                place = f"{table.name}.{column.name}"
                if column.info == BLOB and _DIGEST.fullmatch(cell):
                    yield cell, place
                elif column.info == PACKED:
                    for digest in _LEAF.findall(cell):
                        yield digest, place


def unnamed(stored: Set[str], old: Set[str], databases: Iterable[Path], blobs: Blobs) -> set[str]:
    """Those of the blobs `old` that appear in no row of any database, and in no blob that is named or not old.

    `stored` are all blobs, `old` among them. Tables (Parquet) name no blobs and are not read; every other blob that stays is.

    Raises:
        Corrupt: one of these is damaged, so what it names cannot be known.
    """
    left, roots = set(old), set(stored) - set(old)
    for database in databases:
        for cell in file.cells(database):
            roots.update(_named(cell, stored))
    seen: set[str] = set()
    while roots and left:
        seen |= roots
        left -= roots
        roots = {digest for blob in roots for digest in _within(blobs, blob, stored)} - seen
    return left


def _named(content: bytes, stored: Set[str]) -> Iterator[str]:
    """The stored digests in `content`: every 64 characters of each run of hexadecimal digits are looked at."""
    for run in _RUN.findall(content):
        text = run.decode()
        for start in range(len(text) - _SIZE + 1):
            if (digest := text[start : start + _SIZE]) in stored:
                yield digest


def _within(blobs: Blobs, digest: str, stored: Set[str]) -> Iterator[str]:
    tail = b""
    with contextlib.suppress(NotFound):  # somebody deleted it by hand
        for piece in blobs.stream(digest):
            if not tail and piece.startswith(_PARQUET):
                return
            yield from _named(tail + piece, stored)
            tail = (tail + piece)[-_SIZE + 1 :]
