"""Hellinger: the distance between the square roots of two distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class Hellinger:
    """The Hellinger distance, 0 to 1; a metric."""

    ordered: ClassVar[bool] = False
    most: ClassVar[float] = 1.0
    tolerance: float = 0.1

    def effect(self, reference: Array, window: Array, _centres: Array) -> Array:
        """Counts of shape (..., bins) → distances of shape (...)."""
        affinity = np.sqrt(proportions(reference) * proportions(window)).sum(axis=-1)
        return np.asarray(np.sqrt(np.maximum(0.0, 1.0 - affinity)))
