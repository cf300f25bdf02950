"""Chi-square: the two-sample test for categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.monitoring.distributions import chi_square
from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """The chi-square of two samples, as an effect that does not grow with their sizes, 0 to 1.

    The effect is sqrt(½ Σ (p−q)² / (p+q)), which is Cramér's V for samples of equal size and a metric (Le Cam 1986). The
    test is the one of homogeneity: the reference is a sample, too, and not taken for the truth.
    """

    ordered: ClassVar[bool] = False
    most: ClassVar[float] = 1.0
    tolerance: float = 0.1

    def effect(self, reference: Array, window: Array, _centres: Array) -> Array:
        """Counts of shape (..., bins) → effects of shape (...)."""
        p, q = proportions(reference), proportions(window)
        both = p + q
        parts = np.divide((p - q) ** 2, both, out=np.zeros_like(both), where=both > 0)
        return np.asarray(np.sqrt(parts.sum(axis=-1) / 2))

    def statistic(self, reference: Array, window: Array) -> float:
        """Pearson's chi-square of the table of two rows."""
        n, m = float(reference.sum()), float(window.sum())
        both = reference + window
        used = both > 0
        return float((((m / n) ** 0.5 * reference - (n / m) ** 0.5 * window)[used] ** 2 / both[used]).sum())

    def p_value(self, reference: Array, window: Array) -> float:
        """The p-value for independent rows; 1 where only one category was seen."""
        freedom = int(((reference + window) > 0).sum()) - 1
        return chi_square(self.statistic(reference, window), freedom) if freedom > 0 else 1.0
