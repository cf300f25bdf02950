"""Sequential tests of harm and of no harm, valid however often one looks.

Both versions score every request, so the comparison is paired. With d in [-1, 1] the difference of the squared errors of a pair,
the capital prod(1 + bet * (d - m)) of a fixed bet starts at 1 and cannot be expected to grow while the mean of d given the past is at most
m; a mixture of such capitals is an e-value, which reaches 1/alpha with probability at most alpha, at any time (Ville 1939;
Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 86, 2024). Inverting the test over
m gives a confidence sequence for the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FRACTIONS = np.array([0.95, 0.5, 0.25, 0.1, 0.04])
_PRIOR = np.array([0.4, 0.25, 0.15, 0.1, 0.1])
_GRID = np.round(np.arange(-0.995, 1.0, 0.005), 3)


def e_above(values: Floats, mean: float, low: float = -1.0) -> Floats:
    """The e-value after each of `values` (all at least `low`) against "their mean given the past is at most `mean`".

    >>> bool(e_above(np.full(40, 0.5), 0.02)[-1] > 100), float(e_above(np.full(40, 0.02), 0.02)[-1])
    (True, 1.0)
    """
    if not len(values):
        return np.ones(0)
    bets = _FRACTIONS / (mean - low)
    capital = np.cumsum(np.log1p(np.outer(bets, values - mean)), axis=1)
    e_values: Floats = np.exp(np.clip(np.logaddexp.reduce(capital + np.log(_PRIOR)[:, None], axis=0), -700, 700))
    return e_values


def e_below(values: Floats, mean: float, high: float = 1.0) -> Floats:
    """The e-value after each of `values` (all at most `high`) against "their mean given the past is at least `mean`"."""
    return e_above(-values, -mean, -high)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Bounds of a mean after each value, valid together at all times: each end fails with probability at most alpha."""

    low: Floats
    high: Floats


def confidence_sequence(values: Floats, alpha: float) -> Sequence:
    """Bounds of the mean of values in [-1, 1], on a grid of 0.005, rounded outwards.

    Each pair of bounds comes from all values so far, not from the narrowest of earlier ones: where the mean moves, the bounds move with it.
    """
    low, high = np.full(len(values), -1.0), np.full(len(values), 1.0)
    for mean in _GRID:
        low = np.where(e_above(values, mean) >= 1 / alpha, np.maximum(low, mean), low)
        high = np.where(e_below(values, mean) >= 1 / alpha, np.minimum(high, mean), high)
    return Sequence(low, high)


def e_errors(candidate: NDArray[np.bool_], stable: NDArray[np.bool_], ratio: float) -> Floats:
    """The e-value after each request against "the candidate fails at most `ratio` times as often", from those on which exactly one failed.

    A failure of both, such as of the whole service, says nothing about either.
    """
    only = candidate != stable
    return _spread(only, e_above(candidate[only].astype(np.float64), ratio / (1 + ratio), low=0.0))


def e_shift(shift: Floats, most: float) -> Floats:
    """The e-value after each request against "the mean of the paired differences of scores lies in [-most, most]": the mean of both
    sides. A request on which a version failed has no difference (nan) and leaves it as it is.

    >>> bool(e_shift(np.full(60, -0.3), 0.1)[-1] > 100), bool(e_shift(np.full(60, 0.05), 0.1)[-1] <= 1)
    (True, True)
    """
    both = ~np.isnan(shift)
    return _spread(both, (e_above(shift[both], most) + e_below(shift[both], -most)) / 2)


def _spread(told: NDArray[np.bool_], e_values: Floats) -> Floats:
    """The e-values of the requests that tell something, over all of them; 1 before the first."""
    spread: Floats = np.concatenate([[1.0], e_values])[np.cumsum(told)]
    return spread


def quantiles(latencies_ms: Floats) -> list[float | None]:
    """The median, 95th and 99th percentile; None where there is nothing."""
    if not len(latencies_ms):
        return [None, None, None]
    return [round(float(q), 3) for q in np.quantile(latencies_ms, [0.5, 0.95, 0.99])]


def guard(candidate: dict[str, Any], stable: dict[str, Any], max_latency_ms: float | None) -> str:
    """The hard limit that the candidate breaks, as a sentence; empty if none. `score` and `failed` stand by request, in order."""
    failed, scores, others = candidate["failed"], candidate["score"], stable["score"]
    if len(failed) >= 20 and failed.mean() > 0.5 and stable["failed"].mean() <= 0.5:
        return f"{int(failed.sum())} of {len(failed)} requests failed"
    both = ~(failed | stable["failed"])
    if both.sum() >= 50 and np.ptp(scores[both]) == 0 and np.ptp(others[both]) > 0:
        return f"the same score for {int(both.sum())} requests"
    p99 = quantiles(candidate["latency_ms"][~failed])[2]
    if max_latency_ms is not None and len(failed) >= 50 and p99 is not None and p99 > max_latency_ms:
        return f"99 % of the answers take up to {p99} ms, beyond {max_latency_ms} ms"
    return ""


def checkpoints(pairs: int, most: int = 100) -> list[int]:
    """At most `most` numbers of pairs at which a path is kept, the last included.

    >>> checkpoints(5, 3)
    [1, 3, 5]
    """
    if pairs <= most:
        return list(range(1, pairs + 1))
    return sorted({math.ceil(1 + i * (pairs - 1) / (most - 1)) for i in range(most)})
