"""Jensen–Shannon: the information that a row gives about which distribution it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ostinato.monitoring.proportions import Array, proportions


@dataclass(frozen=True, slots=True)
class JensenShannon:
    """The square root of the Jensen–Shannon divergence in bits, 0 to 1; a metric (Endres & Schindelin 2003)."""

    ordered: ClassVar[bool] = False
    most: ClassVar[float] = 1.0
    tolerance: float = 0.1

    def effect(self, reference: Array, window: Array, _centres: Array) -> Array:
        """Counts of shape (..., bins) → distances of shape (...)."""
        p, q = proportions(reference), proportions(window)
        middle = (p + q) / 2
        bits = _bits(p, middle) + _bits(q, middle)
        return np.asarray(np.sqrt(np.maximum(bits, 0.0) / 2))


def _bits(p: Array, middle: Array) -> Array:
    ratio = np.divide(p, middle, out=np.ones(np.broadcast_shapes(p.shape, middle.shape)), where=p > 0)
    return np.asarray((p * np.log2(ratio)).sum(axis=-1))
