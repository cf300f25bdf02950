"""The execution and step in which the current code runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from ostinato.kernel.errors import Conflict
from ostinato.tracking.client.active_run import offering
from ostinato.tracking.logger import Logger


class Context(Protocol):
    """The execution inside which code is called.

    `app` is the opened Ostinato. `execution` is the id of the execution; `step` that of the call of a step, and empty
    in the body of the pipeline. `run` is the Run to log metrics and artifacts to: the step's own, or the execution's.
    """

    app: Any
    execution: str
    step: str

    @property
    def run(self) -> Logger:
        """The Run of this call."""
        ...

    def log(self, text: str) -> None:
        """Append a line to the log of the execution."""
        ...


class Flow(Protocol):
    """The receiver of step calls in the body of a pipeline."""

    def call(self, step: Any, arguments: dict[str, Any]) -> Any:
        """Return the memoized result of one call, or run it."""
        ...

    def map(self, step: Any, calls: list[dict[str, Any]], executor: str, at_most: int) -> list[Any]:
        """Return the memoized results of many calls of one step, or run them."""
        ...


_flow: ContextVar[Flow | None] = ContextVar("ostinato_flow", default=None)
_context: ContextVar[Context | None] = ContextVar("ostinato_context", default=None)


def flow() -> Flow | None:
    """The receiver of step calls made here; None outside the body of an executing pipeline."""
    return _flow.get()


def current() -> Context:
    """The execution inside which this code is called.

    Raises:
        Conflict: called outside a pipeline, or in a step that runs in a process of its own.
    """
    present = _context.get()
    if present is None:
        raise Conflict("no execution is under way here", hint="call it within a step or pipeline that runs inline in an execution")
    return present


@contextmanager
def entering(context: Context, flow: Flow | None) -> Iterator[None]:
    """Code in the block is called inside `context`; calls of steps go to `flow`, or are plain calls where it is None."""
    tokens = _context.set(context), _flow.set(flow)
    try:
        with offering(lambda: context.run):
            yield
    finally:
        _context.reset(tokens[0])
        _flow.reset(tokens[1])
