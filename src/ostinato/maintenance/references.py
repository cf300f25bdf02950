"""References: which blobs a store names; exactly, by declared columns, and cautiously, by everything that it holds.

What *must* be there is what the slices declare (`info=BLOB` and `info=PACKED` on their columns). What *may be deleted* must be named
nowhere: in no text and no bytes of any row, declared or not, and in no blob that is itself named. To have stored a blob, or to have told
of it, is no reason to keep it: rows that say who stored what, and events, name nothing. A blob may lie in a pack; then the pack stays too.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from pathlib import Path

from ostinato.kernel.errors import NotFound
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.owned import owner
from ostinato.storage.rows import file
from ostinato.storage.rows.rows import BLOB, PACKED, metadata

OWNERS = owner.name
TELLING = (OWNERS, "ledger_event", "ledger_private", "ledger_parked")
"""Tables that tell of blobs and need none: what an event spoke of may be gone."""
_SIZE = 64
_DIGEST = re.compile("[0-9a-f]{64}")
_RUN = re.compile(rb"[0-9a-f]{64,}")
_LEAF = re.compile(r'"\$[a-z_]+":"([0-9a-f]{64})"')
_PARQUET = b"PAR1"

Packs = Mapping[str, Collection[str]]
"""The packs in which a blob lies, by its digest; a blob that is not in it lies under its own digest."""


def packs(database: Path) -> Packs:
    """The packs of blobs that have no file of their own."""
    found: dict[str, set[str]] = {}
    for digest, pack in file.texts(database, OWNERS, "digest", "pack"):
        if pack:
            found.setdefault(digest, set()).add(pack)
    return found


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


def lost(database: Path, there: Collection[str]) -> dict[str, str]:
    """The blobs that must be there and are not among those that lie `there`, each with the columns that name it."""
    packed, found = packs(database), dict[str, set[str]]()
    for digest, place in declared(database):
        if digest not in there and not any(pack in there for pack in packed.get(digest, ())):
            found.setdefault(digest, set()).add(place)
    return {digest: ", ".join(sorted(places)) for digest, places in found.items()}


def named(stored: Set[str], old: Set[str], cells: Iterable[bytes], packed: Packs, blobs: Blobs) -> set[str]:
    """The blobs that are not `old`, appear in one of the cells, or in a blob that is one of these; for one in a pack, the pack as well.

    `stored` are all that lie there, `old` among them. Tables (Parquet) name no blobs and are not read; every other blob that stays is.

    Raises:
        Corrupt: one of these is damaged, so what it names cannot be known.
    """
    known = set(stored) | packed.keys()
    pack_names = {pack for found in packed.values() for pack in found}
    left, found, roots = set(old) | packed.keys(), set[str](), set(stored) - set(old)

    def lying(names: Iterable[str]) -> Iterator[str]:
        for name in names:
            yield name
            yield from packed.get(name, ())

    for cell in cells:
        roots.update(lying(_digests_in(cell, known)))
    while roots and left:
        found |= roots
        left -= roots
        roots = {name for blob in roots & stored for name in lying(_digests_in_blob(blobs, blob, known, pack=blob in pack_names))} - found
    return found | roots


def _digests_in(content: bytes, known: Set[str]) -> Iterator[str]:
    """The known digests in `content`: every 64 characters of each run of hexadecimal digits are looked at."""
    for run in _RUN.findall(content):
        text = run.decode()
        for start in range(len(text) - _SIZE + 1):
            if (digest := text[start : start + _SIZE]) in known:
                yield digest


def _digests_in_blob(blobs: Blobs, digest: str, known: Set[str], *, pack: bool) -> Iterator[str]:
    tail = b""
    with contextlib.suppress(NotFound):  # somebody deleted it by hand
        for piece in blobs.stream(digest):
            if not tail and not pack and piece.startswith(_PARQUET):
                return
            yield from _digests_in(tail + piece, known)
            tail = (tail + piece)[-_SIZE + 1 :]
