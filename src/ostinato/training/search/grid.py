"""All combinations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ostinato.training.types import Range, Space


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination; of a range as many evenly spaced numbers as its `steps`.

    >>> [p["depth"] for p in Grid().points({"depth": [2, 4]})]
    [2, 4]
    """

    def points(self, space: Space) -> Iterator[dict[str, Any]]:
        """All points; the last name changes fastest."""
        axes = [_axis(choices) for choices in space.values()]
        return (dict(zip(space, point, strict=True)) for point in itertools.product(*axes))


def _axis(choices: Range | Any) -> list[Any]:
    if not isinstance(choices, Range):
        return list(choices)
    shares = [i / (choices.steps - 1) for i in range(choices.steps)] if choices.steps > 1 else [0.5]
    return list(dict.fromkeys(choices.at(share) for share in shares))
