"""Canary: a small share of the requests first, then more."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """The candidate answers a growing share of the requests."""

    weights: list[float] = field(default_factory=lambda: [0.1, 0.5])

    def steps(self) -> list[float]:
        """The weights in order, each in [0, 1]."""
        return list(self.weights)
