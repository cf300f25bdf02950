"""The statistics of rollouts: bounds that hold however often one looks, and enough power to decide in a month."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from ostinato.serving.analysis import confidence_sequence, e_above, e_below, e_errors, e_shift

ALPHA, MARGIN = 0.01, 0.02


def harms(seed: int, runs: int, pairs: int, worse: float, noise: float = 0.3) -> list[np.ndarray]:
    """Paired differences of squared errors: two noisy forecasts of the same outcomes, the candidate's off by `worse` in log-odds."""
    made = []
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        odds = rng.normal(-1.3, 0.8, pairs)
        truth = rng.random(pairs) < expit(odds)
        stable = expit(odds + rng.normal(0, noise, pairs))
        candidate = expit(odds + worse + rng.normal(0, noise, pairs))
        made.append((candidate - truth) ** 2 - (stable - truth) ** 2)
    return made


def stops(values: np.ndarray, test: str) -> bool:
    e_values = (e_above if test == "above" else e_below)(values, MARGIN)
    return bool((e_values >= 1 / ALPHA).any())


def test_r67_a_harmless_candidate_is_rolled_back_at_most_as_often_as_alpha_allows_with_a_look_at_every_pair() -> None:
    false_rollbacks = sum(stops(d, "above") for d in harms(seed=20130701, runs=1000, pairs=600, worse=0.0))
    assert false_rollbacks <= 10  # alpha = 1 % of 1000, seeds not used for any choice


def test_a_candidate_right_at_the_margin_is_the_worst_case_and_still_within_alpha() -> None:
    rng = np.random.default_rng(20130702)
    at_margin = [np.where(rng.random(1000) < 0.5, MARGIN + 0.2, MARGIN - 0.2) for _ in range(1000)]
    assert sum(stops(d, "above") for d in at_margin) <= 10 + 10  # alpha, and three standard errors of the simulation
    assert sum(stops(d, "below") for d in at_margin) <= 10 + 10


def test_r67_a_harmful_candidate_is_caught_and_a_good_one_is_proven_within_a_month_of_requests() -> None:
    bad = harms(seed=3, runs=200, pairs=600, worse=2.0)
    assert np.mean([d.mean() for d in bad]) > 0.05
    assert np.mean([stops(d, "above") for d in bad]) > 0.95
    good = harms(seed=4, runs=200, pairs=600, worse=0.0)
    assert np.mean([stops(d, "below") for d in good]) > 0.95
    assert not any(stops(d, "below") for d in bad)


def test_r67_shifted_scores_are_caught_without_labels_and_a_shift_within_bounds_is_not() -> None:
    def shifts(run: int, by: float, requests: int) -> np.ndarray:
        rng = np.random.default_rng([20130801, run])
        odds = rng.normal(-1.3, 0.8, requests)
        return expit(odds + by + rng.normal(0, 0.3, requests)) - expit(odds)

    far = [shifts(run, -2.5, 200) for run in range(200)]
    assert np.mean([d.mean() for d in far]) < -0.15
    assert np.mean([e_shift(d, 0.1)[-1] >= 1 / ALPHA for d in far]) > 0.95
    near = [shifts(run, 0.4, 400) for run in range(1000)]
    assert 0.05 < np.mean([d.mean() for d in near]) < 0.1
    ever = sum(any(e_shift(d[:n], 0.1)[-1] >= 1 / ALPHA for n in range(10, 401, 10)) for d in near)
    assert ever <= 10  # alpha = 1 % of 1000


def test_the_confidence_sequence_covers_the_mean_at_all_times_together() -> None:
    missed = 0
    for run in range(80):
        values = np.random.default_rng([5, run]).choice([-0.3, 0.05, 0.4], 150, p=[0.3, 0.4, 0.3])
        found = confidence_sequence(values, 0.05)
        missed += bool((found.low > 0.05).any() or (found.high < 0.05).any())
    assert missed <= 80 * 0.1  # each end fails with at most 5 %


def test_the_confidence_sequence_holds_the_mean_so_far_also_where_the_mean_moves() -> None:
    for run in range(20):
        rng = np.random.default_rng([7, run])
        values = np.concatenate([rng.normal(-0.02, 0.1, 150), rng.normal(0.15, 0.1, 150)]).clip(-1, 1)
        found, so_far = confidence_sequence(values, 0.05), np.cumsum(values) / np.arange(1, 301)
        assert (found.low <= so_far).all()
        assert (so_far <= found.high).all()
        assert found.high[-1] - found.low[-1] < 0.15


def test_errors_of_the_whole_service_count_against_nobody() -> None:
    rng = np.random.default_rng(6)
    outage = rng.random(2000) < 0.3
    assert e_errors(outage, outage, 1.2)[-1] == 1.0
    own, other = rng.random(2000) < 0.04, rng.random(2000) < 0.01
    assert e_errors(outage | own, outage | other, 1.2)[-1] > 100
    assert e_errors(outage | other, outage | own, 1.2)[-1] < 1.0


@pytest.mark.parametrize("values", [np.array([]), np.array([1.0]), np.full(5000, -1.0), np.full(5000, 1.0)])
def test_extremes_stay_finite(values: np.ndarray) -> None:
    assert np.isfinite(e_above(values, MARGIN)).all()
    assert np.isfinite(e_below(values, MARGIN)).all()
