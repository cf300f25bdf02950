"""Traces shown: traces, spans and assessments as messages of MLflow, and what its messages tell of them."""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import datetime
from typing import Any

from ostinato.gateways.mlflow import places, wire
from ostinato.gateways.mlflow.wire import filled
from ostinato.kernel.errors import Invalid
from ostinato.traces.types import Assessment, AssessmentSource, KeptSpan, Trace, TraceState

NAME, SPANS_AT, FILES_AT = "mlflow.traceName", "mlflow.trace.spansLocation", "mlflow.artifactLocation"
SOURCE_RUN, MODEL, SESSION, USER = "mlflow.sourceRun", "mlflow.modelId", "mlflow.trace.session", "mlflow.trace.user"
TOKENS, COST = "mlflow.trace.tokenUsage", "mlflow.trace.cost"
OWN_TAGS = frozenset({NAME, SPANS_AT, FILES_AT})
"""Tags that follow from what is kept, and are not kept as tags."""
STATES: dict[str, TraceState] = {"OK": "ok", "ERROR": "error", "IN_PROGRESS": "in_progress", "STATE_UNSPECIFIED": "unset"}
SOURCES: dict[str, AssessmentSource] = {"HUMAN": "human", "CODE": "code", "LLM_JUDGE": "llm_judge", "AI_JUDGE": "llm_judge"}
_SHOWN_STATES = {state: name for name, state in STATES.items()}
_SHOWN_SOURCES = {"human": "HUMAN", "code": "CODE", "llm_judge": "LLM_JUDGE", "unset": "SOURCE_TYPE_UNSPECIFIED"}
_SHOWN_STATUS = {"unset": "STATUS_CODE_UNSET", "ok": "STATUS_CODE_OK", "error": "STATUS_CODE_ERROR"}
_DURATION = re.compile(r"(-?\d{1,12}(?:\.\d{1,9})?)s")
_INSIDE = "mlflow.traceRequestId"
"""An attribute that clients read out of a span; they make it themselves of the id of the trace."""


def shown_info(trace: Trace) -> dict[str, Any]:
    """What MLflow tells of a trace beside its spans."""
    return filled(
        trace_id=trace.id,
        client_request_id=trace.client_request_id,
        trace_location=location(trace.experiment_id),
        request_preview=trace.request,
        response_preview=trace.response,
        request_time=instant(trace.started_at),
        execution_duration=None if trace.duration_ms is None else f"{trace.duration_ms / 1000:.6f}s",
        state=_SHOWN_STATES[trace.state],
        trace_metadata=metadata(trace),
        tags=tags(trace),
        assessments=[shown_assessment(said) for said in trace.assessments],
    )


def location(experiment_id: str) -> dict[str, Any]:
    """The place of a trace: its experiment."""
    return {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}}


def metadata(trace: Trace) -> dict[str, str]:
    """What does not change of a trace, with what it used."""
    usage, found = trace.usage, {SOURCE_RUN: trace.run, MODEL: trace.candidate, SESSION: trace.session, USER: trace.user}
    tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "total_tokens": usage.total_tokens}
    if usage.total_tokens is not None:
        found[TOKENS] = json.dumps({key: value for key, value in tokens.items() if value is not None})
    if usage.cost is not None:
        found[COST] = json.dumps({"total_cost": usage.cost})
    return {key: value for key, value in found.items() if value} | trace.metadata


def tags(trace: Trace) -> dict[str, str]:
    """The tags of a trace, and those that clients look for."""
    at = {FILES_AT: places.of_trace(trace.experiment_id, trace.id), NAME: trace.name}
    own = {key: value for key, value in at.items() if value}
    return (
        trace.tags
        | own
        | ({SPANS_AT: "TRACKING_STORE"} if not trace.metadata.get("mlflow.trace_schema.version", "").startswith("2") else {})
    )


