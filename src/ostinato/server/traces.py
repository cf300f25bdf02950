"""OpenTelemetry spans of requests, executions and steps, sent by OTLP as OpenTelemetry's own variables say.

Where they say nothing, nothing is loaded.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import Scope

from ostinato.kernel.errors import MissingExtra

_WHERE = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def tracing() -> Traces | None:
    """The traces of this process; None where nobody collects them.

    Raises:
        MissingExtra: somebody does, and the packages are not installed.
    """
    return Traces() if _is_enabled() else None


@contextmanager
def exporting() -> Iterator[None]:
    """Spans that are made in the block in any part of this process are sent; all of them have been at its end.

    Raises:
        MissingExtra: somebody collects them, and the packages are not installed.
    """
    if not _is_enabled():
        yield
        return
    provider = _provider()
    importlib.import_module("opentelemetry.trace").set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def _is_enabled() -> bool:
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(os.environ.get(name) for name in _WHERE)


def _provider() -> Any:
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        batches = importlib.import_module("opentelemetry.sdk.trace.export")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = importlib.import_module("opentelemetry.sdk.resources")
    except ModuleNotFoundError:
        raise MissingExtra.of("opentelemetry", "otel") from None
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "ostinato"}
    made = sdk.TracerProvider(resource=resources.Resource.create(named))
    made.add_span_processor(batches.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    return made


class Traces:
    """Spans of requests: which route, how it ended, of what kind the actor is. Never a secret, a query, a name of anybody or a body."""

    def __init__(self) -> None:
        self._provider = _provider()
        self._api: Any = importlib.import_module("opentelemetry.trace")
        self._propagate: Any = importlib.import_module("opentelemetry.propagate")
        self._context: Any = importlib.import_module("opentelemetry.context")
        self._tracer = self._provider.get_tracer("ostinato.server")

    def begin(self, scope: Scope) -> tuple[Any, Any]:
        """Begin the span of a request, as a child of the caller's (`traceparent`); what the request does happens inside it."""
        carried = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name in (b"traceparent", b"tracestate")
        }
        context = self._propagate.extract(carried, context=self._context.Context())
        method, kind = scope["method"], self._api.SpanKind.SERVER
        span = self._tracer.start_span(
            method, context, kind=kind, attributes={"http.request.method": method, "url.scheme": scope["scheme"]}
        )
        return span, self._context.attach(self._api.set_span_in_context(span, context))

    def end(self, begun: tuple[Any, Any], scope: Scope, route: str, status: int, request: str) -> None:
        """End it."""
        span, token = begun
        self._context.detach(token)
        who = scope.get("ostinato.caller")
        span.update_name(f"{scope['method']} {route}")
        span.set_attributes({"http.route": route, "http.response.status_code": status, "ostinato.request": request})
        if who is not None:
            span.set_attributes({"ostinato.actor.kind": who.actor.partition(":")[0], "ostinato.project": who.project})
        if status >= 500:
            span.set_status(self._api.StatusCode.ERROR)
        span.end()

    def close(self) -> None:
        """Send what is not sent yet."""
        self._provider.shutdown()
