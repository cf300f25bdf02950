"""The types of serving: Endpoint, Prediction, RolloutPlan, Rollout and its Evidence, Production."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any, Literal, Protocol

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref

Scalar = str | float | int | bool | None
RolloutState = Literal["running", "paused", "promoted", "rolled_back", "inconclusive", "aborted"]
UNDER_WAY = ("running", "paused")
"""The states of a rollout that has not ended: both versions score every request."""
Role = Literal["stable", "candidate"]


@frozen
class Share:
    """A version of an endpoint, and the share of the requests that it answers, in [0, 1]."""

    version: Ref
    role: Role
    weight: float


@frozen
class Endpoint:
    """An endpoint. `rollout` is the id of the running rollout, if any, and `paused` whether it is paused."""

    name: str
    model: str
    version: Ref
    shares: list[Share]
    rollout: str | None
    created_at: datetime
    created_by: str
    paused: bool = False


@frozen
class EndpointKey:
    """A key of an endpoint. The secret is shown once; issuing a key of the same name replaces it."""

    endpoint: str
    name: str
    secret: str


@frozen
class Prediction:
    """A prediction of an endpoint. `label` is the true outcome, if known; `other_…` is the score of the other version in a rollout."""

    request_id: str
    at: datetime
    version: Ref
    role: str
    score: float
    latency_ms: float
    features: dict[str, Scalar]
    key: str | None = None
    label: float | None = None
    labelled_at: datetime | None = None
    other_version: Ref | None = None
    other_score: float | None = None


@frozen
class Labelled:
    """The outcome of a batch of labels: new ones, ones known already, and request ids that this endpoint never answered."""

    added: int
    repeated: int
    unknown: list[str]


@frozen
class RolloutPlan:
    """The plan by which a candidate takes over.

    `strategy` is a member of `ostinato.serving.rollouts`, `weights` its steps (None: those of the strategy). A step lasts at
    least `min_requests` pairs: requests scored by both versions, and labelled if `labels` is true. The harm of a pair is
    the candidate's squared error minus that of the stable version. It is promoted once its mean harm is below `margin`, rolled
    back once harm, errors or the shift of its scores are beyond their limits (`margin`, `error_ratio`, `max_shift`; a None lets
    scores shift freely), each with an error probability of at most `alpha` however often one looks. The shift needs no labels.
    After `max_requests` pairs without a decision, `on_inconclusive` says what happens.
    """

    strategy: str = "canary"
    weights: list[float] | None = None
    min_requests: int = 50
    max_requests: int = 5000
    margin: float = 0.02
    error_ratio: float = 1.2
    max_shift: float | None = 0.1
    alpha: float = 0.01
    labels: bool = True
    max_latency_ms: float | None = None
    on_inconclusive: Literal["hold", "promote", "rollback"] = "hold"

    def counted(self, seen: Evidence | None) -> int:
        """The number of pairs that count: the labelled ones, or all if the plan needs no labels."""
        return 0 if seen is None else seen.pairs if self.labels else seen.scored


@frozen
class Arm:
    """The statistics of one version in a rollout: requests scored and failed, latency quantiles in milliseconds, mean squared error."""

    version: Ref
    requests: int
    errors: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    brier: float | None


@frozen
class Point:
    """The evidence after `scored` requests, of which `pairs` had labels by then; `mean` is the mean harm."""

    scored: int = 0
    pairs: int
    e_value: float
    e_loss: float = 1.0
    e_errors: float = 1.0
    e_shift: float = 1.0
    mean: float | None
    low: float
    high: float


@frozen
class Reading:
    """The statistics of the pairs.

    `e_value` is the mean of `e_loss`, `e_errors` and `e_shift`; at 1/alpha it rolls back. `harm` is the mean difference of the
    squared errors, `shift` that of the scores, candidate minus stable. `low` and `high` bound the mean harm, each with
    confidence 1 - alpha at all times together; `high` below the margin promotes.
    """

    scored: int
    pairs: int
    e_value: float
    e_loss: float
    e_errors: float
    e_shift: float
    harm: float | None
    shift: float | None
    low: float
    high: float


@frozen
class Evidence(Reading):
    """The evidence of a rollout. `guard` names a hard limit that was broken."""

    stable: Arm
    candidate: Arm
    path: list[Point]
    guard: str = ""


@frozen
class Step:
    """A step of a rollout: a weight of the candidate, from which instant and from how many pairs on."""

    weight: float
    since: datetime
    pairs: int


@frozen
class Look(Reading):
    """A look at a rollout: the evidence at one instant in short, and the candidate's weight then."""

    at: datetime
    weight: float
    errors_stable: int
    errors_candidate: int
    latency_p99_ms_stable: float | None
    latency_p99_ms_candidate: float | None
    guard: str


