"""Shapley values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.explain.types import Columns, Contribution, Predict, Scalar
from ostinato.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Shapley:
    """Contributions that add up: the Shapley values of the inputs, by sampled orders (Štrumbelj & Kononenko 2014).

    Every row of the background is turned into the explained row, input by input, in `orders` random orders and their
    reverses; an input's contribution is the mean change of the score when it is its turn. Each walk starts at the score of a
    background row and ends at the explained score, so the contributions sum to the difference from the mean of the
    background exactly, however few orders are drawn.
    """

    scope: ClassVar[str] = "local"
    orders: int = 4
    seed: int = 0

    def contributions(self, predict: Predict, row: dict[str, Scalar], background: Columns) -> tuple[float, float, list[Contribution]]:
        """The mean score of the background, the score of `row`, and its contributions by falling size.

        Raises:
            Invalid: the background is empty, or there is no order.
        """
        names = list(background)
        n = len(background[names[0]]) if names else 0
        if n < 1 or self.orders < 1:
            raise Invalid("contributions need a background of at least one row, and one order", field="background")
        turns = self._turns(n, len(names))
        walks = len(turns)
        start = np.repeat(np.arange(n), walks // n)
        taken = np.stack([turns < step for step in range(len(names) + 1)])
        mixed = {name: _mixed(background[name][start], row[name], taken[:, :, i]) for i, name in enumerate(names)}
        scores = predict(mixed).reshape(len(names) + 1, walks)
        steps = np.diff(scores, axis=0)
        values = np.take_along_axis(steps.T, turns, axis=1)
        of_row = values.reshape(n, walks // n, len(names)).mean(axis=1)
        error = of_row.std(axis=0, ddof=1) / n**0.5 if n > 1 else np.zeros(len(names))
        found = [
            Contribution(feature=name, given=row[name], value=float(of_row[:, i].mean()), error=float(error[i]))
            for i, name in enumerate(names)
        ]
        base, score = float(scores[0].reshape(n, -1)[:, 0].mean()), float(scores[-1, 0])
        return base, score, sorted(found, key=lambda c: (-abs(c.value), c.feature))

    def _turns(self, rows: int, inputs: int) -> NDArray[np.int64]:
        """For every walk the turn at which each input is taken over: shape (rows·orders·2, inputs)."""
        rng = np.random.default_rng(self.seed)
        turns = rng.permuted(np.tile(np.arange(inputs), (rows * self.orders, 1)), axis=1)
        both = np.stack([turns, inputs - 1 - turns], axis=1)
        return np.asarray(both.reshape(-1, inputs))


def _mixed(before: NDArray[Any], after: Scalar, taken: NDArray[np.bool_]) -> NDArray[Any]:
    """One column of all walks: the explained value where it was taken over already, flattened step by step."""
    if before.dtype == object:
        mixed = np.tile(before, (len(taken), 1))
        mixed[taken] = after
        return mixed.ravel()
    value = np.nan if after is None else float(after)
    return np.where(taken, value, before.astype(np.float64)[None]).ravel()
