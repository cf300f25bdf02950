"""Precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ostinato.evaluation.metric import Floats, wilson
from ostinato.evaluation.types import Estimate


@dataclass(frozen=True, slots=True)
class Precision:
    """Share of positives among the rows at or above the threshold.

    >>> import numpy as np
    >>> Precision().measure(np.array([1.0, 1, 0, 0]), np.array([0.9, 0.2, 0.7, 0.1])).value
    0.5
    """

    threshold: float = 0.5
    higher_is_better: ClassVar[bool] = True

    def measure(self, y: Floats, score: Floats) -> Estimate:
        """The share with Wilson's interval."""
        flagged = score >= self.threshold
        return wilson(float(y[flagged].sum()), float(flagged.sum()))
