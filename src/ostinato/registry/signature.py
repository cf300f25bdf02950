"""Signature inference: from a table, a matrix or named vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.errors import Invalid
from ostinato.registry.matrix import infer_signature
from ostinato.registry.types import Signature


def infer(data: Any) -> Signature:
    """The signature of a pandas or Arrow table, a matrix of numbers (columns `x0`, `x1`, …) or named vectors.

    >>> [field.dtype for field in infer(np.array([[1.0, 2.0]])).inputs]
    ['float64', 'float64']
    """
    return infer_signature(columns_of(data))


def columns_of(data: Any) -> dict[str, NDArray[Any]]:
    """The named columns of a pandas or Arrow table, a matrix, a structured array or a mapping; missing strings as None.

    Raises:
        Invalid: it is none of them.
    """
    if hasattr(data, "column_names") and hasattr(data, "column"):  # Arrow
        return {name: _column(data.column(name).to_pylist()) for name in data.column_names}
    if hasattr(data, "columns") and hasattr(data, "loc"):  # pandas
        return {str(name): _column(data[name].astype(object).where(data[name].notna(), None).tolist()) for name in data.columns}
    if isinstance(data, Mapping):
        return {str(name): _column(column) for name, column in data.items()}
    array = np.asarray(data)
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim != 2:
        raise Invalid(f"no columns in a {type(data).__name__} of shape {array.shape}", hint="give a table, a matrix or named columns")
    return {f"x{place}": array[:, place] for place in range(array.shape[1])}


def _column(values: Any) -> NDArray[Any]:
    """Numbers as numbers, with NaN for None; what holds strings as objects."""
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return values
    listed = list(values)
    known = [value for value in listed if value is not None]
    if len(known) < len(listed) and known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return np.array([np.nan if value is None else value for value in listed], np.float64)
    if len(known) == len(listed) and not any(isinstance(value, str) for value in known):
        return np.asarray(listed)
    column = np.empty(len(listed), object)
    column[:] = listed
    return column
