"""The types of monitoring: monitors, windows and findings."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any, Literal

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref

Kind = Literal["drift", "performance", "quality", "coverage"]
Severity = Literal["warning", "critical"]
Happened = Literal["raised", "acknowledged", "silenced", "silence_ended", "reacted", "commented"]


@frozen
class Rate:
    """A rate in `draws` trials, with its 95 % Wilson interval."""

    rate: float
    low: float
    high: float
    draws: int


@frozen
class TestSpec:
    """A test of a family with its tolerance; an empty `features` means all features that it applies to.

    `kind` is the family: drift, quality or performance. `tolerance` None means the test's own.
    """

    __test__ = False

    kind: Kind
    test: str
    features: list[str] = field(default_factory=list)
    tolerance: float | None = None


@frozen
class ReactionSpec:
    """A reaction to run once after a window with alarms of the kinds `on`; `parameters` are those of the reaction."""

    reaction: str
    on: list[Kind] = field(default_factory=lambda: ["drift", "performance"])
    parameters: dict[str, Any] = field(default_factory=dict)


@frozen
class Monitor:
    """A monitor of an endpoint. `reference` is the digest of a table with the features, `score`, `label` and `block`."""

    name: str
    endpoint: str
    reference: str
    features: list[str]
    block: str
    tests: list[TestSpec]
    reactions: list[ReactionSpec]
    alpha: float
    created_at: datetime
    created_by: str


@frozen
class Measurement:
    """One comparison of a window with the reference.

    `observed` and `expected` are what the sentence speaks of: a mean, a share, an area. `low` to `high` is the 95 % interval
    of `effect`; `false_alarm` is how often this rule alarms on unchanged data, measured as `measured` says.
    """

    kind: Kind
    test: str
    feature: str
    effect: float
    low: float
    high: float
    tolerance: float
    p: float
    corrected_p: float
    alarm: bool
    false_alarm: Rate
    measured: str
    expected: float | None
    observed: float | None
    sentence: str


@frozen
class Window:
    """The predictions of an endpoint from `start` up to `end`, measured.

    `undecided` says what could not be measured, and why. `any_false_alarm` is how often at least one test of the kind
    alarms on unchanged data.
    """

    id: str
    monitor: str
    key: str
    start: datetime
    end: datetime
    reference: str
    rows: int
    labelled: int
    versions: dict[str, int]
    measurements: list[Measurement]
    undecided: list[str]
    any_false_alarm: dict[str, Rate]
    measured_at: datetime


@frozen
class Finding:
    """An alarm: a measurement whose interval lies beyond the tolerance. `note` says what was done about it."""

    id: str
    monitor: str
    endpoint: str
    window: str
    start: datetime
    end: datetime
    severity: Severity
    state: Literal["open", "acknowledged", "silenced"]
    measurement: Measurement
    note: str
    handled_by: str | None


@frozen
class Reaction:
    """A reaction of a window, run once. `outcome` names its result; `problem` says why it failed, and it is retried."""

    window: str
    position: int
    reaction: str
    state: Literal["pending", "done", "failed"]
    outcome: str
    problem: str


@frozen
class Silence:
    """A silence: findings about `feature` (empty: all) in windows that start before `until` trigger no reactions.

    Once it has `ended_at`, by `ended_by` for `end_reason`, windows that are measured are heard again.
    """

    id: str
    monitor: str
    feature: str
    until: datetime
    reason: str
    made_by: str
    made_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    end_reason: str = ""


@frozen
class Alert:
    """An alert for people about `subject`, a reference."""

    id: str
    subject: str
    text: str
    severity: Severity
    raised_at: datetime
    state: Literal["open", "acknowledged"]
    handled_by: str | None
    note: str


@frozen
class WindowMark:
    """A window in short, and the number of its alarms."""

    id: str
    key: str
    start: datetime
    end: datetime
    rows: int
    labelled: int
    alarms: int


@frozen
class HeatCell:
    """One test of one feature in one window; the numbers are None where nothing was measured, and `sentence` says why.

    `significant` means a corrected p-value below the alpha of the monitor; `alarm`, that the interval lies beyond the tolerance too.
    """

    state: Literal["measured", "few", "none"]
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    corrected_p: float | None = None
    significant: bool = False
    alarm: bool = False
    sentence: str = ""


@frozen
class HeatLine:
    """One test of one feature over the windows: a cell for each of them, in their order."""

    feature: str
    test: str
    tolerance: float | None
    cells: list[HeatCell]


@frozen
class HeatMap:
    """Every feature of a monitor against its windows, oldest first; the lines with the greatest effect against their tolerance first."""

    monitor: str
    kind: Kind
    windows: list[WindowMark]
    lines: list[HeatLine]


@frozen
class PairShare:
    """The share of the values of the reference and of a window that lies in [low, high), or is `label`."""

    label: str
    low: float | None
    high: float | None
    reference: float
    window: float


@frozen
class Distribution:
    """A feature in the reference and in a window, counted into the same bins, with what was measured on it.

    Shares are of the values that are there; `missing` and `new` are shares of all rows, without a value and with one that the
    reference does not hold. Predictions that came after the window was measured are counted here too.
    """

    window: WindowMark
    feature: str
    kind: Literal["numeric", "category"]
    rows_reference: int
    rows_window: int
    bins: list[PairShare]
    missing_reference: float
    missing_window: float
    new_window: float
    measurements: list[Measurement]


@frozen
class PerformancePoint:
    """A measure of performance in one window with its 95 % interval; None where it could not be measured, and `reason` says why."""

    window: WindowMark
    value: float | None
    low: float | None
    high: float | None
    reference: float | None
    tolerance: float | None
    alarm: bool
    reason: str


@frozen
class PerformanceLine:
    """One measure of performance over the windows, oldest first."""

    test: str
    higher_is_better: bool
    points: list[PerformancePoint]


@frozen
class FindingPage:
    """Findings, newest first; `next` is the cursor of the following page. `counts` are by state, under the other filters."""

    items: list[Finding]
    next: str | None
    counts: dict[str, int]


@frozen
class Happening:
    """An entry in the history of a finding: what was done, when, by whom, and why.

    `ref` is what came of it, or what it was done to; `until` the end that a silence was given.
    """

    at: datetime
    by: str
    what: Happened
    text: str
    ref: Ref | None = None
    until: datetime | None = None


@frozen
class FindingHistory:
    """The history of a finding, oldest first, and the findings of the same test and feature in other windows, newest first."""

    happenings: list[Happening]
    others: list[Finding]


@frozen
class ReferenceTable:
    """A table that can serve as the reference of a monitor, because it has all columns.

    `source` is what made it or was compared with it, `version` the version of a model that it belongs to, where that is known.
    """

    digest: str
    rows: int
    source: Ref
    version: Ref | None
    made_at: datetime
    current: bool
