"""Types of traces."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any, Literal

from ostinato.kernel.frozen import frozen
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


@frozen
class SpanEvent:
    """Something that happened within a span, such as an exception; `at_ns` in nanoseconds after 1970."""

    name: str
    at_ns: int
    attributes: dict[str, Any] = field(default_factory=dict)


@frozen
class SpanLink:
    """A link from a span to another span, of this trace or another; the ids are hexadecimal."""

    trace: str
    span: str
    attributes: dict[str, Any] = field(default_factory=dict)


@frozen
class Span:
    """A span as a program reports it.

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


@frozen
class Usage:
    """Usage: tokens in, out and in total, and their cost in US dollars; None if unknown."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None


@frozen
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


@frozen
class Assessment:
    """An assessment of a trace or of one of its spans: `feedback` on how it went, or an `expectation`.

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


@frozen
class Trace:
    """A trace: one request to an application, with everything done for it.

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


@frozen
class TraceTold:
    """A report on a whole trace, beside its spans; None leaves what its spans say."""

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


@frozen
class SpansKept:
    """How many spans were kept, of which traces, why others were not, by their places in what was sent, and how many sampling left out."""

    spans: int
    traces: list[str]
    refused: dict[str, str] = field(default_factory=dict)
    sampled_out: int = 0


@frozen
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


@frozen
class Measure:
    """An aggregate of traces, spans or assessments that began in a time bin from `at` and have these values `by` the fields.

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


@frozen
class Price:
    """The price of a model in US dollars per million tokens. A name that ends with `*` matches all models with that prefix."""

    model: str
    input_per_million: float
    output_per_million: float
    set_at: datetime
    set_by: str


@frozen
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


@frozen
class EvalRecord:
    """An example: inputs, expectations and origin, such as a trace. Its `inputs` identify it within its set."""

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


@frozen
class Merged:
    """The number of records that were inserted, and that were updated."""

    inserted: int
    updated: int


@frozen
class TraceRule:
    """A retention rule: traces that meet `where` and began more than `days` ago are deleted, of one experiment or of all.

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


@frozen
class Lapsed:
    """What a rule deletes (deleted if `applied`): the number of traces, the first 100 of them, their spans and bytes.

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


@frozen
class Sampling:
    """A sampling rate: the share of its new traces that an experiment keeps, or every experiment without a rate of its own.

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
