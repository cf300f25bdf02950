"""Influence: how much of a metric's variation goes with each parameter, over runs with several values of it.

Each parameter is held against the metric alone: runs are put into groups of its values, and the share of the variance of the metric's
ranks that lies between the groups is what `share` says (η² of Kruskal & Wallis 1952, corrected for chance as by Tomczak & Tomczak 2014;
ranks, so that no outlier and no scale decides; groups, so that an optimum in the middle counts). Chance is measured by shuffling
(Phipson & Smyth 2010), for all parameters at once, so that a p-value is corrected for how many were looked at (Westfall & Young 1993).
Where values are numbers, `trend` is Spearman's correlation with its interval (Bonett & Wright 2000). What only works together with
another parameter is not found, and parameters that were changed together share their effect: `along` names them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ostinato.tracking.types import Scalar
from ostinato.tracking.view_types import Influence

LEAST = 8
"""With fewer runs, shuffling cannot tell anything from chance."""
PARAMS_MAX = 200
"""Of more parameters, those that most runs have are looked at."""
_ALONG_MAX = 10
_GROUPS = 6
_SHUFFLES = 499
_TOGETHER = 0.8
_Z = 1.959964
Floats = NDArray[np.float64]


def influences(metric: Sequence[float], params: Sequence[Mapping[str, Scalar]]) -> list[Influence]:
    """Each parameter that not all runs share, the greatest share first; none for fewer than `LEAST` runs.

    Of more than `PARAMS_MAX` those that most runs have; of those changed together with one, the ten that went with it most.

    >>> runs = range(40)
    >>> found = influences([abs(run % 5 - 2) for run in runs], [{"depth": run % 5, "seed": run} for run in runs])
    >>> [(one.param, one.share > one.chance, abs(one.trend) < 0.1) for one in found]
    [('depth', True, True), ('seed', False, True)]
    """
    target = np.asarray(metric, dtype=np.float64)
    counts = Counter(name for given in params for name, value in given.items() if value is not None)
    columns = ((name, [given.get(name) for given in params]) for name in sorted(counts, key=lambda name: (-counts[name], name)))
    varied = dict(islice(((name, column) for name, column in columns if len({_value_text(value) for value in column}) > 1), PARAMS_MAX))
    if len(target) < LEAST or not varied or np.all(target == target[0]):
        return []
    ranks = _ranks(target) - (len(target) + 1) / 2
    orders = np.vstack([ranks, np.random.default_rng(0).permuted(np.tile(ranks, (_SHUFFLES, 1)), axis=1)])
    numbers = {name: _ranks(numeric) for name, column in varied.items() if (numeric := _numbers(column)) is not None}
    codes = {name: _groups(column, numbers.get(name)) for name, column in varied.items()}
    shares = {name: _shares(orders, of) for name, of in codes.items()}
    along = _along(numbers)
    greatest = np.max([share[1:] for share in shares.values()], axis=0)
    found = []
    for name, (own, *by_chance) in shares.items():
        trend, low, high = _spearman(numbers[name], ranks) if name in numbers else (None, None, None)
        found.append(
            Influence(
                param=name,
                values=len({_value_text(value) for value in varied[name]}),
                groups=int(codes[name].max()) + 1,
                share=float(own),
                chance=float(np.quantile(by_chance, 0.95)),
                p=float(1 + np.sum(greatest >= own - 1e-12)) / (1 + _SHUFFLES),
                trend=trend,
                low=low,
                high=high,
                along=along.get(name, []),
            )
        )
    return sorted(found, key=lambda one: (-one.share, one.param))


def _shares(orders: Floats, codes: NDArray[np.int64]) -> Floats:
    """Of each order of the centred ranks the share of their variance that lies between the groups, less what chance gives on average."""
    n, k = orders.shape[1], int(codes.max()) + 1
    member = np.zeros((n, k))
    member[np.arange(n), codes] = 1.0
    between = ((orders @ member) ** 2 / member.sum(axis=0)).sum(axis=1) / float(orders[0] @ orders[0])
    return np.asarray(((n - 1) * between - (k - 1)) / max(1, n - k))


def _groups(column: Sequence[Scalar], numeric: Floats | None) -> NDArray[np.int64]:
    """A group for each value where there are few, else for each of as many spans that hold as many runs."""
    told = [_value_text(value) for value in column]
    counts = Counter(told)
    if len(counts) <= _GROUPS:
        names = sorted(counts)
    elif numeric is not None:
        groups = max(2, min(_GROUPS, len(column) // 4))
        edges = np.unique(np.quantile(numeric, np.arange(1, groups) / groups))
        return np.unique(np.searchsorted(edges, numeric, side="right"), return_inverse=True)[1].astype(np.int64)
    else:
        names = [name for name, _ in counts.most_common(_GROUPS - 1)]
    place = {name: i for i, name in enumerate(names)}
    return np.asarray([place.get(value, len(names)) for value in told], dtype=np.int64)


def _numbers(column: Sequence[Scalar]) -> Floats | None:
    """The values, if all of them are finite numbers."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in column):
        return None
    return np.asarray(column, dtype=np.float64)


def _value_text(value: Scalar) -> str:
    return f"{type(value).__name__} {value}"


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def _correlation(x: Floats, y: Floats) -> float:
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale else 0.0


def _spearman(x: Floats, y: Floats) -> tuple[float, float, float]:
    rho = _correlation(x, y)
    around = _Z * math.sqrt((1 + rho * rho / 2) / (len(x) - 3))
    middle = math.atanh(max(-0.999999, min(0.999999, rho)))
    return rho, math.tanh(middle - around), math.tanh(middle + around)


def _along(numbers: Mapping[str, Floats]) -> dict[str, list[str]]:
    """Of each parameter those whose ranks go with its own, the closest first."""
    if not numbers:
        return {}
    names = list(numbers)
    ranks = np.vstack([numbers[name] for name in names])
    ranks -= ranks.mean(axis=1, keepdims=True)
    scales = np.linalg.norm(ranks, axis=1, keepdims=True)
    ranks /= np.where(scales > 0, scales, 1.0)
    close = np.abs(ranks @ ranks.T)
    np.fill_diagonal(close, 0.0)
    nearest = np.argsort(-close, axis=1, kind="stable")[:, :_ALONG_MAX]
    return {name: [names[j] for j in nearest[i] if close[i, j] >= _TOGETHER] for i, name in enumerate(names)}
