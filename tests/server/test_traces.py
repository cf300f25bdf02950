"""Traces as a collector receives them, decoded from its protobuf."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider

from ostinato.app import SLICES, Ostinato
from ostinato.client.connection import Connection
from ostinato.client.remote import Remote
from ostinato.kernel.errors import MissingExtra
from ostinato.server.http import build
from ostinato.server.traces import tracing
from ostinato.serving.plane.listener import Listener
from ostinato.testing.doors import listening
from ostinato.testing.processes import until
from ostinato.testing.scene import ENV
from ostinato.testing.toy import API


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ExportTraceServiceRequest]]:
    """What a collector received, that the variables of OpenTelemetry name."""
    received: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            assert self.path == "/v1/traces"
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield received
        server.shutdown()
        thread.join()


def spans(received: list[ExportTraceServiceRequest]) -> dict[str, tuple[object, dict[str, object]]]:
    """By name, with their attributes."""
    found = [span for r in received for resource in r.resource_spans for scope in resource.scope_spans for span in scope.spans]
    return {span.name: (span, {a.key: a.value.string_value or a.value.int_value for a in span.attributes}) for span in found}


def test_each_request_is_a_span_within_the_callers_trace(toys: object, collected: list[ExportTraceServiceRequest]) -> None:
    door = build(toys, [API])
    with listening(Listener(door, linger_s=0.0)) as url:
        ana = {"authorization": "Bearer ana-token", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        httpx.get(f"{url}/api/v1/toys/secret-name?layer=hunter2", headers=ana | {"x-request-id": "request-1"})
        httpx.post(f"{url}/api/v1/toys/failures", json={"how": "secret"}, headers={"authorization": "Bearer ana-token"})
        httpx.get(f"{url}/api/v1/toys", headers={"authorization": "Bearer nobody", "traceparent": "00-nonsense"})
    door.traces.close()
    found = spans(collected)
    assert set(found) == {"GET /toys/{name}", "POST /toys/failures", "GET /toys"}
    span, told = found["GET /toys/{name}"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert told == {
        "http.request.method": "GET", "url.scheme": "http", "http.route": "/toys/{name}", "http.response.status_code": 400,
        "ostinato.request": "request-1", "ostinato.actor.kind": "person", "ostinato.project": "default",
    }  # fmt: skip
    assert found["POST /toys/failures"][0].status.code == 2
    assert "ostinato.actor.kind" not in found["GET /toys"][1]
    assert collected[0].resource_spans[0].resource.attributes
    everything = b"".join(request.SerializeToString() for request in collected)
    for secret in (b"ana-token", b"nobody", b"hunter2", b"secret-name", b"person:ana"):
        assert secret not in everything


def test_the_client_carries_its_trace_over(toys: object, collected: list[ExportTraceServiceRequest]) -> None:
    door = build(toys, [API])
    with listening(Listener(door, linger_s=0.0)) as url, Remote(Connection(url, "ana-token", "default"), [API]) as app:
        tracer = TracerProvider().get_tracer("a program")
        with tracer.start_as_current_span("its work") as work:
            app.toys.search()
    door.traces.close()
    span, _ = spans(collected)["GET /toys"]
    assert span.trace_id.hex() == trace.format_trace_id(work.get_span_context().trace_id)
    assert span.parent_span_id.hex() == trace.format_span_id(work.get_span_context().span_id)


def test_an_execution_in_a_worker_is_part_of_the_trace_of_its_request(
    tmp_path: Path, collected: list[ExportTraceServiceRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    with Ostinato.open(tmp_path / "store") as app:
        door, token = build(app, SLICES), (tmp_path / "store" / "admin-token").read_text().strip()
        with listening(Listener(door, linger_s=0.0)) as url:
            headers = {"authorization": f"Bearer {token}", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
            asked = {"pipeline": "ostinato.testing.crowd:trace", "parameters": {"folder": str(tmp_path), "key": "k"}}
            assert httpx.post(f"{url}/api/v1/executions", json=asked, headers=headers).status_code == 201
        door.traces.close()
        worker = subprocess.Popen([sys.executable, "-m", "ostinato.cli.main", "--data", str(tmp_path / "store"), "worker"])
        try:
            until(lambda: app.pipelines.search(state="finished").items)
            worker.terminate()
            assert worker.wait(30) == 0
        finally:
            worker.kill()
            worker.wait()
    found = {name: span for name, (span, _) in spans(collected).items()}
    request, execution, step = found["POST /executions"], found["execution trace"], found["step leave"]
    assert {span.trace_id.hex() for span in (request, execution, step)} == {"0af7651916cd43dd8448eb211c80319c"}
    assert (execution.parent_span_id, step.parent_span_id) == (request.span_id, execution.span_id)


def test_nobody_asks_and_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert tracing() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert tracing() is None
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingExtra) as missing:
        tracing()
    assert "ostinato[otel]" in missing.value.hint
