"""The types of a search: Range, Space, Trial, Tuned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref

Scalar: TypeAlias = str | int | float | bool


@frozen
class Range:
    """Numbers from `low` to `high`, both included; `log` spaces them by ratio, `whole` rounds them.

    `steps` is how many of them a grid takes.

    >>> Range(low=1, high=100, log=True, steps=3).at(0.5)
    10.0
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    steps: int = 5

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.log and self.low <= 0) or self.steps < 1:
            raise Invalid(f"not a range: {self}", hint="low ≤ high, above 0 where log=True, and at least one step", field="space")

    def at(self, share: float) -> float | int:
        """The number `share` of the way from low to high, 0 to 1."""
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(round(value, 12), self.low), self.high)
        return round(value) if self.whole else value


Space: TypeAlias = Mapping[str, Range | Sequence[Scalar]]


class Search(Protocol):
    """A member of the family `search`: the points of a space to try, in order, the same each time."""

    def points(self, space: Space) -> Iterator[dict[str, Any]]:
        """Points as parameters by name."""
        ...


@frozen
class Trial:
    """Parameters that were tried, the value they gave, and the run that did it. `problem` is why there is no value."""

    number: int
    parameters: dict[str, Scalar]
    value: float | None
    run: Ref
    problem: str = ""


@frozen
class Tuned:
    """All trials in order, and the best of them; of equals the first."""

    best: Trial
    trials: list[Trial]
