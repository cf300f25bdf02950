"""Traces v2: traces of MLflow's clients before version 3, which begin and end one, and send its spans as a file."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, ClassVar

import msgspec

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import Experiments
from ostinato.gateways.mlflow.traces import TraceAsk, state_of
from ostinato.gateways.mlflow.traces import Traces as Newer
from ostinato.gateways.mlflow.traces_search import TracesSearch
from ostinato.gateways.mlflow.traces_shown import (
    COST,
    MODEL,
    NAME,
    OWN_TAGS,
    SESSION,
    SOURCE_RUN,
    SPANS_AT,
    STATES,
    TOKENS,
    USER,
    metadata,
    tags,
)
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, Pair, filled
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.storage.blobs.blobs import Blob
from ostinato.traces.conventions import deep, usage_of
from ostinato.traces.types import Span, SpanEvent, SpanState, Trace, TraceTold

SPANS = "traces.json"
"""The file of a trace in which clients send its spans."""
_SPANS_MAX = 64 << 20
_SCHEMA, _UNSAID = "mlflow.trace_schema.version", "2 by its route"
"""What says that spans come as a file, where the client does not say so itself; it is shown to nobody."""
_SHOWN = {state: name for name, state in STATES.items()} | {"unset": "TRACE_STATUS_UNSPECIFIED"}
_STATUS: dict[str, SpanState] = {"OK": "ok", "ERROR": "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}


class StartTraceV2(Ask, kw_only=True):
    """A trace that begins."""

    experiment_id: str
    timestamp_ms: Int64
    request_metadata: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class EndTraceV2(Ask, kw_only=True):
    """A trace that has ended."""

    request_id: str
    timestamp_ms: Int64
    status: str = "TRACE_STATUS_UNSPECIFIED"
    request_metadata: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class SearchTracesV2(Ask, kw_only=True):
    """A page of traces."""

    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    max_results: Int64 | None = None
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class TracesV2:
    """The routes of traces as they were before version 3."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces
        self._experiments = Experiments(app)
        self._search = TracesSearch(app)
        self._newer = Newer(app)

    def start(self, ask: StartTraceV2) -> dict[str, Any]:
        """Begin a trace; the server names it."""
        given = {_SCHEMA: _UNSAID} | _pairs(ask.request_metadata)
        trace = self._told(f"tr-{uuid.uuid4().hex}", self._experiments.real(ask.experiment_id), ask.timestamp_ms, None, given, ask.tags)
        return {"trace_info": shown(trace)}

    def end(self, ask: EndTraceV2) -> dict[str, Any]:
        """End a trace, with what is known of it by then."""
        known = self._newer.found(ask.request_id)
        began = wire.millis(known.started_at)
        given = known.metadata | _pairs(ask.request_metadata)
        return {"trace_info": shown(self._told(known.id, known.experiment_id, began, ask, given, ask.tags))}

    def get_info(self, ask: TraceAsk) -> dict[str, Any]:
        """A trace."""
        return {"trace_info": shown(self._newer.found(ask.trace_id))}

    def search(self, ask: SearchTracesV2) -> dict[str, Any]:
        """Traces of some experiments."""
        found, token = self._search.page(list(ask.experiment_ids), ask.filter, ask.order_by, ask.max_results, ask.page_token)
        return filled(traces=[shown(trace) for trace in found], next_page_token=token)

    def _told(self, id: str, experiment: str, began: int, end: EndTraceV2 | None, given: dict[str, str], said: tuple[Pair, ...]) -> Trace:
        labels = _pairs(said)
        return self._traces.record(
            TraceTold(
                id=id,
                experiment=experiment,
                state="in_progress" if end is None else state_of(end.status),
                started_at=wire.instant(began, "timestamp_ms"),
                duration_ms=None if end is None else end.timestamp_ms - began,
                name=labels.get(NAME),
                request=given.get("mlflow.traceInputs"),
                response=given.get("mlflow.traceOutputs"),
                run=given.get(SOURCE_RUN),
                candidate=given.get(MODEL),
                session=given.get(SESSION, ""),
                user=given.get(USER, ""),
                usage=usage_of(given.get(TOKENS), given.get(COST)),
                metadata=given,
                tags={key: value for key, value in labels.items() if key not in OWN_TAGS},
            )
        )

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/traces", start, "trace:write"),
        Op("PATCH", f"{A2}/traces/{{request_id}}", end, "trace:write"),
        Op("GET", f"{A2}/traces/{{trace_id}}/info", get_info, "trace:read"),
        Op("GET", f"{A2}/traces", search, "trace:read"),
    ]


