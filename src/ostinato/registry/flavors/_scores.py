"""Scores: how an estimator, whatever it came from, is asked for one number per row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Columns
from ostinato.registry.matrix import Floats
from ostinato.registry.types import Field, Signature


def scoring_of(model: Any) -> Callable[[Any], Any]:
    """The probability of class 1 where the model has two classes, else what it predicts.

    Raises:
        Invalid: it has more classes, or cannot be called.
    """
    if hasattr(model, "predict_proba"):
        if len(model.classes_) != 2:
            raise Invalid(f"the model has {len(model.classes_)} classes", hint="register a classifier of two classes", field="artifact")
        return lambda x: model.predict_proba(x)[:, 1]
    found = getattr(model, "predict", model)
    if not callable(found):
        raise Invalid(f"a {type(model).__name__} is no model: it has no predict", field="artifact")
    return found  # type: ignore[no-any-return]


def encoder_for(model: Any, signature: Signature) -> Callable[[Columns], Any] | None:
    """A table of named columns for an estimator that was fitted on one, else the matrix."""
    return None if getattr(model, "feature_names_in_", None) is None else (lambda columns: table_of(columns, signature))


def table_of(columns: Columns, signature: Signature) -> Any:
    """The inputs of a signature as a pandas table: whole numbers and booleans without nulls as such, strings as they are.

    Raises:
        Invalid: a column is missing or does not fit its dtype.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtra.of("pandas", "ml") from error
    missing = [field.name for field in signature.inputs if field.name not in columns]
    if missing:
        raise Invalid(f"no column {missing[0]!r}", hint=f"inputs: {', '.join(signature.names)}", field=missing[0])
    return pd.DataFrame({field.name: _typed(field, columns[field.name]) for field in signature.inputs})


def _typed(field: Field, column: Any) -> NDArray[Any]:
    if field.dtype == "string":
        return np.asarray(column, object)
    try:
        values: Floats = np.asarray(column, np.float64)
    except (TypeError, ValueError) as error:
        raise Invalid(f"column {field.name!r} is not {field.dtype}: {error}", field=field.name) from error
    whole = {"int64": np.int64, "bool": np.bool_}.get(field.dtype)
    return values if whole is None or np.isnan(values).any() else values.astype(whole)


def check_width(width: int, signature: Signature) -> None:
    """Refuse a model that takes another number of columns than its signature has.

    Raises:
        Invalid: it does.
    """
    if width != len(signature.inputs):
        raise Invalid(f"the model takes {width} columns, the signature has {len(signature.inputs)}", field="signature")
