"""Metric: the interface of the family `metrics`, and the intervals that several of them share."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.types import Estimate
from ostinato.kernel.family import Family

Floats = NDArray[np.float64]

Z95 = 1.959963984540054


class Metric(Protocol):
    """A member: a dataclass whose fields are its parameters; `threshold` is filled in where it has one."""

    higher_is_better: ClassVar[bool]

    def measure(self, y: Floats, score: Floats) -> Estimate:
        """The metric on labels `y` in {0, 1} and scores in [0, 1], both of shape (n,), with its 95 % interval."""
        ...


METRICS: Family[Any] = Family("ostinato.evaluation.metrics")


def wilson(successes: float, rows: float) -> Estimate:
    """A share and its 95 % score interval (Wilson 1927, Probable inference).

    >>> wilson(8, 10).low.__round__(3), wilson(0, 0).value
    (0.49, None)
    """
    if rows == 0:
        return Estimate(value=None)
    low, high = wilson_interval(successes, rows)
    return Estimate(value=successes / rows, low=low, high=high)


def wilson_interval(successes: float, rows: float) -> tuple[float, float]:
    """The two ends of the 95 % score interval of a share; everything is possible without a row.

    >>> wilson_interval(5, 100)[1] < 0.12, wilson_interval(0, 0)
    (True, (0.0, 1.0))
    """
    if rows == 0:
        return 0.0, 1.0
    share, z2 = successes / rows, Z95**2
    centre = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z95 / (1 + z2 / rows) * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean(values: Floats) -> Estimate:
    """A mean and its 95 % interval by the central limit theorem; no interval below two rows."""
    if values.size == 0:
        return Estimate(value=None)
    value = float(values.mean())
    if values.size == 1:
        return Estimate(value=value)
    half = Z95 * float(values.std(ddof=1)) / values.size**0.5
    return Estimate(value=value, low=value - half, high=value + half)
