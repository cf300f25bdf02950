"""The types of tracking: runs, their origin, their metrics and artifacts."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from typing import Any, Literal

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref

Scalar = str | int | float | bool | None
"""A parameter of a run; a float that is not finite is kept as `"nan"`, `"inf"` or `"-inf"`."""

Number = float | Literal["nan", "inf", "-inf"]
"""A measured value as it travels: JSON has no NaN and no infinity."""

State = Literal["scheduled", "running", "finished", "failed", "killed"]
"""A run is `killed` when it was interrupted, or when its process has been silent for longer than its lease."""

View = Literal["active", "deleted", "all"]
"""Which things a list holds: those that are there, those that were deleted and can be restored, or both."""

CandidateState = Literal["pending", "ready", "failed"]


@frozen
class Code:
    """The origin of a run: git commit, whether the working tree differed from it, program, arguments, host.

    `branch` and `remote` say where the commit may be found, without credentials.
    """

    commit: str | None = None
    dirty: bool = False
    entry: str = ""
    arguments: list[str] = field(default_factory=list)
    host: str = ""
    branch: str = ""
    remote: str = ""


@frozen
class Environment:
    """The environment of a run: interpreter, platform, and installed packages with their versions."""

    python: str
    platform: str
    packages: dict[str, str]


@frozen
class Spent:
    """Resource usage: seconds of CPU and of real time, and peak memory in MiB."""

    cpu_s: float
    wall_s: float | None
    peak_rss_mb: float


@frozen
class Run:
    """A run of an experiment. `environment` is the digest of its Environment; equal environments have equal digests.

    `spent` is what it cost the machine, where whoever ended it knows. Where whoever started it said when, `started_at` is what they said;
    `recorded_at` is always our own clock. A run that is `amendable` takes parameters, points and files after its end as well.
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
    experiment_id: str = ""
    note: str = ""
    recorded_at: datetime | None = None
    amendable: bool = False
    deleted_at: datetime | None = None

    @property
    def ref(self) -> Ref:
        """The reference of the run."""
        return Ref("run", self.id)


@frozen
class Experiment:
    """An experiment: the number of its runs, how many are running, and when the last was started (else: when it was created).

    Runs that were deleted are not counted. `note` is Markdown.
    """

    name: str
    runs: int
    running: int
    last_started_at: datetime
    id: str
    note: str
    tags: dict[str, str]
    created_at: datetime
    created_by: str
    changed_at: datetime
    deleted_at: datetime | None

    @property
    def ref(self) -> Ref:
        """The reference of the experiment, whatever it is called later."""
        return Ref("experiment", self.id)


@frozen
class Source:
    """External data that a run used, as its reader described it; all texts are stored unchanged.

    `type` says what `source` is, such as `local` or `hf`. `id` is made of everything else: what differs in nothing is one source.
    """

    name: str
    digest: str
    type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""
    id: str = ""


@frozen
class Use:
    """The use of a source by a run, in a context such as `training`, with tags."""

    source: Source
    context: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@frozen
class Measure:
    """A metric value of a candidate, on the dataset with that name and digest, if given."""

    key: str
    value: Number
    step: int
    at: datetime
    run: str
    dataset_name: str = ""
    dataset_digest: str = ""


@frozen
class Candidate:
    """A candidate: a model that may become a registered version. Its files are stored under its own id.

    `run` is the run that made it, None if none did, and `step` the step of the run at which it was left. `type` is what its maker calls
    its kind; `message` says why it is not ready. `measures` are in the order of keys, then of steps.
    """

    id: str
    name: str
    experiment: str
    experiment_id: str
    run: str | None
    step: int | None
    state: CandidateState
    message: str
    type: str
    params: dict[str, Scalar]
    tags: dict[str, str]
    created_at: datetime
    created_by: str
    changed_at: datetime
    deleted_at: datetime | None
    measures: list[Measure] = field(default_factory=list)

    @property
    def ref(self) -> Ref:
        """The reference of the candidate."""
        return Ref("candidate", self.id)


@frozen
class Artifact:
    """A file of a run or a candidate: its path there, its BLAKE3 digest and its size in bytes."""

    path: str
    digest: str
    size: int
    kept_at: datetime


@frozen
class Metric:
    """A metric in short: the value at its highest step, minimum and maximum (None if all values are NaN), and the count."""

    last: Number
    step: int
    at: datetime
    min: Number | None
    max: Number | None
    n: int


@frozen
class Curve:
    """The points of a metric in order of steps; times in microseconds since 1970."""

    key: str
    steps: list[int]
    times_us: list[int]
    values: list[Number]


@frozen
class MetricFrame:
    """Points in columns, little-endian: point i belongs to `keys[key[i]]`.

    `key` holds unsigned integers of 4 bytes, `steps` and `times_us` signed integers and `values` IEEE floats of 8 bytes,
    so NaN, infinities and every last bit arrive as they were measured. With `candidate`, the points were measured of that model, on the
    data of that name and digest.
    """

    keys: list[str]
    key: bytes
    steps: bytes
    times_us: bytes
    values: bytes
    candidate: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""

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


def scalar(value: Any) -> Scalar:
    """A parameter as it is kept: what is no scalar becomes one, or text: lists and dicts their JSON, and floats that are not finite.

    >>> scalar([64, None]), scalar(datetime(2013, 1, 1)), scalar(float("nan")), scalar(2**70)
    ('[64, null]', '2013-01-01 00:00:00', 'nan', 1180591620717411303424)
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return number(float(value))
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # of NumPy, PyTorch and their like
        return scalar(value.item())
    if isinstance(value, dict | list | tuple):
        with suppress(TypeError, ValueError, RecursionError):  # keys that are no texts, or a circle
            return json.dumps(value, ensure_ascii=False, default=scalar)
    return str(value)


def label(value: Any) -> str:
    """A tag as it is kept: text."""
    return str(scalar(value))
