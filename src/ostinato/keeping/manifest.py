"""Manifest: the one file that makes a backup. It names every file and blob by size and digest, and the head of the ledger."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import msgspec

from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Corrupt, NotFound, Unavailable

_FORMAT = 1
_PATTERN = "backup-*.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the store's folder: its `path` below it, the digest and size of its bytes, and its permission bits."""

    path: str
    digest: str
    size: int
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds: `files` of the folder, `blobs` with their sizes in bytes, and the state of the ledger.

    `head` is the note of the last sealed head (None: nothing was sealed), `events` counts all events. `problems` says what the
    store had lost or damaged before the backup was made, and which therefore is not in it.
    """

    made_at: str
    revision: int
    events: int
    head: str | None
    files: list[File]
    blobs: dict[str, int]
    problems: list[str]
    format: int = _FORMAT

    def write(self, folder: Path) -> Path:
        """Put the manifest into the folder of backups, whole or not at all; returns its path."""
        said = asdict(self)
        name = f"backup-{self.made_at.replace('-', '').replace(':', '').replace('+0000', 'Z')}.json"
        path, beside = folder / name, folder / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            json.dump({"digest": digest_of(said), "backup": said}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        flush(folder)
        return path

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest in a file.

        Raises:
            Corrupt: it was changed after it was written.
            Unavailable: a newer Ostinato wrote it.
        """
        try:
            found = json.loads(path.read_bytes())
            sound = digest_of(found["backup"]) == found["digest"]
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise Corrupt(f"the manifest {path} is damaged", hint="restore from another backup-….json of the same folder")
        if found["backup"].get("format") != _FORMAT:
            raise Unavailable(f"{path} was written by another Ostinato", hint="restore it with that version or a newer one")
        made = msgspec.convert(found["backup"], cls)
        for file in made.files:
            if PurePosixPath(file.path).is_absolute() or ".." in PurePosixPath(file.path).parts:
                raise Corrupt(f"the manifest {path} names a file outside the store: {file.path}")
        return made


def latest(source: Path) -> Path:
    """The manifest that `source` means: itself, or the newest in that folder.

    Raises:
        NotFound: there is none.
    """
    if source.is_file():
        return source
    found = sorted(source.glob(_PATTERN))
    if not found:
        raise NotFound(f"no backup in {source}", hint="name the folder that ostinato backup wrote to, or one of its backup-….json")
    return found[-1]


def flush(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
