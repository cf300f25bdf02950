"""The types of the tracking pages: rows, groups and comparisons of runs, and details of one."""

from __future__ import annotations

from datetime import datetime

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.tracking.types import (
    Artifact,
    Environment,
    Metric,
    Number,
    Run,
    Scalar,
    State,
)


@frozen
class Difference:
    """Something in which runs differ, such as `params.depth`, and its value in each of them, None where it is absent."""

    what: str
    values: list[Scalar]


@frozen
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


@frozen
class Anchor:
    """Passed as `after`, the page begins with the row at `offset`, counted from 0."""

    offset: int
    after: str | None


@frozen
class RunIndex:
    """The length of a run table, anchors for jumps into it, and the columns of its newest 200 runs, the most common first."""

    total: int
    anchors: list[Anchor]
    params: list[str]
    metrics: list[str]
    tags: list[str]


@frozen
class SavedView:
    """A way of looking at runs, kept under a name: of which experiment (None: all), which runs, in which order, with which columns."""

    id: str
    name: str
    owner: str
    experiment: str | None
    where: list[str]
    order_by: str
    columns: list[str]
    saved_at: datetime


@frozen
class Repeat:
    """How to repeat a run: the commands, and what was not recorded and may therefore differ.

    `execution` is the execution of a pipeline that started the run; it is repeated there.
    """

    commands: list[str]
    lacks: list[str]
    execution: Ref | None = None


@frozen
class Story:
    """One run and what belongs to it; `parts` counts by state the runs that are part of it."""

    run: Run
    parent: Run | None
    parts: dict[State, int]
    artifacts: list[Artifact]
    environment: Environment | None
    repeat: Repeat


@frozen
class MetricRow:
    """One metric of several runs, None where a run has not measured it."""

    key: str
    values: list[Metric | None]


@frozen
class Comparison:
    """Runs side by side: in what they differ, what they have in common, and their metrics; all lists in the order of `runs`."""

    runs: list[Run]
    differing: list[Difference]
    same: dict[str, Scalar]
    metrics: list[MetricRow]


@frozen
class Influence:
    """The influence of one parameter on a metric, over runs in `groups` by its `values`.

    `share` is the share of the variance of the metric's ranks between the groups, corrected for chance, at most 1 (0: none); 95 % of
    shuffled orders stay below `chance`; `p` is corrected for the number of parameters. `trend` is the rank correlation, with its 95 %
    interval, None unless all values are numbers; `along` are parameters that were changed together with this one.
    """

    param: str
    values: int
    groups: int
    share: float
    chance: float
    p: float
    trend: float | None
    low: float | None
    high: float | None
    along: list[str]


@frozen
class Influences:
    """The parameters by their share of a metric, over `runs` that measured it: the newest, where there are `more`."""

    metric: str
    runs: int
    more: bool
    params: list[Influence]


@frozen
class RunGroup:
    """Runs that share a value, None for those without; `where` is the condition that they meet, and they alone.

    Of a metric the least, the mean and the greatest of its last values, and how many `measured` it.
    """

    value: Scalar
    where: str
    runs: int
    started_at: datetime
    measured: int
    least: Number | None
    mean: Number | None
    greatest: Number | None


@frozen
class RunGroups:
    """The groups of runs by a field, those with most runs first, and whether there are `more`."""

    by: str
    more: bool
    groups: list[RunGroup]


@frozen
class Preview:
    """The beginning of a table: its columns with their types, its first rows, and how many it has in all."""

    columns: list[str]
    types: list[str]
    total: int
    rows: list[list[Scalar]]
