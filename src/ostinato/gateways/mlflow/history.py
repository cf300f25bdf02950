"""History: every point of a metric, in the order in which MLflow gives them."""

from __future__ import annotations

from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import A2
from ostinato.gateways.mlflow.runs import RunAsk, about
from ostinato.gateways.mlflow.wire import Ask, Int64
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op

_PAGE_MAX = 25_000
_RUNS_MAX = 100
_ALL = 2**31


class HistoryAsk(RunAsk, kw_only=True):
    """A metric of a run, or a page of it."""

    metric_key: str
    max_results: Int64 | None = None
    page_token: str = ""


class BulkAsk(Ask, kw_only=True):
    """A metric of several runs."""

    run_id: tuple[str, ...] = ()
    metric_key: str = ""
    max_results: Int64 = _PAGE_MAX


class IntervalAsk(Ask, kw_only=True):
    """A metric of several runs at about so many steps each."""

    run_ids: tuple[str, ...] = ()
    metric_key: str
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 = 2_500


class History:
    """The routes of metrics."""

    def __init__(self, app: Ostinato) -> None:
        self._runs = app.runs

    def history(self, ask: HistoryAsk) -> dict[str, Any]:
        """All points of a metric, or a page of them."""
        if ask.max_results is not None and ask.max_results < 1:
            raise Invalid(f"Invalid value {ask.max_results} for parameter 'max_results' supplied: it must be positive", field="max_results")
        start = wire.offset(ask.page_token)
        points = self._points(ask.run, ask.metric_key)
        most = min(ask.max_results or (_PAGE_MAX if ask.page_token else len(points) or 1), _PAGE_MAX if ask.max_results else _ALL)
        return wire.page("metrics", points[start : start + most + 1], start, most)

    def bulk(self, ask: BulkAsk) -> dict[str, Any]:
        """All points of a metric of several runs."""
        if not any(ask.run_id):
            raise Invalid("GetMetricHistoryBulk request must specify at least one run_id.", field="run_id")
        if len(ask.run_id) > _RUNS_MAX:
            raise Invalid(f"GetMetricHistoryBulk request cannot specify more than {_RUNS_MAX} run_ids. Received {len(ask.run_id)} run_ids.")
        if not ask.metric_key:
            raise Invalid("GetMetricHistoryBulk request must specify a metric_key.", field="metric_key")
        most = wire.most(ask.max_results, _PAGE_MAX, _PAGE_MAX)
        return {"metrics": [p | {"run_id": run} for run in sorted(ask.run_id) for p in self._points(run, ask.metric_key)][:most]}

    def interval(self, ask: IntervalAsk) -> dict[str, Any]:
        """Points of a metric of several runs, at steps that all of them are shown at, and at the last of each."""
        if not any(ask.run_ids):
            raise wire.missing("run_ids")
        if len(ask.run_ids) > _RUNS_MAX:
            raise Invalid(f"GetMetricHistoryBulkInterval request must specify at most {_RUNS_MAX} run_ids.", field="run_ids")
        if not 1 <= ask.max_results <= 2_500:
            raise Invalid("max_results must be between 1 and 2500.", field="max_results")
        if (ask.start_step is None) is not (ask.end_step is None):
            raise Invalid("If either start step or end step are specified, both must be specified.", field="start_step")
        if ask.start_step is not None and ask.end_step is not None and ask.start_step > ask.end_step:
            raise Invalid(f"end_step must be greater than start_step. Found start_step={ask.start_step} and end_step={ask.end_step}.")
        low, high = (-(2**63), 2**63) if ask.start_step is None or ask.end_step is None else (ask.start_step, ask.end_step)
        found = {run: [p for p in self._points(run, ask.metric_key) if low <= p["step"] <= high] for run in ask.run_ids}
        steps = sorted({p["step"] for points in found.values() for p in points})
        every = max(1, len(steps) // ask.max_results)
        chosen = {*steps[::every], *(max(p["step"] for p in points) for points in found.values() if points)}
        shown = [p | {"run_id": run} for run, points in found.items() for p in _by_step(points) if p["step"] in chosen]
        return {"metrics": shown}

    def _points(self, run: str, key: str) -> list[dict[str, Any]]:
        """The points of a metric, each once, by time, step and value."""
        with about(self._runs, run):
            curve = self._runs.curve(run, key, limit=_ALL)
        rows = zip(curve.times_us, curve.steps, curve.values, strict=True)
        points = sorted({(at // 1000, step, wire.number(value)) for at, step, value in rows}, key=_rank)
        return [{"key": key, "value": value, "timestamp": at, "step": step} for at, step, value in points]

    OPS: ClassVar[list[Op]] = [
        Op("GET", f"{A2}/metrics/get-history", history, "run:read"),
        Op("GET", f"{A2}/metrics/get-history-bulk", bulk, "run:read"),
        Op("GET", f"{A2}/metrics/get-history-bulk-interval", interval, "run:read"),
    ]


def _rank(point: tuple[int, int, float | str]) -> tuple[int, int, bool, float]:
    at, step, value = point
    return at, step, value == "NaN", 0.0 if value == "NaN" else float(value)


def _by_step(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(points, key=lambda p: (p["step"], p["timestamp"]))
