"""Bin edges of histograms."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_BINS = 20


def edges(low: float, high: float, *, whole: bool) -> npt.NDArray[np.float64]:
    """The edges of at most 20 bins of one width from `low` to `high`; for `whole` numbers each bin holds as many of them as any other.

    >>> edges(1, 7, whole=True).tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """
    if not whole:
        return np.histogram_bin_edges([low, high], bins=_BINS)
    width = math.ceil((high - low + 1) / _BINS)
    return low + width * np.arange(math.ceil((high - low + 1) / width) + 1, dtype=np.float64)
