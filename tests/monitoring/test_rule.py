"""The rule against simulated truth: what it states about itself must hold on data it has not seen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from ostinato.monitoring.drift.ks import Ks
from ostinato.monitoring.performance.auc import Auc
from ostinato.monitoring.rule import Trial, Verdict, adjust, judge, rate_of, split
from ostinato.monitoring.windows import Blocks, Grid, Reference, count_scores

FEATURES = 4


def sample(
    rng: np.random.Generator, rows: int, days: int, *, day_effect: float = 0.0, shift: float = 0.0
) -> list[tuple[np.ndarray, Blocks]]:
    """Columns of normal values with an effect of the day, and their blocks."""
    day = np.sort(rng.integers(0, days, rows))
    _, index = np.unique(day, return_inverse=True)
    blocks = Blocks(index=index, count=int(index.max()) + 1, unit="day")
    columns = [rng.normal(size=rows) + day_effect * rng.normal(size=days)[day] for _ in range(FEATURES)]
    columns[0] = columns[0] + shift
    return [(column, blocks) for column in columns]


def verdicts(
    seed: int, *, rows: int, tolerance: float, day_effect: float = 0.0, shift: float = 0.0, draws: int = 199
) -> tuple[list[Verdict], float]:
    """The rule on a reference and a window from the same source, but for the shift of the first column."""
    rng = np.random.default_rng(seed)
    reference = sample(rng, 2000, 40, day_effect=day_effect)
    window = sample(rng, rows, 30, day_effect=day_effect, shift=shift)
    trials = []
    for (ours, our_blocks), (theirs, their_blocks) in zip(reference, window, strict=True):
        grid = Grid.of(pa.chunked_array([ours]), bins=64)
        counts = [b.tally(grid.locate(pa.chunked_array([v]))[0], grid.bins) for v, b in ((ours, our_blocks), (theirs, their_blocks))]
        trials.append(Trial(reference=counts[0], window=counts[1], effect=lambda r, w: Ks().effect(r, w, np.empty(0)), tolerance=tolerance))
    found, rate = judge(trials, draws=draws, checks=150, seed=seed)
    return found, rate.rate


@pytest.mark.parametrize("rows", [200, 1000, 5000])
@pytest.mark.parametrize("day_effect", [0.0, 0.3])
def test_false_alarms_are_as_rare_as_the_rule_states(rows: int, day_effect: float) -> None:
    """With no tolerance, so that the rule does alarm; on seeds that nothing was tuned on, with days that differ as well."""
    worlds = 100
    judged = [verdicts(7_000_000 + rows + i, rows=rows, tolerance=0.0, day_effect=day_effect) for i in range(worlds)]
    alarms = sum(any(v.alarm for v in found) for found, _ in judged)
    stated = float(np.mean([rate for _, rate in judged]))
    assert stated <= 0.08
    assert stats.binomtest(alarms, worlds, min(1.0, max(stated, 0.05)), alternative="greater").pvalue > 0.01


def test_independence_would_not_do() -> None:
    """Days that differ make the classical test cry wolf: why blocks are drawn, not rows."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        (ours, _), (theirs, _) = (sample(rng, 3000, 30, day_effect=0.3)[0] for _ in range(2))
        alarms += stats.ks_2samp(ours, theirs, method="asymp").pvalue < 0.05
    assert alarms > 20


@pytest.mark.parametrize("rows", [1000, 5000])
def test_a_shift_beyond_the_tolerance_is_found_and_on_the_right_feature(rows: int) -> None:
    found = [verdicts(8_000_000 + i, rows=rows, tolerance=0.1, shift=0.6)[0] for i in range(20)]
    assert sum(v[0].alarm for v in found) >= 19
    assert not any(other.alarm for v in found for other in v[1:])


def test_a_trifle_raises_no_alarm_however_certain_it_is() -> None:
    found, _ = verdicts(9, rows=20_000, tolerance=0.1, shift=0.15)
    assert found[0].corrected_p < 0.05
    assert not found[0].alarm


def test_the_interval_covers_the_truth() -> None:
    """A shift of 0.5 standard deviations is a gap of 2Φ(0.25)−1; at least 95 % of the intervals must hold it."""
    truth = 2 * stats.norm.cdf(0.25) - 1
    found = [verdicts(9_000_000 + i, rows=2000, tolerance=0.1, shift=0.5)[0][0] for i in range(120)]
    covered = sum(v.low <= truth <= v.high for v in found)
    assert stats.binomtest(covered, 120, 0.95, alternative="less").pvalue > 0.01


def test_the_rule_is_deterministic() -> None:
    assert verdicts(3, rows=1000, tolerance=0.05) == verdicts(3, rows=1000, tolerance=0.05)


def test_a_loss_of_area_is_found_and_a_gain_is_not() -> None:
    def table(seed: int, slope: float) -> pa.Table:
        rng = np.random.default_rng(seed)
        score = rng.random(6000)
        label = (rng.random(6000) < 1 / (1 + np.exp(-slope * (score - 0.5)))).astype(int)
        return pa.table({"score": score, "label": label})

    reference = Reference.of(table(1, 4.0), [], "")
    centres = np.asarray(reference.scores.centres)
    for slope, expected in ((1.0, True), (4.0, False), (8.0, False)):
        window = table(2, slope)
        counts = count_scores(reference.scores, window, reference.blocks_of(window, ""))
        trial = Trial(reference=reference.scored, window=counts, effect=lambda r, w: Auc().effect(r, w, centres), tolerance=0.02)
        assert judge([trial])[0][0].alarm is expected


def test_binned_area_equals_the_ranks() -> None:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    from ostinato.monitoring.performance.brier import Brier

    rng = np.random.default_rng(5)
    score = rng.beta(2, 5, 20_000)
    label = (rng.random(20_000) < score).astype(int)
    reference = Reference.of(pa.table({"score": score, "label": label}), [], "")
    counts, centres = reference.scored.sum(axis=0), np.asarray(reference.scores.centres)
    assert Auc().value(counts, centres) == pytest.approx(roc_auc_score(label, score), abs=1e-4)
    assert Brier().value(counts, centres) == pytest.approx(brier_score_loss(label, score), abs=1e-4)


def test_parts_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 50, (10, 7))
    pieces = split(counts, 6, rng)
    assert pieces.shape == (60, 7)
    assert (pieces.reshape(6, 10, 7).sum(axis=0) == counts).all()


def test_corrected_p_values_and_rates_as_scipy_has_them() -> None:
    p = np.random.default_rng(1).random((3, 12)) ** 3
    assert np.allclose(adjust(p), stats.false_discovery_control(p, axis=-1))
    ours, scipys = rate_of(7, 90), stats.binomtest(7, 90).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((scipys.low, scipys.high))
    assert judge([]) == ([], rate_of(0, 0))
