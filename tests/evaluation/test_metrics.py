"""Metrics against scipy and scikit-learn, and the coverage of their intervals by simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from ostinato.evaluation.calibration import calibration_bins
from ostinato.evaluation.metric import METRICS, Z95, wilson

CONFIRM = 20_261_121  # seeds from here on were not looked at while the code was written


def sample(seed: int, rows: int = 400, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(seed)
    y = (r.random(rows) < 0.3).astype(float)
    score = 1 / (1 + np.exp(-(y + r.normal(size=rows))))
    return y, np.round(score, 1) if ties else score


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_values_agree_with_scikit_learn(seed: int, ties: bool) -> None:
    y, score = sample(seed, ties=ties)
    flagged = score >= 0.6
    expected = {
        "auc": sk.roc_auc_score(y, score),
        "brier": sk.brier_score_loss(y, score),
        "log_loss": sk.log_loss(y, score),
        "accuracy": sk.accuracy_score(y, flagged),
        "precision": sk.precision_score(y, flagged),
        "recall": sk.recall_score(y, flagged),
        "false_positive_rate": flagged[y == 0].mean(),
        "selection_rate": flagged.mean(),
    }
    assert set(expected) | {"ece"} == set(METRICS.names())
    for name, value in expected.items():
        known = "threshold" in METRICS.get(name).__dataclass_fields__
        measured = METRICS.make(name, {"threshold": 0.6} if known else {}).measure(y, score)
        assert measured.value == pytest.approx(value, abs=1e-12), name


def test_the_variance_of_delong_agrees_with_its_definition_pair_by_pair() -> None:
    y, score = sample(11, ties=True)
    positive, negative = score[y == 1], score[y == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    value, error = wins.mean(), np.sqrt(wins.mean(1).var(ddof=1) / positive.size + wins.mean(0).var(ddof=1) / negative.size)
    measured = METRICS.make("auc").measure(y, score)
    half = Z95 * error / (value * (1 - value))
    logit = np.log(value / (1 - value))
    assert measured.value == pytest.approx(stats.mannwhitneyu(positive, negative).statistic / wins.size)
    assert measured.low == pytest.approx(1 / (1 + np.exp(half - logit)))
    assert measured.high == pytest.approx(1 / (1 + np.exp(-half - logit)))


def test_intervals_of_the_auc_cover_the_truth_as_often_as_they_say() -> None:
    truth, hits, tries = stats.norm.cdf(1 / np.sqrt(2)), 0, 800
    for seed in range(tries):
        measured = METRICS.make("auc").measure(*sample(CONFIRM + seed, rows=200))
        hits += measured.low <= truth <= measured.high
    assert 0.925 <= hits / tries <= 0.975  # ± 3.2 standard errors of a 95 % interval


def test_wilson_agrees_with_scipy() -> None:
    for successes, rows in [(0, 7), (3, 9), (50, 50), (120, 1000)]:
        expected = stats.binomtest(successes, rows).proportion_ci(0.95, "wilson")
        measured = wilson(successes, rows)
        assert (measured.low, measured.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("name", METRICS.names())
def test_one_row_and_one_class_are_answered_honestly(name: str) -> None:
    metric = METRICS.make(name)
    for y, score in [([1.0], [0.4]), ([0.0, 0.0], [0.1, 0.9]), ([], [])]:
        measured = metric.measure(np.array(y), np.array(score))
        for number in (measured.value, measured.low, measured.high):
            assert number is None or np.isfinite(number)
    assert METRICS.make("auc").measure(np.zeros(3), np.ones(3)).value is None


def test_calibration_bins_hold_every_row_once_and_never_part_equal_scores() -> None:
    y, score = sample(3, rows=1003, ties=True)
    bins = calibration_bins(y, score)
    assert sum(b.rows for b in bins) == 1003
    assert sum(b.rows * b.rate for b in bins) == pytest.approx(y.sum())
    assert all(a.high < b.low for a, b in pairwise(bins))
    even = calibration_bins(*sample(4, rows=1003))
    assert {b.rows for b in even} <= {100, 101}


def test_a_calibrated_score_has_a_small_error_and_a_twisted_one_a_large() -> None:
    r = np.random.default_rng(CONFIRM)
    score = r.random(20_000)
    y = (r.random(20_000) < score).astype(float)
    ece = METRICS.make("ece")
    assert ece.measure(y, score).value < 0.015
    assert ece.measure(y, score**3).value > 0.15