class TraceFiles:
    """Files that come with traces, and the spans in the one that holds them."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces
        self._blobs = app.blobs

    def keep(self, trace: str, path: str, blob: Blob) -> None:
        """Keep a file; spans in it become spans of the trace."""
        found = self._traces.get(trace)
        if path == SPANS:
            if blob.size > _SPANS_MAX:
                raise Invalid(f"{SPANS} is larger than {_SPANS_MAX >> 20} MiB", field="path")
            self._traces.put(spans_of(trace, self._blobs.open(blob.digest)), found.experiment_id)
            if SPANS_AT in tags(found):  # whoever reads this trace asks for its spans
                return
        self._traces.keep_file(trace, path, blob)


def shown(trace: Trace) -> dict[str, Any]:
    """A trace as a message of version 2."""
    return filled(
        request_id=trace.id,
        experiment_id=trace.experiment_id,
        timestamp_ms=wire.millis(trace.started_at),
        execution_time_ms=None if trace.duration_ms is None else round(trace.duration_ms),
        status=_SHOWN[trace.state],
        request_metadata=wire.pairs({key: value for key, value in metadata(trace).items() if (key, value) != (_SCHEMA, _UNSAID)}),
        tags=wire.pairs(tags(trace)),
    )


def spans_of(trace: str, content: bytes) -> list[Span]:
    """The spans in a file of a trace, as clients of versions 2 and 3 write them.

    Raises:
        Invalid: it is no such file.
    """
    try:
        given = msgspec.json.decode(content)["spans"]
        return [_span(trace, one) for one in given]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid(f"{SPANS} holds no spans: {error!r}"[:300], field="path") from None


def _span(trace: str, given: dict[str, Any]) -> Span:
    context, status = given.get("context") or given, given.get("status") or {}
    code = given.get("status_code") or status.get("code") or ""
    parent = given.get("parent_id", given.get("parent_span_id"))
    end = given.get("end_time", given.get("end_time_unix_nano"))
    return Span(
        trace=trace,
        id=_digits(context["span_id"]),
        parent=_digits(parent) if parent else None,
        name=str(given["name"]),
        start_ns=int(given["start_time"] if "start_time" in given else given["start_time_unix_nano"]),
        end_ns=int(end) if end else None,
        state=_STATUS.get(str(code), "unset"),
        message=str(given.get("status_message") or status.get("message") or ""),
        attributes={str(key): _attribute(value) for key, value in (given.get("attributes") or {}).items()},
        events=[
            SpanEvent(
                name=str(event["name"]),
                at_ns=int(event.get("timestamp", event.get("time_unix_nano", 0))),
                attributes=dict(event.get("attributes") or {}),
            )
            for event in given.get("events") or []
        ],
    )


def _attribute(written: Any) -> Any:
    """What an attribute is the JSON of, as clients write all of them; what is none, or too deep, stays as it is.

    >>> _attribute("12"), _attribute('"12"'), _attribute('{"id": 18446744073709551616}'), _attribute("{")
    (12, '12', {'id': '18446744073709551616'}, '{')
    """
    if not isinstance(written, str):
        return written
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return written
    return written if deep(found) else _storable(found)


def _storable(value: Any) -> Any:
    """A value in which whole numbers of more than 64 bits are texts."""
    if isinstance(value, dict):
        return {key: _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def _digits(id_: str) -> str:
    """The id of a span as sixteen hexadecimal digits: clients write `0x…`, or base64."""
    text = id_.removeprefix("0x")
    return text.rjust(16, "0") if re.fullmatch(r"[0-9a-f]{1,16}", text) else msgspec.convert(text, bytes).hex()


def _pairs(given: tuple[Pair, ...]) -> dict[str, str]:
    return {pair.key: pair.value for pair in given}
