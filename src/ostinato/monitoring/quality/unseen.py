"""Values that the reference does not hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class Unseen:
    """The share of values outside the range, or of categories outside the set, that the reference holds, 0 to 1.

    The share to expect of unchanged data is the one that each block of the reference has against the other blocks.
    """

    tolerance: float = 0.01

    def value(self, counts: Array) -> Array:
        """Counts of shape (..., 3) of known, new and missing values → shares of new ones, of shape (...)."""
        return np.asarray(proportions(counts)[..., 1])

    def effect(self, reference: Array, window: Array) -> Array:
        """The shares of the window less the shares of the reference."""
        return self.value(window) - self.value(reference)
