"""Reports: thresholds, money, groups, and refusals."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ostinato.evaluation.report import cheapest_threshold, evaluate_binary
from ostinato.evaluation.types import CostMatrix, Report
from ostinato.kernel.errors import Invalid, NotFound

MATRIX = CostMatrix(tp=20, fp=20, fn=100, tn=0)


def spent(y: np.ndarray, score: np.ndarray, threshold: float, m: CostMatrix) -> float:
    acted = score >= threshold
    return sum((m.tp if a else m.fn) if label else (m.fp if a else m.tn) for label, a in zip(y, acted, strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_r40_the_cheapest_threshold_is_found_among_all(seed: int) -> None:
    r = np.random.default_rng(seed)
    y = (r.random(60) < 0.4).astype(float)
    score = np.round(np.clip(0.4 * y + r.random(60) * 0.6, 0, 1), 2)
    matrix = CostMatrix() if seed == 0 else CostMatrix(tp=r.normal(), fp=r.random(), fn=2 * r.random(), tn=r.normal())
    best = min(spent(y, score, t, matrix) for t in [*np.unique(score), 2.0])
    assert spent(y, score, cheapest_threshold(y, score, matrix), matrix) == pytest.approx(best)


def test_r40_money_is_counted_against_the_better_policy_without_a_model() -> None:
    y, score = np.array([0, 0, 0, 0, 1, 1]), np.array([0.1, 0.1, 0.2, 0.6, 0.5, 0.9])
    report = evaluate_binary(y, score, cost=MATRIX)
    assert report.threshold_from == "chosen on these rows"
    assert report.threshold == 0.5
    assert report.cost is not None
    assert (report.cost.total, report.cost.baseline, report.cost.baseline_per_row) == (60, "always", 20)
    assert report.cost.saved_total == 60
    assert report.cost.saved_per_row.value == pytest.approx(10)
    given = evaluate_binary(y, score, cost=MATRIX, threshold=0.95)
    assert given.cost is not None
    assert (given.threshold_from, given.cost.total, given.cost.saved_total) == ("given", 200, -80)


def test_groups_carry_intervals_and_survive_a_missing_class() -> None:
    r = np.random.default_rng(5)
    y = (r.random(600) < 0.5).astype(float)
    score = np.clip(0.3 * y + 0.7 * r.random(600), 0, 1)
    origin = np.where(np.arange(600) < 598, np.where(r.random(600) < 0.5, "EWR", "JFK"), "XXX")
    y[origin == "XXX"] = 0
    report = evaluate_binary(y, score, groups={"origin": [*origin[:-1], None]}, metrics=["auc", "recall"])
    by_value = {s.value: s for s in report.groups}
    assert set(by_value) == {"EWR", "JFK", "XXX", ""}
    assert sum(s.rows for s in report.groups) == 600
    assert by_value["XXX"].metrics["auc"].value is None
    auc = by_value["EWR"].metrics["auc"]
    assert auc.low < auc.value < auc.high
    assert report.value("auc", by="origin", group="EWR") == auc.value


def test_a_report_survives_the_wire() -> None:
    report = evaluate_binary([0, 0], [0.2, 0.3], cost=MATRIX, groups={"g": ["a", "b"]})
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


@pytest.mark.parametrize(
    ("y", "score", "field"),
    [
        ([0, 1], [0.1], "score"),
        ([], [], "y"),
        ([0, 2], [0.1, 0.2], "y"),
        ([0, 1], [0.1, 1.2], "score"),
        ([0, 1], [0.1, float("nan")], "score"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(y: list[float], score: list[float], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        evaluate_binary(y, score)
    assert refused.value.field == field


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(NotFound, match="'auk'") as refused:
        evaluate_binary([0, 1], [0.1, 0.2], metrics=["auk"])
    assert "auc" in refused.value.hint
