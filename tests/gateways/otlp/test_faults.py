"""What no exporter of good faith sends, or what comes in odd times and sizes: all of it is kept, or refused in words."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import zlib
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ostinato.app import Ostinato
from ostinato.gateways.otlp.request import Batch, of_json, of_protobuf
from ostinato.kernel.errors import OstinatoError
from ostinato.traces.types import Span

PROTOBUF, JSON = {"content-type": "application/x-protobuf"}, {"content-type": "application/json"}
HOUR_NS = 3_600 * 10**9


def body(spans: list[dict[str, Any]], service: str = "faults") -> bytes:
    """A request in JSON."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


def one(trace: int, number: int, parent: int = 0, at_ns: int | None = None, **more: Any) -> dict[str, Any]:
    """A span in JSON."""
    at = time.time_ns() if at_ns is None else at_ns
    above = {"parentSpanId": f"{parent:016x}"} if parent else {}
    return (
        {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "name": "x", "startTimeUnixNano": at, "endTimeUnixNano": at + 10}
        | above
        | more
    )


def sent(http: httpx.Client, spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Send spans; what was not kept."""
    answer = http.post("/v1/traces", content=gzip.compress(body(spans), 1), headers=JSON | {"content-encoding": "gzip"})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told.get("partialSuccess", {})


def test_ten_thousand_spans_in_a_request_and_twenty_thousand_in_a_trace(http: httpx.Client, store: Ostinato) -> None:
    refused = 0
    for first in range(1, 20_001, 10_000):
        some = [one(5, n, n // 2, attributes=[{"key": "n", "value": {"intValue": n}}]) for n in range(first, first + 10_000)]
        refused += int(sent(http, some).get("rejectedSpans", 0))
    trace = f"tr-{5:032x}"
    assert (refused, store.traces.get(trace).spans) == (10_000, 10_000), "what is too much is told, and the rest is kept"
    assert sent(http, [one(5, n, n // 2) for n in range(1, 11)]) == {}, "a repeat is no news"
    assert [found.id for found in store.traces.search(["span.attributes.n = 9999"]).items] == [trace]
    assert len(store.traces.spans(trace)) == 10_000
    assert store.traces.delete([trace]) == 1


def test_clocks_that_disagree_roots_that_come_late_and_spans_of_what_is_gone(http: httpx.Client, store: Ostinato) -> None:
    now, trace = time.time_ns(), f"tr-{6:032x}"
    sent(http, [one(6, 2, 1, now - 5 * HOUR_NS), one(6, 3, 1, now + 2 * HOUR_NS)])
    found = store.traces.get(trace)
    assert (found.state, found.spans) == ("in_progress", 2)
    sent(http, [one(6, 1, 0, now, endTimeUnixNano=now - 7)])
    found = store.traces.get(trace)
    assert (found.state, found.spans, found.started_at) == ("ok", 3, datetime.fromtimestamp((now - 5 * HOUR_NS) // 1000 / 1e6, UTC))
    assert [span.duration_ms for span in store.traces.spans(trace) if span.parent is None] == [-7e-6], (
        "told is told, and no sum is negative"
    )
    assert found.duration_ms is not None
    assert found.duration_ms >= 0
    store.traces.delete([trace])
    sent(http, [one(6, 4, 1, now - 72 * HOUR_NS)])
    assert store.traces.get(trace).spans == 1, "what comes days late begins anew"
    store.traces.retain("old", 2, where=["name = x"])
    (done,) = store.traces.apply_retention("old", apply=True)
    assert done.count >= 1
    assert store.traces.many([trace]) == []


def nested(depth: int, kind: str) -> str:
    """JSON so deep."""
    return "[" * depth + "]" * depth if kind == "list" else '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("depth", [31, 34, 900, 5_000, 200_000])
@pytest.mark.parametrize("kind", ["list", "object"])
def test_json_in_a_text_may_be_of_any_depth(http: httpx.Client, store: Ostinato, depth: int, kind: str) -> None:
    text, trace = nested(depth, kind), f"tr-{depth * 2 + len(kind):032x}"
    said = [{"key": key, "value": {"stringValue": text}} for key in ("mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tokenUsage")]
    assert http.post("/v1/traces", content=body([one(depth * 2 + len(kind), 1, attributes=said)]), headers=JSON).json() == {}
    (span,) = store.traces.spans(trace)
    assert span.attributes["mlflow.spanInputs"] == text
    assert (span.inputs == text) is (depth > 32)
    answer = http.get(f"/api/v1/traces/{trace}/spans")
    assert answer.status_code == 200
    assert store.traces.get(trace).request.startswith(text[:20])


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_bomb_is_refused_before_it_fills_the_memory(http: httpx.Client, packing: str) -> None:
    much = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if packing == "gzip" else 15)
    bomb = b"".join(packer.compress(much) for _ in range(100)) + packer.flush()
    tracemalloc.start()
    try:
        answer = http.post("/v1/traces", content=bomb, headers=PROTOBUF | {"content-encoding": packing})
        assert answer.status_code in (400, 413), answer.status_code
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text("0123456789abcdef", max_size=34),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3), max_leaves=9,
)  # fmt: skip
NAMES = (
    "traceId",
    "spanId",
    "parentSpanId",
    "name",
    "kind",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "attributes",
    "events",
    "links",
    "status",
)
VALUES = st.fixed_dictionaries({}, optional={
    "stringValue": JUNK, "intValue": JUNK, "doubleValue": JUNK, "boolValue": JUNK, "bytesValue": JUNK,
    "arrayValue": st.fixed_dictionaries({"values": st.lists(JUNK, max_size=2)}), "kvlistValue": JUNK,
})  # fmt: skip
PAIRS = st.lists(st.fixed_dictionaries({"key": JUNK, "value": VALUES | JUNK}) | JUNK, max_size=3)
SPANS = st.fixed_dictionaries({}, optional={name: PAIRS | JUNK if name in ("attributes", "events", "links") else JUNK for name in NAMES})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(span=SPANS, wellformed=st.booleans())
def test_whatever_json_says_is_read_or_refused(store: Ostinato, span: dict[str, Any], wellformed: bool) -> None:
    told = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "x"} | {
        key: value for key, value in span.items() if key not in ("traceId", "spanId")
    }
    taken(store, of_json, json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [told if wellformed else span]}]}]}).encode())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=200)
    | st.builds(lambda flips, extra: torn(flips, extra), st.lists(st.integers(0, 10**6), max_size=6), st.binary(max_size=9))
)
def test_whatever_bytes_come_are_read_or_refused(store: Ostinato, content: bytes) -> None:
    taken(store, of_protobuf, content)


def torn(flips: list[int], extra: bytes) -> bytes:
    """A request of which some bits are others."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="x")
    value = span.attributes.add(key="k").value
    value.kvlist_value.values.add(key="deep").value.array_value.values.add(double_value=1.5)
    span.events.add(name="e", time_unix_nano=5).attributes.add(key="a").value.string_value = "é"
    content = bytearray(request.SerializeToString() + extra)
    for flip in flips:
        content[flip // 8 % len(content)] ^= 1 << flip % 8
    return bytes(content)


def taken(store: Ostinato, read: Any, content: bytes) -> None:
    """Read and keep what can be; nothing but our own words come of the rest."""
    try:
        batches: list[Batch] = read(content)
    except OstinatoError:
        return
    for batch in batches:
        kept = store.traces.put(batch.spans, "junk")
        assert kept.spans + len(kept.refused) == len(batch.spans)
        for trace in kept.traces:
            back = {span.id: span for span in store.traces.spans(trace)}
            last = {span.id: span for place, span in enumerate(batch.spans) if str(place) not in kept.refused and span.trace == trace}
            for id_, span in last.items():
                same(back[id_], span)
            store.traces.delete([trace])


def same(kept: Span, told: Span) -> None:
    """Whether what is kept is what was told; NaN is."""
    assert repr(kept.attributes) == repr(told.attributes)
    assert (kept.name, kept.start_ns, kept.end_ns, kept.state) == (kept.name, told.start_ns, told.end_ns, told.state)
