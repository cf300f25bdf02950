"""Events to a file of JSON lines."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ostinato.kernel.errors import Invalid, Unavailable
from ostinato.ledger.types import Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Appends each event as a line of JSON to `<data>/sinks/<name>.jsonl`; a repeat is known by its `id`."""

    name: str = "events"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.name):
            raise Invalid(f"not a file name: {self.name!r}", hint="letters, digits, _ and -, without a suffix", field="name")

    def send(self, parcel: Parcel, home: Path) -> None:
        """Append one line and flush it to disk."""
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (home / f"{self.name}.jsonl").open("ab") as lines:
                lines.write(parcel.body + b"\n")
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise Unavailable(f"cannot write {self.name}.jsonl: {error.strerror}") from error
