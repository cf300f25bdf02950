"""Autolog of XGBoost and LightGBM: every round, the best one, and the same booster as without."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

lightgbm: Any = None
xgboost: Any = None


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    """They are imported for the first test here, and not by everybody who looks for tests."""
    for name in ("xgboost", "lightgbm"):
        globals()[name] = pytest.importorskip(name, reason=f"needs {name}: make frameworks")


_RNG = np.random.default_rng(3)
X = _RNG.normal(size=(200, 4))
Y = (X[:, 0] + _RNG.normal(size=200) > 0).astype(int)
PARAMS = {"objective": "binary:logistic", "max_depth": 2, "eta": 0.3, "eval_metric": ["logloss", "auc"], "nthread": 1, "missing": 0}
LEAVES = {"objective": "binary", "num_leaves": 4, "verbose": -1, "metric": ["auc", "binary_logloss"], "num_threads": 1, "seed": 1}


def _xgboost(**more: Any) -> Any:
    train, held = xgboost.DMatrix(X[:150], Y[:150]), xgboost.DMatrix(X[150:], Y[150:])
    how = {"evals": [(train, "train"), (held, "held")], "verbose_eval": False, **more}
    return xgboost.train({k: v for k, v in PARAMS.items() if k != "missing"}, train, 30, **how)


def _lightgbm(**more: Any) -> Any:
    train = lightgbm.Dataset(X[:150], Y[:150])
    return lightgbm.train(LEAVES, train, 30, valid_sets=[train, lightgbm.Dataset(X[150:], Y[150:])], valid_names=["train", "held"], **more)


def test_xgboost_every_round_the_best_one_gain_and_a_model_that_loads(store: Any) -> None:
    told: dict[str, Any] = {}
    bare = _xgboost(early_stopping_rounds=3)
    with store.autolog("xgboost"):
        booster = _xgboost(early_stopping_rounds=3, evals_result=told)
    assert booster.save_raw("ubj") == bare.save_raw("ubj")
    (run,) = store.all()
    assert store.runs.curve(run.id, "held/auc").values == told["held"]["auc"]
    assert store.runs.curve(run.id, "train/logloss").values == told["train"]["logloss"]
    last = store.last(run)
    assert last["best_iteration"] == booster.best_iteration
    assert last["iterations"] == booster.num_boosted_rounds() == len(told["held"]["auc"])
    assert (run.params["max_depth"], run.params["num_boost_round"], run.params["early_stopping_rounds"]) == (2, 30, 3)
    drawn = json.loads(store.runs.artifact(run.id, "feature_importance.json"))
    assert dict(zip(drawn["x"], drawn["y"], strict=True)) == booster.get_score(importance_type="gain")
    again = xgboost.Booster(model_file=bytearray(store.file(run, "model.ubj")))
    assert (again.predict(xgboost.DMatrix(X)) == booster.predict(xgboost.DMatrix(X))).all()


def test_lightgbm_every_round_the_best_one_gain_and_a_model_that_loads(store: Any) -> None:
    told: dict[str, Any] = {}

    def how() -> list[Any]:
        return [lightgbm.early_stopping(3, verbose=False), lightgbm.record_evaluation(told)]

    bare = _lightgbm(callbacks=how())
    with store.autolog("lightgbm"):
        booster = _lightgbm(callbacks=how())
    assert booster.model_to_string() == bare.model_to_string()
    (run,) = store.all()
    assert store.runs.curve(run.id, "held/auc").values == told["held"]["auc"]
    assert len(told["held"]["auc"]) < 30
    assert store.last(run)["best_iteration"] == booster.best_iteration - 1
    assert run.params["num_leaves"] == 4
    drawn = json.loads(store.runs.artifact(run.id, "feature_importance.json"))
    assert sorted(drawn["y"]) == sorted(booster.feature_importance("gain"))
    again = lightgbm.Booster(model_str=store.file(run, "model.txt").decode())
    assert (again.predict(X) == booster.predict(X)).all()


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_the_estimators_of_both_are_one_run_with_rounds_scores_and_the_native_model(store: Any, library: str) -> None:
    def made() -> Any:
        if library == "xgboost":
            return xgboost.XGBClassifier(n_estimators=8, max_depth=2, n_jobs=1)
        return lightgbm.LGBMClassifier(n_estimators=8, num_leaves=4, n_jobs=1, verbose=-1)

    given = {"eval_set": [(X[150:], Y[150:])], "verbose": False} if library == "xgboost" else {"eval_X": (X[150:],), "eval_y": (Y[150:],)}
    with store.autolog():
        model = made().fit(X[:150], Y[:150], **given)
    (run,) = store.all()
    name = "validation_0/logloss" if library == "xgboost" else "valid_0/binary_logloss"
    assert len(store.runs.curve(run.id, name).values) == 8
    assert store.last(run)["training/accuracy"] == model.score(X[:150], Y[:150])
    assert run.params["n_estimators"] == 8
    assert store.runs.candidate(run.outputs[0].name).type == library
    assert (made().fit(X[:150], Y[:150], **given).predict_proba(X) == model.predict_proba(X)).all()


def test_a_search_over_boosters_is_one_run_and_its_trials(store: Any) -> None:
    with store.autolog():
        GridSearchCV(xgboost.XGBClassifier(n_estimators=3, n_jobs=1), {"max_depth": [1, 2]}, cv=2).fit(X, Y)
    (top,) = store.tops()
    assert len(store.all()) == 3
    assert not [key for key in store.last(top) if key.startswith("validation")]
    assert store.runs.candidate(top.outputs[0].name).type == "xgboost"


def test_callbacks_of_ones_own_are_called_as_before(store: Any) -> None:
    seen: list[int] = []

    class Mine(xgboost.callback.TrainingCallback):  # type: ignore[misc, name-defined]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            seen.append(epoch)
            return epoch == 4

    mine = [Mine()]
    with store.autolog("xgboost"):
        booster = _xgboost(callbacks=mine)
    assert (seen, len(mine), booster.num_boosted_rounds()) == ([0, 1, 2, 3, 4], 1, 5)
    (run,) = store.all()
    assert store.runs.curve(run.id, "held/auc").steps == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_a_cross_validation_is_one_run_with_what_its_folds_measured_by_round(store: Any, library: str) -> None:
    def across() -> Any:
        if library == "xgboost":
            how = {k: v for k, v in PARAMS.items() if k != "missing"}
            return xgboost.cv(how, xgboost.DMatrix(X, Y), 6, nfold=3, seed=1).to_dict("list")
        return lightgbm.cv(LEAVES, lightgbm.Dataset(X, Y), 6, nfold=3, seed=1, return_cvbooster=True)

    bare = across()
    with store.autolog():
        watched = across()
    bare.pop("cvbooster", None)
    assert {name: watched[name] for name in bare} == bare
    (run,) = store.all()
    name = "test-auc-mean" if library == "xgboost" else "valid auc-mean"
    assert store.runs.curve(run.id, name).values == bare[name]
    assert set(store.runs.metrics(run.id)) == set(bare)
    assert (run.name, run.state, run.params["nfold"], run.outputs) == ("cv", "finished", 3, [])
