"""The pipeline `measure_month`: what the loop predicted against what happened, and the first model left alone on the same flights."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import ostinato as ost
from ostinato.evaluation.report import evaluate_binary
from ostinato.evaluation.types import Report
from ostinato_flights.definitions import COST, ENDPOINT, THRESHOLD
from ostinato_flights.examples import columns, examples, label
from ostinato_flights.source import start_of


@ost.pipeline
def measure_month(month: int, flights: str, weather: str, static: str) -> dict[str, Any]:
    """AUC, Brier score and money of a month, for the loop and for the version `static`."""
    since, until = start_of(month), start_of(month + 1)
    known = examples(flights, weather, since.isoformat(), until.isoformat())
    measured: dict[str, Any] = compare(known, month, static).value()
    return measured


@ost.step(cache=False)
def compare(known: pa.Table, month: int, static: str) -> dict[str, Any]:
    """Join the logged predictions with the labels of the data itself, by flight; score the same flights with `static`."""
    app = ost.current().app
    logged = app.endpoints.frame(ENDPOINT, start_of(month), start_of(month + 1)).select(["request_id", "score"])
    both = known.join(logged, keys="flight_id", right_keys="request_id", join_type="inner").sort_by("flight_id")
    loop = evaluate_binary(label(both), both["score"].to_numpy(), cost=COST, threshold=THRESHOLD)
    alone = evaluate_binary(label(both), app.models.scorer(static).predict(columns(both)), cost=COST, threshold=THRESHOLD)
    share_late = float(pc.mean(both["late"]).as_py())
    return {"flights": both.num_rows, "share_late": share_late, **_measures(loop, "loop"), **_measures(alone, "static")}


def _measures(report: Report, name: str) -> dict[str, float | None]:
    saved = report.cost.saved_total if report.cost else None
    return {f"auc_{name}": report.value("auc"), f"brier_{name}": report.value("brier"), f"saved_{name}": saved}
