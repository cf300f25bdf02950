"""Brier score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ostinato.monitoring.proportions import Array


@dataclass(frozen=True, slots=True)
class Brier:
    """By how much the mean squared error of the probability rose against the reference, -1 to 1 (Brier 1950)."""

    tolerance: float = 0.02

    def value(self, counts: Array, centres: Array) -> Array:
        """Counts of shape (..., 2·bins), label 0 before label 1, and the bins' scores → mean squared errors."""
        negative, positive = np.split(counts, 2, axis=-1)
        loss = (negative * centres**2).sum(axis=-1) + (positive * (1 - centres) ** 2).sum(axis=-1)
        rows = counts.sum(axis=-1)
        return np.asarray(np.divide(loss, rows, out=np.full(loss.shape, np.nan), where=rows > 0))

    def effect(self, reference: Array, window: Array, centres: Array) -> Array:
        """The errors of the window less the errors of the reference."""
        return self.value(window, centres) - self.value(reference, centres)
