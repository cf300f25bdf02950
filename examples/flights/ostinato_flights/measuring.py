"""The pipeline `measure_month`: what the loop predicted against what happened, and the first model left alone on the same flights."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

import ostinato as ost
from ostinato.evaluation.report import evaluate_binary
from ostinato.evaluation.types import Report
from ostinato_flights.definitions import COST, ENDPOINT, THRESHOLD
from ostinato_flights.examples import columns
from ostinato_flights.source import start_of


@ost.pipeline
def measure_month(month: int, static: str) -> dict[str, Any]:
    """AUC, Brier score and money of a month, for the loop and for the version `static`."""
    measured: dict[str, Any] = compare(month, static).value()
    return measured


@ost.step(cache=False)
def compare(month: int, static: str) -> dict[str, Any]:
    """Hold the logged scores against the labels that came later; score the logged features with `static`."""
    app = ost.current().app
    logged = app.endpoints.frame(ENDPOINT, start_of(month), start_of(month + 1))
    logged = logged.filter(pc.is_valid(logged["label"]))
    label, scores = logged["label"].to_numpy(), logged["score"].to_numpy()
    loop = evaluate_binary(label, scores, cost=COST, threshold=THRESHOLD)
    alone = evaluate_binary(label, app.models.scorer(static).predict(columns(logged)), cost=COST, threshold=THRESHOLD)
    return {"flights": logged.num_rows, "share_late": loop.positives / loop.rows, **_measures(loop, "loop"), **_measures(alone, "static")}


def _measures(report: Report, name: str) -> dict[str, float | None]:
    saved = report.cost.saved_total if report.cost else None
    return {f"auc_{name}": report.value("auc"), f"brier_{name}": report.value("brier"), f"saved_{name}": saved}
