"""Figures: the series that the charts of an evaluation draw."""

from __future__ import annotations

from ostinato.evaluation.metric import METRICS, wilson
from ostinato.evaluation.types import CalibrationPoint, Evaluation, Figures, MetricFigure


def figures(evaluation: Evaluation) -> Figures:
    """The metrics with their directions, in the order of the family, and the calibration with its intervals."""
    report, known = evaluation.report, METRICS.names()
    return Figures(
        evaluation=evaluation,
        metrics=[
            MetricFigure(metric=name, higher_is_better=METRICS.get(name).higher_is_better, estimate=report.metrics[name])
            for name in known
            if name in report.metrics
        ],
        calibration=[
            CalibrationPoint(low=b.low, high=b.high, rows=b.rows, predicted=b.mean_score, observed=wilson(b.rate * b.rows, b.rows))
            for b in report.calibration
        ],
    )
