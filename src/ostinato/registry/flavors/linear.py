"""Linear: logistic regression as JSON, computed with numpy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import msgspec
import numpy as np

from ostinato.kernel.errors import Invalid
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.matrix import Floats
from ostinato.registry.types import Signature

_FORMAT = "ostinato.linear/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What one input adds to the log-odds: `weight` times (x - mean) / scale, or for a category the weight at its code.

    A null adds nothing, which for a number means that it counts as the mean.
    """

    weight: float = 0.0
    mean: float = 0.0
    scale: float = 1.0
    by_code: list[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """Log-odds as the sum of `intercept` and one term per input of the signature, in its order."""

    intercept: float
    terms: list[Term]
    format: str = _FORMAT


@dataclass(frozen=True, slots=True)
class Linear:
    """A `Logistic` as JSON: readable, no extra needed, nothing to execute."""

    care: ClassVar[Care] = "none"

    def dump(self, model: Logistic) -> bytes:
        """The model as JSON."""
        return msgspec.json.encode(_checked(model))

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The model, if it has one term per input of the signature."""
        try:
            model = _checked(msgspec.json.decode(content, type=Logistic))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"not a linear model: {error}", field="artifact") from error
        if len(model.terms) != len(signature.inputs):
            raise Invalid(f"the model has {len(model.terms)} terms, the signature {len(signature.inputs)} inputs", field="signature")
        tables = [None if t.by_code is None else np.array(t.by_code) for t in model.terms]

        def score(x: Floats) -> Floats:
            odds = np.full(x.shape[0], model.intercept)
            for column, term, table in zip(x.T, model.terms, tables, strict=True):
                known = ~np.isnan(column)
                if table is None:
                    odds[known] += term.weight * (column[known] - term.mean) / term.scale
                else:
                    known &= (column >= 0) & (column < table.size)
                    odds[known] += table[column[known].astype(np.intp)]
            return np.asarray(0.5 * (1 + np.tanh(odds / 2)))

        return Predictor(signature, score)


def _checked(model: Logistic) -> Logistic:
    numbers = [model.intercept, *(n for t in model.terms for n in (t.weight, t.mean, t.scale, *(t.by_code or ())))]
    if model.format != _FORMAT:
        raise Invalid(f"not a linear model of format {_FORMAT}", field="artifact")
    if not all(math.isfinite(n) for n in numbers) or any(t.scale == 0 for t in model.terms):
        raise Invalid("a number of the model is not finite, or a scale is zero", field="artifact")
    return model
