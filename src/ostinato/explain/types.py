"""The types of explanations: Importance, Contribution, the global and the local explanation, and Kept, a stored one of either kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref

Scalar: TypeAlias = str | float | int | bool | None
Columns: TypeAlias = Mapping[str, NDArray[Any]]
Predict: TypeAlias = Callable[[Columns], NDArray[np.float64]]


@frozen
class Importance:
    """How much worse the model gets without an input: the rise of its squared error, with its 95 % interval."""

    feature: str
    value: float
    low: float
    high: float


@frozen
class Contribution:
    """What one input added to one score, and the standard error of that number."""

    feature: str
    given: Scalar
    value: float
    error: float


@frozen
class GlobalExplanation:
    """The inputs of a model by importance, measured on `rows` rows of the table `data`; `loss` is the squared error there."""

    id: str
    model: Ref
    method: str
    parameters: dict[str, Any]
    data: str
    rows: int
    loss: float
    importances: list[Importance]
    made_at: datetime
    made_by: str


@frozen
class LocalExplanation:
    """One score taken apart: `base`, the mean score of `rows` rows of the background, plus all contributions is `score`."""

    id: str
    model: Ref
    method: str
    parameters: dict[str, Any]
    background: str
    rows: int
    row: dict[str, Scalar]
    base: float
    score: float
    contributions: list[Contribution] = field(default_factory=list)
    made_at: datetime
    made_by: str


@frozen
class Kept:
    """An explanation of either kind: of a whole model or of one answer; the other is None."""

    whole: GlobalExplanation | None = None
    answer: LocalExplanation | None = None
