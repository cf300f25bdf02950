"""The types of pipelines: definitions, executions, steps, log lines, and why a step ran."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any, Literal

from ostinato.kernel.frozen import frozen

ExecutionState = Literal["queued", "running", "lost", "finished", "failed", "cancelled"]
StepState = Literal["running", "finished", "failed", "killed"]
CatchUp = Literal["latest", "all", "none"]
ENDED: tuple[ExecutionState, ...] = ("finished", "failed", "cancelled")
"""The states that an execution does not leave."""


@frozen
class Definition:
    """A name under which a pipeline can be started: `target` is `module:function`."""

    name: str
    target: str
    summary: str
    created_at: datetime
    created_by: str


@frozen
class Execution:
    """One execution of a pipeline, which is also the Run of the same id.

    `running` means that a worker holds a live lease. `lost` means that its worker fell silent: the next worker takes
    it over, finished steps and all. `attempt` counts the workers that took it, at most `attempts`. `error` is the last
    line of the failure, `traceback` all of it. Instants are of the business clock; `wall_s` is real time from the
    first claim to the end, in seconds.

    `queue` says which workers may take it, `priority` who goes first (the higher), and `tags` which limits it counts for.
    `cause` is what started it (`schedule:nightly`, `trigger:retrain`; empty: somebody did), and `nominal` the time for which
    a schedule did. `cpu_s` is the CPU time of its steps so far, in seconds, `peak_rss_mb` the most memory that one of them
    held, in MiB, and `cost` the price of the CPU time, None without a price (`OSTINATO_CPU_HOUR_PRICE`).
    """

    id: str
    pipeline: str
    target: str
    state: ExecutionState
    parameters: dict[str, Any]
    key: str | None
    actor: str
    attempt: int
    attempts: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    wall_s: float | None = None
    error: str = ""
    traceback: str = ""
    queue: str = "default"
    priority: int = 0
    tags: list[str] = field(default_factory=list)
    cause: str = ""
    nominal: datetime | None = None
    cpu_s: float = 0.0
    peak_rss_mb: float = 0.0
    cost: float | None = None

    @property
    def ended(self) -> bool:
        """Whether it has come to an end, well or not."""
        return self.state in ENDED


@frozen
class Origin:
    """The call that produced a memoized output: its execution, its id there, and its Run, empty if unknown."""

    execution: str
    step: str
    run: str


@frozen
class StepRun:
    """One call of a step in an execution. `run` is the id of its Run, empty while it waits and for one that did not run.

    `cached` steps did not run: their output was remembered, and `origin` is the call that had made it. `queued` is when the
    body called it, `started` when it began to run. `needs` are the ids of the calls whose outputs went in. `error` is the last line
    of the failure, `traceback` all of it.
    `arguments` holds what was passed by name; large values stand as `{"$codec": digest}`. `attempt` counts the tries
    of this call. `type` is the codec of the output. `cpu_s` and `wall_s` are seconds, of all tries together: CPU time of
    the whole process and of those it waited for. `peak_rss_mb` is the most memory that the process held while the step
    ran, in MiB. `cost` is the price of the CPU time.
    """

    id: str
    run: str
    name: str
    state: StepState
    cached: bool
    attempt: int
    queued: datetime
    started: datetime
    ended: datetime | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    peak_rss_mb: float | None = None
    output: str | None = None
    type: str | None = None
    needs: list[str] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    traceback: str = ""
    cost: float | None = None
    origin: Origin | None = None


@frozen
class Edge:
    """The output of the call `before` went into the call `after`; both are ids."""

    before: str
    after: str


@frozen
class ExecutionPage:
    """The page of an execution, at one instant.

    `steps` are the first calls in the order of the body, `edges` what went from one of them into another; `counts` says how many
    calls there are in each state, remembered ones apart as `cached`. Lines of the log up to `last_line` had been written: ask for
    what comes `after` it. `verbs` are those that would change something now.
    """

    execution: Execution
    steps: list[StepRun]
    edges: list[Edge]
    counts: dict[str, int]
    last_line: int
    verbs: list[Literal["cancel", "retry"]]


@frozen
class Glimpse:
    """An execution in a list. `wall_s` is real time from the first claim to the end, in seconds."""

    id: str
    state: ExecutionState
    cause: str
    created_at: datetime
    ended_at: datetime | None
    wall_s: float | None


@frozen
class PipelineSummary:
    """A pipeline in a list: one that is `registered`, that an entry point names, or that has been started.

    `recent` are its latest executions, the newest first, and `next_at` is when a schedule starts it next.
    """

    name: str
    target: str
    summary: str
    registered: bool
    recent: list[Glimpse]
    next_at: datetime | None


@frozen
class Taken:
    """A parameter of a pipeline: its annotation and its default as source text, empty if there are none."""

    name: str
    type: str
    default: str
    required: bool


@frozen
class PipelinePage:
    """The page of a pipeline. `problem` says why it cannot be started, empty if it can.

    `schema` is the JSON Schema (2020-12) of its parameters; one whose annotation is not known takes anything.
    """

    pipeline: PipelineSummary
    parameters: list[Taken]
    schema: dict[str, Any]
    schedules: list[Schedule]
    triggers: list[Trigger]
    problem: str


@frozen
class LogLine:
    """A line that a step logged, or the traceback of its failure. `seq` grows; `step` is the id of the call, or empty."""

    seq: int
    at: datetime
    step: str
    text: str


@frozen
class Change:
    """A part of a step's key that differs from the run it is compared with; None where a part did not exist."""

    part: Literal["code", "argument", "environment"]
    name: str
    before: str | None
    after: str | None


@frozen
class Why:
    """Why a step ran, or did not: `reason` in one sentence, and the parts of its key that had changed."""

    step: str
    name: str
    cached: bool
    reason: str
    compared_with: str | None
    changes: list[Change]


@frozen
class Schedule:
    """A schedule: starts a pipeline at the times of a cron expression, in a time zone.

    `next_at` is the next nominal time, None while it is paused. `catch_up` says what becomes of times that passed while
    nobody looked: the `latest` of them starts an execution, `all` do, or `none`.
    """

    name: str
    pipeline: str
    cron: str
    zone: str
    parameters: dict[str, Any]
    catch_up: CatchUp
    paused: bool
    next_at: datetime | None
    created_at: datetime
    created_by: str


@frozen
class Backfill:
    """The result of a backfill: an execution for each nominal time; `known` had one before."""

    schedule: str
    asked: int
    known: int
    executions: list[str]


@frozen
class Trigger:
    """A trigger: starts a pipeline on events whose verb matches `on` and whose subject matches `subject`.

    `stopped` is empty, or says why it fires no more: it would have set itself off without end. `paused` is somebody's wish.
    """

    name: str
    on: str
    subject: str
    pipeline: str
    parameters: dict[str, Any]
    paused: bool
    stopped: str
    created_at: datetime
    created_by: str


@frozen
class Limit:
    """A concurrency limit: at most `slots` executions of this name, of which `held` have a live lease now.

    `pipeline:daily` limits a pipeline, any other name the executions with that tag; `customer:*` each tag that begins so.
    """

    name: str
    slots: int
    held: int
