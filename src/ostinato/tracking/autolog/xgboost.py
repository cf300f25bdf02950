"""Xgboost: boosters of XGBoost, from `xgboost.train` and from its estimators."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from ostinato.tracking.fits.boosting import meet
from ostinato.tracking.fits.fit import Fit
from ostinato.tracking.fits.patch import Patches


class Xgboost:
    """Boosters of XGBoost: what every round measured on every evaluation set, the best round, importance by gain, the model as UBJSON."""

    modules = ("xgboost",)
    name = "xgboost"

    def install(self, patches: Patches, module: ModuleType) -> None:
        """Meet `train`, which the estimators call as well."""
        found = [module, importlib.import_module("xgboost.training")]
        estimators = importlib.import_module("xgboost.sklearn")
        meet(patches, self, [*found, *([estimators] if hasattr(estimators, "train") else [])])

    def listening(self, fit: Fit, given: dict[str, Any]) -> None:
        """By a callback before all others, so that it also hears of the round in which one of them stops the training."""
        callback = importlib.import_module("xgboost.callback").TrainingCallback

        class Listening(callback):  # type: ignore[misc, valid-type]
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002 — XGBoost's shape
                fit.log({f"{data}/{name}": values[-1] for data, of in evals_log.items() for name, values in of.items()}, epoch)
                return False

        given["callbacks"] = [Listening(), *(given.get("callbacks") or ())]

    def tell(self, fit: Fit, booster: Any, given: dict[str, Any]) -> None:
        """The best round, importance and, if nobody else has, the shape of the data."""
        attributes = booster.attributes()
        if "best_iteration" in attributes:
            fit.measured({"best_iteration": int(attributes["best_iteration"]), "best_score": float(attributes["best_score"])})
        fit.measured({"iterations": booster.num_boosted_rounds()})
        if gains := booster.get_score(importance_type="gain"):
            fit.importances(list(gains), [np.mean(value) for value in gains.values()], "gain")
        if fit.framework == self.name and (data := given.get("dtrain")) is not None:
            fit.shape((data.num_row(), data.num_col()), data.feature_names, data.get_label())
