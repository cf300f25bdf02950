"""Bin counts as proportions."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def proportions(counts: Array) -> Array:
    """Counts of shape (..., bins) → shares that add to one along the last axis; all zero where nothing was counted.

    >>> proportions(np.array([1, 3])).tolist()
    [0.25, 0.75]
    """
    total = counts.sum(axis=-1, keepdims=True)
    return np.asarray(counts / np.maximum(total, 1))
