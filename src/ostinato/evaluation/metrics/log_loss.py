"""Logarithmic loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.evaluation.metric import Floats, mean
from ostinato.evaluation.types import Estimate


@dataclass(frozen=True, slots=True)
class LogLoss:
    """Mean surprise at the labels, in nats, with scores kept one unit of rounding, 2e-16, away from 0 and 1.

    >>> round(LogLoss().measure(np.array([1.0, 0]), np.array([0.5, 0.5])).value, 4)
    0.6931
    """

    higher_is_better: ClassVar[bool] = False

    def measure(self, y: Floats, score: Floats) -> Estimate:
        """The mean with its interval."""
        rounding = np.finfo(np.float64).eps
        sure = np.where(y == 1, np.maximum(score, rounding), 1 - np.minimum(score, 1 - rounding))
        return mean(-np.log(sure))
