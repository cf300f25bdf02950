"""Data that any language can make again: splitmix64 as a counter stream, turned into a distribution by its inverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Pairs = dict[str, tuple[NDArray[Any], NDArray[Any]]]


def uniform(n: int, seed: int) -> NDArray[np.float64]:
    """Numbers between 0 and 1."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, n + 1, dtype=np.uint64) + np.uint64(seed) * np.uint64(1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def normal(n: int, seed: int) -> NDArray[np.float64]:
    """Standard normal numbers."""
    return np.asarray(ndtri(uniform(n, seed)))


def categories(n: int, seed: int, weights: Sequence[float] | NDArray[np.float64]) -> NDArray[Any]:
    """Category k as often as its weight."""
    p = np.asarray(weights, float)
    i = np.searchsorted(np.cumsum(p / p.sum()), uniform(n, seed)).clip(0, len(p) - 1)
    return np.array([f"v{k:03d}" for k in range(len(p))], dtype=object)[i]


def numeric() -> Pairs:
    """Pairs of a reference and a window of numbers."""
    d: Pairs = {f"same_n{n}": (normal(n, s), normal(n, s + 1)) for n, s in ((1000, 1), (5000, 3), (20000, 5))}
    for i, s in enumerate((0.05, 0.1, 0.2, 0.5, 1.0)):
        d[f"shift{s}_n1000"] = (normal(1000, 10 + i), normal(1000, 20 + i) + s)
        d[f"shift{s}_n5000"] = (normal(5000, 30 + i), normal(5000, 40 + i) + s)
    d["shift0.2_n20000"] = (normal(20000, 50), normal(20000, 51) + 0.2)
    d["scale1.5_n5000"] = (normal(5000, 52), 1.5 * normal(5000, 53))
    d["uneven_50_800"] = (normal(50, 54), normal(800, 55) + 0.3)
    d["lognormal_n5000"] = (np.exp(normal(5000, 56)), np.exp(normal(5000, 57) + 0.1))
    heavy = [normal(5000, s) / np.sqrt(-np.log(uniform(5000, s + 1))) for s in (58, 60)]
    d["heavy_t2_n5000"] = (heavy[0], heavy[1] + 0.2)
    d["ties_int_n5000"] = (np.floor(12 * uniform(5000, 62)), np.floor(14 * uniform(5000, 63)))
    d["ties_int50_n5000"] = (np.floor(50 * uniform(5000, 64)), np.floor(52 * uniform(5000, 65)))
    d["fewvals4_n5000"] = (np.floor(4 * uniform(5000, 66)), np.floor(4 * uniform(5000, 67) ** 1.1))
    d["disjoint_n2000"] = (normal(2000, 68), normal(2000, 69) + 20.0)
    a, b = normal(3000, 70), normal(3000, 71) + 0.1
    a[::10], b[::7] = np.nan, np.nan
    d["nan_n3000"] = (a, b)
    d["outlier_n5000"] = (normal(5000, 72), np.where(np.arange(5000) == 17, 1e6, normal(5000, 73)))
    d["const_vs_const"] = (np.ones(2000), np.ones(2000))
    d["tiny_scale"] = (1e-6 * normal(5000, 74), 1e-6 * (normal(5000, 75) + 0.5))
    return d


def categorical() -> Pairs:
    """Pairs of a reference and a window of categories."""
    five, six = [5, 4, 3, 2, 1], [5, 4, 3, 2, 1, 0.2]
    zipf = {a: np.arange(1, 201) ** -a for a in (1.1, 1.2)}
    d: Pairs = {
        "bin_same_n1000": (categories(1000, 101, [0.7, 0.3]), categories(1000, 102, [0.7, 0.3])),
        "bin_shift_n1000": (categories(1000, 103, [0.7, 0.3]), categories(1000, 104, [0.62, 0.38])),
        "five_same_n5000": (categories(5000, 105, five), categories(5000, 106, five)),
        "five_shift_n5000": (categories(5000, 107, five), categories(5000, 108, [4, 4, 3, 2, 2])),
        "newcat_n5000": (categories(5000, 109, five), categories(5000, 110, six)),
        "lostcat_n5000": (categories(5000, 111, six), categories(5000, 112, five)),
        "zipf200_n5000": (categories(5000, 113, zipf[1.1]), categories(5000, 114, zipf[1.2])),
        "uneven_500_4000": (categories(500, 115, [5, 4, 3]), categories(4000, 116, [5, 4, 4])),
    }
    a, b = categories(3000, 117, [3, 2, 1]), categories(3000, 118, [3, 2, 1.3])
    a[::10], b[::7] = None, None
    d["null_n3000"] = (a, b)
    d["disjoint_n2000"] = (categories(2000, 119, [1, 1]), np.array(["z" + x for x in categories(2000, 120, [1, 1])], dtype=object))
    return d
