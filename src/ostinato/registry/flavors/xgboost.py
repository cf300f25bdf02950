"""Xgboost: boosted trees in XGBoost's own binary JSON, which holds numbers and no code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.flavors._scores import check_width
from ostinato.registry.matrix import Floats
from ostinato.registry.types import Signature


@dataclass(frozen=True, slots=True)
class Xgboost:
    """A booster of XGBoost, or an estimator around one, as UBJSON; after early stopping it scores with its best iteration."""

    care: ClassVar[Care] = "parser"

    def dump(self, model: Any) -> bytes:
        """The booster as UBJSON."""
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        if not isinstance(booster, _xgboost().Booster):
            raise Invalid(f"a {type(model).__name__} is no model of XGBoost", field="artifact")
        return bytes(booster.save_raw("ubj"))

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The booster, with one thread: a few rows are no work for more."""
        library = _xgboost()
        try:
            if not content.startswith(b"{"):
                raise ValueError("it does not begin with an object")
            booster = library.Booster(params={"nthread": 1}, model_file=bytearray(content))
            width, best = booster.num_features(), booster.attr("best_iteration")
        except (library.core.XGBoostError, ValueError, TypeError) as error:
            raise Invalid(f"not a model of XGBoost: {str(error).splitlines()[0][:300]}", field="artifact") from error
        check_width(width, signature)
        rounds = (0, int(best) + 1) if best is not None else (0, 0)

        def score(x: Floats) -> Any:
            found = booster.inplace_predict(x, iteration_range=rounds, missing=np.nan, validate_features=False)
            if found.ndim != 1:
                raise Invalid(f"the model answers {found.shape[1]} numbers per row", hint="register one of two classes", field="artifact")
            return found

        return Predictor(signature, score)


def _xgboost() -> Any:
    try:
        import xgboost
    except ModuleNotFoundError as error:
        raise MissingExtra.of("xgboost", "boosting") from error
    return xgboost
