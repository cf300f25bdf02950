"""Monitors, the windows that they measure, and what they find."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["drift", "performance", "quality", "coverage"]
Severity = Literal["warning", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often something happened in `draws` tries, with its 95 % Wilson interval."""

    rate: float
    low: float
    high: float
    draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSpec:
    """A test of a family and its tolerance; `features` empty means all that it fits.

    `kind` is the family: drift, quality or performance. `tolerance` None means the test's own.
    """

    __test__ = False

    kind: Kind
    test: str
    features: list[str] = field(default_factory=list)
    tolerance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionSpec:
    """What to do once after a window with alarms of the kinds `on`; `parameters` are those of the reaction."""

    reaction: str
    on: list[Kind] = field(default_factory=lambda: ["drift", "performance"])
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A watch over an endpoint. `reference` is the digest of a table with the features, `score`, `label` and `block`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What a window set off, once. `outcome` names what it made; `problem` says why it failed, and it is tried again."""

    window: str
    position: int
    reaction: str
    state: Literal["pending", "done", "failed"]
    outcome: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Findings of a monitor about `feature` (empty: all) of windows that start before `until` set off nothing."""

    id: str
    monitor: str
    feature: str
    until: datetime
    reason: str
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a person must know. `subject` is a reference to what it is about."""

    id: str
    subject: str
    text: str
    severity: Severity
    raised_at: datetime
    state: Literal["open", "acknowledged"]
    handled_by: str | None
    note: str
