"""The spans of an `ExportTraceServiceRequest`, in protocol buffers or JSON, grouped by resource."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from msgspec import Struct

from ostinato.gateways.otlp.bounds import HEAVY, RESOURCES_MAX, Bounds
from ostinato.gateways.otlp.protobuf import blob, double, fixed, text, whole
from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.traces import conventions
from ostinato.traces.types import Span, SpanEvent, SpanLink, SpanState

TRACE = "tr-"
"""What stands before the digits of OpenTelemetry in the id of a trace."""
_STATES: dict[int, SpanState] = {1: "ok", 2: "error"}
_NAMED = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3,
          "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5}  # fmt: skip


@dataclass(slots=True)
class Batch:
    """The spans of one resource, and what it says of itself."""

    resource: dict[str, Any] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)


# ---- protocol buffers


def of_protobuf(content: bytes) -> list[Batch]:
    """The spans in a body of protocol buffers.

    Raises:
        Invalid: it is no such message.
        TooLarge: it holds more than a request may.
    """
    bounds = Bounds()
    return _merged(_batch(blob(value), bounds) for number, value in bounds.fields(content) if number == 1)


def _batch(content: bytes, bounds: Bounds) -> Batch:
    bounds.take(HEAVY)
    made = Batch()
    for number, value in bounds.fields(content):
        if number == 1:
            made.resource = dict(_pair(blob(inner), bounds) for n, inner in bounds.fields(blob(value)) if n == 1)
        elif number == 2:
            made.spans += _scope_spans(blob(value), bounds)
    return made


def _scope_spans(content: bytes, bounds: Bounds) -> Iterator[Span]:
    bounds.take(HEAVY)
    scope: dict[str, Any] = {}
    spans: list[Span] = []
    for number, value in bounds.fields(content):
        if number == 1:
            scope = _scope({n: text(inner) for n, inner in bounds.fields(blob(value)) if n in (1, 2)})
        elif number == 2:
            spans.append(_span(blob(value), bounds))
    return (_within(span, scope) for span in spans)


def _span(content: bytes, bounds: Bounds) -> Span:
    bounds.take_spans()
    said: dict[str, Any] = {"trace": "", "id": "", "name": "", "start_ns": 0}
    attributes: dict[str, Any] = {}
    events: list[SpanEvent] = []
    links: list[SpanLink] = []
    for number, value in bounds.fields(content):
        if put := _SPAN_FIELDS.get(number):
            name, read = put
            said[name] = read(value)
        elif number == 9:
            key, inner = _pair(blob(value), bounds)
            attributes[key] = inner
        elif number == 11:
            events.append(_event(blob(value), bounds))
        elif number == 13:
            links.append(_link(blob(value), bounds))
        elif number == 15:
            for n, inner in bounds.fields(blob(value)):
                said |= {"message": text(inner)} if n == 2 else {"state": _STATES.get(whole(inner), "unset")} if n == 3 else {}
    return Span(**said, attributes=attributes, events=events, links=links)


def _event(content: bytes, bounds: Bounds) -> SpanEvent:
    bounds.take(HEAVY)
    at, name = 0, ""
    attributes: dict[str, Any] = {}
    for number, value in bounds.fields(content):
        if number == 1:
            at = fixed(value)
        elif number == 2:
            name = text(value)
        elif number == 3:
            attributes.update([_pair(blob(value), bounds)])
    return SpanEvent(name=name, at_ns=at, attributes=attributes)


def _link(content: bytes, bounds: Bounds) -> SpanLink:
    bounds.take(HEAVY)
    trace, span = "", ""
    attributes: dict[str, Any] = {}
    for number, value in bounds.fields(content):
        if number == 1:
            trace = TRACE + blob(value).hex()
        elif number == 2:
            span = blob(value).hex()
        elif number == 4:
            attributes.update([_pair(blob(value), bounds)])
    return SpanLink(trace=trace, span=span, attributes=attributes)


def _pair(content: bytes, bounds: Bounds, depth: int = 0) -> tuple[str, Any]:
    key, value = "", None
    for number, inner in bounds.fields(content):
        if number == 1:
            key = text(inner)
        elif number == 2:
            value = _value(blob(inner), bounds, depth)
    return key, value


def _value(content: bytes, bounds: Bounds, depth: int = 0) -> Any:
    _check_depth(depth)
    found: Any = None
    for number, value in bounds.fields(content):
        match number:
            case 1:
                found = text(value)
            case 2:
                found = bool(value)
            case 3:
                found = whole(value)
            case 4:
                found = double(value)
            case 5:
                found = [_value(blob(inner), bounds, depth + 1) for n, inner in bounds.fields(blob(value)) if n == 1]
            case 6:
                found = dict(_pair(blob(inner), bounds, depth + 1) for n, inner in bounds.fields(blob(value)) if n == 1)
            case 7:
                found = blob(value)
    return found


_Read = Callable[[int | bytes], Any]
_SPAN_FIELDS: dict[int, tuple[str, _Read]] = {
    1: ("trace", lambda value: _trace(blob(value))),
    2: ("id", lambda value: blob(value).hex()),
    4: ("parent", lambda value: blob(value).hex() or None),
    5: ("name", text),
    6: ("flow", whole),
    7: ("start_ns", fixed),
    8: ("end_ns", lambda value: fixed(value) or None),
}


# ---- JSON


class _AnyValue(Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: _Array | None = None
    kvlist_value: _Pairs | None = None
    bytes_value: str | None = None


class _Array(Struct):
    values: list[_AnyValue] = []


class _Pair(Struct):
    key: str = ""
    value: _AnyValue | None = None


class _Pairs(Struct):
    values: list[_Pair] = []


class _Scope(Struct):
    name: str = ""
    version: str = ""


class _Status(Struct):
    message: str = ""
    code: int | str = 0


class _Event(Struct, rename="camel"):
    name: str = ""
    time_unix_nano: int | str = 0
    attributes: list[_Pair] = []


class _Link(Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    attributes: list[_Pair] = []


class _Span(Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int | str = 0
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[_Pair] = []
    events: list[_Event] = []
    links: list[_Link] = []
    status: _Status | None = None


class _ScopeSpans(Struct):
    scope: _Scope | None = None
    spans: list[msgspec.Raw] = []


class _Resource(Struct):
    attributes: list[_Pair] = []


class _ResourceSpans(Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] = []


class _Request(Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []


_decode = msgspec.json.Decoder(_Request)
_decode_span = msgspec.json.Decoder(_Span)


def of_json(content: bytes) -> list[Batch]:
    """The spans in a body of JSON, in which ids are hexadecimal digits, and whole numbers may be texts.

    Raises:
        Invalid: it is no such request.
        TooLarge: it holds more than a request may.
    """
    bounds = Bounds()
    bounds.take(content.count(b"{"))  # objects, and some that texts hold
    try:
        request = _decode.decode(content)
        bounds.take_spans(sum(len(within.spans) for of in request.resource_spans for within in of.scope_spans))
        return _merged(_batch_of_json(of, bounds) for of in request.resource_spans)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is no request of OTLP in JSON: {error}", hint='{"resourceSpans": […]}') from None


def _batch_of_json(of: _ResourceSpans, bounds: Bounds) -> Batch:
    batch = Batch(_plain_pairs(of.resource.attributes) if of.resource else {})
    for within in of.scope_spans:
        scope = _scope({1: within.scope.name, 2: within.scope.version}) if within.scope else {}
        for raw in within.spans:
            span = _decode_span.decode(raw)
            bounds.take(HEAVY * (len(span.events) + len(span.links)))
            batch.spans.append(_within(_of_json(span), scope))
    return batch


def _of_json(span: _Span) -> Span:
    status = span.status or _Status()
    return Span(
        trace=TRACE + span.trace_id.lower() if _is_id(span.trace_id, 32) else "",
        id=span.span_id.lower(),
        parent=span.parent_span_id.lower() or None,
        name=span.name,
        start_ns=_number(span.start_time_unix_nano),
        end_ns=_number(span.end_time_unix_nano) or None,
        state=_STATES.get(_enum(status.code), "unset"),
        message=status.message,
        attributes=_plain_pairs(span.attributes),
        events=[SpanEvent(name=e.name, at_ns=_number(e.time_unix_nano), attributes=_plain_pairs(e.attributes)) for e in span.events],
        links=[
            SpanLink(trace=TRACE + at.trace_id.lower(), span=at.span_id.lower(), attributes=_plain_pairs(at.attributes))
            for at in span.links
        ],
        flow=_enum(span.kind),
    )


def _plain_pairs(pairs: list[_Pair], depth: int = 0) -> dict[str, Any]:
    return {pair.key: None if pair.value is None else _to_python(pair.value, depth) for pair in pairs}


def _to_python(value: _AnyValue, depth: int = 0) -> Any:
    _check_depth(depth)
    if value.int_value is not None:
        return _number(value.int_value)
    if value.double_value is not None:
        return _double(value.double_value)
    if value.array_value is not None:
        return [_to_python(inner, depth + 1) for inner in value.array_value.values]
    if value.kvlist_value is not None:
        return _plain_pairs(value.kvlist_value.values, depth + 1)
    if value.bytes_value is not None:
        try:
            return base64.b64decode(value.bytes_value, validate=True)
        except binascii.Error:
            raise Invalid("bytesValue is not base64") from None
    return value.string_value if value.string_value is not None else value.bool_value


def _number(value: int | str) -> int:
    try:
        found = int(value)
    except ValueError:
        raise Invalid(f"not a whole number: {str(value)[:100]!r}") from None
    if not -(2**63) <= found < 2**64:
        raise Invalid("a number has more than 64 bits")
    return found


def _double(value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise Invalid(f"not a number: {str(value)[:100]!r}") from None


def _enum(value: int | str) -> int:
    return value if isinstance(value, int) else _NAMED.get(value, 0)


# ---- both


def _merged(batches: Iterable[Batch]) -> list[Batch]:
    """Batches of which each has spans, and a resource of its own: collectors send one again and again."""
    by: dict[str, Batch] = {}
    for batch in batches:
        if not batch.spans:
            continue
        if (known := by.setdefault(repr(batch.resource), batch)) is not batch:
            known.spans += batch.spans
        if len(by) > RESOURCES_MAX:
            raise TooLarge(f"spans of more than {RESOURCES_MAX} resources at once", hint="send those of fewer services or hosts together")
    return list(by.values())


def _trace(id: bytes) -> str:
    """The id of a trace, or the empty text, which is none."""
    return TRACE + id.hex() if len(id) == 16 and any(id) else ""


def _is_id(digits: str, size: int) -> bool:
    return len(digits) == size and digits.strip("0") != "" and digits.isalnum() and set(digits.lower()) <= set("0123456789abcdef")


def _scope(said: dict[int, str]) -> dict[str, Any]:
    return {key: said[n] for n, key in ((1, "otel.scope.name"), (2, "otel.scope.version")) if said.get(n)}


def _within(span: Span, scope: dict[str, Any]) -> Span:
    return replace(span, attributes={**scope, **span.attributes}) if scope else span


def _check_depth(depth: int) -> None:
    if depth > conventions.DEEP_MAX:
        raise Invalid(f"an attribute is more than {conventions.DEEP_MAX} deep")
