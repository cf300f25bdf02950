"""The types of insights: search hits, the state of loops, what waits, and delivery metrics."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Literal

from ostinato.kernel.event import Event
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref

# ---- search


@frozen
class Hit:
    """A search hit: its display name, one line about it, when it was made or last used, and how well it matches."""

    ref: Ref
    title: str
    summary: str
    at: datetime | None
    match: Literal["exact", "prefix", "part"]


@frozen
class Hits:
    """The results of a search for `text`, best first; `more` says that there are more than requested."""

    text: str
    hits: list[Hit]
    more: bool


# ---- the loop at a glance


@frozen
class Data:
    """The newest version of the dataset behind a model. `promised_h` is the age in hours that its contract or a view over it promises
    to stay below, `fresh` whether it does; `state` and `failed` are those of the last delivery: its verdict and the checks it failed."""

    version: Ref
    delivered_at: datetime
    age_h: float
    promised_h: float | None
    fresh: bool | None
    last_at: datetime
    state: Literal["accepted", "quarantined"]
    failed: list[str]


@frozen
class Trained:
    """When and by which run the newest version was made."""

    version: Ref
    at: datetime
    run: Ref | None


@frozen
class Production:
    """The version in production, since when, and who put it there; without an endpoint, the champion."""

    version: Ref
    since: datetime
    by: str
    endpoint: Ref | None


@frozen
class Rolling:
    """The newest rollout: where it stands and what it has seen. `to_rollback` and `to_end` run from 0 to 1: how much of the evidence
    for a rollback is there (on a logarithmic scale), and how many of the pairs after which it ends without a verdict."""

    rollout: Ref
    endpoint: Ref
    candidate: Ref
    strategy: str
    state: Literal["running", "paused", "promoted", "rolled_back", "inconclusive", "aborted"]
    reason: str
    weight: float
    since: datetime
    pairs: int
    e_value: float | None
    e_limit: float
    harm: float | None
    low: float | None
    high: float | None
    margin: float
    to_rollback: float
    to_end: float


@frozen
class Health:
    """The answers of the last 24 hours: requests, of these failed; latencies in milliseconds of those that were asked one by one;
    `spark` and `spark_errors` by hour, the oldest first."""

    endpoint: Ref
    since: datetime
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    spark: list[int]
    spark_errors: list[int]


@frozen
class Effect:
    """The drift of a feature, with its 95 % interval and the tolerance."""

    feature: str
    test: str
    effect: float
    low: float
    high: float
    tolerance: float
    alarm: bool


@frozen
class Drift:
    """The newest window of the monitors of a model: its worst drift, and how many findings are open."""

    monitor: Ref
    window: Ref | None
    measured_to: datetime | None
    worst: Effect | None
    open_findings: int


@frozen
class Quality:
    """A metric in the newest window that has enough labels, with its 95 % interval, and as it was evaluated before the approval."""

    metric: str
    now: float
    low: float
    high: float
    approved: float | None
    approved_low: float | None
    approved_high: float | None
    labelled: int
    rows: int
    window: Ref
    measured_to: datetime
    alarm: bool


@frozen
class Cost:
    """The cost of the training runs of a model in `days`: CPU time in seconds, and its price if one is set."""

    days: int
    runs: int
    failed: int
    cpu_s: float
    money: float | None


@frozen
class Wait:
    """Something that waits for a person: `verb` on `ref`, by somebody with `permission`, since when and why. `owner` is whom to ask."""

    ref: Ref
    verb: str
    permission: str
    owner: str
    since: datetime
    why: str


@frozen
class Loop:
    """The state of one model's loop. A part that is None is absent; `absent` has by its name the command that would make it, or
    says that the caller may not see it. `worry` is 0 where all is well, 1 where something waits, 2 where something is wrong."""

    model: Ref
    owner: str
    description: str
    worry: int
    data: Data | None = None
    trained: Trained | None = None
    production: Production | None = None
    rollout: Rolling | None = None
    health: Health | None = None
    drift: Drift | None = None
    quality: Quality | None = None
    cost: Cost | None = None
    waits: list[Wait] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


@frozen
class Home:
    """Every model of the project as of `at`, the most problematic one first."""

    at: datetime
    loops: list[Loop]
    command: str = ""
    """The command that makes the first model, if there is none."""


# ---- what waits for me


@frozen
class Item:
    """Something that waits for the caller: `verb` is what to do about `ref`, `command` how."""

    kind: Literal["approval", "emergency", "finding", "failure", "quarantine", "rollout"]
    ref: Ref
    title: str
    detail: str
    since: datetime
    by: str
    verb: str
    command: str


@frozen
class Inbox:
    """The caller's inbox, newest first, at most `limit`; `counts` by kind count all items of the last `window_days`."""

    items: list[Item]
    counts: dict[str, int]
    window_days: int


# ---- what happened


@frozen
class News:
    """A recent event, the newest of `times` consecutive similar ones, of which the first was at `since`."""

    event: Event
    times: int
    since: datetime


# ---- the practice


@frozen
class Span:
    """A duration over `cases` cases, in hours; `worst` is the longest one."""

    cases: int
    p50_h: float | None = None
    p90_h: float | None = None
    worst_h: float | None = None
    worst: Ref | None = None


@frozen
class Share:
    """A share of `cases`, with its 95 % interval (Wilson 1927)."""

    cases: int
    hits: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


@frozen
class Stage:
    """What the runs of one experiment cost. It is of the stage `training` if it made a version of a model, `serving` and `monitoring` if
    it is one of the platform's own, and of `experiments` otherwise."""

    stage: Literal["training", "serving", "monitoring", "experiments"]
    experiment: str
    runs: int
    failed: int
    cpu_s: float
    money: float | None


@frozen
class Passage:
    """The dates of one version: when its newest data arrived, and when it was registered, approved, put live, and rolled back."""

    version: Ref
    delivered_at: datetime | None = None
    registered_at: datetime | None = None
    approved_at: datetime | None = None
    live_at: datetime | None = None
    taken_back_at: datetime | None = None


@frozen
class Practice:
    """Delivery metrics from `since` to `until`, by the events of the ledger.

    `lead_time` runs from the delivery of the newest data of a version to its first answer in production, `approval_wait` from its
    registration to the approval that sufficed. A change is a version that went live; it has failed if it was taken back, and
    `restore` is how long it was live until then. `passages` are the versions on which all of this rests, the newest first.
    """

    since: datetime
    until: datetime
    lead_time: Span
    approval_wait: Span
    changes: int
    failed_changes: Share
    restore: Span
    stages: list[Stage]
    passages: list[Passage]
