"""Conversion of named columns to the float matrix that models take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.kernel.errors import Invalid
from ostinato.registry.types import Dtype, Field, Signature

Floats = NDArray[np.float64]


class Encoder:
    """Picks the inputs of a signature in their order and makes floats of them.

    >>> signature = Signature(inputs=[Field(name="carrier", dtype="string", categories=["AA", "UA"]), Field(name="delay")])
    >>> Encoder(signature).matrix({"delay": np.array([5, None], dtype=object), "carrier": np.array(["UA", "??"])})
    array([[ 1.,  5.],
           [nan, nan]])
    """

    def __init__(self, signature: Signature) -> None:
        self._fields = signature.inputs
        self._codes = {f.name: {c: float(i) for i, c in enumerate(f.categories or ())} for f in self._fields if f.dtype == "string"}

    def matrix(self, columns: Mapping[str, ArrayLike]) -> Floats:
        """The matrix of shape (n, inputs).

        Raises:
            Invalid: a column is missing, has another length or does not fit its dtype.
        """
        missing = [f.name for f in self._fields if f.name not in columns]
        if missing:
            raise Invalid(f"no column {missing[0]!r}", hint=f"inputs: {', '.join(f.name for f in self._fields)}", field=missing[0])
        encoded = [self._encode(f, columns[f.name]) for f in self._fields]
        for field, column in zip(self._fields, encoded, strict=True):
            if column.shape != encoded[0].shape:
                raise Invalid(
                    f"column {field.name!r} has {column.size} values, {self._fields[0].name!r} has {encoded[0].size}", field=field.name
                )
        return np.column_stack(encoded)

    def _encode(self, field: Field, column: ArrayLike) -> Floats:
        if isinstance(column, np.ma.MaskedArray):
            column = np.array(column.tolist(), dtype=object)
        codes = self._codes.get(field.name)
        try:
            if codes is None:
                values = np.asarray(column, dtype=np.float64)
            else:
                values = np.array([codes.get(v, np.nan) for v in np.asarray(column, dtype=object)], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise Invalid(f"column {field.name!r} is not {field.dtype}: {error}", field=field.name) from error
        if values.ndim != 1:
            raise Invalid(f"column {field.name!r} has the shape {values.shape}", hint="pass one value per row", field=field.name)
        return values


def infer_signature(columns: Mapping[str, ArrayLike]) -> Signature:
    """The signature of columns as they are: dtypes, and the categories of strings in sorted order.

    >>> infer_signature({"hour": np.array([5, 6]), "carrier": np.array(["UA", "AA"])}).inputs[1].categories
    ['AA', 'UA']
    """
    return Signature(inputs=[_field(name, np.asarray(column)) for name, column in columns.items()])


def _field(name: str, column: NDArray[Any]) -> Field:
    present = column if column.dtype.kind != "O" else np.array([v for v in column.tolist() if v is not None])
    nullable = present.size < column.size or (present.dtype.kind == "f" and bool(np.isnan(present).any()))
    kinds: dict[str, Dtype] = {"b": "bool", "i": "int64", "u": "int64", "f": "float64", "U": "string"}
    dtype = kinds.get(present.dtype.kind)
    if dtype is None:
        raise Invalid(f"column {name!r} has the type {column.dtype}", hint="use numbers, booleans or strings", field=name)
    categories = [str(c) for c in np.unique(present)] if dtype == "string" else None
    return Field(name=name, dtype=dtype, nullable=nullable, categories=categories)
