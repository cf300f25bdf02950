"""Spans of executions and steps, as a provider of the process keeps them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ostinato.kernel.errors import StepFailed
from ostinato.pipelines import spans
from ostinato.pipelines.worker import work


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield kept
    provider.shutdown()


def by_name(told: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in told.get_finished_spans()}


def test_steps_are_within_their_execution_and_that_within_who_started_it(
    app: SimpleNamespace, flows: ModuleType, told: InMemorySpanExporter
) -> None:
    with trace.get_tracer("a program").start_as_current_span("its work") as asking:
        execution = app.pipelines.start("flows:train", {"n": 4, "folder": "", "source": "hunter2"})
    work(app, app.pipelines, threading.Event(), once=True)
    found = by_name(told)
    assert set(found) == {"its work", "execution train", "step load", "step total", "step fit"}
    whole = found["execution train"]
    asked = asking.get_span_context()
    assert (whole.parent.trace_id, whole.parent.span_id) == (asked.trace_id, asked.span_id)
    assert dict(whole.attributes) == {
        "ostinato.execution": execution.id, "ostinato.pipeline": "train", "ostinato.project": "default", "ostinato.attempt": 1,
        "ostinato.state": "finished",
    }  # fmt: skip
    for step in app.pipelines.steps(execution.id):
        span = found[f"step {step.name}"]
        assert span.parent == whole.context
        assert whole.start_time <= span.start_time <= span.end_time <= whole.end_time
        assert (span.attributes["ostinato.step"], span.attributes["ostinato.cached"]) == (step.id, False)
    assert "hunter2" not in "".join(span.to_json() for span in found.values())


def test_what_a_step_traces_is_within_the_step(app: SimpleNamespace, project: object, told: InMemorySpanExporter) -> None:
    flows = project.edit("    return scale(", "    with trace.get_tracer('x').start_as_current_span('own'):\n        return scale(")
    flows.trace = trace
    app.pipelines.run(flows.train, n=2)
    found = by_name(told)
    assert found["own"].parent == found["step total"].context


def test_remembered_and_failed_steps_say_so(app: SimpleNamespace, flows: ModuleType, told: InMemorySpanExporter, traces: object) -> None:
    app.pipelines.run(flows.train, n=2)
    told.clear()
    app.pipelines.run(flows.train, n=2)
    assert [span.attributes["ostinato.cached"] for name, span in by_name(told).items() if name.startswith("step")] == [True] * 3
    told.clear()
    with pytest.raises(StepFailed):
        app.pipelines.run(flows.broken, x=0)
    found = by_name(told)
    for name in ("step boom", "execution broken"):
        assert found[name].status.status_code is trace.StatusCode.ERROR
        assert not found[name].status.description
        assert not found[name].events, "the text of an error may hold what nobody should read"
    told.clear()
    app.pipelines.run(flows.patient, folder=str(traces))
    assert by_name(told)["step flaky"].attributes["ostinato.attempt"] == 3
    told.clear()
    app.pipelines.run(flows.squares, n=3, executor="processes")
    squares = [span for span in told.get_finished_spans() if span.name == "step square"]
    assert {span.parent.span_id for span in squares} == {by_name(told)["execution squares"].context.span_id}
    assert len(squares) == 3


def test_where_nobody_traces_there_is_nothing(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert spans.current_traceparent() == ""
    assert app.pipelines.run(flows.train, n=2).state == "finished"
    assert "opentelemetry.trace" not in sys.modules
