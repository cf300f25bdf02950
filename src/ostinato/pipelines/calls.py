"""Calls: one call of a step in an execution, its row, and the context in which its code runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ostinato.kernel.frozen import frozen
from ostinato.pipelines.claims import finish_run
from ostinato.pipelines.definition import Step
from ostinato.pipelines.invoke import Outcome
from ostinato.pipelines.serialization import codec_of, digest_of_tree
from ostinato.pipelines.spans import Span
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs
from ostinato.tracking.types import Run, Spent, State

T = TypeVar("T")


@frozen
class Call:
    step: Step[..., Any]
    id: str
    key: bytes
    arguments: dict[str, Any]
    row: dict[str, Any]
    context: StepContext
    spent: AttemptTotals


@dataclass(slots=True)
class AttemptTotals:
    """The summed cost of a call's attempts."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_rss_mb: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.cpu_s += outcome.cpu_s
        self.wall_s += outcome.wall_s
        self.peak_rss_mb = max(self.peak_rss_mb, outcome.peak_rss_mb)

    def all(self) -> Spent:
        return Spent(cpu_s=self.cpu_s, wall_s=self.wall_s, peak_rss_mb=self.peak_rss_mb)

    def row(self) -> dict[str, float]:
        return {"cpu_s": self.cpu_s, "wall_s": self.wall_s, "peak_rss_mb": self.peak_rss_mb}


class Home(Protocol):
    """The execution that a call belongs to."""

    app: Any
    execution: str
    runs: Runs

    def write_log(self, step: str, text: str) -> None:
        """Append a line to the log of the execution."""
        ...

    def insist(self, deed: Callable[[], T]) -> T:
        """Retry an idempotent action until it succeeds, as long as the lease holds."""
        ...


class StepContext:
    """The context of one call of a step. Its Run is kept with the rows of the call, or before, when it is asked for."""

    def __init__(self, body: Home, step: str, run: str, start: Callable[[Runs], Run]) -> None:
        self.app = body.app
        self.execution = body.execution
        self.step = step
        self.start = start
        self.span: Span | None = None
        self._body = body
        self._run = run

    @functools.cached_property
    def run(self) -> Logger:
        return Logger(self._body.runs, self._body.insist(lambda: self.start(self._body.runs)))

    def log(self, text: str) -> None:
        self._body.write_log(self.step, text)

    def finish(self, state: State, error: str = "", spent: Spent | None = None) -> Callable[[Runs], None]:
        """Send what was logged; returns what ends the Run."""
        if "run" in vars(self) and self.run.run.ended_at is None:
            self._body.insist(lambda: self.run.finish(state, error, spent))
        return functools.partial(finish_run, run=self._run, state=state, error=error, spent=spent)


_UNKNOWN = {
    "cached": False,
    "attempt": 1,
    "ended": None,
    "wall_s": None,
    "cpu_s": None,
    "peak_rss_mb": None,
    "output": None,
    "type": None,
    "error": "",
    "traceback": "",
}


def row_of(call: Call, state: str, **known: Any) -> dict[str, Any]:
    return call.row | _UNKNOWN | {"state": state} | known


def output_of(tree: Any) -> dict[str, str]:
    return {"output": digest_of_tree(tree), "type": codec_of(tree)}
