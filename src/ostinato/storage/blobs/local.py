"""Local: blobs as read-only files in a folder, one file each."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from ostinato.kernel.errors import Corrupt, Invalid, NotFound
from ostinato.storage import disk
from ostinato.storage.blobs.blobs import Blob, Stored, blob_of, pieces, valid, verified

_PIECE = 1 << 20
_ABANDONED_S = 86_400
_RENEW_S = 3600
_LEAVING = "leaving-"
_REMEMBERED = 100_000


class Local:
    """Files `<path>/ab/abcd…`, written beside, flushed, then renamed: a name exists only with all its bytes.

    Every read is verified. A file whose inode, size and time of change are as when this process last verified it is
    not hashed again when it is lent to other readers (`path`).

    The time of change says when a blob was last wanted: `put`, `open`, `path` and `exists` renew it once it is an hour old,
    so `forget` never takes a blob from under somebody who is about to name it. `stream` does not renew it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._root = Path(path)
        self._arriving = self._root / "arriving"
        self._arriving.mkdir(parents=True, exist_ok=True)
        self._verified: dict[str, tuple[int, int, int]] = {}
        self._sweep()

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        if isinstance(content, bytes) and self._intact((blob := blob_of(content)).digest):
            return blob
        hasher, size = blake3(), 0

        def passing() -> Iterator[bytes]:
            nonlocal size
            for piece in pieces(content):
                hasher.update(piece)
                size += len(piece)
                yield piece

        digest = self._arrive(passing(), hasher.hexdigest, self._intact)
        return Blob(digest=digest, size=size)

    def keep(self, content: Iterable[bytes], name: Callable[[], str]) -> str:
        """Store bytes under the name that `name` says once they are all read; only `raw` gives them back."""
        return self._arrive(content, name, lambda _: False)

    def raw(self, name: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """The bytes under a name, or `size` of them from `start` on, whatever they are, in pieces of at most 1 MiB."""
        try:
            with self._place(name).open("rb", buffering=0) as file:
                file.seek(start)
                left = sys.maxsize if size is None else size
                while left > 0 and (piece := file.read(min(left, _PIECE))):
                    left -= len(piece)
                    yield piece
        except FileNotFoundError:
            raise NotFound(f"no blob {name}") from None

    def _arrive(self, content: Iterable[bytes], name: Callable[[], str], there: Callable[[str], bool]) -> str:
        """Write a file beside, and give it its name unless that is `there` already."""
        try:
            return self._written(content, name, there)
        except OSError as error:
            if (told := disk.told(error, self._root)) is error:
                raise
            raise told from error

    def _written(self, content: Iterable[bytes], name: Callable[[], str], there: Callable[[str], bool]) -> str:
        handle, temporary = tempfile.mkstemp(dir=self._arriving)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in content:
                    file.write(piece)
                if there(digest := name()):
                    return digest
                file.flush()
                os.fchmod(file.fileno(), 0o444)
                os.fsync(file.fileno())
            target = self._place(digest)
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                disk.flush(self._root)
            os.rename(temporary, target)
            disk.flush(target.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        return digest

    def open(self, digest: str, start: int = 0, size: int | None = None) -> bytes:
        self._renew(digest)
        return b"".join(self.stream(digest) if (start, size) == (0, None) else self.raw(digest, start, size))

    def stream(self, digest: str) -> Iterator[bytes]:
        yield from verified(digest, self.raw(digest))

    def exists(self, digest: str) -> bool:
        return self._renew(digest)

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
        self._renew(digest)
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

    def all(self) -> Iterator[Stored]:
        """Every blob that is there; one that comes or goes meanwhile may be among them or not."""
        for folder in sorted(self._root.glob("[0-9a-f][0-9a-f]")):
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                with contextlib.suppress(FileNotFoundError, Invalid):
                    found = entry.stat()
                    yield Stored(digest=valid(entry.name), size=found.st_size, wanted_s=found.st_mtime)

    def forget(self, digest: str, wanted_before_s: float) -> bool:
        """Delete a blob unless it was wanted since `wanted_before_s`; False if it is kept, or was not there.

        The file is moved aside before its time is read, so whoever wants it meanwhile either has renewed it, and it comes back,
        or finds it gone and stores it anew.
        """
        place, aside = self._place(digest), self._arriving / f"{_LEAVING}{digest}"
        try:
            if place.stat().st_mtime >= wanted_before_s:
                return False
            os.rename(place, aside)
            if aside.stat().st_mtime >= wanted_before_s:
                os.rename(aside, place)
                return False
            aside.unlink()
        except FileNotFoundError:  # another process started, and brought back what it found aside
            return False
        self._verified.pop(digest, None)
        return True

    def _renew(self, digest: str) -> bool:
        """Note that a blob is wanted; False if there is none."""
        place = self._place(digest)
        try:
            if time.time() - place.stat().st_mtime > _RENEW_S:
                os.utime(place)
        except FileNotFoundError:
            return False
        except OSError:  # a store on a read-only disk, or of another user, can still be read
            return place.exists()
        return True

    def _intact(self, digest: str) -> bool:
        try:
            place = self.path(digest)
        except (NotFound, Corrupt):
            return False
        disk.flush(place.parent)  # whoever renamed it may not have flushed the folder yet
        return True

    def _place(self, digest: str) -> Path:
        return self._root / valid(digest)[:2] / digest

    def _sweep(self) -> None:
        """Remove what processes that died while writing left behind; bring back what one was about to forget."""
        for entry in os.scandir(self._arriving):
            with contextlib.suppress(FileNotFoundError):
                if entry.name.startswith(_LEAVING):
                    os.rename(entry.path, self._place(entry.name.removeprefix(_LEAVING)))
                elif time.time() - entry.stat().st_mtime > _ABANDONED_S:
                    os.unlink(entry.path)


def _mark(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
