"""OTLP over HTTP: the exporter of OpenTelemetry's own SDK, and bodies that no exporter sends."""

from __future__ import annotations

import base64
import gzip
import json
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from ostinato.app import Ostinato
from ostinato.gateways.otlp import protobuf
from ostinato.gateways.otlp.request import of_json, of_protobuf
from ostinato.kernel.clock import SystemClock
from ostinato.kernel.errors import Invalid
from ostinato.testing.doors import served
from ostinato.traces import intake

PROTOBUF, JSON = {"content-type": "application/x-protobuf"}, {"content-type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ostinato, str]]:
    with Ostinato.open(tmp_path_factory.mktemp("otlp") / "store", clock=SystemClock()) as opened, served(opened) as address:
        yield opened, address


@pytest.fixture
def store(server: tuple[Ostinato, str]) -> Ostinato:
    return server[0]


@pytest.fixture
def http(server: tuple[Ostinato, str]) -> Iterator[httpx.Client]:
    token = (server[0].settings.data / "admin-token").read_text().strip()
    with httpx.Client(base_url=server[1], headers={"authorization": f"Bearer {token}"}, timeout=30) as client:
        yield client


def exporter(http: httpx.Client, compression: Compression = Compression.NoCompression, **headers: str) -> OTLPSpanExporter:
    """The SDK's own exporter."""
    known = {"authorization": http.headers["authorization"], **headers}
    return OTLPSpanExporter(f"{http.base_url}/v1/traces".replace("//v1", "/v1"), headers=known, compression=compression, timeout=10)


def one(trace: str = "ab" * 16, span: str = "cd" * 8, **more: Any) -> dict[str, Any]:
    """A span in JSON."""
    return {"traceId": trace, "spanId": span, "name": "x", "startTimeUnixNano": "1000000000", "endTimeUnixNano": "2000000000"} | more


def sent(*spans: dict[str, Any], **resource: str) -> dict[str, Any]:
    """A request in JSON."""
    said = [{"key": key.replace("_", "."), "value": {"stringValue": value}} for key, value in resource.items()]
    return {"resourceSpans": [{"resource": {"attributes": said}, "scopeSpans": [{"spans": list(spans)}]}]}


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_exporter_of_the_sdk(http: httpx.Client, store: Ostinato, compression: Compression) -> None:
    store.traces.set_price("gpt-9*", 1.0, 2.0)
    provider = TracerProvider(resource=Resource.create({"service.name": "shop", "service.version": "1.2"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter(http, compression)))
    tracer = provider.get_tracer("shop.checkout", "3.4")
    with tracer.start_as_current_span("request", kind=SpanKind.SERVER, attributes={"session.id": "s7", "user.id": "ana"}) as root:
        with tracer.start_as_current_span(
            "chat gpt-9", kind=SpanKind.CLIENT, links=[Link(root.get_span_context(), {"why": "test"})]
        ) as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-9", "gen_ai.response.model": "gpt-9-mini"})
            span.set_attributes({"gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 500})
            span.set_attributes({"f": 0.1, "nan": math.nan, "inf": -math.inf, "list": ["a", "ö"], "big": 2**62, "yes": True})
            span.add_event("thought", {"depth": 3})
        span.set_status(Status(StatusCode.ERROR, "never told: it has ended"))
        root.record_exception(ValueError("no card"))
        root.set_status(Status(StatusCode.ERROR, "no card"))
    id_ = f"tr-{root.get_span_context().trace_id:032x}"
    trace = store.traces.get(id_)
    assert (trace.name, trace.experiment, trace.state, trace.session, trace.user, trace.spans) == (
        "request",
        "shop",
        "error",
        "s7",
        "ana",
        2,
    )
    assert trace.metadata["service.version"] == "1.2"
    assert (trace.usage.total_tokens, trace.usage.cost) == (1_500, pytest.approx(0.002))
    whole, chat = store.traces.spans(id_)
    assert (chat.parent, chat.kind, chat.model, chat.flow, chat.state) == (whole.id, "CHAT_MODEL", "gpt-9-mini", 3, "unset")
    assert math.isnan(chat.attributes["nan"])
    assert {key: chat.attributes[key] for key in ("f", "inf", "list", "big", "yes", "otel.scope.name")} == {
        "f": 0.1, "inf": -math.inf, "list": ["a", "ö"], "big": 2**62, "yes": True, "otel.scope.name": "shop.checkout",
    }  # fmt: skip
    assert [(event.name, event.attributes) for event in chat.events] == [("thought", {"depth": 3})]
    assert [(link.trace, link.span, link.attributes) for link in chat.links] == [(id_, whole.id, {"why": "test"})]
    assert (whole.message, whole.events[0].attributes["exception.message"]) == ("no card", "no card")
    assert whole.end_ns == root.end_time, "to the nanosecond"  # type: ignore[attr-defined]
    assert [found.id for found in store.traces.search([f"span.attributes.list ~ ö and id = {id_}"]).items] == [id_]


def test_spans_that_come_late_and_again(http: httpx.Client, store: Ostinato) -> None:
    child = one("01" * 16, "02" * 8, parentSpanId="03" * 8, name="child")
    root = one("01" * 16, "03" * 8, name="root", startTimeUnixNano=500_000_000, endTimeUnixNano=3_000_000_000, status={"code": 1})
    for body in (sent(child), sent(child), sent(root), sent(root, child)):
        assert http.post("/v1/traces", json=body).json() == {}
        trace = store.traces.get("tr-" + "01" * 16)
        if body == sent(child):
            assert (trace.state, trace.name, trace.spans, trace.duration_ms) == ("in_progress", "child", 1, 1_000)
    assert (trace.state, trace.name, trace.spans, trace.duration_ms) == ("ok", "root", 2, 2_500)


def test_a_span_that_has_ended_is_not_opened_again(http: httpx.Client, store: Ostinato) -> None:
    ended, begun = one("04" * 16, name="ended"), one("04" * 16, name="begun", endTimeUnixNano=0)
    for body in (sent(begun), sent(ended), sent(begun)):
        assert http.post("/v1/traces", json=body).status_code == 200
    assert [span.name for span in store.traces.spans("tr-" + "04" * 16)] == ["ended"]


def test_the_experiment_the_run_and_the_project(http: httpx.Client, store: Ostinato) -> None:
    run = store.runs.start("trials")
    store.access.create_project("other")
    id_ = "tr-" + "05" * 16
    http.post("/v1/traces", json=sent(one("05" * 16)), headers={"x-mlflow-experiment-id": run.experiment_id, "x-mlflow-run-id": run.id})
    assert (store.traces.get(id_).experiment, store.traces.get(id_).run) == ("trials", run.id)
    http.post("/v1/traces", json=sent(one("06" * 16), service_name="bakery"))
    assert store.traces.get("tr-" + "06" * 16).experiment == "bakery"
    http.post("/v1/traces", json=sent(one("07" * 16), service_name="bakery"), headers={"ostinato-experiment": "nightly"})
    assert store.traces.get("tr-" + "07" * 16).experiment == "nightly"
    assert http.post("/mlflow/other/v1/traces", json=sent(one("08" * 16))).status_code == 200
    assert http.get("/api/v1/traces/tr-" + "08" * 16).status_code == 404
    assert http.get("/api/v1/traces/tr-" + "08" * 16, headers={"ostinato-project": "other"}).json()["experiment"] == "Default"
    for headers in ({"x-mlflow-experiment-id": "404"}, {"x-mlflow-run-id": "404"}):
        answer = http.post("/v1/traces", json=sent(one("09" * 16)), headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_what_cannot_be_kept_is_counted_and_the_rest_is_kept(http: httpx.Client, store: Ostinato) -> None:
    bad = [one("0a" * 16, "00" * 8), one("0" * 32, "01" * 8), one("0a" * 16, "01" * 8, startTimeUnixNano=2**63), one("0a" * 16, "zz")]
    answer = http.post("/v1/traces", json=sent(one("0a" * 16), *bad)).json()["partialSuccess"]
    assert answer["rejectedSpans"] == "4"
    assert "hexadecimal" in answer["errorMessage"] or "id" in answer["errorMessage"]
    assert store.traces.get("tr-" + "0a" * 16).spans == 1
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"\x0b" * 16, span_id=b"\x01" * 8, name="a")
    spans.add(trace_id=b"\x0b" * 3, span_id=b"\x02" * 8, name="b")
    response = ExportTraceServiceResponse.FromString(http.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF).content)
    assert response.partial_success.rejected_spans == 1
    assert response.partial_success.error_message


def test_a_trace_has_so_many_spans(http: httpx.Client, store: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SPANS_MAX", 3)
    assert http.post("/v1/traces", json=sent(*(one("0c" * 16, f"{n:016x}") for n in (1, 2)))).json() == {}
    answer = http.post("/v1/traces", json=sent(*(one("0c" * 16, f"{n:016x}") for n in (3, 4)), one("0d" * 16))).json()
    assert answer["partialSuccess"]["rejectedSpans"] == "1"
    assert "3 spans" in answer["partialSuccess"]["errorMessage"]
    assert (store.traces.get("tr-" + "0c" * 16).spans, store.traces.get("tr-" + "0d" * 16).spans) == (3, 1), "as many as there is room for"
    assert http.post("/v1/traces", json=sent(*(one("0e" * 16, f"{n:016x}") for n in range(1, 6)))).status_code == 413


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"\x0a\xff", PROTOBUF, 400), (b"\xff" * 40, PROTOBUF, 400), (b"\x0a\x02\x12\x05", PROTOBUF, 400), (b"\x0b", PROTOBUF, 400),
        (b"{", JSON, 400), (b"[]", JSON, 400), (b'{"resourceSpans": 1}', JSON, 400), (b"x", {"content-type": "text/plain"}, 400),
        (b"x", JSON | {"content-encoding": "gzip"}, 400), (b"x", JSON | {"content-encoding": "br"}, 400),
        (gzip.compress(b"0" * (200 << 20)), JSON | {"content-encoding": "gzip"}, 413),
    ],
)  # fmt: skip
def test_bodies_that_are_none(http: httpx.Client, content: bytes, headers: dict[str, str], status: int) -> None:
    answer = http.post("/v1/traces", content=content, headers=headers)
    assert answer.status_code == status, answer.content
    assert answer.headers["content-type"].startswith("application/")


def test_deep_values_are_refused() -> None:
    value: dict[str, Any] = {"intValue": 1}
    for _ in range(40):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(Invalid, match="deep"):
        of_json(json.dumps(sent(one(attributes=[{"key": "x", "value": value}]))).encode())
    inner = protobuf.message((3, 1))
    for _ in range(40):
        inner = protobuf.message((5, protobuf.message((1, inner))))
    span = protobuf.message((1, b"\x01" * 16), (2, b"\x01" * 8), (9, protobuf.message((1, b"x"), (2, inner))))
    with pytest.raises(Invalid, match="deep"):
        of_protobuf(protobuf.message((1, protobuf.message((2, protobuf.message((2, span)))))))


def test_both_forms_say_the_same() -> None:
    request = ExportTraceServiceRequest()
    made = request.resource_spans.add()
    made.resource.attributes.add(key="service.name").value.string_value = "a"
    span = made.scope_spans.add().spans.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8, parent_span_id=b"\x03" * 8, name="ö", kind=2)
    span.start_time_unix_nano, span.end_time_unix_nano = 5, 2**62
    for key, name, value in (
        ("s", "string_value", "t"), ("b", "bool_value", False), ("i", "int_value", -5), ("d", "double_value", 0.1),
        ("y", "bytes_value", b"\0\xff"),
    ):  # fmt: skip
        setattr(span.attributes.add(key=key).value, name, value)
    span.attributes.add(key="l").value.array_value.values.add().int_value = 3
    span.attributes.add(key="m").value.kvlist_value.values.add(key="k").value.string_value = "v"
    span.attributes.add(key="none")
    span.status.code, span.status.message = 2, "why"
    plain = {"s": "t", "b": False, "i": -5, "d": 0.1, "y": b"\0\xff", "l": [3], "m": {"k": "v"}, "none": None}
    values = [{"key": k, "value": v} for k, v in (
        ("s", {"stringValue": "t"}), ("b", {"boolValue": False}), ("i", {"intValue": "-5"}), ("d", {"doubleValue": 0.1}),
        ("y", {"bytesValue": base64.b64encode(b"\0\xff").decode()}), ("l", {"arrayValue": {"values": [{"intValue": 3}]}}),
        ("m", {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}), ("none", None),
    )]  # fmt: skip
    told = one(
        "01" * 16, "02" * 8, parentSpanId="03" * 8, name="ö", kind="SPAN_KIND_SERVER", startTimeUnixNano=5, endTimeUnixNano=str(2**62)
    )
    body = sent(told | {"attributes": values, "status": {"code": "STATUS_CODE_ERROR", "message": "why"}}, service_name="a")
    (first,), (second,) = of_protobuf(request.SerializeToString()), of_json(json.dumps(body).encode())
    assert (first.resource, first.spans) == (second.resource, second.spans) == ({"service.name": "a"}, first.spans)
    assert first.spans[0].attributes == plain
    assert struct.calcsize("<d") == 8


