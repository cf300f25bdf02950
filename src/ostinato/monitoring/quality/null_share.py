"""Missing values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class NullShare:
    """How much larger the share of missing values is than in the reference, -1 to 1."""

    tolerance: float = 0.02

    def value(self, counts: Array) -> Array:
        """Counts of shape (..., 3) of known, new and missing values → shares of missing ones, of shape (...)."""
        return np.asarray(proportions(counts)[..., 2])

    def effect(self, reference: Array, window: Array) -> Array:
        """The shares of the window less the shares of the reference."""
        return self.value(window) - self.value(reference)
