"""A program that tells of its spans until it is killed, or a file is there: `teller.py otel|mlflow NAME URL TOKEN DIARY STOP`.

It writes down each span that was acknowledged: a line of the ids of its trace and of the span, once the exporter has heard so.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

KIND, NAME, URL, TOKEN, DIARY, STOP = sys.argv[1:] if __name__ == "__main__" else [""] * 6
DEADLINE = time.monotonic() + 250


def going() -> bool:
    """Whether there is more to tell."""
    return not Path(STOP).exists() and time.monotonic() < DEADLINE


def otel() -> None:
    """Traces of three spans by the batch exporter of OpenTelemetry's SDK."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

    diary = os.open(DIARY, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Exporter(OTLPSpanExporter):
        """Writes down what was acknowledged; what was not is sent again, as whoever loses nothing does."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = super().export(spans)
            while result is not SpanExportResult.SUCCESS and time.monotonic() < DEADLINE:
                result = super().export(spans)
            ids = [found for span in spans if (found := span.get_span_context())]
            os.write(diary, "".join(f"tr-{one.trace_id:032x} {one.span_id:016x}\n" for one in ids).encode())
            return result

    exporter = Exporter(endpoint=f"{URL}/v1/traces", headers={"authorization": f"Bearer {TOKEN}"}, timeout=5)
    provider = TracerProvider(resource=Resource({"service.name": "told"}))
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=20, max_export_batch_size=64))
    tracer, number = provider.get_tracer("teller"), 0
    said: dict[str, Any] = {"gen_ai.request.model": "tiny", "gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 2}
    while going():
        with tracer.start_as_current_span("answer", attributes={"who": NAME, "n": number}):
            for step in ("find", "say"):
                tracer.start_span(step, attributes=said).end()
        number += 1
        time.sleep(0.01)
    provider.shutdown()


def mlflow() -> None:
    """Traces of two spans by MLflow's asynchronous export; they count as acknowledged when it says that all are out."""
    import mlflow as client

    client.set_tracking_uri(URL)
    client.set_experiment("told by mlflow")
    number = 0
    while going():
        told = []
        for _ in range(10):
            with client.start_span("answer", attributes={"who": NAME, "n": number}) as root, client.start_span("say"):
                told.append(root.trace_id)
            number += 1
        client.flush_trace_async_logging()
        with Path(DIARY).open("a") as diary:
            diary.write("".join(f"{trace} *\n" for trace in told))


if __name__ == "__main__":
    otel() if KIND == "otel" else mlflow()
