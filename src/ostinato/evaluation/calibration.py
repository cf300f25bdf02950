"""Calibration: how often rows with a given score are positive."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ostinato.evaluation.metric import Floats
from ostinato.evaluation.types import Bin


def calibration_bins(y: Floats, score: Floats, bins: int = 10) -> list[Bin]:
    """Sort by score, cut into `bins` parts of equal size (± 1 row, equal scores never parted), compare score and outcome.

    >>> [b.rate for b in calibration_bins(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]), 2)]
    [0.0, 1.0]
    """
    order = np.argsort(score, kind="stable")
    score, y = score[order], y[order]
    cuts = np.searchsorted(score, score[np.arange(1, bins) * score.size // bins]) if score.size else np.array([], dtype=np.intp)
    edges = np.unique(np.concatenate([[0], cuts, [score.size]]))
    return [
        Bin(
            low=float(score[a]),
            high=float(score[b - 1]),
            rows=int(b - a),
            mean_score=float(score[a:b].mean()),
            rate=float(y[a:b].mean()),
        )
        for a, b in pairwise(edges)
    ]
