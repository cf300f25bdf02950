"""Local: blobs as read-only files in a folder, one file each."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from ostinato.kernel.errors import Corrupt, NotFound
from ostinato.storage.blobs.blobs import Blob, blob_of, pieces, valid

_PIECE = 1 << 20
_ABANDONED_S = 86_400
_REMEMBERED = 100_000


class Local:
    """Files `<path>/ab/abcd…`, written beside, flushed, then renamed: a name exists only with all its bytes.

    Every read is verified. A file whose inode, size and time of change are as when this process last verified it is
    not hashed again when it is lent to other readers (`path`).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._root = Path(path)
        self._arriving = self._root / "arriving"
        self._arriving.mkdir(parents=True, exist_ok=True)
        self._verified: dict[str, tuple[int, int, int]] = {}
        self._sweep()

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        if isinstance(content, bytes) and self._intact(blob := blob_of(content)):
            return blob
        handle, temporary = tempfile.mkstemp(dir=self._arriving)
        try:
            with os.fdopen(handle, "wb") as file:
                hasher, size = blake3(), 0
                for piece in pieces(content):
                    hasher.update(piece)
                    size += len(piece)
                    file.write(piece)
                blob = Blob(digest=hasher.hexdigest(), size=size)
                if self._intact(blob):
                    return blob
                file.flush()
                os.fchmod(file.fileno(), 0o444)
                os.fsync(file.fileno())
            target = self._place(blob.digest)
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                _flush(self._root)
            os.rename(temporary, target)
            _flush(target.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        return blob

    def open(self, digest: str) -> bytes:
        return b"".join(self.stream(digest))

    def stream(self, digest: str) -> Iterator[bytes]:
        hasher = blake3()
        try:
            with self._place(digest).open("rb") as file:
                while piece := file.read(_PIECE):
                    hasher.update(piece)
                    yield piece
        except FileNotFoundError:
            raise NotFound(f"no blob {digest}") from None
        if hasher.hexdigest() != digest:
            raise Corrupt(f"blob {digest} is damaged", hint="restore it from a backup, or store the original again")

    def exists(self, digest: str) -> bool:
        return self._place(digest).exists()

    def delete(self, digest: str) -> None:
        self._verified.pop(digest, None)
        self._place(digest).unlink(missing_ok=True)

    def path(self, digest: str) -> Path:
        """The verified file of a blob, for readers that want a file; read it, never write it.

        Raises:
            NotFound: there is no such blob.
            Corrupt: the stored bytes no longer have that digest.
        """
        place = self._place(digest)
        try:
            mark = _mark(place)
        except FileNotFoundError:
            raise NotFound(f"no blob {digest}") from None
        if self._verified.get(digest) != mark:
            for _ in self.stream(digest):
                pass
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[digest] = mark
        return place

    def _intact(self, blob: Blob) -> bool:
        try:
            place = self.path(blob.digest)
        except (NotFound, Corrupt):
            return False
        _flush(place.parent)  # whoever renamed it may not have flushed the folder yet
        return True

    def _place(self, digest: str) -> Path:
        return self._root / valid(digest)[:2] / digest

    def _sweep(self) -> None:
        """Remove what processes that died while writing left behind."""
        for entry in os.scandir(self._arriving):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - entry.stat().st_mtime > _ABANDONED_S:
                    os.unlink(entry.path)


def _mark(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
