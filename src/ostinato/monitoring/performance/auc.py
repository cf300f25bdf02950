"""Area under the ROC curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ostinato.monitoring.proportions import Array


@dataclass(frozen=True, slots=True)
class Auc:
    """The area under the ROC curve that was lost against the reference, -1 to 1."""

    tolerance: float = 0.03

    def value(self, counts: Array, _centres: Array) -> Array:
        """Counts of shape (..., 2·bins), label 0 before label 1, bins by rising score → areas; NaN where a class is absent."""
        negative, positive = np.split(counts, 2, axis=-1)
        below = np.cumsum(negative, axis=-1) - negative / 2
        pairs = negative.sum(axis=-1) * positive.sum(axis=-1)
        return np.asarray(np.divide((positive * below).sum(axis=-1), pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0))

    def effect(self, reference: Array, window: Array, centres: Array) -> Array:
        """The areas of the reference less the areas of the window."""
        return self.value(reference, centres) - self.value(window, centres)
