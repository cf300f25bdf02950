"""What autolog costs a training, and what MLflow's does, in turns in one run: CPU seconds of the process, and wall.

Usage: python bench/autolog.py [rounds] [alone]
"""

from __future__ import annotations

import importlib
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OSTINATO_CAPTURE", "none")  # what every run captures is no cost of autolog, and MLflow captures none of it
os.environ.setdefault("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")  # a process per model that imports it: MLflow then takes its defaults
os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")

import numpy as np

import ostinato as ost

_ROWS, _COLUMNS = 20_000, 20
_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(_ROWS, _COLUMNS))
Y = (X[:, 0] + X[:, 1] * X[:, 2] + _RNG.normal(size=_ROWS) > 0).astype(int)


def _forest() -> None:
    ensemble = importlib.import_module("sklearn.ensemble")
    ensemble.RandomForestClassifier(60, n_jobs=1, random_state=0, max_depth=12).fit(X, Y)


def _boosting() -> None:
    ensemble = importlib.import_module("sklearn.ensemble")
    ensemble.HistGradientBoostingClassifier(max_iter=200, random_state=0, early_stopping=False).fit(X, Y)


def _xgboost() -> None:
    xgboost = importlib.import_module("xgboost")
    data = xgboost.DMatrix(X, Y)
    params = {"objective": "binary:logistic", "max_depth": 6, "nthread": 1}
    xgboost.train(params, data, 300, evals=[(data, "train")], verbose_eval=False)


def _lightgbm() -> None:
    lightgbm = importlib.import_module("lightgbm")
    data = lightgbm.Dataset(X, Y)
    params = {"objective": "binary", "num_threads": 1, "verbose": -1}
    lightgbm.train(params, data, 300, valid_sets=[data], valid_names=["train"])


def _search() -> None:
    linear, selection = importlib.import_module("sklearn.linear_model"), importlib.import_module("sklearn.model_selection")
    selection.GridSearchCV(linear.LogisticRegression(max_iter=300), {"C": [0.01, 0.1, 1.0, 10.0]}, cv=5).fit(X, Y)


TRAININGS: dict[str, Callable[[], None]] = {
    "random forest, 60 trees": _forest,
    "gradient boosting, 200 rounds": _boosting,
    "XGBoost, 300 rounds": _xgboost,
    "LightGBM, 300 rounds": _lightgbm,
    "grid search, 20 fits": _search,
}


def _spent(train: Callable[[], None], around: Callable[[], AbstractContextManager[Any]]) -> tuple[float, float]:
    with around():
        before = time.process_time(), time.perf_counter()
        train()
        return time.process_time() - before[0], time.perf_counter() - before[1]


def _ours(app: Any) -> AbstractContextManager[Any]:
    return ost.autolog(to=app, experiment="bench")  # type: ignore[no-any-return]


class _Mlflow:
    """MLflow's autolog into a store of its own in SQLite, where that can be had."""

    def __init__(self, folder: str) -> None:
        self.mlflow = importlib.import_module("mlflow")
        self.mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        self.mlflow.set_experiment("bench")

    def __enter__(self) -> None:
        for name in ("sklearn", "xgboost", "lightgbm"):
            importlib.import_module(f"mlflow.{name}").autolog(silent=True)

    def __exit__(self, *_: object) -> None:
        for name in ("sklearn", "xgboost", "lightgbm"):
            importlib.import_module(f"mlflow.{name}").autolog(disable=True, silent=True)


def main(rounds: int, *, alone: bool) -> None:
    """Each training bare, watched by us, watched by MLflow, in turns; medians."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, ost.open(f"{folder}/store") as app:
        os.chdir(folder)
        ways: dict[str, Callable[[], AbstractContextManager[Any]]] = {"bare": nullcontext, "ours": lambda: _ours(app)}
        try:
            if alone:
                raise LookupError("not asked for")
            theirs = _Mlflow(folder)
            ways["MLflow"] = lambda: theirs
        except Exception as error:
            print(f"MLflow is not compared: {error}")
        print(f"| training | bare, CPU s | {' | '.join(f'{way}, CPU | {way}, wall' for way in ways if way != 'bare')} |")
        for name, train in TRAININGS.items():
            found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
            for number in range(rounds + 1):
                for way, around in ways.items():
                    spent = _spent(train, around)
                    if number:  # the first one of each warms up
                        found[way].append(spent)
            cpu, wall = ({way: statistics.median(times[n] for times in found[way]) for way in ways} for n in (0, 1))
            cells = [
                f"{1e3 * (cpu[way] - cpu['bare']):+.0f} ms, {cpu[way] / cpu['bare'] - 1:+.1%} | {wall[way] / wall['bare'] - 1:+.1%}"
                for way in ways
                if way != "bare"
            ]
            print(f"| {name} | {cpu['bare']:.2f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, alone="alone" in sys.argv)