def shown_span(span: KeptSpan) -> dict[str, Any]:
    """A span as OpenTelemetry's message in JSON, where bytes are base64."""
    trace = span.trace.removeprefix("tr-")
    return filled(
        trace_id=_base64(trace if re.fullmatch(r"[0-9a-f]{32}", trace) else trace.encode().hex()[:32].ljust(32, "0")),
        span_id=_base64(span.id),
        parent_span_id=_base64(span.parent or ""),
        name=span.name,
        kind=span.flow or None,
        start_time_unix_nano=str(span.start_ns),
        end_time_unix_nano=None if span.end_ns is None else str(span.end_ns),
        attributes=_pairs({key: value for key, value in span.attributes.items() if key != _INSIDE}),
        events=[filled(name=e.name, time_unix_nano=str(e.at_ns), attributes=_pairs(e.attributes)) for e in span.events],
        links=[
            filled(trace_id=_base64(at.trace.removeprefix("tr-")), span_id=_base64(at.span), attributes=_pairs(at.attributes))
            for at in span.links
        ],
        status=filled(code=_SHOWN_STATUS[span.state], message=span.message),
    )


def span_in_file(span: KeptSpan) -> dict[str, Any]:
    """A span as MLflow's clients write it to files: attributes are JSON in texts."""
    shown = shown_span(span)
    attributes = {_INSIDE: span.trace} | span.attributes
    return {
        "trace_id": shown["trace_id"],
        "span_id": shown["span_id"],
        "parent_span_id": shown.get("parent_span_id"),
        "name": span.name,
        "start_time_unix_nano": span.start_ns,
        "end_time_unix_nano": span.end_ns,
        "events": [{"name": e.name, "time_unix_nano": e.at_ns, "attributes": e.attributes} for e in span.events],
        "status": {"code": _SHOWN_STATUS[span.state], "message": span.message},
        "attributes": {key: json.dumps(value, ensure_ascii=False, default=str) for key, value in attributes.items()},
        "links": shown.get("links", []),
    }


def shown_assessment(said: Assessment) -> dict[str, Any]:
    """An assessment as a message."""
    value: dict[str, Any] = {"issue_name": said.value} if said.kind == "issue" else {"value": said.value}
    if said.kind == "expectation" and not isinstance(said.value, int | float | bool | str):
        value = {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": json.dumps(said.value)}}
    return filled(
        assessment_id=said.id,
        assessment_name=said.name,
        trace_id=said.trace,
        span_id=said.span,
        source={"source_type": _SHOWN_SOURCES[said.source], "source_id": said.source_id},
        create_time=instant(said.created_at),
        last_update_time=instant(said.changed_at),
        rationale=said.rationale,
        metadata=said.metadata,
        overrides=said.overrides,
    ) | {said.kind: value | ({"error": said.error} if said.error else {}), "valid": said.valid}


def duration_ms(text: str) -> float | None:
    """A duration of protocol buffers in milliseconds.

    >>> duration_ms("1.5s")
    1500.0
    """
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Invalid(f"Invalid value {text[:100]!r} for parameter 'execution_duration' supplied", hint="seconds, such as 1.5s")
    return float(found[1]) * 1000


def instant(at: datetime) -> str:
    """An instant as protocol buffers write it in JSON."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any(value)} for key, value in values.items()]


def _any(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {}
        case bool():
            return {"bool_value": value}
        case str():
            return {"string_value": value}
        case int():
            return {"int_value": str(value)}
        case float():
            return {"double_value": value if math.isfinite(value) else wire.number(value)}
        case bytes():
            return {"bytes_value": base64.b64encode(value).decode()}
        case dict():
            return {"kvlist_value": {"values": _pairs({str(key): inner for key, inner in value.items()})}}
        case list() | tuple():
            return {"array_value": {"values": [_any(inner) for inner in value]}}
    return {"string_value": str(value)}


def _base64(digits: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(digits)).decode()
    except ValueError:
        return ""
