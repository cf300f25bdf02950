"""Steps: long work in pieces, each a transaction or so, so that who has other duties may pause between them and go on later."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from ostinato.kernel.caller import Caller, calling

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Work that yields after each piece and returns what it comes to."""


def taken(steps: Steps[T]) -> T:
    """Do all of the work; what it comes to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def on_behalf(who: Caller, steps: Steps[T]) -> Steps[T]:
    """Do each piece on behalf of a caller; in the pauses, calls are made by whoever made them before."""
    while True:
        with calling(who):
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
        yield
