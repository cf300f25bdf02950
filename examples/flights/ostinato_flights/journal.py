"""Journal: which acts of a replay are done, so that a replay which was killed goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Journal:
    """Results of acts by name, in a file that is replaced atomically after each act.

    An act may run again when the process died between the act and its line in the journal, so acts are idempotent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, name: str, act: Callable[[], Any]) -> Any:
        """The result of `act`, which runs only if it is not in the journal; the result is a JSON value."""
        if name not in self._done:
            self.note(name, act())
        return self._done[name]

    def note(self, name: str, value: Any) -> None:
        """Keep `value` under `name`, durably."""
        self._done[name] = value
        part = self._path.with_suffix(".part")
        with part.open("w") as file:
            json.dump(self._done, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._path)

    def get(self, name: str, default: Any = None) -> Any:
        """What is kept under `name`."""
        return self._done.get(name, default)
