"""The alarm rule, and the measurement of its false-alarm rate.

Everything compared is a table of counts: blocks (days) × cells. The distribution of an effect on unchanged data comes from
pairs of a reference and a window that are both drawn, with replacement and by whole blocks, from the blocks of the
reference: the block bootstrap (Künsch 1989), which keeps what rows of one day have in common. An alarm needs a corrected
p-value (Benjamini & Hochberg 1995) below alpha *and* an interval of the effect that lies above the tolerance, so that
neither noise in a small window nor a trifle in a large one raises one. Fresh pairs then measure how often the rule alarms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ostinato.evaluation.metric import wilson_interval
from ostinato.kernel.frozen import frozen
from ostinato.monitoring.proportions import Array
from ostinato.monitoring.types import Rate

_BLOCKS_MAX = 8192
_SPARSE = 16
"""So many times more blocks than are drawn, adding rows is faster than a product of matrices."""


@frozen
class Trial:
    """One comparison: counts of the reference and of the window, each of shape (blocks, cells)."""

    reference: Array
    window: Array
    effect: Callable[[Array, Array], Array]
    tolerance: float


@frozen
class Verdict:
    """The verdict of the rule on one trial. `low` to `high` is the 95 % interval of the effect."""

    effect: float
    low: float
    high: float
    p: float
    corrected_p: float
    alarm: bool
    false_alarm: Rate


def judge(
    trials: Sequence[Trial], *, alpha: float = 0.05, draws: int = 999, checks: int = 500, seed: int = 0
) -> tuple[list[Verdict], Rate]:
    """Judge trials that are corrected for one another; returns the verdicts and how often any of them is a false alarm.

    `draws` pairs make the null distribution (more where the correction needs a finer p), `checks` fresh pairs measure the
    rule. Trials with the same numbers of blocks share their pairs, which keeps how features move together.
    """
    if not trials:
        return [], rate_of(0, 0)
    draws = max(draws, math.ceil(2 * len(trials) / alpha) - 1)
    null = np.stack([pairs(t, draws, seed) for t in trials], axis=-1)
    fresh = np.stack([pairs(t, checks, seed + 1) for t in trials], axis=-1)
    found = np.array([float(np.nan_to_num(t.effect(t.reference.sum(axis=0), t.window.sum(axis=0)))) for t in trials])
    reach = np.quantile(np.abs(null), 0.95, axis=0)
    tolerance = np.array([t.tolerance for t in trials])
    p = tail(null, found[None])[0]
    corrected = adjust(p)
    false = (adjust(tail(null, fresh)) < alpha) & (fresh - reach > tolerance)
    verdicts = [
        Verdict(
            effect=float(found[i]),
            low=float(found[i] - reach[i]),
            high=float(found[i] + reach[i]),
            p=float(p[i]),
            corrected_p=float(corrected[i]),
            alarm=bool(corrected[i] < alpha and found[i] - reach[i] > tolerance[i]),
            false_alarm=rate_of(int(false[:, i].sum()), checks),
        )
        for i in range(len(trials))
    ]
    return verdicts, rate_of(int(false.any(axis=1).sum()), checks)


def pairs(trial: Trial, draws: int, seed: int) -> Array:
    """Effects between `draws` references and windows drawn from the blocks of the reference, sized like the real ones."""
    rng = np.random.default_rng(seed)
    blocks, length = len(trial.reference), len(trial.window)
    parts = _parts(trial)
    source = split(trial.reference, parts, np.random.default_rng(seed + 2)) if parts > 1 else trial.reference
    references, windows = _drawn(rng, trial.reference, draws, blocks), _drawn(rng, source, draws, length)
    return np.nan_to_num(trial.effect(references, windows))


def _drawn(rng: np.random.Generator, counts: Array, draws: int, size: int) -> Array:
    """The summed counts of `draws` samples of `size` blocks: shape (draws, cells)."""
    blocks = len(counts)
    picks = rng.integers(0, blocks, (draws, size))
    if blocks > _SPARSE * size:
        return np.asarray(sum(counts[picks[:, i]] for i in range(size)))
    flat = (picks + blocks * np.arange(draws)[:, None]).ravel()
    return np.bincount(flat, minlength=draws * blocks).reshape(draws, blocks).astype(np.float32) @ counts.astype(np.float32)


def _parts(trial: Trial) -> int:
    """Into how many parts a block of the reference must be split to hold about as many rows as one of the window."""
    rows = trial.reference.sum() / len(trial.reference)
    needed = math.ceil(float(rows / max(1.0, trial.window.sum() / len(trial.window))) - 0.25)
    return max(1, min(needed, _BLOCKS_MAX // len(trial.reference)))


def split(counts: Array, parts: int, rng: np.random.Generator) -> Array:
    """Counts of shape (blocks, cells) → (parts·blocks, cells): every row joins one of the parts at random."""
    left = counts.astype(np.int64)
    pieces = []
    for part in range(parts, 1, -1):
        taken = rng.binomial(left, 1 / part)
        pieces.append(taken)
        left = left - taken
    return np.concatenate([*pieces, left])


def tail(null: Array, effects: Array) -> Array:
    """The share of the null distribution (draws, trials) at or above effects (…, trials), counting the effect itself."""
    draws = len(null)
    order = np.sort(null, axis=0)
    above = [draws - np.searchsorted(order[:, i], effects[:, i] - 1e-12, side="left") for i in range(null.shape[1])]
    return (1 + np.stack(above, axis=-1)) / (draws + 1)


def adjust(p: Array) -> Array:
    """P-values of shape (…, trials) corrected for the rate of false discoveries (Benjamini & Hochberg 1995).

    >>> adjust(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    m = p.shape[-1]
    order = np.argsort(p, axis=-1)
    ranked = np.take_along_axis(p, order, axis=-1) * m / np.arange(1, m + 1)
    ranked = np.minimum(1.0, np.minimum.accumulate(ranked[..., ::-1], axis=-1)[..., ::-1])
    corrected = np.empty_like(ranked)
    np.put_along_axis(corrected, order, ranked, axis=-1)
    return corrected


def rate_of(hits: int, draws: int) -> Rate:
    """A rate with its 95 % interval (Wilson 1927)."""
    low, high = wilson_interval(hits, draws)
    return Rate(rate=hits / draws if draws else 0.0, low=low, high=high, draws=draws)
