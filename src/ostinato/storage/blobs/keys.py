"""Keys of encrypted blobs: one file with the key of addresses, the current master key and all former ones."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.kernel.errors import Corrupt, NotFound
from ostinato.storage import disk

KEY_FILE = "blob-keys"
KID = 8


@dataclass(frozen=True, slots=True)
class Ring:
    """The key of addresses, which never changes, and master keys by their random 8-byte kid; all keys have 32 bytes."""

    address: bytes
    current: bytes
    masters: dict[bytes, bytes]

    def __repr__(self) -> str:
        return f"Ring(current={self.current.hex()}, {len(self.masters)} keys)"


class Keys:
    """The keys in a file of mode 0600; a rotation by another process is seen at the next use."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file, making it with fresh keys if there is none."""
        self._path = Path(path)
        self._guard = threading.Lock()
        self._mark: tuple[int, int] | None = None
        self._ring: Ring | None = None
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self._path):
                if not self._path.exists():
                    kid = os.urandom(KID)
                    _write(self._path, Ring(secrets.token_bytes(32), kid, {kid: secrets.token_bytes(32)}))
        self.ring()

    def ring(self) -> Ring:
        """The keys as they are now.

        Raises:
            Corrupt: the file is gone or unreadable; without it no encrypted blob can be read.
        """
        with self._guard:
            try:
                found = self._path.stat()
                mark = found.st_ino, found.st_mtime_ns
                if self._ring is None or mark != self._mark:
                    self._ring, self._mark = _parse(json.loads(self._path.read_text())), mark
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                raise Corrupt(f"no keys in {self._path}", hint="restore the file blob-keys from a backup") from None
            return self._ring


def rotate(data: Path) -> str:
    """Make a new master key for the blobs of the store `data`, and return its kid; former keys stay, for what they sealed.

    Raises:
        NotFound: the store is not encrypted.
        Corrupt: its key file is damaged.
    """
    path = data / KEY_FILE
    if not path.exists():
        raise NotFound(f"no {KEY_FILE} in {data}", hint="blobs are encrypted in stores opened with OSTINATO_ENCRYPT=1")
    with _alone(path):
        ring, kid = Keys(path).ring(), os.urandom(KID)
        _write(path, Ring(ring.address, kid, ring.masters | {kid: secrets.token_bytes(32)}))
    return kid.hex()


def _parse(found: dict[str, Any]) -> Ring:
    masters = {bytes.fromhex(kid): bytes.fromhex(key) for kid, key in found["masters"].items()}
    ring = Ring(bytes.fromhex(found["address"]), bytes.fromhex(found["current"]), masters)
    if ring.current not in masters or {len(key) for key in (ring.address, *masters.values())} != {32} or {*map(len, masters)} != {KID}:
        raise ValueError("keys of a wrong length")
    return ring


def _write(path: Path, ring: Ring) -> None:
    text = json.dumps({
        "address": ring.address.hex(),
        "current": ring.current.hex(),
        "masters": {kid.hex(): key.hex() for kid, key in ring.masters.items()},
    })  # fmt: skip
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    disk.flush(path.parent)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file against others who write it: a key that is lost may already have sealed something."""
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
