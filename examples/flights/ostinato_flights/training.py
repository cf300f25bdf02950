"""The pipeline `train`: examples, a small search over time-ordered folds, the model, its evaluation, its registration."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import ostinato as ost
from ostinato.evaluation.report import evaluate_binary
from ostinato.evaluation.types import Report
from ostinato.kernel.digest import digest_of
from ostinato.registry.flavors.sklearn import Sklearn
from ostinato.training.splits import time_folds
from ostinato_flights.definitions import CATEGORIES, COST, HOLDOUT_DAYS, MODEL, SPACE, VIEW_NAMES
from ostinato_flights.examples import columns, examples, label, matrix, signature_of

FIXED = {"max_iter": 120, "min_samples_leaf": 40, "l2_regularization": 1.0, "random_state": 0, "early_stopping": False}
TRIAL_EVERY = 3
"""A trial learns from every third row: settings compare alike on fewer rows."""


@ost.pipeline
def train(window_days: int, until: str, units: str = "hours") -> dict[str, Any]:
    """Train on the `window_days` days before `until`, the last three weeks of which are held out; register the version."""
    context = ost.current()
    app = context.app
    flights, weather = (f"{name}@{app.datasets.version(name).version}" for name in ("flights", "weather"))
    end = datetime.fromisoformat(until)
    since, split = end - timedelta(days=window_days), end - timedelta(days=HOLDOUT_DAYS)
    table = examples(flights, weather, since.isoformat(), end.isoformat(), units)
    known, held_out = before(table, split.isoformat()), after(table, split.isoformat())
    trials = trial.map(SPACE, table=known)
    setting = choose(SPACE, trials)
    datasets = [f"dataset:{flights}", f"dataset:{weather}"]
    for name in datasets:
        context.run.input(name)
    champion = app.models.model(MODEL).aliases.get("champion")
    model = fit(known, setting)
    registered: dict[str, Any] = register(model, known, held_out, setting, datasets, champion).value()
    explain(registered["version"], registered["reference"])
    return registered


@ost.step
def before(table: pa.Table, instant: str) -> pa.Table:
    """The flights scheduled before an instant."""
    return table.filter(pc.less(table["scheduled_at"], _scalar(table, instant)))


@ost.step
def after(table: pa.Table, instant: str) -> pa.Table:
    """The flights scheduled at an instant or later."""
    return table.filter(pc.greater_equal(table["scheduled_at"], _scalar(table, instant)))


@ost.step
def trial(setting: dict[str, Any], table: pa.Table) -> dict[str, Any]:
    """Mean AUC of a setting over two folds in the order of time; each fold is a point of the trial's curves."""
    run = ost.current().run
    run.log_params(setting)
    rows = table.take(np.arange(0, table.num_rows, TRIAL_EVERY))
    x, y = matrix(rows, signature_of(table)), label(rows)
    scores = []
    for number, fold in enumerate(time_folds(rows["scheduled_at"].to_numpy(), folds=2, gap=timedelta(days=1))):
        model = _classifier(setting).fit(x[fold.train], y[fold.train])
        report = evaluate_binary(y[fold.test], model.predict_proba(x[fold.test])[:, 1], metrics=["auc", "brier"])
        run.log(_measured(report), step=number)
        scores.append(_measured(report)["auc"])
    return {"auc": float(np.mean(scores)), "folds": scores}


@ost.step
def choose(settings: list[dict[str, Any]], trials: list[dict[str, Any]]) -> dict[str, Any]:
    """The setting with the best mean AUC."""
    return max(zip(settings, trials, strict=True), key=lambda pair: pair[1]["auc"])[0]


@ost.step
def fit(table: pa.Table, setting: dict[str, Any]) -> bytes:
    """The model on all rows, in a format that cannot execute code."""
    model = _classifier(setting).fit(matrix(table, signature_of(table)), label(table))
    return Sklearn().dump(model)


@ost.step
def register(
    model: bytes, known: pa.Table, held_out: pa.Table, setting: dict[str, Any], datasets: list[str], champion: int | None
) -> dict[str, Any]:
    """Evaluate the model, the champion and a simple baseline on the held-out rows; register the version with its evaluation."""
    context = ost.current()
    app, run = context.app, context.run
    execution, drawn = ost.Ref("run", context.execution), [ost.Ref.parse(name) for name in datasets]
    signature, data = signature_of(known), app.tables.write(held_out).digest
    scores = Sklearn().load(model, signature).predict(columns(held_out))
    report = report_of(held_out, scores)
    run.log_params({"rows": known.num_rows, "held_out_rows": held_out.num_rows, **setting})
    run.log(_measured(report))
    run.artifact("evaluation.json", msgspec.json.encode(report))
    evaluation = app.evaluations.record(execution, data, report, drawn)
    app.evaluations.record(ost.Ref("baseline", MODEL), data, report_of(held_out, baseline_scores(known, held_out)), drawn)
    if champion is not None:
        ref = ost.Ref("model", MODEL, str(champion))
        champion_scores = app.models.scorer(str(ref)).predict(columns(held_out))
        app.evaluations.record(ref, data, report_of(held_out, champion_scores), drawn)
    version = app.models.register(
        MODEL, artifact=app.models.upload(model), flavor="sklearn", signature=signature, run=execution, datasets=drawn,
        evaluation=evaluation.id, features=VIEW_NAMES, key=digest_of([data, evaluation.id, setting]),
    )  # fmt: skip
    reference = app.tables.write(held_out.append_column("score", pa.array(scores)).rename_columns({"late": "label", "predict_at": "at"}))
    return {"version": str(version.ref), "evaluation": evaluation.id, "reference": reference.digest, "champion": champion}


@ost.step
def explain(version: str, reference: str) -> dict[str, float]:
    """Which inputs the version rests on, by permutation on the held-out rows."""
    explained = ost.current().app.explanations.explain_global(version, data=reference, parameters={"repeats": 1})
    return {importance.feature: importance.value for importance in explained.importances}


def report_of(table: pa.Table, scores: np.ndarray[Any, Any]) -> Report:
    """What is measured of any scores: metrics with intervals, calibration, money, the gaps between carriers."""
    return evaluate_binary(label(table), scores, cost=COST, groups={"carrier": table["carrier"].to_pylist()})


def baseline_scores(known: pa.Table, held_out: pa.Table) -> np.ndarray[Any, Any]:
    """The model to beat: a logistic regression on the hour of departure and the recent past of the carrier and the route."""
    names = ["departure_hour", "carrier__late_7d", "route__late_30d"]

    def inputs(table: pa.Table) -> np.ndarray[Any, Any]:
        x = np.column_stack([columns(table)[name] for name in names])
        return np.where(np.isnan(x), 0.0, x)

    model = LogisticRegression().fit(inputs(known), label(known))
    scores: np.ndarray[Any, Any] = model.predict_proba(inputs(held_out))[:, 1]
    return scores


def _scalar(table: pa.Table, instant: str) -> pa.Scalar:
    return pa.scalar(datetime.fromisoformat(instant), table.schema.field("scheduled_at").type)


def _measured(report: Report) -> dict[str, float]:
    return {name: estimate.value for name, estimate in report.metrics.items() if estimate.value is not None}


def _classifier(setting: dict[str, Any]) -> HistGradientBoostingClassifier:
    categorical = list(range(len(CATEGORIES)))
    return HistGradientBoostingClassifier(categorical_features=categorical, **FIXED, **setting)
