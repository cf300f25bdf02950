"""Blobs: the seam to content-addressed bytes. The name of a blob is the digest of what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol, runtime_checkable

from blake3 import blake3

from ostinato.kernel.errors import Corrupt, Invalid
from ostinato.kernel.frozen import frozen

_DIGEST = re.compile("[0-9a-f]{64}")
_PIECE = 1 << 20


@frozen
class Blob:
    """The BLAKE3 digest of the bytes, 64 hex characters, and their number."""

    digest: str
    size: int


@frozen
class Stored:
    """A blob that is there: its digest, its size in bytes, and when it was last stored or asked for, in seconds since 1970."""

    digest: str
    size: int
    wanted_s: float


class Blobs(Protocol):
    """A store of immutable bytes. What `put` returned is durable, and only those very bytes are ever read back."""

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        """Store the bytes, or the concatenation of the pieces; a repeat stores nothing and mends a damaged copy."""
        ...

    def open(self, digest: str, start: int = 0, size: int | None = None) -> bytes:
        """All bytes of a blob, or `size` of them from `start` on; a part is not held against the digest.

        Raises:
            NotFound: there is no such blob.
            Corrupt: the stored bytes no longer have that digest.
        """
        ...

    def stream(self, digest: str) -> Iterator[bytes]:
        """The bytes in pieces of at most 1 MiB; `Corrupt` is raised after the last one, so act on the end only."""
        ...

    def exists(self, digest: str) -> bool:
        """Whether there is a blob of that digest; its bytes are not checked."""
        ...

    def delete(self, digest: str) -> None:
        """Forget a blob; no error if there is none."""
        ...


@runtime_checkable
class OnDisk(Protocol):
    """Blobs that lie as files on this machine, and so need no copy to be read by others."""

    def path(self, digest: str) -> Path:
        """The verified file of a blob."""
        ...


@runtime_checkable
class Secret(Protocol):
    """Blobs whose plain text may lie on no disk."""

    def scratch(self) -> IO[bytes]:
        """An empty file in memory."""
        ...


@runtime_checkable
class Named(Protocol):
    """Blobs that are called otherwise than `blob_of` says."""

    def name(self, content: bytes) -> Blob:
        """The name that `content` has in this store."""
        ...


def blob_of(content: bytes) -> Blob:
    """The name that `content` has in every store.

    >>> blob_of(b"").digest[:16]
    'af1349b9f5f9a1a6'
    """
    return Blob(digest=blake3(content).hexdigest(), size=len(content))


def valid(digest: str) -> str:
    """The digest itself, once it has the shape of one.

    Raises:
        Invalid: it has another shape, which might otherwise name a path.
    """
    if not _DIGEST.fullmatch(digest):
        raise Invalid(f"not a digest: {digest!r}", hint="a digest has 64 hexadecimal characters in lower case", field="digest")
    return digest


def damaged(digest: str) -> Corrupt:
    """The error for bytes that no longer have their digest."""
    return Corrupt(f"blob {digest} is damaged", hint="restore it from a backup, or store the original again")


def verified(digest: str, content: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a blob, as they come.

    Raises:
        Corrupt: after the last one, if together they are not what the digest says.
    """
    hasher = blake3()
    for piece in content:
        hasher.update(piece)
        yield piece
    if hasher.hexdigest() != digest:
        raise damaged(digest)


def pieces(content: bytes | Iterable[bytes]) -> Iterator[bytes]:
    """`content` as pieces of at most 1 MiB, without copying more than that at once."""
    for part in (content,) if isinstance(content, bytes) else content:
        for start in range(0, len(part), _PIECE):
            yield part[start : start + _PIECE]
