"""The types of evaluation: Estimate, Bin, CostMatrix, Cost, Slice, Report, Evaluation, and Figures for charts."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Literal

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref


@frozen
class Estimate:
    """A number measured on a sample and its 95 % interval; None where the sample does not determine it."""

    value: float | None
    low: float | None = None
    high: float | None = None


@frozen
class Bin:
    """One of the bins of equal size into which the sorted scores fall: what was said against what happened."""

    low: float
    high: float
    rows: int
    mean_score: float
    rate: float


@frozen
class CostMatrix:
    """Money that one row costs, by outcome: true positive, false positive, false negative, true negative; a gain is negative."""

    tp: float = 0.0
    fp: float = 0.0
    fn: float = 0.0
    tn: float = 0.0


@frozen
class Cost:
    """The cost of deciding by the model, compared with the cheaper policy without one: act on no row, or act on all."""

    matrix: CostMatrix
    total: float
    per_row: float
    baseline_per_row: float
    baseline: Literal["never", "always"]
    saved_total: float
    saved_per_row: Estimate


@frozen
class Slice:
    """The rows where the column `by` has `value`, and the metrics on them."""

    by: str
    value: str
    rows: int
    positives: int
    metrics: dict[str, Estimate]


@frozen
class Report:
    """Everything measured about the scores of one model on one set of rows.

    `threshold` is the score from which a row counts as positive and `threshold_from` where it came from; one that was
    chosen on the same rows makes the money look a little better than it will be.
    """

    rows: int
    positives: int
    threshold: float
    threshold_from: Literal["given", "default", "chosen on these rows"]
    metrics: dict[str, Estimate]
    calibration: list[Bin]
    cost: Cost | None = None
    groups: list[Slice] = field(default_factory=list)

    def value(self, metric: str, by: str = "", group: str = "") -> float | None:
        """The value of a metric, over all rows or in one group; None where it was not or could not be measured."""
        if not by:
            found = self.metrics.get(metric)
        else:
            found = next((s.metrics.get(metric) for s in self.groups if s.by == by and s.value == group), None)
        return found.value if found else None


@frozen
class Evaluation:
    """A report that was kept: of `subject` (a run or a model version), on the rows whose digest is `data`.

    `id` is derived from the content, so it also says that nothing of it has changed. Two evaluations compare only when
    their `data` are equal. `datasets` are the dataset versions from which the rows were drawn.
    """

    id: str
    subject: Ref
    data: str
    datasets: list[Ref]
    report: Report
    recorded_at: datetime
    recorded_by: str


@frozen
class MetricFigure:
    """A metric over all rows, and in which direction it is good."""

    metric: str
    higher_is_better: bool
    estimate: Estimate


@frozen
class CalibrationPoint:
    """A bin of the scores from `low` to `high`: the mean score of its rows, and the share of them that was positive."""

    low: float
    high: float
    rows: int
    predicted: float
    observed: Estimate


@frozen
class Figures:
    """An evaluation with what its pictures need besides: directions, and the intervals of the calibration."""

    evaluation: Evaluation
    metrics: list[MetricFigure]
    calibration: list[CalibrationPoint]
