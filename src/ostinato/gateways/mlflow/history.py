"""History: every point of a metric, in the order in which MLflow gives them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.runs import RunAsk, about
from ostinato.gateways.mlflow.wire import A2, Ask, Int64
from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.kernel.operation import Op
from ostinato.storage.series.curve import Curve

_PAGE_MAX = 25_000
_RUNS_MAX = 100
_READ_MAX = 10_000_000
"""How many points are read for one table of intervals; 24 bytes of memory each."""
_LEAST, _MOST = -(2**63), 2**63 - 1


class Points(NamedTuple):
    """Points of a metric in columns, `at` in milliseconds after 1970."""

    at: NDArray[np.int64]
    step: NDArray[np.int64]
    value: NDArray[np.float64]

    def where(self, chosen: Any) -> Points:
        """Those of a mask, an index or a slice."""
        return Points(self.at[chosen], self.step[chosen], self.value[chosen])

    def shown(self, key: str, **more: str) -> list[dict[str, Any]]:
        """As messages of MLflow."""
        rows = zip(self.at.tolist(), self.step.tolist(), self.value.tolist(), strict=True)
        return [{"key": key, "value": wire.number(value), "timestamp": at, "step": step, **more} for at, step, value in rows]


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
    """So many points of a metric of each of several runs."""

    run_ids: tuple[str, ...] = ()
    metric_key: str
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 = 2_500


class History:
    """The routes of metrics."""

    def __init__(self, app: Ostinato) -> None:
        self._runs = app.runs
        self._series = app.series

    def history(self, ask: HistoryAsk) -> dict[str, Any]:
        """A page of the points of a metric, of 25,000 unless fewer are asked for: clients follow its token."""
        if ask.max_results is not None and ask.max_results < 1:
            raise Invalid(f"Invalid value {ask.max_results} for parameter 'max_results' supplied: it must be positive", field="max_results")
        at, given = _place(ask.page_token)
        end = given + min(ask.max_results or _PAGE_MAX, _PAGE_MAX)
        points = self._from(ask.run, ask.metric_key, at, end + 1)
        more = end < len(points.at)
        last = points.at[end - 1] if more else 0
        token = _token(int(last), end - int(np.searchsorted(points.at, last))) if more else ""
        return wire.filled(metrics=points.where(slice(given, end)).shown(ask.metric_key), next_page_token=token)

    def bulk(self, ask: BulkAsk) -> dict[str, Any]:
        """All points of a metric of several runs."""
        if not any(ask.run_id):
            raise Invalid("GetMetricHistoryBulk request must specify at least one run_id.", field="run_id")
        if len(ask.run_id) > _RUNS_MAX:
            raise Invalid(f"GetMetricHistoryBulk request cannot specify more than {_RUNS_MAX} run_ids. Received {len(ask.run_id)} run_ids.")
        if not ask.metric_key:
            raise Invalid("GetMetricHistoryBulk request must specify a metric_key.", field="metric_key")
        most = wire.most(ask.max_results, _PAGE_MAX, _PAGE_MAX)
        shown: list[dict[str, Any]] = []
        for run in sorted({*ask.run_id}):
            if (left := most - len(shown)) <= 0:
                break
            shown += self._points(run, ask.metric_key).where(slice(left)).shown(ask.metric_key, run_id=run)
        return {"metrics": shown}

    def interval(self, ask: IntervalAsk) -> dict[str, Any]:
        """Points of a metric of several runs: of each as many as are asked for, evenly, with the first and the last."""
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
        low, high = (_LEAST, _MOST) if ask.start_step is None or ask.end_step is None else (ask.start_step, ask.end_step)
        found = self._between(ask.run_ids, ask.metric_key, low, high)
        few = {run: _evenly(points, ask.max_results) for run, points in found.items()}
        return {"metrics": [point for run, points in few.items() for point in points.shown(ask.metric_key, run_id=run)]}

    def _between(self, runs: tuple[str, ...], key: str, low: int, high: int) -> dict[str, Points]:
        """The points of a metric of each run that lie between two steps."""
        found: dict[str, Points] = {}
        for run in dict.fromkeys(runs):
            points = self._points(run, key, low)
            found[run] = points.where(points.step <= high)
            if sum(len(read.step) for read in found.values()) > _READ_MAX:
                raise TooLarge(f"more than {_READ_MAX:,} points", hint="ask for fewer runs, or from start_step to end_step")
        return found

    def _points(self, run: str, key: str, low: int = _LEAST) -> Points:
        """The points of a metric from a step on, each once, by time, step and value."""
        with about(self._runs, run):
            self._runs.get(run)
        curve = self._series.read(caller().project, run, key, low - 1 if low > _LEAST else None, 0)
        return _distinct(curve)

    def _from(self, run: str, key: str, at: int, count: int) -> Points:
        """So many points of a metric from a millisecond on, if there are: what lies beyond is not read."""
        with about(self._runs, run):
            self._runs.get(run)
        low, limit = max(_LEAST, 1000 * at), count
        while True:
            curve = self._series.stretch(caller().project, run, key, "time", low, limit, 1000)
            points = _distinct(curve)
            if len(points.at) >= count or len(curve.at) < limit:
                return points
            limit *= 4  # many came more than once

    OPS: ClassVar[list[Op]] = [
        Op("GET", f"{A2}/metrics/get-history", history, "run:read"),
        Op("GET", f"{A2}/metrics/get-history-bulk", bulk, "run:read"),
        Op("GET", f"{A2}/metrics/get-history-bulk-interval", interval, "run:read"),
    ]


class _Place(msgspec.Struct, forbid_unknown_fields=True):
    """From which millisecond on a page begins, and how many points of it were given before."""

    at: Annotated[int, msgspec.Meta(ge=_LEAST // 1000, le=_MOST // 1000)]
    given: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


def _token(at: int, given: int) -> str:
    return base64.b64encode(msgspec.json.encode(_Place(at, given))).decode()


def _place(token: str) -> tuple[int, int]:
    if not token:
        return _LEAST // 1000, 0
    try:
        place = msgspec.json.decode(base64.b64decode(token, validate=True), type=_Place)
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError):
        hint = "pass the next_page_token of the page before"
        raise Invalid(f"Invalid page token: {token[:100]!r}", hint=hint, field="page_token") from None
    return place.at, place.given


def _evenly(points: Points, most: int) -> Points:
    """At most so many points by step: the first of each of as many equal parts, and the last of all in place of the last of them."""
    points, count = points.where(np.lexsort((points.value, points.at, points.step))), len(points.step)
    if count <= most:
        return points
    size, longer = divmod(count, most)
    parts = np.arange(most)
    starts = parts * size + np.minimum(parts, longer)
    starts[-1] = count - 1
    return points.where(starts)


def _distinct(curve: Curve) -> Points:
    """The points of a curve, each once, by time, step and value."""
    points = Points(curve.at // 1000, curve.step, curve.value)
    points = points.where(np.lexsort((points.value, points.step, points.at)))
    fresh = np.ones(len(points.step), bool)
    fresh[1:] = (np.diff(points.at) != 0) | (np.diff(points.step) != 0)
    fresh[1:] |= (points.value[1:] != points.value[:-1]) & ~(np.isnan(points.value[1:]) & np.isnan(points.value[:-1]))
    return points.where(fresh)
