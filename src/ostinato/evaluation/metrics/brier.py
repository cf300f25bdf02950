"""Brier score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ostinato.evaluation.metric import Floats, mean
from ostinato.evaluation.types import Estimate


@dataclass(frozen=True, slots=True)
class Brier:
    """Mean squared distance between score and label (Brier 1950); 0 is perfect.

    >>> import numpy as np
    >>> Brier().measure(np.array([0.0, 1]), np.array([0.5, 1.0])).value
    0.125
    """

    higher_is_better: ClassVar[bool] = False

    def measure(self, y: Floats, score: Floats) -> Estimate:
        """The mean with its interval."""
        return mean((score - y) ** 2)
