"""SearchResult: one thing that a search found."""

from __future__ import annotations

from datetime import datetime

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref


@frozen
class SearchResult:
    """A thing that was found: its display name, one line about it, and the instant by which results are sorted."""

    ref: Ref
    title: str
    summary: str = ""
    at: datetime | None = None
