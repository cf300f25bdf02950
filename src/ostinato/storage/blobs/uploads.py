"""Uploads: large blobs that arrive in parts, over hours and restarts, and are one blob in the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from blake3 import blake3
from sqlalchemy import BigInteger, Column, Table, Text, bindparam, delete, func, or_, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, Invalid, NotFound, TooLarge
from ostinato.storage.blobs.blobs import Blob, Blobs, valid
from ostinato.storage.blobs.sending import PART_BYTES, Received, Span
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import BLOB, Rows, Tx, metadata

_PART_MAX = 64 << 20
_WAITING_MAX = 256 << 30
_KEPT_S = 86_400

part = Table(
    "blob_upload",
    metadata,
    Column("project", Text, primary_key=True),
    Column("upload", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("digest", Text, nullable=False, info=BLOB),
    Column("expires", BigInteger, nullable=False),
)
"""Parts that have arrived; `start` is the place of one, by which they are told apart, and -1 of the whole, once it is put together."""

_WHOLE = -1
_p = part.c
_of = (_p.project == bindparam("project"), _p.upload == bindparam("upload"))
_parts = Prepared(select(_p.start, _p.size, _p.digest).where(*_of).order_by(_p.start))
_waiting = Prepared(select(func.coalesce(func.sum(_p.size), 0)).where(_p.project == bindparam("project"), _p.start >= 0))
_add = Prepared(part.insert(), missing=True)
_drop = Prepared(delete(part).where(*_of))
_replace = Prepared(delete(part).where(*_of, or_(_p.start == bindparam("start"), _p.start == _WHOLE)))
_going_on = select(_p.upload).where(_p.project == bindparam("project"), _p.expires >= bindparam("now"))
_expire = Prepared(delete(part).where(_p.project == bindparam("project"), _p.expires < bindparam("now"), _p.upload.not_in(_going_on)))


class Parts:
    """The parts of uploads of the caller's project, each under its place, until an upload is put together.

    What was begun and not finished is forgotten a day after its last part; a project may have 256 GiB under way.
    """

    def __init__(self, blobs: Blobs, rows: Rows, *, waiting_max: int = _WAITING_MAX, kept_s: int = _KEPT_S) -> None:
        self._blobs = blobs
        self._rows = rows
        self._waiting_max = waiting_max
        self._kept_s = kept_s

    def drop(self, upload: str) -> None:
        """Forget what has arrived of an upload."""
        self._rows.write(lambda tx: tx.run(_drop, _named(upload)))

    def _keep(self, upload: str, place: int, content: bytes | Iterable[bytes], *, anew: bool) -> None:
        """Keep a part, durably; `anew`, in the stead of one that has arrived, else a repeat changes nothing.

        Raises:
            TooLarge: too much is under way.
        """
        row, now = self._row(upload, place, self._blobs.put(content)), int(time.time())

        def change(tx: Tx) -> None:
            tx.run(_expire, {"project": row["project"], "now": now})
            if anew:
                tx.run(_replace, {**_named(upload), "start": place})
            if tx.run(_add, row) and int(tx.fetch(_waiting, {"project": row["project"]})[0][0]) > self._waiting_max:
                hint = "finish uploads that are under way; what is not is forgotten after a day"
                raise TooLarge(f"more than {self._waiting_max >> 30} GiB are under way in this project", hint=hint)

        self._rows.write(change)

    def _found(self, upload: str) -> tuple[Blob | None, list[tuple[int, Blob]]]:
        """The whole, once it is put together; until then its parts, by their places."""
        rows = self._rows.read(lambda tx: tx.fetch(_parts, _named(upload)))
        found = [(place, Blob(digest=digest, size=size)) for place, size, digest in rows]
        return (found[0][1], []) if found and found[0][0] == _WHOLE else (None, found)

    def _whole(self, upload: str, pieces: Iterator[bytes]) -> Blob:
        """Put an upload together; the parts are forgotten, and for a day it is known as the whole."""
        blob = self._blobs.put(pieces)
        self._rows.write(lambda tx: (tx.run(_drop, _named(upload)), tx.run(_add, self._row(upload, _WHOLE, blob))))
        return blob

    def _joined(self, parts: Iterable[Blob]) -> Iterator[bytes]:
        for blob in parts:
            yield from self._blobs.stream(blob.digest)

    def _row(self, upload: str, place: int, blob: Blob) -> dict[str, Any]:
        expires = int(time.time()) + self._kept_s
        return {**_named(upload), "start": place, "size": blob.size, "digest": blob.digest, "expires": expires}


def _named(upload: str) -> dict[str, str]:
    return {"project": caller().project, "upload": upload}


class Uploads(Parts):
    """Uploads that are called by the BLAKE3 digest of all their bytes, so that they need no beginning; a part stands where it begins.

    Whoever sends the same bytes goes on with the same upload, after a cut connection or a restart of either side.
    """

    def keep(self, upload: str, start: int, content: bytes) -> Received:
        """Keep a part, durably. A repeat changes nothing.

        Raises:
            Invalid: `upload` is no digest, or the part is empty or begins below 0.
            TooLarge: the part has more than 64 MiB, or too much is under way.
        """
        valid(upload)
        if start < 0 or not content:
            raise Invalid("a part has at least one byte and begins at 0 or later", field="start")
        if len(content) > _PART_MAX:
            raise TooLarge(f"a part of {len(content) >> 20} MiB", hint=f"send parts of {PART_BYTES >> 20} MiB")
        self._keep(upload, start, content, anew=False)
        return self.received(upload)

    def received(self, upload: str) -> Received:
        """What is there already: send the rest."""
        whole, parts = self._found(valid(upload))
        there = parts if whole is None else [(0, whole)]
        return Received(upload=upload, parts=[Span(start=start, size=blob.size) for start, blob in there])

    def finish(self, upload: str, size: int) -> Blob:
        """Put the parts together to one blob of `size` bytes. A repeat within a day gives it again.

        Raises:
            NotFound: nothing of it has arrived, or it is forgotten.
            Conflict: a part is missing; the message says from where on.
            Invalid: the parts are other bytes than the upload is called by; they are forgotten.
        """
        whole, parts = self._found(valid(upload))
        if whole is not None:
            return whole
        if not parts:
            raise NotFound(f"no upload {upload}", hint="send its parts first")
        reached = 0
        for start, blob in parts:
            if start == reached:
                reached += blob.size
        if reached != size or sum(blob.size for _, blob in parts) != size:
            raise Conflict(f"of upload {upload} the bytes from {reached} on are missing", hint=f"{size} bytes are expected, in parts")
        return self._whole(upload, self._proved(upload, [blob for _, blob in parts]))

    def _proved(self, upload: str, parts: list[Blob]) -> Iterator[bytes]:
        hasher = blake3()
        for piece in self._joined(parts):
            hasher.update(piece)
            yield piece
        if hasher.hexdigest() != upload:
            self.drop(upload)
            raise Invalid(f"the parts are not the bytes of upload {upload}", hint="send them again", field="upload")


class Arriving:
    """The verbs of a service that takes large contents in parts; the service gives it its uploads."""

    _uploads: Uploads

    def send_part(self, upload: str, start: int, content: bytes) -> Received:
        """Send a large content in parts of at most 64 MiB, each durable; `upload` is the BLAKE3 digest of all its bytes.

        Raises:
            Invalid: `upload` is no digest, or the part is empty or begins below 0.
            TooLarge: the part is too large, or too much is under way in the project.
        """
        return self._uploads.keep(upload, start, content)

    def received(self, upload: str) -> Received:
        """Which parts of a large content have arrived: after an interruption, send the others."""
        return self._uploads.received(upload)
