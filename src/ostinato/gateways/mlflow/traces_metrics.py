"""Traces metrics: counts, sums, means and percentiles of traces, spans and assessments, as MLflow's clients of version 3 ask for them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, ClassVar, Literal

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.traces_shown import STATES
from ostinato.gateways.mlflow.wire import A3, Ask, Int64
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.traces.measures import Question, Unit
from ostinato.traces.types import Measure
from ostinato.tracking.query import Among, And, Compare, Field, Kind, Missing, Node, Or

_Kind = Literal["COUNT", "SUM", "AVG", "MIN", "MAX", "PERCENTILE"]
_UNITS: dict[str, Unit] = {"TRACES": "trace", "SPANS": "span", "ASSESSMENTS": "assessment"}
_METRICS: dict[tuple[str, str], Field | None] = {
    ("TRACES", "trace_count"): None, ("TRACES", "session_count"): None, ("SPANS", "span_count"): None,
    ("ASSESSMENTS", "assessment_count"): None,
    ("TRACES", "latency"): Field("attribute", "duration_ms"), ("SPANS", "latency"): Field("span", "duration_ms"),
    ("SPANS", "total_cost"): Field("span", "cost"), ("ASSESSMENTS", "assessment_value"): Field("attribute", "assessment.value"),
} | {("TRACES", name): Field("attribute", name) for name in ("input_tokens", "output_tokens", "total_tokens")}  # fmt: skip
"""Numbers by the names that they have there. Tokens of caches, and costs of input and output apart, are not kept."""
_DIMENSIONS: dict[tuple[str, str], Field] = {
    ("TRACES", "trace_name"): Field("attribute", "name"), ("TRACES", "trace_status"): Field("attribute", "state"),
    ("SPANS", "span_name"): Field("span", "name"), ("SPANS", "span_type"): Field("span", "kind"),
    ("SPANS", "span_status"): Field("span", "state"), ("SPANS", "span_model_name"): Field("span", "model"),
    ("SPANS", "span_model_provider"): Field("span", "provider"),
    ("ASSESSMENTS", "assessment_name"): Field("attribute", "assessment.name"),
    ("ASSESSMENTS", "assessment_value"): Field("attribute", "assessment.text"),
}  # fmt: skip
_FILTER = re.compile(r"""\s*(trace|span|assessment)\.(\w+)(?:\.(`[^`]+`|"[^"]+"|[^\s=]+))?\s*=\s*('[^']*'|"[^"]*")\s*""")
_SHOWN_STATES = {state: name for name, state in STATES.items()}
_EXPERIMENTS_MAX, _MOST = 1_000, 1_000


class Aggregation(Ask, kw_only=True):
    """A way to sum up."""

    aggregation_type: _Kind
    percentile_value: float | None = None


class QueryMetrics(Ask, kw_only=True):
    """What is asked of the traces of some experiments."""

    experiment_ids: tuple[str, ...]
    view_type: Literal["TRACES", "SPANS", "ASSESSMENTS"]
    metric_name: str
    aggregations: tuple[Aggregation, ...]
    dimensions: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    time_interval_seconds: Int64 = 0
    start_time_ms: Int64 | None = None
    end_time_ms: Int64 | None = None
    max_results: Int64 = 0
    page_token: str = ""


class TracesMetrics:
    """The route of metrics of traces."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces

    def query(self, ask: QueryMetrics) -> dict[str, Any]:
        """Numbers by stretches of time and by dimensions; one without any is left out."""
        if (ask.view_type, ask.metric_name) not in _METRICS:
            known = [name for view, name in _METRICS if view == ask.view_type]
            raise Invalid(f"metric_name must be one of {known}, got '{ask.metric_name[:100]}'", field="metric_name")
        of, counted = _METRICS[ask.view_type, ask.metric_name], ask.metric_name.endswith("_count")
        if odd := {one.aggregation_type for one in ask.aggregations if (one.aggregation_type == "COUNT") is not counted}:
            raise Invalid(f"Found invalid aggregation_type(s): {sorted(odd)} of {ask.metric_name}", field="aggregations")
        most = wire.most(ask.max_results, _MOST, _MOST)
        shown = [_shown(found, ask) for found in self._traces.measured(self._question(ask, of)) if _whole(found, ask, counted)]
        return {"data_points": shown[:most]} if shown else {}

    def _question(self, ask: QueryMetrics, of: Field | None) -> Question:
        if not 1 <= len(ask.experiment_ids) <= _EXPERIMENTS_MAX or not ask.aggregations:
            raise Invalid(f"ask for aggregations of 1 to {_EXPERIMENTS_MAX} experiments", field="experiment_ids")
        if ask.time_interval_seconds < 0 or ask.time_interval_seconds > 10**9:
            raise Invalid(f"an interval of {ask.time_interval_seconds} s", field="time_interval_seconds")
        within: list[Node] = [Among(Field("attribute", "experiment_id"), ask.experiment_ids)]
        if ask.start_time_ms is not None:
            within.append(Compare(Field("attribute", "started_at"), ">=", wire.instant(ask.start_time_ms, "start_time_ms")))
        until = None if ask.end_time_ms is None else wire.instant(ask.end_time_ms, "end_time_ms") + timedelta(milliseconds=1)
        return Question(
            unit=_UNITS[ask.view_type], of=of, by=tuple(_dimension(ask, name) for name in ask.dimensions),
            node=And((*within, *(_filter(ask, text) for text in ask.filters))), until=until,
            step=timedelta(seconds=ask.time_interval_seconds) if ask.time_interval_seconds else None,
            percentiles=tuple(_percentile(one) for one in ask.aggregations if one.aggregation_type == "PERCENTILE"),
        )  # fmt: skip

    OPS: ClassVar[list[Op]] = [Op("POST", f"{A3}/traces/metrics", query, "trace:read")]


def _dimension(ask: QueryMetrics, name: str) -> Field:
    if (ask.view_type, name) not in _DIMENSIONS:
        known = sorted(known for view, known in _DIMENSIONS if view == ask.view_type)
        raise Invalid(f"Found invalid dimension(s): {[name[:100]]}. Supported dimensions: {known}", field="dimensions")
    return _DIMENSIONS[ask.view_type, name]


def _filter(ask: QueryMetrics, text: str) -> Node:
    """`trace.status = "OK"`, `trace.tag.KEY = "x"`, `span.type = "LLM"`, `assessment.name = "correct"`, …"""
    found = _FILTER.fullmatch(text)
    if found is None:
        raise Invalid(f"Invalid filter: '{text[:200]}'. Expected one filter clause, such as trace.status = 'OK'.", field="filters")
    of, entity, key, value = found[1], found[2], (found[3] or "").strip('`"'), found[4][1:-1]
    kinds: dict[str, Kind] = {"tag": "tag", "metadata": "metadata"}
    match of, entity, bool(key):
        case "trace", "status", False:
            return Compare(Field("attribute", "state"), "=", STATES.get(value, value))
        case "trace", "tag" | "metadata", True:
            if (entity, key) == ("metadata", "mlflow.trace.session"):
                return Compare(Field("attribute", "session"), "=", value)
            return Compare(Field(kinds[entity], key), "=", value)
        case "span", "name" | "status" | "type", False:
            return Compare(Field("span", entity), "=", value.lower() if entity == "status" else value)
        case "assessment", "name" | "type", False if ask.view_type == "ASSESSMENTS":
            place = Field("attribute", "assessment.kind" if entity == "type" else "assessment.name")
            return Compare(place, "=", value.lower() if entity == "type" else value)
        case "assessment", "name", False:
            return Or((Missing(Field("feedback", value), negated=True), Missing(Field("expectation", value), negated=True)))
    raise Invalid(f"Invalid entity '{entity}' specified for view type '{of}'.", field="filters")


def _percentile(one: Aggregation) -> float:
    if one.percentile_value is None:
        raise Invalid("Percentile value is required for PERCENTILE aggregation", field="aggregations")
    return one.percentile_value


def _whole(found: Measure, ask: QueryMetrics, counted: bool) -> bool:
    """Whether a point has a number, and something in every dimension."""
    return all(found.by) and bool(found.sessions if ask.metric_name == "session_count" else counted or found.measured)


def _shown(found: Measure, ask: QueryMetrics) -> dict[str, Any]:
    """A point as a message of MLflow."""
    percentiles, values = iter(found.percentiles), dict[str, float | None]()
    plain = {"SUM": found.sum, "AVG": found.mean, "MIN": found.min, "MAX": found.max}
    for one in ask.aggregations:
        match one.aggregation_type:
            case "COUNT":
                values["COUNT"] = found.sessions if ask.metric_name == "session_count" else found.count
            case "PERCENTILE":
                values[f"P{_percentile(one)}"] = next(percentiles)
            case kind:
                values[kind] = plain[kind]
    named = {name: _SHOWN_STATES.get(value, value.upper()) if name.endswith("_status") else value  # type: ignore[call-overload]
             for name, value in zip(ask.dimensions, found.by, strict=True)}  # fmt: skip
    time = {"time_bucket": found.at.isoformat()} if ask.time_interval_seconds else {}
    return {"metric_name": ask.metric_name, "dimensions": time | named, "values": values}
