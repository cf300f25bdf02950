"""Sklearn: whatever is fitted by the conventions of scikit-learn, also classes of one's own."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from ostinato.tracking.fits.data import evenly_spaced, shape_of, take_rows
from ostinato.tracking.fits.fit import Fit
from ostinato.tracking.fits.patch import Patches
from ostinato.tracking.fits.plain import params_of
from ostinato.tracking.fits.plan import Plan
from ostinato.tracking.fits.scores import scores
from ostinato.tracking.fits.watch import nested, plan_for, recording, trains_now

_SCORED_ROWS = 2_000
_METHODS = ("fit", "fit_predict", "fit_transform")


class Sklearn:
    """Estimators of scikit-learn and those built like them: parameters, training scores, searches with their trials, the model."""

    modules = ("sklearn.base",)

    def install(self, patches: Patches, module: ModuleType) -> None:
        """Meet all classes of estimators, those that exist and those to come."""
        base = module.BaseEstimator
        waiting = [base]
        while waiting:
            cls = waiting.pop()
            waiting.extend(cls.__subclasses__())
            _meet(patches, cls)

        def born(cls: type[Any], /, **given: Any) -> None:
            super(base, cls).__init_subclass__(**given)
            _meet(patches, cls)

        patches.put(base, "__init_subclass__", classmethod(born))


def _meet(patches: Patches, cls: Any) -> None:
    for name in _METHODS:
        if inspect.isfunction(cls.__dict__.get(name)) and not hasattr(cls.__dict__[name], "__around__"):
            patches.wrap(cls, name, _around)


def _around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    estimator = args[0] if args else None
    if trains_now(estimator):
        return original(*args, **kwargs)
    plan = plan_for("sklearn")
    if plan is None or not _trains(estimator):
        with nested():
            return original(*args, **kwargs)
    with recording("sklearn", type(estimator).__name__, plan) as fit:
        fit.estimator = estimator
        fit.params(_params(estimator))
        result = original(*args, **kwargs)
        with fit.guard("the training"):
            _record_result(fit, estimator, *_training_data(original, args, kwargs))
        return result


def _trains(estimator: Any) -> bool:
    """Whether it makes a model; a scaler or an encoder alone does not."""
    return hasattr(estimator, "get_params") and any(hasattr(type(estimator), name) for name in ("predict", "fit_predict", "score_samples"))


def _params(estimator: Any) -> dict[str, Any]:
    """All parameters, also those of nested estimators, which themselves stand for their class."""
    given = estimator.get_params(deep=True)
    inner = {name for name, value in given.items() if hasattr(value, "get_params") or _is_steps(value)}
    return {
        name: type(value).__name__ if hasattr(value, "get_params") and not isinstance(value, type) else value
        for name, value in given.items()
        if name not in inner or not _is_steps(value)
    }


def _is_steps(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, tuple) and any(hasattr(part, "get_params") for part in item) for item in value)


def _training_data(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Data, target and weights of a call."""
    bound = inspect.signature(original).bind(*args, **kwargs).arguments
    more = next((value for value in bound.values() if isinstance(value, dict) and "sample_weight" in value), {})
    return bound.get("X"), bound.get("y"), bound.get("sample_weight", more.get("sample_weight"))


def _record_result(fit: Fit, estimator: Any, x: Any, y: Any, weights: Any) -> None:
    classifier = hasattr(estimator, "classes_")
    names = getattr(estimator, "feature_names_in_", None)
    if x is not None:
        fit.data(x, y, classes=classifier, names=names)
        with fit.guard("training scores"):
            _score(fit, estimator, x, y, weights, classifier=classifier)
    _importances(fit, estimator, names)
    if hasattr(estimator, "cv_results_"):
        with fit.guard("the search"):
            _search(fit, estimator)
    if getattr(estimator, "n_iter_", None) is not None:
        fit.measured({"iterations": np.max(np.asarray(estimator.n_iter_))})
    if getattr(estimator, "refit", True):
        fit.keep(getattr(estimator, "best_estimator_", estimator))


def _score(fit: Fit, estimator: Any, x: Any, y: Any, weights: Any, *, classifier: bool) -> None:
    """Scores on the training data: on at most 2,000 evenly spaced rows."""
    rows = shape_of(x)[0]
    if y is None or not rows or not hasattr(estimator, "predict"):
        if hasattr(estimator, "inertia_"):
            fit.measured({"training/inertia": estimator.inertia_})
        return
    chosen = evenly_spaced(rows, _SCORED_ROWS)
    part = (
        (x, y, weights)
        if len(chosen) == rows
        else (take_rows(x, chosen), take_rows(y, chosen), None if weights is None else take_rows(weights, chosen))
    )
    fit.measured({f"training/{name}": value for name, value in scores(estimator, *part, classifier=classifier).items()})
    fit.measured({"training/scored_rows": len(chosen)})


def _importances(fit: Fit, estimator: Any, names: Any) -> None:
    final = estimator
    for part in ("best_estimator_", "_final_estimator"):
        final = getattr(final, part, final)
    if final is not estimator:
        names = getattr(final, "feature_names_in_", None)
    for name in ("feature_importances_", "coef_"):
        values = getattr(final, name, None) if not hasattr(final, "get_booster") else None
        if values is None:
            continue
        flat = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
        flat = np.abs(flat).mean(axis=0) if flat.ndim == 2 and flat.shape[0] > 1 else flat.ravel()
        fit.importances([f"x{n}" for n in range(flat.size)] if names is None else names, flat, name.rstrip("_"))
        return


def _search(fit: Fit, search: Any) -> None:
    """A search: its best trials as runs of their own, all of them as a table."""
    table = {name: values.tolist() if hasattr(values, "tolist") else list(values) for name, values in search.cv_results_.items()}
    assert fit.run is not None
    fit.run.artifact("search.json", json.dumps(table, default=lambda value: repr(value)[:200]))
    if hasattr(search, "best_score_"):
        fit.measured({"cv/best_score": search.best_score_})
        fit.params({f"best.{name}": value for name, value in search.best_params_.items()})
    ranks = next((values for name, values in table.items() if name.startswith("rank_test_")), list(range(len(table["params"]))))
    best = sorted(range(len(ranks)), key=lambda n: (ranks[n], n))[: fit.plan.children]
    plan, parent = fit.plan, fit.run.id
    if best:
        plan.later("sklearn", "the trials", lambda: _trials(plan, parent, best, table))


def _trials(plan: Plan, parent: str, numbers: list[int], table: dict[str, list[Any]]) -> None:
    for number in numbers:
        run = plan.start(f"trial {number}", parent=parent, capture=False, params=params_of(table["params"][number]))
        measured = {name: values[number] for name, values in table.items() if name.startswith(("mean_", "std_", "split", "rank_"))}
        run.log({f"cv/{name}": float(value) for name, value in measured.items() if isinstance(value, int | float)}, step=0)
        run.finish()
