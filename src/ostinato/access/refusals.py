"""Rate limit of `access.denied` events, so that unauthenticated requests cannot fill the ledger."""

from __future__ import annotations

import time

TOLD_EVERY_S = 60.0
_KEYS_MAX = 10_000


class Refusals:
    """The time of the last recorded refusal by key, and how many followed."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, ...], tuple[float, int]] = {}

    def due(self, key: tuple[str, ...]) -> int | None:
        """The number of refusals since the last one that was recorded; None if that was within the last minute.

        >>> refusals = Refusals()
        >>> refusals.due(("ana",)), refusals.due(("ana",)), refusals.due(("ben",))
        (0, None, 0)
        """
        now = time.monotonic()
        at, untold = self._told.get(key, (now - TOLD_EVERY_S, 0))
        if now - at < TOLD_EVERY_S:
            self._told[key] = (at, untold + 1)
            return None
        if len(self._told) >= _KEYS_MAX:
            self._told.clear()
        self._told[key] = (now, 0)
        return untold
