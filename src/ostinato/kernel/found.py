"""Found: a thing that a search came upon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ostinato.kernel.ref import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A thing, how people call it (`title`), one line about it, and the instant by which it counts as recent."""

    ref: Ref
    title: str
    summary: str = ""
    at: datetime | None = None
