"""Folder: named bytes as files that only their owner may read."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ostinato.kernel.errors import Conflict, NotFound
from ostinato.storage import disk
from ostinato.storage.objects.objects import Object, named

_PIECE = 1 << 20
_ABANDONED_S = 86_400
_ARRIVING = ".arriving"
_LOCK = ".lock"


class Folder:
    """Files below `path`, written beside, flushed, then renamed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._root = Path(path)

    def all(self, prefix: str = "") -> Iterator[Object]:
        for folder, folders, names in os.walk(self._root / prefix):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if not name.startswith("."):
                    path = Path(folder, name)
                    with contextlib.suppress(FileNotFoundError):
                        yield Object(name=path.relative_to(self._root).as_posix(), size=path.stat().st_size)

    def put(self, name: str, content: Iterable[bytes]) -> None:
        target = self._root / named(name)
        try:
            self._arrive(target, content)
        except OSError as error:
            if (told := disk.told(error, self._root)) is error:
                raise
            raise told from error

    def _arrive(self, target: Path, content: Iterable[bytes]) -> None:
        arriving = self._root / _ARRIVING
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        arriving.mkdir(exist_ok=True, mode=0o700)
        handle, beside = tempfile.mkstemp(dir=arriving)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in content:
                    file.write(piece)
                file.flush()
                os.fchmod(file.fileno(), 0o400)
                os.fsync(file.fileno())
            _make(target.parent)
            os.rename(beside, target)
            disk.flush(target.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)

    def get(self, name: str) -> Iterator[bytes]:
        try:
            with (self._root / named(name)).open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"no {name} in {self._root}") from None

    def delete(self, name: str) -> None:
        (self._root / named(name)).unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self, *, alone: bool) -> Iterator[None]:
        """By a file lock, which a dead process cannot hold."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)) as lock:
            if not disk.take(lock.fileno(), alone=alone):
                raise Conflict(f"somebody else works in {self._root}", hint="try again when that is done")
            if alone:
                self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what processes that died while writing left behind."""
        for path in (self._root / _ARRIVING).glob("*"):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make a folder, and those above it, durably."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)
        disk.flush(folder.parent)
