"""Random points."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ostinato.kernel.errors import Invalid
from ostinato.training.types import Range, Space


@dataclass(frozen=True, slots=True)
class Random:
    """`trials` points, each parameter drawn on its own (Bergstra & Bengio 2012); the same `seed` gives the same points.

    >>> first, again = (list(Random(trials=3).points({"rate": Range(low=0.01, high=1, log=True)})) for _ in range(2))
    >>> first == again
    True
    """

    trials: int = 20
    seed: int = 0

    def points(self, space: Space) -> Iterator[dict[str, Any]]:
        """The points, which may repeat where the space is small."""
        if self.trials < 1:
            raise Invalid("a search needs at least one trial", field="trials")
        generator = random.Random(self.seed)  # noqa: S311 - not a secret
        for _ in range(self.trials):
            yield {
                name: choices.at(generator.random()) if isinstance(choices, Range) else generator.choice(list(choices))
                for name, choices in space.items()
            }
