"""S3: blobs as objects of a bucket, through obstore (the extra `s3`)."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from blake3 import blake3

from ostinato.kernel.errors import NotFound
from ostinato.storage.blobs.blobs import Blob, Stored, blob_of, pieces, valid, verified
from ostinato.storage.objects.bucket import COPIED_MAX, Bucket, part_of

_SMALL = 64 << 10
_LEAVING = "leaving"
_DIGEST = re.compile("[0-9a-f]{64}")


class S3:
    """Objects `<prefix>/ab/abcd…` of a bucket; an object appears with all its bytes or not at all, and every read is verified.

    What arrives in pieces is collected in a file in `spool`, because its name is known at the end only, and goes up in parts of
    at least 8 MiB, two at a time. An object that is there already is not sent again if its ETag says that it has those bytes.

    A blob to be forgotten is put aside first, as `<prefix>/leaving/abcd…`. Whoever wants it finds it there and brings it back, also if its
    name was written down just before; so it may be dropped later, once it is certain that nobody did. Each step leaves the bytes in one of
    the two places at least.
    """

    def __init__(self, url: str, *, spool: str | os.PathLike[str], env: Mapping[str, str] | None = None, patience_s: float = 60.0) -> None:
        """`url` is `s3://bucket/prefix?region=…&endpoint=…`; credentials come from the usual `AWS_*` variables.

        Requests are repeated for `patience_s` seconds before the bucket counts as out of reach.

        Raises:
            Invalid: the address is malformed, or names a server to which the bytes would travel unprotected.
            MissingExtra: obstore is not installed.
        """
        self._objects = Bucket(url, setting="OSTINATO_BLOBS_URL", spool=spool, env=env, patience_s=patience_s)
        self._spool = Path(spool)
        self._spool.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        if isinstance(content, bytes) and len(content) <= _SMALL:
            blob = blob_of(content)
            self._objects.send(_place(blob.digest), content, use_multipart=False)
            return blob
        hasher, size = blake3(), 0

        def passing() -> Iterator[bytes]:
            nonlocal size
            for piece in pieces(content):
                hasher.update(piece)
                size += len(piece)
                yield piece

        digest = self.keep(passing(), hasher.hexdigest)
        return Blob(digest=digest, size=size)

    def open(self, digest: str, start: int = 0, size: int | None = None) -> bytes:
        return b"".join(self.stream(digest) if (start, size) == (0, None) else self.raw(digest, start, size))

    def stream(self, digest: str) -> Iterator[bytes]:
        yield from verified(digest, self.raw(digest))

    def exists(self, digest: str) -> bool:
        return self._objects.head(_place(digest)) is not None or self.bring_back(digest)

    def delete(self, digest: str) -> None:
        self._objects.delete(_place(digest))
        self._objects.delete(_aside(digest))

    def keep(self, content: Iterable[bytes], name: Callable[[], str]) -> str:
        """Store bytes under the name that `name` says once they are all read."""
        with tempfile.TemporaryFile(dir=self._spool) as file:
            for piece in content:
                file.write(piece)
            size, place = file.tell(), _place(digest := name())
            part = part_of(size)
            found = self._objects.head(place)
            if found is None or found["size"] != size or found["e_tag"] != _etag(file, size, part):
                file.seek(0)
                self._objects.send_file(place, file, size)
        return digest

    def raw(self, name: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """The bytes under a name, or `size` of them from `start` on, whatever they are, in pieces of at most 1 MiB."""
        try:
            yield from self._objects.get(_place(name), start, size)
        except NotFound:
            if not self.bring_back(name):
                raise
            yield from self._objects.get(_place(name), start, size)

    def all(self) -> Iterator[Stored]:
        """Every blob that is there or aside; it was wanted when it was stored there."""
        for found, stored_s in self._objects.dated():
            folder, _, digest = found.name.rpartition("/")
            if _DIGEST.fullmatch(digest) and folder == digest[:2]:
                yield Stored(digest=digest, size=found.size, wanted_s=stored_s)
        yield from self.leaving()

    def held(self, *, alone: bool) -> AbstractContextManager[None]:
        """Hold the bucket to put blobs aside: of two who do that at once, one could delete what the other has brought back."""
        return self._objects.held(alone=alone)

    def forget(self, digest: str, wanted_before_s: float) -> bool:
        """Put a blob aside unless it was stored since `wanted_before_s`; False if it stays, as those beyond 5 GiB do."""
        found = self._objects.head(_place(digest))
        if found is None or found["last_modified"].timestamp() >= wanted_before_s or found["size"] > COPIED_MAX:
            return False
        self._objects.copy(_place(digest), _aside(digest))
        self._objects.delete(_place(digest))
        return True

    def leaving(self) -> Iterator[Stored]:
        """Every blob that is put aside; it was wanted until then."""
        for found, moved_s in self._objects.dated(_LEAVING):
            yield Stored(digest=valid(found.name.rpartition("/")[2]), size=found.size, wanted_s=moved_s)

    def bring_back(self, digest: str) -> bool:
        """Bring back a blob that was put aside; whether it is there then."""
        try:
            self._objects.copy(_aside(digest), _place(digest))
        except NotFound:  # it is nowhere, or somebody else was faster
            return self._objects.head(_place(digest)) is not None
        self._objects.delete(_aside(digest))
        return True

    def drop(self, digest: str) -> None:
        """Delete a blob that was put aside."""
        self._objects.delete(_aside(digest))


def _place(digest: str) -> str:
    return f"{valid(digest)[:2]}/{digest}"


def _aside(digest: str) -> str:
    return f"{_LEAVING}/{valid(digest)}"


def _etag(file: Any, size: int, part: int) -> str:
    """The ETag that S3 gives the file when it comes in one piece, or in parts of that size."""
    file.seek(0)
    if size <= part:
        return f'"{hashlib.file_digest(file, _md5).hexdigest()}"'
    parts = [_md5(content).digest() for content in iter(lambda: file.read(part), b"")]
    return f'"{_md5(b"".join(parts)).hexdigest()}-{len(parts)}"'


def _md5(content: bytes = b"") -> Any:
    return hashlib.md5(content, usedforsecurity=False)
