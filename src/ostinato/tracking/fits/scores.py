"""Scores of a fitted estimator on its training data."""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np

from ostinato.tracking.fits.data import evenly_spaced, shape_of, take_rows

_PROBED_ROWS = 100
_PATIENCE_S = 1.0
_LIKELIEST = ("sklearn.ensemble._forest", "sklearn.ensemble._hist_gradient_boosting.gradient_boosting", "sklearn.tree._classes")
"""Whose answer is the likeliest class, so that these trees, which are slow to walk, need not be walked twice."""


def scores(estimator: Any, x: Any, y: Any, weights: Any = None, *, classifier: bool) -> dict[str, float]:
    """The scores that the field looks at first; from a few rows, where answering all would take longer than a second."""
    rows = shape_of(x)[0]
    if rows > _PROBED_ROWS:
        few = evenly_spaced(rows, _PROBED_ROWS)
        before_s = time.perf_counter()
        estimator.predict(take_rows(x, few))
        if (time.perf_counter() - before_s) * rows / _PROBED_ROWS > _PATIENCE_S:
            x, y, weights = take_rows(x, few), take_rows(y, few), None if weights is None else take_rows(weights, few)
    target = np.asarray(y)
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    metrics = importlib.import_module("sklearn.metrics")
    return _of_classes(metrics, estimator, x, target, weights) if classifier else _of_values(metrics, estimator, x, target, weights)


def _of_values(metrics: Any, estimator: Any, x: Any, y: Any, weights: Any) -> dict[str, float]:
    answered = np.asarray(estimator.predict(x))
    if y.dtype.kind not in "fiub" or answered.dtype.kind not in "fiub":
        return {}
    found = {"mae": metrics.mean_absolute_error(y, answered, sample_weight=weights)}
    found["rmse"] = float(np.sqrt(metrics.mean_squared_error(y, answered, sample_weight=weights)))
    if len(y) > 1:
        found["r2"] = metrics.r2_score(y, answered, sample_weight=weights)
    return found


def _of_classes(metrics: Any, estimator: Any, x: Any, y: Any, weights: Any) -> dict[str, float]:
    classes = getattr(estimator, "classes_", None)
    if y.ndim != 1 or isinstance(classes, list):
        return {}
    chances = np.asarray(estimator.predict_proba(x)) if hasattr(estimator, "predict_proba") else None
    if chances is not None and type(estimator).__module__ in _LIKELIEST:
        answered = np.asarray(classes).take(chances.argmax(axis=1))
    else:
        answered = np.asarray(estimator.predict(x))
    weighted = {"sample_weight": weights}
    found = {"accuracy": metrics.accuracy_score(y, answered, **weighted)}
    found["f1"] = metrics.f1_score(y, answered, average="weighted", zero_division=0, **weighted)
    if chances is not None and classes is not None and set(np.unique(y).tolist()) <= set(np.asarray(classes).tolist()):
        found["log_loss"] = metrics.log_loss(y, chances, labels=classes, **weighted)
        if len(classes) == 2 and len(np.unique(y)) == 2:
            found["roc_auc"] = metrics.roc_auc_score(y, chances[:, 1], **weighted)
    return found
