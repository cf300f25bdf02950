"""Expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ostinato.evaluation.calibration import calibration_bins
from ostinato.evaluation.metric import Floats
from ostinato.evaluation.types import Estimate


@dataclass(frozen=True, slots=True)
class Ece:
    """Mean distance between score and observed share over bins of equal size (Naeini, Cooper and Hauskrecht 2015).

    It is biased upwards on few rows: even a perfect model shows up to 0.4 sqrt(bins / rows).

    >>> import numpy as np
    >>> Ece(bins=1).measure(np.array([0.0, 1, 1, 1]), np.array([0.5, 0.5, 0.5, 0.5])).value
    0.25
    """

    bins: int = 10
    higher_is_better: ClassVar[bool] = False

    def measure(self, y: Floats, score: Floats) -> Estimate:
        """The error, without an interval."""
        if y.size == 0:
            return Estimate(value=None)
        bins = calibration_bins(y, score, self.bins)
        return Estimate(value=sum(b.rows * abs(b.mean_score - b.rate) for b in bins) / y.size)
