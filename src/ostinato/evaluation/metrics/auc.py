"""Area under the ROC curve, with DeLong's interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.evaluation.metric import Z95, Floats
from ostinato.evaluation.types import Estimate


@dataclass(frozen=True, slots=True)
class Auc:
    """Chance that a positive row scores above a negative one, ties counting half.

    The variance is DeLong's (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44), from midranks in n log n (Sun and Xu
    2014); the interval is taken on the logit, which keeps it within [0, 1] (Qin and Hotilovac 2008).

    >>> Auc().measure(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])).value
    0.75
    """

    higher_is_better: ClassVar[bool] = True

    def measure(self, y: Floats, score: Floats) -> Estimate:
        """The area and its interval; None when one class is missing, no interval when a class has one row or nothing overlaps."""
        positive, negative = score[y == 1], score[y == 0]
        m, n = positive.size, negative.size
        if m == 0 or n == 0:
            return Estimate(value=None)
        both = _midranks(np.concatenate([positive, negative]))
        above = (both[:m] - _midranks(positive)) / n
        below = 1 - (both[m:] - _midranks(negative)) / m
        value = float(above.mean())
        if m < 2 or n < 2 or not 0 < value < 1:
            return Estimate(value=value)
        error = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
        centre, half = np.log(value / (1 - value)), Z95 * error / (value * (1 - value))
        low, high = 1 / (1 + np.exp(-(centre + np.array([-half, half]))))
        return Estimate(value=value, low=float(low), high=float(high))


def _midranks(x: Floats) -> Floats:
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)
