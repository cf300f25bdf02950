"""Owned: blobs as a project sees them: those that it stored itself, and no others; small ones lie together in packs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import IO, Any, NamedTuple

from sqlalchemy import BigInteger, Column, Index, Table, Text, bindparam, delete, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import NotFound
from ostinato.storage.blobs.blobs import Blob, Blobs, Named, OnDisk, Secret, blob_of, damaged, pieces, valid
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx, metadata

_PACK = 64 << 20
_SMALL = 1 << 20
_REMEMBERED = 100_000
_AHEAD = 1 << 20
_HELD_MAX = 8
_REMEMBERED_S = 600.0  # a pack that others have rewritten stays for longer
_HELD_S = 60.0  # far less than a collection waits for who reads without asking the store

owner = Table(
    "blob_owner",
    metadata,
    Column("project", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("pack", Text, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("blob_owner_pack", "pack"),
)
"""Who stored what. A blob lies under its own digest, or, if `pack` is not empty, in that blob from `start` on.

A collection does not look here: to own a blob does not keep it, to name it does. Rows outlive the bytes, or a `put` beside a
collection might lose its claim: who stored bytes once finds them again when they are stored anew.
"""

_of = (owner.c.project == bindparam("project"), owner.c.digest == bindparam("digest"))
_find = Prepared(select(owner.c.pack, owner.c.start, owner.c.size).where(*_of))
_add = Prepared(owner.insert(), missing=True)
_drop = Prepared(delete(owner).where(*_of))
_members = Prepared(select(owner.c.digest, owner.c.pack, owner.c.start, owner.c.size).where(owner.c.pack == bindparam("of_pack")))
_move = Prepared(update(owner).where(owner.c.digest == bindparam("of_digest"), owner.c.pack == bindparam("of_pack")), ("pack", "start"))
_packed = select(owner.c.digest, owner.c.pack).where(owner.c.pack != "")


class Place(NamedTuple):
    """Where the bytes of a blob lie: see `owner`."""

    pack: str
    start: int
    size: int


class _Held(NamedTuple):
    """What was read of a pack, from where on, and when."""

    start: int
    content: bytes
    read_s: float


class Owned:
    """A store of blobs in which the project of the caller finds what it stored itself; the rest is as if it were not there.

    To hold a digest is no right to the bytes: whoever cannot show the bytes to `put` them gets the answer for what does not exist.
    The bytes are shared: what two projects store lies there once. `delete` ends the claim of the project; the bytes
    go when nobody names them any more.
    """

    path: Callable[[str], Path]
    scratch: Callable[[], IO[bytes]]

    def __init__(self, blobs: Blobs, rows: Rows) -> None:
        self._blobs = blobs
        self._rows = rows
        self._name = blobs.name if isinstance(blobs, Named) else blob_of
        self._known: dict[tuple[str, str], Place] = {}
        self._known_s = 0.0
        self._held: dict[str, _Held] = {}
        self._lend = blobs.path if isinstance(blobs, OnDisk) else None
        if self._lend:
            self.path = self._path
        if isinstance(blobs, Secret):
            self.scratch = blobs.scratch

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        blob = self._blobs.put(content)
        self._claim({blob.digest: Place("", 0, blob.size)})
        return blob

    def put_many(self, contents: Iterable[bytes]) -> list[Blob]:
        """Store many blobs and wait for the disk once per 64 MiB; those below 1 MiB go into packs. A repeat stores nothing."""
        made: list[Blob] = []
        waiting: dict[str, bytes] = {}
        size = 0
        for content in contents:
            if len(content) > _SMALL:
                made.append(self.put(content))
                continue
            made.append(blob := self._name(content))
            size += len(content)
            waiting[blob.digest] = content
            if size >= _PACK:
                self._pack(waiting)
                waiting, size = {}, 0
        self._pack(waiting)
        return made

    def open(self, digest: str, start: int = 0, size: int | None = None) -> bytes:
        place = self._found(digest)
        if not place.pack:
            if self._lend and (start, size) != (0, None):
                self._lend(digest)  # verifies the whole, once for as long as the file stays as it is
            return self._blobs.open(digest, start, size)
        whole = self._unpacked(digest, place)
        return whole[start:] if size is None else whole[start : start + size]

    def stream(self, digest: str) -> Iterator[bytes]:
        place = self._found(digest)
        return pieces(self._unpacked(digest, place)) if place.pack else self._blobs.stream(digest)

    def exists(self, digest: str) -> bool:
        try:
            place = self._found(digest)
        except NotFound:
            return False
        return self._blobs.exists(place.pack or digest)

    def delete(self, digest: str) -> None:
        project = caller().project
        self._known.pop((project, valid(digest)), None)
        self._rows.write(lambda tx: tx.run(_drop, {"project": project, "digest": digest}))

    def _path(self, digest: str) -> Path:
        """The file of a blob; one that is packed gets a file of its own first."""
        place = self._found(digest)
        if place.pack:
            self.put(self._unpacked(digest, place))
        assert self._lend is not None
        return self._lend(digest)

    def _found(self, digest: str) -> Place:
        project, now = caller().project, time.monotonic()
        if now - self._known_s > _REMEMBERED_S:
            self._known, self._known_s = {}, now
        known = self._known.get((project, valid(digest)))
        if known is None:
            found = self._rows.read(lambda tx: _places(tx, project, [digest]))
            if digest not in found:
                raise NotFound(f"no blob {digest}")
            known = found[digest]
            self._remember(project, found)
        return known

    def _unpacked(self, digest: str, place: Place) -> bytes:
        content = self._within(place)
        if not _holds(self._name, digest, content):
            self._held.pop(place.pack, None)
            raise damaged(digest)
        return content

    def _within(self, place: Place) -> bytes:
        """The bytes there. Of a pack that is read from one blob to the next, 1 MiB comes at once, and is held for those that follow."""
        held = self._held.get(place.pack)
        if held is None or time.monotonic() - held.read_s > _HELD_S:
            held = _Held(place.start, b"", 0.0)
        skipped, reach = place.start - held.start, len(held.content)
        if skipped >= 0 and skipped + place.size <= reach:
            return held.content[skipped : skipped + place.size]
        content = self._blobs.open(place.pack, place.start, max(_AHEAD, place.size) if 0 < skipped <= reach else place.size)
        if len(self._held) >= _HELD_MAX:
            self._held.clear()
        self._held[place.pack] = _Held(place.start, content, time.monotonic())
        return content[: place.size]

    def _pack(self, contents: dict[str, bytes]) -> None:
        """Store the blobs that are not there yet in one."""
        project = caller().project
        there = self._rows.read(lambda tx: _places(tx, project, list(contents)))
        new = {digest: content for digest, content in contents.items() if digest not in there or not self._intact(digest, there[digest])}
        if len(new) == 1:
            self.put(*new.values())
        elif new:
            pack, start, places = self._blobs.put(new.values()).digest, 0, {}
            for digest, content in new.items():
                places[digest] = Place(pack, start, len(content))
                start += len(content)
            self._claim(places)

    def _intact(self, digest: str, place: Place) -> bool:
        content = b""
        try:
            self._blobs.exists(place.pack or digest)  # to ask for it is to want it: a collection leaves it alone
            content = self._blobs.open(place.pack or digest, place.start, place.size)
        except NotFound:
            return False
        return _holds(self._name, digest, content)

    def _claim(self, places: dict[str, Place]) -> None:
        """Note that the project has stored these; they are durable where they lie."""
        project = caller().project
        new = {digest: place for digest, place in places.items() if self._known.get((project, digest)) != place}
        if new:
            rows = [{"project": project, "digest": digest, **place._asdict()} for digest, place in new.items()]
            self._rows.write(lambda tx: _replace(tx, rows))
            self._remember(project, new)

    def _remember(self, project: str, places: dict[str, Place]) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known.update({(project, digest): place for digest, place in places.items()})


def packs(tx: Tx) -> dict[str, str]:
    """In which blob each packed one lies, whoever owns it."""
    return {row.digest: row.pack for row in tx.all(_packed)}


def members(tx: Tx, pack: str) -> dict[str, Place]:
    """The blobs that lie in a pack."""
    return {digest: Place(*place) for digest, *place in tx.fetch(_members, {"of_pack": pack})}


def repack(blobs: Blobs, rows: Rows, pack: str, needed: Set[str]) -> None:
    """Put those blobs of a pack that are needed into a new one; a collection deletes the old one once nobody names anything else in it.

    Whoever reads one meanwhile finds it in either. A kill leaves the old pack as it was, and perhaps a new one that nobody names.

    Raises:
        Corrupt: one of them is damaged.
    """
    places, start = rows.read(lambda tx: members(tx, pack)), 0
    moved: list[dict[str, Any]] = []

    def content() -> Iterator[bytes]:
        nonlocal start
        for digest in sorted(needed & places.keys()):
            found = blobs.open(pack, places[digest].start, places[digest].size)
            if not _holds(blobs.name if isinstance(blobs, Named) else blob_of, digest, found):
                raise damaged(digest)
            moved.append({"of_digest": digest, "of_pack": pack, "start": start})
            start += len(found)
            yield found

    new = blobs.put(content()).digest
    rows.write(lambda tx: tx.run(_move, [{**row, "pack": new} for row in moved]))


def _holds(name: Callable[[bytes], Blob], digest: str, content: bytes) -> bool:
    """Whether these are the bytes of that digest, which may be older than the keys of the store."""
    return digest in (name(content).digest, blob_of(content).digest)


def _places(tx: Tx, project: str, digests: Sequence[str]) -> dict[str, Place]:
    found = {digest: tx.fetch(_find, {"project": project, "digest": digest}) for digest in digests}
    return {digest: Place(*rows[0]) for digest, rows in found.items() if rows}


def _replace(tx: Tx, rows: list[dict[str, Any]]) -> None:
    if tx.run(_add, rows) != len(rows):  # some of them lay elsewhere
        tx.run(_drop, rows)
        tx.run(_add, rows)