def test_who_may(http: httpx.Client, store: Ostinato, server: tuple[Ostinato, str]) -> None:
    issue = store.access.issue_token
    with httpx.Client(base_url=server[1]) as bare:
        assert bare.post("/v1/traces", json=sent(one())).status_code == 401
        for permissions, status in ((["trace:write"], 200), (["run:*", "trace:read"], 403)):
            headers = {"authorization": f"Bearer {issue('person:admin', permissions=permissions).secret}"}
            assert bare.post("/v1/traces", json=sent(one("ff" * 16)), headers=headers).status_code == status
        password = base64.b64encode(f"x:{issue('person:admin', permissions=['trace:write']).secret}".encode()).decode()
        assert bare.post("/v1/traces", json=sent(one("ff" * 16)), headers={"authorization": f"Basic {password}"}).status_code == 200
        assert bare.post("/v1/traces", json=sent(one("ff" * 16)), headers={"authorization": "Basic !"}).status_code == 401
    assert http.get("/v1/traces").status_code == 400


def test_the_exporter_hears_of_a_refusal(http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    provider = TracerProvider()
    spans: list[Any] = []
    tracer = provider.get_tracer("x")
    with tracer.start_as_current_span("a") as span:
        spans.append(span)
    outcome: Callable[..., SpanExportResult] = exporter(http, **{"ostinato-project": "missing"}).export
    assert outcome([span]) is SpanExportResult.FAILURE
    assert "404" in caplog.text or "project" in caplog.text
