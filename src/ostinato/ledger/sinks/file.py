"""Events to a file of JSON lines."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ostinato.kernel.errors import Invalid, Unavailable
from ostinato.ledger.types import Parcel, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Appends each event as a line of JSON to `<data>/sinks/<project>/<name>.jsonl`; a repeat is known by its `id`."""

    name: str = "events"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.name):
            raise Invalid(f"not a file name: {self.name!r}", hint="letters, digits, _ and -, without a suffix", field="name")

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Append one line and flush it to disk; a line that a crash cut short is ended first."""
        try:
            around.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (around.home / f"{self.name}.jsonl").open("a+b") as lines:
                lines.seek(max(lines.seek(0, os.SEEK_END) - 1, 0))
                torn = lines.read(1) not in (b"\n", b"")
                lines.write(b"\n" * torn + parcel.body + b"\n")
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise Unavailable(f"cannot write {self.name}.jsonl: {error.strerror}") from error
