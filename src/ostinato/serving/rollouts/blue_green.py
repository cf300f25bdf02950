"""Blue-green: the candidate answers everything at once, the old version stays warm and takes over again if there is harm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueGreen:
    """The candidate answers every request, the stable version scores along and stands by."""

    def steps(self) -> list[float]:
        """The one weight: 1."""
        return [1.0]
