"""Owned: blobs as a project sees them: those that it stored itself, and no others; small ones lie together in packs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from sqlalchemy import BigInteger, Column, Index, Table, Text, bindparam, delete, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import NotFound
from ostinato.storage.blobs.blobs import Blob, Blobs, Named, OnDisk, Secret, blob_of, damaged, pieces, valid
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx, metadata

_PACK = 64 << 20
_SMALL = 1 << 20
_REMEMBERED = 100_000

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
_packed = select(owner.c.digest, owner.c.pack).where(owner.c.pack != "")


class Place(NamedTuple):
    """Where the bytes of a blob lie: see `owner`."""

    pack: str
    start: int
    size: int


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
        project = caller().project
        known = self._known.get((project, valid(digest)))
        if known is None:
            found = self._rows.read(lambda tx: _places(tx, project, [digest]))
            if digest not in found:
                raise NotFound(f"no blob {digest}")
            known = found[digest]
            self._remember(project, found)
        return known

    def _unpacked(self, digest: str, place: Place) -> bytes:
        content = self._blobs.open(place.pack, place.start, place.size)
        if digest not in (self._name(content).digest, blob_of(content).digest):  # the latter is older than the keys of the store
            raise damaged(digest)
        return content

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
        return digest in (self._name(content).digest, blob_of(content).digest)

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


def _places(tx: Tx, project: str, digests: Sequence[str]) -> dict[str, Place]:
    found = {digest: tx.fetch(_find, {"project": project, "digest": digest}) for digest in digests}
    return {digest: Place(*rows[0]) for digest, rows in found.items() if rows}


def _replace(tx: Tx, rows: list[dict[str, Any]]) -> None:
    if tx.run(_add, rows) != len(rows):  # some of them lay elsewhere
        tx.run(_drop, rows)
        tx.run(_add, rows)
