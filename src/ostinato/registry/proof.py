"""Reference predictions: an input example of a version with its scores at registration, checked again wherever the version is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.registry.flavor import Scorer
from ostinato.registry.signature import columns_of
from ostinato.registry.types import Scalar, Signature

ROWS_MAX = 100
CLOSE, CLOSE_TO_NULL = 1e-6, 1e-9
"""How far a score may be from the one on record, of that one, and in all: another processor adds up in another order."""


@frozen
class Proof:
    """The rows of an input example, by column, and the score of each; no scores where nobody has asked the model yet."""

    example: dict[str, list[Scalar]]
    scores: list[float]


def prove(scorer: Scorer, example: Mapping[str, Sequence[Scalar]]) -> Proof:
    """Score an input example with a model.

    Raises:
        Invalid: the example lacks an input, has one that there is none of, or no row; or the model does not give each row a finite score.
    """
    inputs = typed_example(example, scorer.signature)
    rows = len(next(iter(inputs.values()), ()))
    if not 1 <= rows <= ROWS_MAX:
        raise Invalid(f"the example has {rows} rows", hint=f"give 1 to {ROWS_MAX}", field="example")
    scores = checked_scores(scorer.predict(inputs), rows)
    return Proof(example={name: list(example[name]) for name in scorer.signature.names}, scores=scores.tolist())


def typed_example(example: Mapping[str, Sequence[Scalar]], signature: Signature) -> dict[str, NDArray[Any]]:
    """The example converted to the types of a signature.

    Raises:
        Invalid: an input is missing, unknown, of another length or null where it must not be.
    """
    names = signature.names
    odd = sorted({*names} ^ {*example})
    if odd:
        what = "has no input" if odd[0] in names else "has an unknown input"
        raise Invalid(f"the example {what} {odd[0]!r}", hint=f"inputs: {', '.join(names)}", field=f"example.{odd[0]}")
    if len({len(values) for values in example.values()}) > 1:
        raise Invalid("the columns of the example are not equally long", field="example")
    for field in signature.inputs:
        if not field.nullable and any(value is None for value in example[field.name]):
            raise Invalid(f"the example has a null in {field.name!r}", hint="or make the input nullable", field=f"example.{field.name}")
    return columns_of(example)


def any_row(signature: Signature) -> dict[str, NDArray[Any]]:
    """One row that fits a signature: zeros, and of strings the first category."""
    return {
        field.name: np.array([(field.categories or [""])[0]], object) if field.dtype == "string" else np.zeros(1)
        for field in signature.inputs
    }


def checked_scores(scores: Any, rows: int) -> NDArray[np.float64]:
    """The scores, if there is a finite one for each row.

    Raises:
        Invalid: there is not.
    """
    found = np.asarray(scores, np.float64)
    if found.shape != (rows,) or not np.isfinite(found).all():
        raise Invalid(
            f"the model answers {str(found.tolist())[:200]} to {rows} rows", hint="it has to give each a finite number", field="artifact"
        )
    return found


def mismatch(kept: Proof, scorer: Scorer) -> str:
    """How a loaded model deviates from its reference predictions; empty if it does not.

    Raises:
        Invalid: it does not answer the example at all.
    """
    rows = len(next(iter(kept.example.values()), ()))
    found = checked_scores(scorer.predict(typed_example(kept.example, scorer.signature)), rows)
    if not kept.scores:
        return ""
    away, close = compared(kept.scores, found)
    return "" if close else f"it does not answer its input example as it did when it was registered: off by up to {away:.3g}"


def compared(kept: Sequence[float], found: Sequence[float] | NDArray[np.float64]) -> tuple[float, bool]:
    """The largest deviation of scores from those on record, and whether that is close enough to be the same model."""
    away = np.abs(np.asarray(found) - np.asarray(kept))
    return float(away.max()), bool((away <= CLOSE_TO_NULL + CLOSE * np.abs(kept)).all())
