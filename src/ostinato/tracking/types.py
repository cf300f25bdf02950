"""The nouns of tracking: runs, their origin, what they measured and what they left."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ostinato.kernel.ref import Ref

Scalar = str | int | float | bool | None
"""A parameter of a run; a float that is not finite is kept as `"nan"`, `"inf"` or `"-inf"`."""

Number = float | Literal["nan", "inf", "-inf"]
"""A measured value as it travels: JSON has no NaN and no infinity."""

State = Literal["running", "finished", "failed", "killed"]
"""A run is `killed` when it was interrupted, or when its process has been silent for longer than its lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Where a run came from: the git commit, whether the tree differed from it, the program, its arguments, the host."""

    commit: str | None = None
    dirty: bool = False
    entry: str = ""
    arguments: list[str] = field(default_factory=list)
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a run ran on: the interpreter, the platform, and the installed packages by name with their versions."""

    python: str
    platform: str
    packages: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What something cost the machine: seconds of CPU and of real time, and the most memory it held, in MiB."""

    cpu_s: float
    wall_s: float | None
    peak_rss_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One try of an experiment. `environment` is the digest of its Environment; equal environments have equal digests.

    `spent` is what it cost the machine, where whoever ended it knows.
    """

    id: str
    experiment: str
    name: str
    state: State
    parent: str | None
    params: dict[str, Scalar]
    tags: dict[str, str]
    inputs: list[Ref]
    outputs: list[Ref]
    code: Code
    environment: str | None
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    error: str
    spent: Spent | None = None

    @property
    def ref(self) -> Ref:
        """How others point at the run."""
        return Ref("run", self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """All runs of one name: how many, how many of them running, and when the last one was started."""

    name: str
    runs: int
    running: int
    last_started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a run left: its path within the run, its BLAKE3 digest and its size in bytes."""

    path: str
    digest: str
    size: int
    kept_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measured series in short: the value at its highest step, the extremes (None if all is NaN), and the count."""

    last: Number
    step: int
    at: datetime
    min: Number | None
    max: Number | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A measured series in the order of its steps; times in microseconds after 1970."""

    key: str
    steps: list[int]
    times_us: list[int]
    values: list[Number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something in which runs differ, such as `params.depth`, and its value in each of them, None where it is absent."""

    what: str
    values: list[Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as a line of a table; `cells` holds what it has of the columns that were asked for, such as `metrics.auc`.

    `wall_s` is how many seconds of real time it took, where whoever ended it knows.
    """

    id: str
    experiment: str
    name: str
    state: State
    parent: str | None
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    error: str
    wall_s: float | None
    cells: dict[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Passed as `after`, the page begins with the row at `offset`, counted from 0."""

    offset: int
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIndex:
    """How many runs a table has, where to begin in the middle of it, and which columns the newest thousand have, the most common first."""

    total: int
    anchors: list[Anchor]
    params: list[str]
    metrics: list[str]
    tags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """How to do a run again: the commands, and what was not recorded and so may come out otherwise.

    `execution` is the execution of a pipeline that started the run; it is repeated there.
    """

    commands: list[str]
    lacks: list[str]
    execution: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One run and what belongs to it; `parts` counts by state the runs that are part of it."""

    run: Run
    parent: Run | None
    parts: dict[State, int]
    artifacts: list[Artifact]
    environment: Environment | None
    repeat: Repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric of several runs, None where a run has not measured it."""

    key: str
    values: list[Metric | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Runs side by side: in what they differ, what they have in common, and their metrics; all lists in the order of `runs`."""

    runs: list[Run]
    differing: list[Difference]
    same: dict[str, Scalar]
    metrics: list[MetricRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFrame:
    """Points in columns, little-endian: point i belongs to `keys[key[i]]`.

    `key` holds unsigned integers of 4 bytes, `steps` and `times_us` signed integers and `values` IEEE floats of 8 bytes,
    so NaN, infinities and every last bit arrive as they were measured.
    """

    keys: list[str]
    key: bytes
    steps: bytes
    times_us: bytes
    values: bytes

    @classmethod
    def of(cls, points: Sequence[tuple[str, int, int, float]]) -> MetricFrame:
        """The frame of points (key, step, time in µs, value).

        >>> frame = MetricFrame.of([("auc", 0, 1_700_000_000_000_000, 0.7)])
        >>> frame.keys, len(frame.values)
        (['auc'], 8)
        """
        index: dict[str, int] = {}
        key = [index.setdefault(point[0], len(index)) for point in points]
        n = len(points)
        return cls(
            keys=list(index),
            key=struct.pack(f"<{n}I", *key),
            steps=struct.pack(f"<{n}q", *(point[1] for point in points)),
            times_us=struct.pack(f"<{n}q", *(point[2] for point in points)),
            values=struct.pack(f"<{n}d", *(point[3] for point in points)),
        )


def number(value: float) -> Number:
    """A float as it travels.

    >>> number(float("-inf")), number(0.5)
    ('-inf', 0.5)
    """
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def scalar(value: Scalar) -> Scalar:
    """A parameter as it is kept: floats that are not finite become text."""
    return number(value) if isinstance(value, float) else value
