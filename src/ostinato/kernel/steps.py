"""Long work as a generator: it yields after each piece (about one transaction), so its caller can do other duties in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from ostinato.kernel.caller import Caller, calling

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Work that yields after each piece and returns its result."""


def run_all(steps: Steps[T]) -> T:
    """Run all steps; returns the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def on_behalf(who: Caller, steps: Steps[T]) -> Steps[T]:
    """Run each step as the caller `who`; between steps the previous caller is restored."""
    while True:
        with calling(who):
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
        yield


class TimeSliced:
    """Periodic long work in time slices: begun every `every_s` seconds, and done one second at a time."""

    turn_s = 1.0

    def __init__(self, every_s: float = 60.0) -> None:
        self._every_s = every_s
        self._begun_s = -every_s
        self._left: Steps[None] | None = None

    def advance(self, begin: Callable[[], Steps[None]]) -> None:
        """Work for one second on what is left, or begin again if nothing is left and it is time."""
        until = time.monotonic() + self.turn_s
        work, self._left = self._left, None
        if work is None:
            if time.monotonic() - self._begun_s < self._every_s:
                return
            self._begun_s = time.monotonic()
            work = begin()
        for _ in work:
            if time.monotonic() >= until:
                self._left = work
                return
