"""Population stability index."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class Psi:
    """Population stability index: the symmetric Kullback–Leibler divergence in nats, empty bins taken as `floor`.

    It grows with the number of empty bins, and below about 1,000 rows a fixed limit on it is mostly noise; kept because
    credit risk asks for it. `jensen_shannon` says the same without a floor.
    """

    ordered: ClassVar[bool] = False
    most: ClassVar[float] = math.inf
    tolerance: float = 0.1
    floor: float = 1e-4

    def effect(self, reference: Array, window: Array, _centres: Array) -> Array:
        """Counts of shape (..., bins) → index of shape (...), from 0 upwards."""
        p, q = proportions(reference), proportions(window)
        used = (p > 0) | (q > 0)
        p, q = np.where(p > 0, p, self.floor), np.where(q > 0, q, self.floor)
        return np.asarray(np.where(used, (q - p) * np.log(q / p), 0.0).sum(axis=-1))
