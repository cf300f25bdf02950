"""Which files of a store's folder a backup holds, and the lock of the folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from ostinato.kernel.errors import Conflict, NotFound
from ostinato.kernel.settings import Settings
from ostinato.storage import disk
from ostinato.storage.blobs.keys import KEY_FILE

DATABASE = "ostinato.db"
BLOBS = "blobs"
RESERVE = "reserve"
KEY = "ledger-key"
ENDPOINTS = "endpoints"
SECRETS = (KEY, "admin-token", KEY_FILE)
"""Files that only their owner may read."""

_LOCK = "keeping.lock"
_PASSING = (
    BLOBS, RESERVE, "cache", "inbox", "journal", "server.*", "*.lock", "*.log", "*-wal", "*-shm", "*-journal",
    "*.db.next", "*.db.main", ".*",
)  # fmt: skip
_PASSING_OF_PLANE = ("lock", "state.json", "plan.json", "plane.log", "artifacts")


def kept(data: Path) -> Iterator[Path]:
    """Every file of the store that is neither a blob nor of the moment, in order.

    Left out are the blobs (a backup has them by digest), the cache, the inbox, journals of runs (what they hold is not in the store
    yet), locks, logs of processes, and of an endpoint what is made again from the rows. Whatever else lies there is kept, also if we do
    not know it.
    """
    for folder, folders, names in os.walk(data):
        place = Path(folder).relative_to(data)
        folders[:] = sorted(name for name in folders if not _passes(place / name))
        for name in sorted(names):
            if not _passes(place / name) and (found := data / place / name).is_file() and not found.is_symlink():
                yield found


def _passes(path: Path) -> bool:
    parts = path.parts
    if any(fnmatch(parts[0], pattern) for pattern in _PASSING) or parts[-1].startswith("."):
        return True
    return parts[0] == ENDPOINTS and len(parts) > 3 and parts[3] in _PASSING_OF_PLANE


def opened(data: Path) -> Path:
    """The folder of a store.

    Raises:
        NotFound: there is no store in that folder.
    """
    if not (data / (KEY if Settings.read(data).database_url else DATABASE)).is_file():
        raise NotFound(f"no store in {data}", hint="name the folder that holds ostinato.db with --data, or set OSTINATO_DATA")
    return data


@contextlib.contextmanager
def held(data: Path, *, alone: bool) -> Iterator[None]:
    """Hold the store's blobs against deletion, or, `alone`, to delete some; dies with the process.

    Raises:
        Conflict: a backup is under way where nobody else may be, or a collection is.
    """
    with (data / _LOCK).open("a") as lock:
        if not disk.take(lock.fileno(), alone=alone):
            doing = "a backup or another collection" if alone else "a collection"
            raise Conflict(f"{doing} of {data} is under way", hint="try again when it is done")
        yield
