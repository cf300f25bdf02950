"""Taken: what an import has done so far, and what it could not do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Taken:
    """Counts of what was taken; `known` is how many runs, logged models and versions were here whole already.

    `left` says what was not taken and why. `told` is called whenever something changed, by any thread.
    """

    experiments: int = 0
    runs: int = 0
    points: int = 0
    logged_models: int = 0
    models: int = 0
    versions: int = 0
    aliases: int = 0
    files: int = 0
    bytes: int = 0
    known: int = 0
    left: list[str] = field(default_factory=list)
    told: Callable[[Taken], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, **more: int) -> None:
        """Count."""
        with self._lock:
            for name, count in more.items():
                setattr(self, name, getattr(self, name) + count)
            if self.told is not None:
                self.told(self)

    def leave(self, why: str) -> None:
        """Note what is not taken."""
        with self._lock:
            self.left.append(why)
