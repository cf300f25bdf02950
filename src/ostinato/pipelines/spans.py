"""OpenTelemetry spans of an execution and its steps; nothing happens where the process has not loaded OpenTelemetry.

The spans go to the provider of the process: `ostinato worker` sets one that exports, a program of yours may have its own.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_API = "opentelemetry.trace"


def current_traceparent() -> str:
    """The trace that the caller is part of, as W3C `traceparent`; empty where nobody traces."""
    if _API not in sys.modules:
        return ""
    carrier: dict[str, str] = {}
    _propagator().inject(carrier)
    return carrier.get("traceparent", "")


class Span:
    """A span as a child of another, or of the one that a `traceparent` names. It tells ids and numbers: no parameter, no text of errors."""

    def __init__(self, name: str, told: Mapping[str, str | int | float], *, within: Span | None = None, trace: str = "") -> None:
        self._span: Any = None
        self._context: Any = None
        if _API not in sys.modules:
            return
        self._api: Any = importlib.import_module(_API)
        root = importlib.import_module("opentelemetry.context").Context()
        parent = within._context if within is not None else _propagator().extract({"traceparent": trace}, root)
        told = {f"ostinato.{key}": value for key, value in told.items()}
        self._span = self._api.get_tracer("ostinato.pipelines").start_span(name, parent, attributes=told)
        self._context = self._api.set_span_in_context(self._span, parent)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make this span the parent of spans in the block."""
        if self._span is None:
            yield
            return
        with self._api.use_span(self._span, record_exception=False, set_status_on_exception=False):
            yield

    def end(self, *, failed: bool = False, **told: str | int | float) -> None:
        """End it; a repeat changes nothing."""
        if self._span is None:
            return
        self._span.set_attributes({f"ostinato.{key}": value for key, value in told.items()})
        if failed:
            self._span.set_status(self._api.StatusCode.ERROR)
        self._span.end()
        self._span = None


def _propagator() -> Any:
    return importlib.import_module("opentelemetry.trace.propagation.tracecontext").TraceContextTextMapPropagator()
