"""Metrics of traces, as MLflow's client asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities.trace_metrics import AggregationType as Kind
from mlflow.entities.trace_metrics import MetricAggregation, MetricViewType

from ostinato.app import Ostinato
from ostinato.traces.types import Span

pytestmark = pytest.mark.filterwarnings("ignore")
A3 = "/api/3.0/mlflow"
HOUR_NS = 3_600 * 10**9


@pytest.fixture
def experiment(client: MlflowClient, store: Ostinato) -> str:
    """Six traces of two hours, of which one failed, with a call of a model each."""
    made = str(client.create_experiment("chat"))
    store.traces.set_price("tiny", 1e6, 1e6)
    hour = time.time_ns() // HOUR_NS * HOUR_NS
    for n in range(6):
        at, id_ = hour + n % 2 * HOUR_NS, f"tr-{n}"
        said = {"gen_ai.request.model": "tiny", "gen_ai.usage.input_tokens": n, "gen_ai.usage.output_tokens": 1}
        root = Span(
            trace=id_, id=f"{1:016x}", name=f"f{n % 2}", start_ns=at, end_ns=at + (n + 1) * 10**6, state="error" if n == 5 else "ok",
            attributes={"session.id": f"s{n // 3}"},
        )  # fmt: skip
        call = Span(trace=id_, id=f"{2:016x}", parent=root.id, name="say", start_ns=at, end_ns=at + 10**6, attributes=said)
        store.traces.put([root, call], made)
        store.traces.assess(id_, "good", n > 2)
    return made


def asked(client: MlflowClient, experiment: str, view: str, metric: str, *kinds: Any, **more: Any) -> list[tuple[dict[str, str], Any]]:
    ways = [MetricAggregation(Kind.PERCENTILE, kind) if isinstance(kind, float) else MetricAggregation(kind) for kind in kinds]
    found = client._tracking_client.store.query_trace_metrics([experiment], MetricViewType(view), metric, ways, **more)
    return [(point.dimensions, point.values) for point in found]


def test_what_the_client_asks_for(client: MlflowClient, experiment: str) -> None:
    def ask(*given: Any, **more: Any) -> Any:
        return asked(client, experiment, *given, **more)

    assert ask("TRACES", "trace_count", Kind.COUNT) == [({}, {"COUNT": 6})]
    assert ask("TRACES", "session_count", Kind.COUNT) == [({}, {"COUNT": 2})]
    assert ask("TRACES", "trace_count", Kind.COUNT, dimensions=["trace_status"]) == [
        ({"trace_status": "ERROR"}, {"COUNT": 1}), ({"trace_status": "OK"}, {"COUNT": 5}),
    ]  # fmt: skip
    assert ask("TRACES", "latency", Kind.AVG, 50.0, Kind.MAX, dimensions=["trace_name"]) == [
        ({"trace_name": "f0"}, {"AVG": 3, "P50.0": 3, "MAX": 5}), ({"trace_name": "f1"}, {"AVG": 4, "P50.0": 4, "MAX": 6}),
    ]  # fmt: skip
    assert ask("TRACES", "input_tokens", Kind.SUM, filters=["trace.status = 'OK'"]) == [({}, {"SUM": 10})]
    first, second = ask("TRACES", "trace_count", Kind.COUNT, time_interval_seconds=3600)
    assert (first[1], second[1]) == ({"COUNT": 3}, {"COUNT": 3})
    assert first[0]["time_bucket"].endswith(":00:00+00:00")
    assert ask("SPANS", "span_count", Kind.COUNT, dimensions=["span_name"], filters=['span.name = "say"']) == [
        ({"span_name": "say"}, {"COUNT": 6})
    ]
    assert ask("SPANS", "total_cost", Kind.SUM, dimensions=["span_model_name"]) == [({"span_model_name": "tiny"}, {"SUM": 21})]
    assert ask("ASSESSMENTS", "assessment_value", Kind.AVG, dimensions=["assessment_name"]) == [({"assessment_name": "good"}, {"AVG": 0.5})]
    assert ask("ASSESSMENTS", "assessment_count", Kind.COUNT, dimensions=["assessment_value"]) == [
        ({"assessment_value": "false"}, {"COUNT": 3}), ({"assessment_value": "true"}, {"COUNT": 3}),
    ]  # fmt: skip
    assert ask("ASSESSMENTS", "assessment_count", Kind.COUNT, filters=["assessment.name = 'none'"]) == []
    assert ask("TRACES", "trace_count", Kind.COUNT, end_time_ms=0) == []
    assert ask("TRACES", "trace_count", Kind.COUNT, filters=["trace.metadata.`mlflow.trace.session` = 's0'"]) == [({}, {"COUNT": 3})]


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric_name": "nothing"}, {"view_type": "NOTHING"}, {"aggregations": []}, {"experiment_ids": []}, {"dimensions": ["span_name"]},
        {"aggregations": [{"aggregation_type": "SUM"}]}, {"filters": ["trace.status"]}, {"filters": ["trace.tag = 'x'"]},
        {"filters": ["trace.status = 'OK' and trace.status = 'OK'"]}, {"time_interval_seconds": -1}, {"max_results": 1_001},
        {"metric_name": "latency", "aggregations": [{"aggregation_type": "PERCENTILE"}]}, {"start_time_ms": 10**17},
        {"metric_name": "latency", "aggregations": [{"aggregation_type": "PERCENTILE", "percentile_value": 101}]},
    ],
)  # fmt: skip
def test_what_is_refused(refused: Callable[..., dict[str, str]], wrong: dict[str, Any]) -> None:
    right = {"experiment_ids": ["0"], "view_type": "TRACES", "metric_name": "trace_count", "aggregations": [{"aggregation_type": "COUNT"}]}
    refused("POST", f"{A3}/traces/metrics", 400, json=right | wrong)
