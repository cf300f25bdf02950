"""Wasserstein: how far the mass of one distribution must travel to become the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class Wasserstein:
    """The first Wasserstein distance in standard deviations of the reference; for ordered bins.

    There is no floor under the standard deviation, so that a feature of tiny scale counts like any other. Values beyond
    the bins count as their nearest end, so that one outlier cannot raise an alarm.
    """

    ordered: ClassVar[bool] = True
    most: ClassVar[float] = math.inf
    tolerance: float = 0.1

    def effect(self, reference: Array, window: Array, centres: Array) -> Array:
        """Counts of shape (..., bins) and the bins' values → distances of shape (...)."""
        p = proportions(reference)
        gaps = np.abs(np.cumsum(p, axis=-1) - np.cumsum(proportions(window), axis=-1))[..., :-1]
        distance = (gaps * np.diff(centres)).sum(axis=-1)
        mean = (p * centres).sum(axis=-1, keepdims=True)
        spread = np.sqrt((p * (centres - mean) ** 2).sum(axis=-1))
        return np.asarray(np.divide(distance, spread, out=np.where(distance > 0, np.float64(1e300), 0.0), where=spread > 0))
