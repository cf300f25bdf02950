"""Kolmogorov–Smirnov: the largest gap between two distribution functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.monitoring.distributions import kolmogorov
from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class Ks:
    """The largest gap between the distribution functions, 0 to 1; for ordered bins.

    Exact when every distinct value has its own bin, otherwise short by at most the largest share of a bin.
    """

    ordered: ClassVar[bool] = True
    most: ClassVar[float] = 1.0
    tolerance: float = 0.1

    def effect(self, reference: Array, window: Array, _centres: Array) -> Array:
        """Counts of shape (..., bins) → distances of shape (...)."""
        gaps = np.abs(np.cumsum(proportions(reference), axis=-1) - np.cumsum(proportions(window), axis=-1))
        return np.asarray(gaps.max(axis=-1))

    def p_value(self, reference: Array, window: Array) -> float:
        """The p-value for independent rows (Hodges 1958; Stephens 1970 where the two sizes differ)."""
        distance = float(self.effect(reference, window, np.empty(0)))
        return kolmogorov(distance, int(reference.sum()), int(window.sum()))
