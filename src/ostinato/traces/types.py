"""Types of traces."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ostinato.kernel.ref import Ref

TraceState = Literal["in_progress", "ok", "error", "unset"]
"""`in_progress` until the root of the trace has arrived, or its end was told; `unset` if nothing was said of how it went."""
SpanState = Literal["unset", "ok", "error"]
AssessmentKind = Literal["feedback", "expectation", "issue"]
"""An assessment of the kind `issue` makes its trace evidence of an issue: the name is the id of the issue, the value what it is called."""
AssessmentSource = Literal["human", "code", "llm_judge", "unset"]
IssueState = Literal["pending", "accepted", "rejected", "resolved"]
Severity = Literal["not_an_issue", "low", "medium", "high"]
AnswerKind = Literal["pass_fail", "choice", "number", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened within a span, such as an exception; `at_ns` in nanoseconds after 1970."""

    name: str
    at_ns: int
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLink:
    """A span of another trace, or of this one, that a span has to do with; the ids in hexadecimal."""

    trace: str
    span: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One step of a trace, as a program tells of it.

    `trace` is the id of the trace, `id` and `parent` are 16 hexadecimal digits, unique within it; the root has no parent. Times are in
    nanoseconds after 1970; a span that has not ended has no `end_ns`. Attributes are kept exactly, whatever they hold.
    """

    trace: str
    id: str
    parent: str | None = None
    name: str
    start_ns: int
    end_ns: int | None = None
    state: SpanState = "unset"
    message: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    links: list[SpanLink] = field(default_factory=list)
    flow: int = 0
    """OpenTelemetry's kind of span: 1 internal, 2 server, 3 client, 4 producer, 5 consumer, 0 if it was not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens in and out, in all, and what they cost in US dollars; None where nothing is known."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSpan(Span):
    """A span with what its attributes say: what kind of step it was (`LLM`, `TOOL`, …), which model answered and what it used.

    `offset_ms` counts from the beginning of the trace. `inputs` and `outputs` are what went in and came out, if that was told.
    """

    kind: str = ""
    model: str = ""
    provider: str = ""
    usage: Usage
    offset_ms: float
    duration_ms: float | None
    inputs: Any = None
    outputs: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What somebody or something says of a trace, or of one span of it: `feedback` on how it went, or what was the `expectation`.

    `value` is any JSON; a judge that failed leaves an `error` instead. One that another `overrides` is not `valid` any more.
    """

    id: str
    trace: str
    span: str | None
    name: str
    kind: AssessmentKind
    value: Any
    error: dict[str, str] | None
    source: AssessmentSource
    source_id: str
    rationale: str
    metadata: dict[str, str]
    overrides: str | None
    valid: bool
    created_at: datetime
    created_by: str
    changed_at: datetime

    @property
    def ref(self) -> Ref:
        """The assessed trace."""
        return Ref("trace", self.trace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One request to an application, with all that was done for it.

    `request` and `response` are beginnings of what the root got and gave. `run` is the run in which it was traced, `candidate` the model
    that answered. `metadata` never changes; `tags` do. Of tokens and cost, what a span says is not counted again where a span above it
    says it.
    """

    id: str
    name: str
    experiment: str
    experiment_id: str
    state: TraceState
    started_at: datetime
    duration_ms: float | None
    spans: int
    run: str | None
    candidate: str | None
    session: str
    user: str
    client_request_id: str
    request: str
    response: str
    usage: Usage
    metadata: dict[str, str]
    tags: dict[str, str]
    recorded_at: datetime
    assessments: list[Assessment] = field(default_factory=list)

    @property
    def ref(self) -> Ref:
        """The trace."""
        return Ref("trace", self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceTold:
    """What a program tells of a whole trace, beside its spans; None leaves what its spans say."""

    id: str
    experiment: str
    state: TraceState
    started_at: datetime
    duration_ms: float | None = None
    name: str | None = None
    request: str | None = None
    response: str | None = None
    client_request_id: str = ""
    run: str | None = None
    candidate: str | None = None
    session: str = ""
    user: str = ""
    usage: Usage = Usage()
    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpansKept:
    """How many spans were kept, of which traces, why others were not, by their places in what was sent, and how many sampling left out."""

    spans: int
    traces: list[str]
    refused: dict[str, str] = field(default_factory=dict)
    sampled_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The traces that began within a stretch of time: how many, how many of them failed, how long they took, what they used."""

    at: datetime
    traces: int
    errors: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    total_tokens: int
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What some traces, spans or assessments come to, that began in a stretch of time from `at` and have these values `by` the fields.

    How many there are, of how many sessions, and how many failed; of the `measured`, those that have the number, its sum, mean, extremes
    and the percentiles that were asked for.
    """

    at: datetime
    by: list[str]
    count: int
    errors: int
    sessions: int
    measured: int
    sum: float | None
    mean: float | None
    min: float | None
    max: float | None
    percentiles: list[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs, in US dollars per million tokens. A model that ends with `*` stands for all that begin so."""

    model: str
    input_per_million: float
    output_per_million: float
    set_at: datetime
    set_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
    """A set of examples that an application is judged by, of any number of experiments."""

    id: str
    name: str
    experiments: list[str]
    tags: dict[str, str]
    records: int
    digest: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str

    @property
    def ref(self) -> Ref:
        """The set."""
        return Ref("evalset", self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRecord:
    """An example: what goes in, what is expected, and where it comes from, such as a trace. Its `inputs` name it within its set."""

    id: str
    inputs: dict[str, Any]
    outputs: Any = None
    expectations: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    source: dict[str, Any] | None = None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """How many records were new, and how many were there and took more."""

    inserted: int
    updated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRule:
    """What is kept how long: traces that meet `where` and began more than `days` ago go, of the experiment with this id or of all.

    With `keep_assessed` those stay of which somebody said something, with `keep_examples` those that a record of an evaluation set is of.
    """

    name: str
    days: float
    experiment: str | None
    where: list[str]
    keep_assessed: bool
    keep_examples: bool
    declared_by: str
    declared_at: datetime
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """What a rule lets go, gone if `applied`: how many traces, the first 100 of them, their spans, and the bytes of what these say.

    They began between `oldest` and `newest`. So many more are `held`, and stay.
    """

    rule: str
    applied: bool
    traces: list[str] = field(default_factory=list)
    count: int = 0
    spans: int = 0
    size: int = 0
    held: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which share of its new traces an experiment keeps, by its id, or every experiment that has no share of its own.

    With `keep_errors`, a new trace is kept if one of the spans that come first failed. Since this was declared so many spans were `seen`,
    and so many of these `kept`.
    """

    experiment: str | None
    share: float
    keep_errors: bool
    seen: int
    kept: int
    declared_by: str
    declared_at: datetime
