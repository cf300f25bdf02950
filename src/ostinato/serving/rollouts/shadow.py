"""Shadow: the candidate scores every request and answers none, until it is promoted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """The candidate scores every request and answers none."""

    def steps(self) -> list[float]:
        """The one weight: 0."""
        return [0.0]
