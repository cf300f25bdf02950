"""Lightgbm: boosters of LightGBM, from `lightgbm.train` and from its estimators."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from ostinato.tracking.fits.boosting import meet
from ostinato.tracking.fits.fit import Fit
from ostinato.tracking.fits.patch import Patches

_BEFORE_EARLY_STOPPING = 29


class Lightgbm:
    """Boosters of LightGBM: what every round measured on every evaluation set, the best round, importance by gain, the model as text."""

    modules = ("lightgbm",)
    name = "lightgbm"

    def install(self, patches: Patches, module: ModuleType) -> None:
        """Meet `train`, which the estimators call as well."""
        meet(patches, self, [module, importlib.import_module("lightgbm.engine"), importlib.import_module("lightgbm.sklearn")])

    def listening(self, fit: Fit, given: dict[str, Any]) -> None:
        """By a callback before the one that stops early, which ends a round by an exception."""

        def listen(environment: Any) -> None:
            measured = environment.evaluation_result_list or ()
            fit.log({f"{result[0]}/{result[1]}": result[2] for result in measured}, environment.iteration)

        listen.order = _BEFORE_EARLY_STOPPING  # type: ignore[attr-defined]
        given["callbacks"] = [*(given.get("callbacks") or ()), listen]

    def tell(self, fit: Fit, booster: Any, given: dict[str, Any]) -> None:
        """The best round, importance and, if nobody else has, the shape of the data."""
        if booster.best_iteration > 0:
            fit.measured({"best_iteration": booster.best_iteration - 1})
        fit.measured({"iterations": booster.current_iteration()})
        fit.importances(booster.feature_name(), booster.feature_importance("gain"), "gain")
        if fit.framework == self.name and (data := given.get("train_set")) is not None:
            fit.shape((data.num_data(), data.num_feature()), booster.feature_name(), data.get_label())
