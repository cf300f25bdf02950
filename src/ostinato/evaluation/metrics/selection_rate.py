"""Selection rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ostinato.evaluation.metric import Floats, wilson
from ostinato.evaluation.types import Estimate


@dataclass(frozen=True, slots=True)
class SelectionRate:
    """Share of all rows that are at or above the threshold: whom the model acts on.

    >>> import numpy as np
    >>> SelectionRate().measure(np.array([1.0, 1, 0, 0]), np.array([0.9, 0.2, 0.7, 0.1])).value
    0.5
    """

    threshold: float = 0.5
    higher_is_better: ClassVar[bool] = False

    def measure(self, y: Floats, score: Floats) -> Estimate:
        """The share with Wilson's interval."""
        return wilson(float((score >= self.threshold).sum()), y.size)
