"""Statsmodels: linear and generalized linear models as JSON of their coefficients and link, computed with numpy alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np

from ostinato.kernel.errors import Invalid
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.flavors._scores import check_width
from ostinato.registry.matrix import Floats
from ostinato.registry.types import Signature

_FORMAT = "ostinato.statsmodels/1"
_LINKS = {"OLS": "identity", "WLS": "identity", "GLS": "identity", "Logit": "logit", "Probit": "probit", "Poisson": "log"}
_GLM_LINKS = {"identity": "identity", "logit": "logit", "probit": "probit", "log": "log", "cloglog": "cloglog", "inversepower": "inverse"}
_INVERSES: dict[str, Callable[[Floats], Any]] = {
    "identity": lambda eta: eta,
    "logit": lambda eta: 0.5 * (1 + np.tanh(eta / 2)),
    "probit": np.vectorize(lambda eta: 0.5 * math.erfc(-eta / math.sqrt(2)), otypes=[np.float64]),
    "log": np.exp,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    "inverse": lambda eta: 1 / eta,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The mean as the inverse link of intercept + Σ coefficient · input; `names` are those of the inputs, where they had any."""

    kind: str
    link: str
    intercept: float
    coefficients: list[float]
    names: list[str]
    format: str = _FORMAT


@dataclass(frozen=True, slots=True)
class Statsmodels:
    """Results of OLS, WLS, GLS, Logit, Probit, Poisson or GLM of statsmodels as JSON; formulas of plain columns only. No extra to load."""

    care: ClassVar[Care] = "none"

    def dump(self, model: Any) -> bytes:
        """The coefficients, if they give the predictions that the results give on the rows that they were fitted on."""
        fitted = _fitted(model)
        made = model.model
        rows = np.asarray(made.exog, np.float64)
        constant = _constant(list(made.exog_names), rows)
        ours = _mean(fitted, np.delete(rows, constant, axis=1) if constant is not None else rows)
        if not np.allclose(ours, np.asarray(model.predict(), np.float64), rtol=1e-9, atol=1e-12):
            raise Invalid(
                f"the coefficients of this {fitted.kind} do not give its predictions",
                hint="offsets and exposures are not kept",
                field="artifact",
            )
        return msgspec.json.encode(fitted)

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The model, its inputs in the order of the signature; those that it knows by name must be the signature's."""
        try:
            fitted = msgspec.json.decode(content, type=Fitted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"not a model of statsmodels: {error}", field="artifact") from error
        sound = all(math.isfinite(n) for n in (fitted.intercept, *fitted.coefficients))
        if fitted.format != _FORMAT or fitted.link not in _INVERSES or not sound or len(fitted.names) not in (0, len(fitted.coefficients)):
            raise Invalid(f"not a sound model of format {_FORMAT}", field="artifact")
        check_width(len(fitted.coefficients), signature)
        if fitted.names and sorted(fitted.names) != sorted(signature.names):
            raise Invalid(f"the model takes {', '.join(fitted.names)}", hint="name the inputs of the signature so", field="signature")
        order = [signature.names.index(name) for name in fitted.names] or list(range(len(fitted.coefficients)))
        return Predictor(signature, lambda x: _mean(fitted, x[:, order]))


def _mean(fitted: Fitted, rows: Floats) -> Floats:
    return np.asarray(_INVERSES[fitted.link](rows @ np.array(fitted.coefficients) + fitted.intercept), np.float64)


def _fitted(results: Any) -> Fitted:
    made: Any = getattr(results, "model", None)
    kind = type(made).__name__
    if not type(made).__module__.startswith("statsmodels."):
        raise Invalid(f"a {type(results).__name__} is no result of statsmodels", field="artifact")
    link = _GLM_LINKS.get(type(made.family.link).__name__.lower()) if kind == "GLM" else _LINKS.get(kind)
    if link is None:
        raise Invalid(
            f"{kind} of statsmodels is not kept as coefficients", hint=f"these are: {', '.join([*_LINKS, 'GLM'])}", field="artifact"
        )
    params, names = np.asarray(results.params, np.float64), list(made.exog_names)
    constant = _constant(names, np.asarray(made.exog))
    intercept = float(params[constant]) if constant is not None else 0.0
    kept = [place for place in range(params.size) if place != constant]
    named = hasattr(made.data, "orig_exog") and hasattr(made.data.orig_exog, "columns")
    inputs = [names[place] for place in kept] if named else []
    if any(not name.isidentifier() for name in inputs) and hasattr(made, "formula"):
        raise Invalid("the formula computes its columns", hint="fit on columns that are computed before, as features", field="artifact")
    return Fitted(kind=kind, link=link, intercept=intercept, coefficients=params[kept].tolist(), names=inputs)


def _constant(names: list[str], rows: Floats) -> int | None:
    """The place of the intercept: a column of ones by its usual name."""
    found = next((place for place, name in enumerate(names) if name in ("const", "Intercept")), None)
    return found if found is not None and bool((rows[:, found] == 1).all()) else None
