"""Permutation importance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.explain.types import Columns, Importance, Predict
from ostinato.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Permutation:
    """The rise of the squared error when an input is shuffled among the rows (Breiman 2001; Fisher, Rudin & Dominici 2019).

    Each input is shuffled `repeats` times; the interval is over rows, so it says what another sample would give. Inputs that
    say the same share their importance: with either one shuffled the model still has the other.
    """

    scope: ClassVar[str] = "global"
    repeats: int = 5
    seed: int = 0

    def importances(self, predict: Predict, columns: Columns, label: NDArray[np.float64]) -> tuple[float, list[Importance]]:
        """The squared error, and the inputs by falling importance; `columns` and `label` are of length n ≥ 2.

        Raises:
            Invalid: fewer than two rows, or no repeat.
        """
        n = len(label)
        if n < 2 or self.repeats < 1:
            raise Invalid("importance needs two rows and one repeat", field="repeats")
        rng = np.random.default_rng(self.seed)
        loss = (predict(columns) - label) ** 2
        found = []
        for name in columns:
            rise = np.zeros(n)
            for _ in range(self.repeats):
                shuffled = dict(columns) | {name: columns[name][rng.permutation(n)]}
                rise += (predict(shuffled) - label) ** 2 - loss
            rise /= self.repeats
            value, reach = float(rise.mean()), float(1.96 * rise.std(ddof=1) / n**0.5)
            found.append(Importance(feature=name, value=value, low=value - reach, high=value + reach))
        return float(loss.mean()), sorted(found, key=lambda i: (-i.value, i.feature))
