"""Inline: in the process and thread of the execution."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Inline:
    """One call after another in the process of the execution; nothing to start, and `current()` works."""

    width = 1

    def submit(self, call: Callable[[], T], timeout_s: float | None = None) -> Future[T]:  # noqa: ARG002
        done: Future[T] = Future()
        try:
            done.set_result(call())
        except Exception as error:  # the caller asks the future; anything graver goes up at once
            done.set_exception(error)
        return done

    def close(self) -> None:
        pass
