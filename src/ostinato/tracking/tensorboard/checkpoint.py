"""The checkpoint of an import on the local disk, so that no event is imported twice.

Before a piece of a file is sent, the note says from where to where it reaches; so whoever goes on after a crash sends the very same
piece under the very same number, and the store keeps it once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from ostinato.kernel.errors import Conflict
from ostinato.tracking.client.folders import lock_file, unlock_file


@dataclass(slots=True)
class Mark:
    """The position in one file: imported up to `start`, a piece up to `end` in flight if that is more, and the number of the next batch."""

    start: int = 0
    end: int = 0
    seq: int = 0


class Note:
    """The marks of the files of one run, when its last event was, and whether it was said to have ended.

    While it is open, no other process takes these files.

    Raises:
        Conflict: another process does.
    """

    def __init__(self, home: Path, run: str, target: str) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = home / f"{run}-{blake2b(target.encode(), digest_size=6).hexdigest()}.json"
        self._held = lock_file(self._path.with_suffix(".lock"))
        if self._held is None:
            raise Conflict(f"another process takes the event files of run {run}", hint="stop it, or let it go on alone")
        self.known = self._path.exists()
        told = json.loads(self._path.read_text()) if self.known else {"marks": {}, "last_us": None, "ended": False}
        self.marks = {name: Mark(**mark) for name, mark in told["marks"].items()}
        self.last_us: int | None = told["last_us"]
        self.ended: bool = told["ended"]

    def save(self) -> None:
        """Save the positions, durably and atomically."""
        new = self._path.with_suffix(".new")
        told = {"marks": {name: asdict(mark) for name, mark in self.marks.items()}, "last_us": self.last_us, "ended": self.ended}
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def close(self) -> None:
        """Release the lock."""
        if self._held is not None:
            unlock_file(self._held)
            self._held = None


def boards(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """The folders with event files, each a run to TensorBoard, with these files in the order in which they were begun."""
    for folder, below, names in os.walk(root):
        below.sort()
        files = sorted(Path(folder) / name for name in names if ".tfevents." in name or name.startswith("events.out."))
        if files:
            yield Path(folder), files