@frozen
class Pause:
    """A pause of a rollout: by whom and why, and how many requests both versions had scored.

    `until`, `until_scored`, `ended_by` and `note` are of its end, None and empty while it lasts.
    """

    since: datetime
    scored: int
    by: str
    reason: str
    until: datetime | None = None
    until_scored: int | None = None
    ended_by: str | None = None
    note: str = ""


@frozen
class Rollout:
    """A rollout: the candidate, the state and its reason, and the evidence.

    `looks` are at most 100 of the instants at which the evidence was held against the limits, the last included.
    """

    id: str
    endpoint: str
    stable: Ref
    candidate: Ref
    plan: RolloutPlan
    state: RolloutState
    reason: str
    steps: list[Step]
    evidence: Evidence | None
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None
    looks: list[Look] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)


@frozen
class Release:
    """The versions that answered from `since` on, who changed them and why, and whether it was a rollback."""

    shares: list[Share]
    since: datetime
    by: str
    reason: str
    back: bool = False

    @property
    def stable(self) -> Ref:
        """The version that answers what no candidate does."""
        return next(share.version for share in self.shares if share.role == "stable")


@frozen
class Served:
    """A version in production: its share, who approved it and why, and the evidence they had."""

    version: Ref
    role: Role
    weight: float
    approved_by: list[str]
    reasons: list[str]


@frozen
class Production:
    """The versions in production at an instant, since when, who put them there, and who had approved them.

    `back_to` is the version that a rollback would have answer again; None where there is none.
    """

    endpoint: str
    at: datetime
    since: datetime
    by: str
    reason: str
    versions: list[Served]
    rollout: str | None = None
    back_to: Ref | None = None


@frozen
class RolloutStory:
    """A rollout with its verdict in one sentence.

    The mean harm below `promote_below` promotes, an e-value of `roll_back_at` takes it back, `counted` of `undecided_at` without either
    end it; `to_promote` and `to_roll_back` say how far the evidence is on its way there, 0 to 1.
    """

    rollout: Rollout
    sentence: str
    promote_below: float
    roll_back_at: float
    to_promote: float
    to_roll_back: float
    counted: int = 0
    undecided_at: int = 0


@frozen
class Answered:
    """The requests of one version, of which `errors` failed and `batch` were scored in batch.

    The quantiles of the latency are of those that were asked one by one and answered.
    """

    version: Ref
    requests: int
    errors: int
    batch: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None


@frozen
class TrafficBin:
    """The traffic of one version in a bin that begins at `start`."""

    start: datetime
    answered: Answered


@frozen
class Traffic:
    """Traffic with `since <= at < until`, by version and bins of `bin_s` seconds; empty bins are left out."""

    endpoint: str
    since: datetime
    until: datetime
    bin_s: int
    versions: list[Answered]
    bins: list[TrafficBin]


@frozen
class EndpointState:
    """The state of an endpoint: since when its stable version answers, and its recent requests, errors, latency and last request.

    `spark` counts the requests in equal spans of that time, the oldest first.
    """

    endpoint: Endpoint
    since: datetime | None
    requests: int
    errors: int
    latency_p95_ms: float | None
    last_at: datetime | None
    spark: list[int]


@frozen
class Form:
    """The inputs of a version as a JSON Schema of an object, and example values from a recent prediction."""

    version: Ref
    schema: dict[str, Any]
    example: dict[str, Scalar]


@frozen
class Tried:
    """The score of a row by one version of an endpoint, and its latency without the data plane."""

    version: Ref
    role: Role
    score: float
    latency_ms: float


class Strategy(Protocol):
    """The interface of the family `rollouts`: the weights of a candidate before it is promoted."""

    def steps(self) -> list[float]:
        """The weights in order, each in [0, 1]."""
        ...
