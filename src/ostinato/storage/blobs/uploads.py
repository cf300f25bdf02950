"""Uploads: large blobs that arrive in parts, over hours and restarts, and are one blob in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from blake3 import blake3
from sqlalchemy import BigInteger, Column, Table, Text, bindparam, delete, func, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, Invalid, NotFound, TooLarge
from ostinato.storage.blobs.blobs import Blob, Blobs, valid
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import BLOB, Rows, Tx, metadata

PART_BYTES = 8 << 20
"""In parts of this size clients send; a part may have up to 64 MiB."""
LARGE_BYTES = 16 << 20
"""What is larger travels in parts."""
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
"""Parts that have arrived, by the digest of the whole; `start` is -1 for the whole, once it is put together."""

_whole = -1
_of = (part.c.project == bindparam("project"), part.c.upload == bindparam("upload"))
_parts = Prepared(select(part.c.start, part.c.size, part.c.digest).where(*_of).order_by(part.c.start))
_waiting = Prepared(select(func.coalesce(func.sum(part.c.size), 0)).where(part.c.project == bindparam("project"), part.c.start >= 0))
_add = Prepared(part.insert(), missing=True)
_drop = Prepared(delete(part).where(*_of))
_expire = Prepared(delete(part).where(part.c.project == bindparam("project"), part.c.expires < bindparam("now")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`size` bytes from `start` on."""

    start: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What has arrived of an upload, in order; each part is durable."""

    upload: str
    parts: list[Span]


class Uploads:
    """Uploads of the caller's project. One is called by the BLAKE3 digest of all its bytes, so it needs no beginning.

    Whoever sends the same bytes goes on with the same upload, after a cut connection or a restart of either side. What was begun
    and not finished is forgotten a day after its last part; a project may have 256 GiB under way.
    """

    def __init__(self, blobs: Blobs, rows: Rows, *, waiting_max: int = _WAITING_MAX, kept_s: int = _KEPT_S) -> None:
        self._blobs = blobs
        self._rows = rows
        self._waiting_max = waiting_max
        self._kept_s = kept_s

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
        project, now = caller().project, int(time.time())
        row = {
            "project": project, "upload": upload, "start": start, "size": len(content),
            "digest": self._blobs.put(content).digest, "expires": now + self._kept_s,
        }  # fmt: skip

        def change(tx: Tx) -> None:
            tx.run(_expire, {"project": project, "now": now})
            if tx.run(_add, row) and int(tx.fetch(_waiting, {"project": project})[0][0]) > self._waiting_max:
                hint = "finish uploads that are under way; what is not is forgotten after a day"
                raise TooLarge(f"more than {self._waiting_max >> 30} GiB are under way in this project", hint=hint)

        self._rows.write(change)
        return self.received(upload)

    def received(self, upload: str) -> Received:
        """What is there already: send the rest."""
        return Received(upload=valid(upload), parts=[Span(start=max(0, start), size=size) for start, size, _ in self._found(upload)])

    def finish(self, upload: str, size: int) -> Blob:
        """Put the parts together to one blob of `size` bytes. A repeat within a day gives it again.

        Raises:
            NotFound: nothing of it has arrived, or it is forgotten.
            Conflict: a part is missing; the message says from where on.
            Invalid: the parts are other bytes than the upload is called by; they are forgotten.
        """
        found = self._found(valid(upload))
        if not found:
            raise NotFound(f"no upload {upload}", hint="send its parts first")
        if found[0][0] == _whole:
            return Blob(digest=found[0][2], size=found[0][1])
        reached = 0
        for start, length, _ in found:
            if start == reached:
                reached += length
        if reached != size or sum(length for _, length, _ in found) != size:
            raise Conflict(f"of upload {upload} the bytes from {reached} on are missing", hint=f"{size} bytes are expected, in parts")
        blob = self._blobs.put(self._joined(upload, [digest for *_, digest in found]))
        of = {"project": caller().project, "upload": upload}
        whole = {**of, "start": _whole, "size": size, "digest": blob.digest, "expires": int(time.time()) + self._kept_s}
        self._rows.write(lambda tx: (tx.run(_drop, of), tx.run(_add, whole)))
        return blob

    def _joined(self, upload: str, digests: list[str]) -> Iterator[bytes]:
        hasher = blake3()
        for digest in digests:
            for piece in self._blobs.stream(digest):
                hasher.update(piece)
                yield piece
        if hasher.hexdigest() != upload:
            of = {"project": caller().project, "upload": upload}
            self._rows.write(lambda tx: tx.run(_drop, of))
            raise Invalid(f"the parts are not the bytes of upload {upload}", hint="send them again", field="upload")

    def _found(self, upload: str) -> list[tuple[int, int, str]]:
        of = {"project": caller().project, "upload": upload}
        return self._rows.read(lambda tx: [(start, size, digest) for start, size, digest in tx.fetch(_parts, of)])


class Taking(Protocol):
    """Who takes a large content in parts: a service, or one on a server."""

    def received(self, upload: str) -> Received: ...
    def send_part(self, upload: str, start: int, content: bytes) -> Received: ...


def sent(taking: Taking, upload: str, size: int, part: Callable[[int, int], bytes]) -> None:
    """Send what has not arrived of an upload; `part` gives the bytes from one place to another."""
    arrived = taking.received(upload).parts
    for start in range(0, size, PART_BYTES):
        end = min(start + PART_BYTES, size)
        if not any(span.start <= start and end <= span.start + span.size for span in arrived):
            taking.send_part(upload, start, part(start, end))


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
