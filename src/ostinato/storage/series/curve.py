"""Curve: one series in the order of its steps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.frozen import frozen


@frozen
class Curve:
    """One series in the order of its steps, equal steps in the order of arrival; `at` in microseconds after 1970."""

    step: NDArray[np.int64]
    at: NDArray[np.int64]
    value: NDArray[np.float64]

    def thinned(self, points: int) -> Curve:
        """About `points` of the points, with the same look: of each stretch the first, the lowest, the highest and the last."""
        stretches = max(1, points // 4)
        if len(self.value) <= 4 * stretches:
            return self
        edges = np.linspace(0, len(self.value), stretches + 1).astype(np.int64)
        lowest, highest = np.where(np.isnan(self.value), np.inf, self.value), np.where(np.isnan(self.value), -np.inf, self.value)
        chosen = [edges[:-1], edges[1:] - 1]
        for start, end in pairwise(edges):
            chosen.append(np.array([start + np.argmin(lowest[start:end]), start + np.argmax(highest[start:end])]))
        kept = np.unique(np.concatenate(chosen))
        return Curve(step=self.step[kept], at=self.at[kept], value=self.value[kept])
