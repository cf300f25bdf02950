"""Report: measure the scores of a binary model: metrics with intervals, calibration, money, groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.evaluation.calibration import calibration_bins
from ostinato.evaluation.metric import METRICS, Floats, mean
from ostinato.evaluation.types import Cost, CostMatrix, Estimate, Report, Slice
from ostinato.kernel.errors import Invalid
from ostinato.kernel.family import parameters_of


def evaluate_binary(
    y: ArrayLike,
    score: ArrayLike,
    *,
    threshold: float | None = None,
    cost: CostMatrix | None = None,
    groups: Mapping[str, Sequence[object] | NDArray[Any]] | None = None,
    metrics: Sequence[str] | None = None,
) -> Report:
    """Measure scores in [0, 1] against labels 0 and 1, both of shape (n,).

    The threshold is the given one, else the cheapest on these rows when there is a `cost`, else 0.5. `groups` maps the
    name of a column to its values, shape (n,); `metrics` are members of the family, by default all of them.

    Raises:
        Invalid: lengths differ, there is no row, a label is neither 0 nor 1, or a score is not in [0, 1].

    >>> report = evaluate_binary([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], cost=CostMatrix(fp=1, fn=5))
    >>> report.threshold, report.cost.total, report.cost.baseline, report.value("auc")
    (0.4, 1.0, 'always', 0.75)
    """
    labels, scores = _checked(y, score)
    origin: Literal["given", "default", "chosen on these rows"] = "given"
    if threshold is None and cost is not None:
        threshold, origin = cheapest_threshold(labels, scores, cost), "chosen on these rows"
    elif threshold is None:
        threshold, origin = 0.5, "default"
    names = list(metrics) if metrics is not None else METRICS.names()
    return Report(
        rows=labels.size,
        positives=int(labels.sum()),
        threshold=threshold,
        threshold_from=origin,
        metrics=_measure(names, labels, scores, threshold),
        calibration=calibration_bins(labels, scores),
        cost=_cost(labels, scores, threshold, cost) if cost else None,
        groups=_slices(names, labels, scores, threshold, groups or {}),
    )


def cheapest_threshold(y: Floats, score: Floats, cost: CostMatrix) -> float:
    """The score from which acting makes the whole cheapest on these rows; above all scores (at most 1.0 + ε) to never act.

    >>> cheapest_threshold(np.array([0.0, 1.0]), np.array([0.2, 0.7]), CostMatrix(fp=1, fn=1))
    0.7
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    change = np.where(y[order] == 1, cost.tp - cost.fn, cost.fp - cost.tn)
    last = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    totals = np.concatenate([[0.0], np.cumsum(change)[last]])
    best = int(totals.argmin())
    return float(np.nextafter(ranked[0], 2.0)) if best == 0 else float(ranked[last[best - 1]])


def _checked(y: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    labels, scores = np.asarray(y, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise Invalid(f"labels have shape {labels.shape}, scores {scores.shape}", hint="pass two vectors of equal length", field="score")
    if labels.size == 0:
        raise Invalid("there is no row to evaluate", field="y")
    if not np.isin(labels, (0.0, 1.0)).all():
        raise Invalid("a label is neither 0 nor 1", hint="leave out the rows whose outcome is unknown", field="y")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise Invalid("a score is not a number in [0, 1]", hint="pass the probability of class 1", field="score")
    return labels, scores


def _measure(names: Sequence[str], y: Floats, score: Floats, threshold: float) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for name in names:
        known = parameters_of(METRICS.get(name))["properties"]
        found[name] = METRICS.make(name, {"threshold": threshold} if "threshold" in known else {}).measure(y, score)
    return found


def _cost(y: Floats, score: Floats, threshold: float, matrix: CostMatrix) -> Cost:
    acted = np.where(y == 1, matrix.tp, matrix.fp)
    spared = np.where(y == 1, matrix.fn, matrix.tn)
    spent = np.where(score >= threshold, acted, spared)
    never = bool(spared.sum() <= acted.sum())
    baseline = spared if never else acted
    return Cost(
        matrix=matrix,
        total=float(spent.sum()),
        per_row=float(spent.mean()),
        baseline="never" if never else "always",
        baseline_per_row=float(baseline.mean()),
        saved_total=float((baseline - spent).sum()),
        saved_per_row=mean(baseline - spent),
    )


def _slices(names: Sequence[str], y: Floats, score: Floats, threshold: float, groups: Mapping[str, Any]) -> list[Slice]:
    slices = []
    for by, values in groups.items():
        column = np.asarray(["" if v is None else str(v) for v in values])
        if column.shape != y.shape:
            raise Invalid(f"group {by!r} has {column.size} values for {y.size} rows", field=f"groups.{by}")
        for value in np.unique(column):
            rows = column == value
            measured = _measure(names, y[rows], score[rows], threshold)
            slices.append(Slice(by=by, value=str(value), rows=int(rows.sum()), positives=int(y[rows].sum()), metrics=measured))
    return slices
