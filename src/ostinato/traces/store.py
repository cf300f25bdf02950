"""Tables of traces, spans and assessments."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ostinato.kernel.errors import NotFound
from ostinato.kernel.frozen import frozen
from ostinato.kernel.instant import micros_of
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import BLOB, Instant, Json, Tx, metadata
from ostinato.traces.types import Assessment, KeptSpan, Span, SpanEvent, SpanLink, Trace, TraceState, Usage
from ostinato.tracking.verbs.experiments import experiment_table

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class _Words(Json):
    """An object of words, of which only the keys are escaped: so searches in the text of it find every letter."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:  # noqa: ARG002
        parts = (f"{json.dumps(key)}:{json.dumps(word, ensure_ascii=False)}" for key, word in value.items())
        return "{" + ",".join(parts) + "}"


trace_table = Table(
    "traces_trace",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("experiment_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("duration_us", BigInteger),
    Column("spans", BigInteger, nullable=False),
    Column("run", Text),
    Column("candidate", Text),
    Column("session_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("client_request_id", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("total_tokens", BigInteger),
    Column("cost", Float),
    Column("metadata", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("told", Boolean, nullable=False),
    Index("traces_trace_started", "project", "started_at", "id"),
    Index("traces_trace_experiment", "project", "experiment_id", "started_at", "id"),
    Index("traces_trace_session", "project", "session_id", "started_at", "id"),
    Index("traces_trace_state", "project", "state", "started_at", "id"),
)
"""`told` says that the times and the state were told of the whole trace, so that spans which arrive later change neither."""
span_table = Table(
    "traces_span",
    metadata,
    Column("project", Text, primary_key=True),
    Column("trace", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("parent", Text),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("start_ns", BigInteger, nullable=False),
    Column("end_ns", BigInteger),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("total_tokens", BigInteger),
    Column("cost", Float),
    Column("words", _Words, nullable=False),
    Column("body", LargeBinary),
    Column("payload", Text, info=BLOB),
)
"""`words` are the attributes as searches see them, long ones cut. All that was told is in `body`, or, if it is much, the blob `payload`."""
linked_table = Table(
    "traces_linked",
    metadata,
    Column("project", Text, primary_key=True),
    Column("trace", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Index("traces_linked_run", "project", "run"),
)
"""The runs of which a trace is part."""
assessment_table = Table(
    "traces_assessment",
    metadata,
    Column("project", Text, primary_key=True),
    Column("trace", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("span", Text),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Json),
    Column("text", Text, nullable=False),
    Column("number", Float),
    Column("error", Json),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("rationale", Text, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("overrides", Text),
    Column("valid", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index("traces_assessment_name", "project", "name"),
)
"""`text` and `number` are the value as searches see it."""
file_table = Table(
    "traces_file",
    metadata,
    Column("project", Text, primary_key=True),
    Column("trace", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", Text, nullable=False, info=BLOB),
    Column("size", BigInteger, nullable=False),
)
"""Files that came with a trace: attachments of spans, and spans as clients of MLflow 2 send them."""

_t, _s, _l, _a, _f, _e = trace_table.c, span_table.c, linked_table.c, assessment_table.c, file_table.c, experiment_table.c
_PARTS = (span_table, linked_table, assessment_table, file_table)
_BODY_MAX = 32 * 1024
"""How large a body lies in the row of its span."""
_PACKED_MIN = 512
_TRACE = (_t.project == bindparam("project"), _t.id == bindparam("id"))


bare = select(trace_table).where(_t.project == bindparam("project"))


def _listed(experiment: ColumnElement[str]) -> Select[Any]:
    of = (_e.project == _t.project) & (_e.id == experiment)
    return bare.add_columns(_e.name.label("experiment")).join(experiment_table, of)


listed, listed_aside = _listed(_t.experiment_id), _listed(func.coalesce(_t.experiment_id, _t.experiment_id))
"""All traces; with the names of their experiments, as long as these are there; and so that no index is entered by way of them."""
_one = Prepared(select(trace_table).where(*_TRACE))
_add_trace = Prepared(insert(trace_table))
_CHANGED = tuple(name for name in _t.keys() if name not in ("project", "id"))  # noqa: SIM118 — not a dict
_change_trace = Prepared(update(trace_table).where(_t.project == bindparam("of_project"), _t.id == bindparam("of_id")), _CHANGED)
_add_spans = Prepared(insert(span_table), missing=True)
_SPAN = tuple(name for name in _s.keys() if name not in ("project", "trace", "id"))  # noqa: SIM118 — not a dict
_change_spans = Prepared(
    update(span_table).where(
        _s.project == bindparam("of_project"),
        _s.trace == bindparam("of_trace"),
        _s.id == bindparam("of_id"),
        or_(_s.end_ns.is_(None), bindparam("ended", type_=BigInteger) == 1),
    ),
    _SPAN,
)
_nodes = Prepared(
    select(_s.id, _s.parent, _s.input_tokens, _s.output_tokens, _s.total_tokens, _s.cost).where(
        _s.project == bindparam("project"), _s.trace == bindparam("trace")
    )
)
SAID = ("name", "kind", "model", "provider", "words")
Said = Mapping[str, Any]  # the columns of a span in which searches look for words
_said = Prepared(select(*(_s[name] for name in SAID)).where(_s.project == bindparam("project"), _s.trace == bindparam("trace")))
_link = Prepared(insert(linked_table), missing=True)
_words = msgspec.msgpack.Encoder()


class _Body(msgspec.Struct, array_like=True):
    """What of a span no search needs, exactly as it was told."""

    attributes: dict[str, Any]
    events: list[tuple[str, int, dict[str, Any]]]
    links: list[tuple[str, str, dict[str, Any]]]
    message: str
    flow: int


_read_body = msgspec.msgpack.Decoder(_Body)


@frozen
class KnownTrace:
    """A trace as its row has it."""

    id: str
    experiment_id: str
    name: str
    state: TraceState
    started_at: datetime
    duration_us: int | None
    spans: int
    run: str | None
    candidate: str | None
    session_id: str
    user_id: str
    client_request_id: str
    request: str
    response: str
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cost: float | None
    metadata: dict[str, str]
    tags: dict[str, str]
    recorded_at: datetime
    told: bool

    def using(self, usage: Usage) -> KnownTrace:
        """The same trace, of this usage."""
        return replace(
            self, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, total_tokens=usage.total_tokens, cost=usage.cost
        )


@dataclass(frozen=True, slots=True)
class Node:
    """What of a span the sums of its trace need."""

    id: str
    parent: str | None
    usage: Usage


def packed(span: Span) -> bytes:
    """What of a span goes into its body.

    Raises:
        OverflowError: an attribute holds a whole number of more than 64 bits.
        TypeError: an attribute holds something that is no JSON and no bytes.
    """
    body = _Body(
        span.attributes,
        [(event.name, event.at_ns, event.attributes) for event in span.events],
        [(link.trace, link.span, link.attributes) for link in span.links],
        span.message,
        span.flow,
    )
    content = _words.encode(body)
    return b"z" + zstd.compress(content, 1) if len(content) > _PACKED_MIN else b"-" + content


def small(body: bytes) -> bool:
    """Whether a body lies in its row."""
    return len(body) <= _BODY_MAX


def one(tx: Tx, project: str, id: str) -> KnownTrace | None:
    """The trace with this id."""
    found = tx.fetch(_one, {"project": project, "id": id})
    if not found:
        return None
    values = dict(zip(_t.keys(), found[0], strict=True))
    values.pop("project")
    return KnownTrace(**{**values, "told": bool(values["told"])})


def keep(tx: Tx, project: str, trace: KnownTrace, known: bool) -> None:
    """Store the present state of a trace."""
    row = {name: getattr(trace, name) for name in _CHANGED}
    if known:
        tx.run(_change_trace, {"of_project": project, "of_id": trace.id, **row})
    else:
        tx.run(_add_trace, {"project": project, "id": trace.id, **row})
    if trace.run is not None:
        link(tx, project, trace.run, [trace.id])


def link(tx: Tx, project: str, run: str, traces: Iterable[str]) -> None:
    """Note that traces are part of a run."""
    tx.run(_link, [{"project": project, "trace": trace, "run": run} for trace in traces])


def put_spans(tx: Tx, project: str, rows: Sequence[Mapping[str, Any]]) -> tuple[int, list[Said]]:
    """Keep spans of one trace; one that is there is replaced, unless it has ended and the other has not.

    How many are new; and if some were replaced, what the spans of the trace said before.
    """
    new = tx.run(_add_spans, rows)
    if new == len(rows):
        return new, []
    before = said(tx, project, rows[0]["trace"])
    keys = [{"of_project": project, "of_trace": row["trace"], "of_id": row["id"], "ended": int(row["end_ns"] is not None)} for row in rows]
    tx.run(_change_spans, [{**row, **key} for row, key in zip(rows, keys, strict=True)])
    return new, before


def said(tx: Tx, project: str, trace: str) -> list[Said]:
    """What the spans of a trace say."""
    return [dict(zip(SAID, row, strict=True)) for row in tx.fetch(_said, {"project": project, "trace": trace})]


def nodes(tx: Tx, project: str, trace: str) -> list[Node]:
    """What the spans of a trace used."""
    found = tx.fetch(_nodes, {"project": project, "trace": trace})
    return [
        Node(id_, parent, Usage(input_tokens=into, output_tokens=out, total_tokens=both, cost=cost))
        for id_, parent, into, out, both, cost in found
    ]


def spans(tx: Tx, project: str, trace: str) -> Sequence[Row[Any]]:
    """The rows of the spans of a trace, in the order in which they began."""
    query = select(span_table).where(_s.project == project, _s.trace == trace).order_by(_s.start_ns, _s.id)
    return tx.all(query)


def read_span(row: Row[Any], payload: bytes, began: datetime, said: tuple[Any, Any]) -> KeptSpan:
    """The span of a row; `said` is what its attributes say went in and came out."""
    body = unpacked(payload)
    return KeptSpan(
        trace=row.trace, id=row.id, parent=row.parent, name=row.name, start_ns=row.start_ns, end_ns=row.end_ns, state=row.state,
        message=body.message, attributes=body.attributes, flow=body.flow,
        events=[SpanEvent(name=name, at_ns=at, attributes=has) for name, at, has in body.events],
        links=[SpanLink(trace=of, span=span, attributes=has) for of, span, has in body.links],
        kind=row.kind, model=row.model, provider=row.provider,
        usage=Usage(input_tokens=row.input_tokens, output_tokens=row.output_tokens, total_tokens=row.total_tokens, cost=row.cost),
        offset_ms=(row.start_ns - micros_of(began) * 1000) / 1e6,
        duration_ms=None if row.end_ns is None else (row.end_ns - row.start_ns) / 1e6,
        inputs=said[0], outputs=said[1],
    )  # fmt: skip


def unpacked(payload: bytes) -> _Body:
    """What `packed` has packed."""
    content = payload[1:]
    return _read_body.decode(zstd.decompress(content) if payload[:1] == b"z" else content)


def read(row: Row[Any], said: Sequence[Assessment] = ()) -> Trace:
    """The trace of a row of `listed`."""
    return Trace(
        id=row.id, name=row.name, experiment=row.experiment, experiment_id=row.experiment_id, state=row.state, started_at=row.started_at,
        duration_ms=None if row.duration_us is None else row.duration_us / 1000, spans=row.spans, run=row.run, candidate=row.candidate,
        session=row.session_id, user=row.user_id, client_request_id=row.client_request_id, request=row.request, response=row.response,
        usage=Usage(input_tokens=row.input_tokens, output_tokens=row.output_tokens, total_tokens=row.total_tokens, cost=row.cost),
        metadata=row.metadata, tags=row.tags, recorded_at=row.recorded_at, assessments=list(said),
    )  # fmt: skip


def assessments(tx: Tx, project: str, traces: Sequence[str]) -> dict[str, list[Assessment]]:
    """What was said of traces, the earliest first."""
    found: dict[str, list[Assessment]] = {trace: [] for trace in traces}
    query = select(assessment_table).where(_a.project == project, _a.trace.in_(traces)).order_by(_a.created_at, _a.id)
    for row in tx.all(query) if traces else ():
        found[row.trace].append(read_assessment(row))
    return found


def read_assessment(row: Row[Any]) -> Assessment:
    """The assessment of a row."""
    return Assessment(
        id=row.id, trace=row.trace, span=row.span, name=row.name, kind=row.kind, value=row.value, error=row.error, source=row.source,
        source_id=row.source_id, rationale=row.rationale, metadata=row.metadata, overrides=row.overrides, valid=bool(row.valid),
        created_at=row.created_at, created_by=row.created_by, changed_at=row.changed_at,
    )  # fmt: skip


def forget(tx: Tx, project: str, traces: Sequence[str]) -> int:
    """Delete traces with all that belongs to them. How many there were."""
    for table in _PARTS:
        tx.execute(delete(table).where(table.c.project == project, table.c.trace.in_(traces)))
    return tx.execute(delete(trace_table).where(_t.project == project, _t.id.in_(traces))).rowcount


def unknown(trace: str) -> NotFound:
    """The error for a trace that is not there."""
    return NotFound(f"no trace {trace[:200]!r}", hint="traces.search() lists those of this project")
