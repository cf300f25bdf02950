"""Sealed: blobs encrypted before they reach another store.

A sealed blob is `magic 8 | kid 8 | nonce 12 | wrapped data key 48 | prefix 7`, then segments of 64 KiB of plain text, each with
a tag of 16 bytes. Every blob has a random data key, wrapped by the master key `kid`; the nonce of a segment is `prefix | counter 4 |
last 1`, so segments cannot be left out, reordered or cut off: the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár,
"Online authenticated-encryption and its nonce-reuse misuse-resistance", CRYPTO 2015. The header is associated data of each segment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Protocol

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostinato.kernel.errors import Corrupt, TooLarge
from ostinato.storage.blobs.blobs import Blob, damaged, pieces
from ostinato.storage.blobs.keys import KID, Keys, Ring

SEGMENT = 64 << 10
TAG = 16
_MAGIC = b"\x93OSTSL1\n"
_NONCE, _WRAPPED, _PREFIX = 12, 32 + TAG, 7
HEADER = len(_MAGIC) + KID + _NONCE + _WRAPPED + _PREFIX
_MOST_SEGMENTS = 1 << 32


class Shelf(Protocol):
    """A store that also keeps bytes under a name that is not their digest; what it holds is not verified by it."""

    def keep(self, content: Iterable[bytes], name: Callable[[], str]) -> str:
        """Store bytes, all or none, under the name that `name` says once they are all read."""
        ...

    def raw(self, name: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """The bytes under a name, or `size` of them from `start` on, in pieces of at most 1 MiB."""
        ...

    def exists(self, digest: str) -> bool:
        """Whether there is something under that name."""
        ...

    def delete(self, digest: str) -> None:
        """Forget it; no error if there is nothing."""
        ...


class Sealed:
    """Blobs that are encrypted in `shelf`, with keys from a file; the address of a blob is its keyed BLAKE3.

    What lies in `shelf` from before it was encrypted is read as it is, under its own address.
    """

    def __init__(self, shelf: Shelf, keys: Keys) -> None:
        self._shelf = shelf
        self._keys = keys

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        ring = self._keys.ring()
        if isinstance(content, bytes) and self._intact(known := blake3(content, key=ring.address).hexdigest()):
            return Blob(digest=known, size=len(content))
        hasher, size = blake3(key=ring.address), 0

        def passing() -> Iterator[bytes]:
            nonlocal size
            for piece in pieces(content):
                hasher.update(piece)
                size += len(piece)
                yield piece

        digest = self._shelf.keep(_seal(passing(), ring.current, ring.masters[ring.current]), hasher.hexdigest)
        return Blob(digest=digest, size=size)

    def open(self, digest: str, start: int = 0, size: int | None = None) -> bytes:
        self._shelf.exists(digest)  # to ask for it is to want it: a collection leaves it alone
        if (start, size) == (0, None):
            return b"".join(self.stream(digest))
        header = b"".join(self._shelf.raw(digest, 0, HEADER))
        sealed, master = _master(header, self._keys.ring())
        if sealed and master is None:
            raise _damaged(digest, foreign=True)
        if master is None:
            return b"".join(self._shelf.raw(digest, start, size))
        first, skipped = divmod(start, SEGMENT)
        count = None if size is None else -(-(skipped + size) // SEGMENT) * (SEGMENT + TAG)
        source = _Reader(self._shelf.raw(digest, HEADER + first * (SEGMENT + TAG), count))
        try:
            plain = b"".join(_unseal_part(source, header, master, first))[skipped:]
        except InvalidTag:
            raise _damaged(digest) from None
        return plain if size is None else plain[:size]

    def name(self, content: bytes) -> Blob:
        """The name of the content, which depends on the keys."""
        return Blob(digest=blake3(content, key=self._keys.ring().address).hexdigest(), size=len(content))

    def stream(self, digest: str) -> Iterator[bytes]:
        source, ring = _Reader(self._shelf.raw(digest)), self._keys.ring()
        sealed, master = _master(source.peek(HEADER), ring)
        hasher = blake3() if master is None else blake3(key=ring.address)
        try:
            for piece in source.rest() if master is None else _unseal(source, master):
                hasher.update(piece)
                yield piece
        except InvalidTag:
            raise _damaged(digest) from None
        if hasher.hexdigest() != digest:
            raise _damaged(digest, foreign=sealed and master is None)

    def exists(self, digest: str) -> bool:
        return self._shelf.exists(digest)

    def delete(self, digest: str) -> None:
        self._shelf.delete(digest)

    def scratch(self) -> IO[bytes]:
        """An empty file in memory, for plain text on its way in or out: it has no place on a disk, and is gone once closed."""
        return open(os.memfd_create("scratch", os.MFD_CLOEXEC), "w+b")

    def _intact(self, digest: str) -> bool:
        if not self._shelf.exists(digest):
            return False
        try:
            for _ in self.stream(digest):
                pass
        except Corrupt:
            return False
        return True


class _Reader:
    """Exact numbers of bytes from a stream of pieces."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._held = b""

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, or all that are left."""
        while len(self._held) < count and (piece := next(self._source, b"")):
            self._held += piece
        return self._held[:count]

    def read(self, count: int) -> bytes:
        found = self.peek(count)
        self._held = self._held[count:]
        return found

    def rest(self) -> Iterator[bytes]:
        yield from pieces(self._held)
        yield from self._source


def _seal(content: Iterator[bytes], kid: bytes, master: bytes) -> Iterator[bytes]:
    key, nonce, prefix = os.urandom(32), os.urandom(_NONCE), os.urandom(_PREFIX)
    header = b"".join((_MAGIC, kid, nonce, AESGCM(master).encrypt(nonce, key, _MAGIC + kid + prefix), prefix))
    yield header
    cipher, source, counter = AESGCM(key), _Reader(content), 0
    while True:
        segment = source.read(SEGMENT)
        last = not source.peek(1)
        if counter == _MOST_SEGMENTS:
            raise TooLarge("a sealed blob has at most 256 TiB")
        yield cipher.encrypt(_nonce(prefix, counter, last=last), segment, header)
        if last:
            return
        counter += 1


def _master(header: bytes, ring: Ring) -> tuple[bool, bytes | None]:
    """Whether that is the header of a sealed blob, and the key that wraps its key, if it is here."""
    sealed = len(header) == HEADER and header.startswith(_MAGIC)
    return sealed, ring.masters.get(header[len(_MAGIC) : len(_MAGIC) + KID]) if sealed else None


def _cipher(header: bytes, master: bytes) -> AESGCM:
    prefix, wrapped = header[-_PREFIX:], header[-_PREFIX - _WRAPPED : -_PREFIX]
    start = len(_MAGIC) + KID
    return AESGCM(AESGCM(master).decrypt(header[start : start + _NONCE], wrapped, header[:start] + prefix))


def _unseal_part(source: _Reader, header: bytes, master: bytes, counter: int) -> Iterator[bytes]:
    """The plain text of some segments, of which the first has that number; one of them may be the last of the blob."""
    cipher, prefix = _cipher(header, master), header[-_PREFIX:]
    while segment := source.read(SEGMENT + TAG):
        try:
            yield cipher.decrypt(_nonce(prefix, counter, last=len(segment) < SEGMENT + TAG), segment, header)
        except InvalidTag:
            yield cipher.decrypt(_nonce(prefix, counter, last=True), segment, header)
        counter += 1


def _unseal(source: _Reader, master: bytes) -> Iterator[bytes]:
    header = source.read(HEADER)
    cipher, prefix, counter, last = _cipher(header, master), header[-_PREFIX:], 0, False
    while not last:
        segment = source.read(SEGMENT + TAG)
        last = not source.peek(1)
        if plain := cipher.decrypt(_nonce(prefix, counter, last=last), segment, header):
            yield plain
        counter += 1


def _nonce(prefix: bytes, counter: int, *, last: bool) -> bytes:
    return prefix + (counter % _MOST_SEGMENTS).to_bytes(4) + bytes([last])


def _damaged(digest: str, *, foreign: bool = False) -> Corrupt:
    if foreign:
        return Corrupt(f"blob {digest} is sealed with a key that is not here", hint="restore the file blob-keys of its store")
    return damaged(digest)
