"""Autolog of scikit-learn: what is recorded, and that nothing else changes."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import json
import logging
import pickle
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ostinato import face
from ostinato.kernel.errors import MissingExtra, NotFound, Unavailable
from ostinato.pipelines.definition import pipeline, step
from ostinato.tracking.client.sync import sync
from ostinato.tracking.fits import watch
from ostinato.tracking.fits.skops import skops_of

_RNG = np.random.default_rng(7)
X = _RNG.normal(size=(120, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)


def test_one_call_records_parameters_scores_data_signature_and_the_model(store: Any) -> None:
    frame = pd.DataFrame(X, columns=["age", "fare", "sex"])
    with store.autolog("sklearn"):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(frame, Y)
    (run,) = store.all()
    assert (run.state, run.experiment, run.name, run.tags["framework"]) == ("finished", "auto", "Pipeline", "sklearn")
    assert run.params["logisticregression__C"] == 0.5
    assert run.params["logisticregression"] == "LogisticRegression"
    assert run.params["standardscaler__with_mean"] is True
    assert "steps" not in run.params
    last = store.last(run)
    assert last["training/accuracy"] == model.score(frame, Y)
    assert {"training/f1", "training/log_loss", "training/roc_auc"} <= set(last)
    (use,) = store.runs.sources([run.id])[run.id]
    assert json.loads(use.source.profile)["classes"] == {str(k): int(n) for n, k in sorted(((k == Y).sum(), k) for k in (0, 1))[::-1]}
    assert json.loads(use.source.schema)["columns"][1] == {"name": "fare", "dtype": "float64"}
    drawn = json.loads(store.runs.artifact(run.id, "feature_importance.json"))
    assert drawn["x"][0] in {"x0", "age"}
    assert [c["name"] for c in json.loads(store.file(run, "signature.json"))["inputs"]] == ["age", "fare", "sex"]
    kept = skops.io.loads(store.file(run, "model.skops"), trusted=[])
    assert (kept.predict_proba(frame) == model.predict_proba(frame)).all()
    candidate = store.runs.candidate(run.outputs[0].name)
    assert (candidate.state, candidate.type) == ("ready", "sklearn")
    assert {m.key: m.value for m in candidate.measures}["training/accuracy"] == last["training/accuracy"]
    assert candidate.measures[0].dataset_digest == use.source.digest


def test_no_row_is_kept_unless_asked_for(store: Any) -> None:
    with store.autolog("sklearn"):
        LinearRegression().fit(X, Y)
    with store.autolog("sklearn", examples=True):
        LinearRegression().fit(X, Y)
    silent, shown = store.all()
    held = {a.path for a in store.runs.candidate_artifacts(silent.outputs[0].name)}
    assert held == {"model.skops", "signature.json"}
    assert json.loads(store.file(shown, "input_example.json"))["x1"] == X[:5, 1].tolist()


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomForestClassifier(5),
        lambda: HistGradientBoostingClassifier(max_iter=5, early_stopping=True),
        lambda: make_pipeline(StandardScaler(), LogisticRegression(solver="saga", max_iter=5)),
        lambda: KMeans(3, n_init=2),
        lambda: RandomForestRegressor(5, n_jobs=2),
        lambda: RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0, 100.0]}, n_iter=2, cv=2),
    ],
    ids=["forest", "boosting", "pipeline", "kmeans", "regressor", "search"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_model_and_all_random_numbers_are_the_same_bit_for_bit(store: Any, make: Any) -> None:
    def trained() -> tuple[Any, ...]:
        np.random.seed(3)  # estimators without a random_state draw from it
        random.seed(3)
        model = make().fit(X, Y)
        return model.predict(X).tolist(), sorted(vars(model)), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]

    bare = trained()
    with store.autolog():
        watched = trained()
    assert bare == watched
    assert store.tops()


def test_a_search_is_one_run_with_its_best_trials_below_and_all_of_them_as_a_table(store: Any) -> None:
    with store.autolog("sklearn", children=2):
        search = GridSearchCV(LogisticRegression(), {"C": [0.01, 0.1, 1.0, 10.0]}, cv=3).fit(X, Y)
    (top,) = store.tops()
    children = [run for run in store.all() if run.parent == top.id]
    assert len(children) == 2
    assert {run.state for run in children} == {"finished"}
    assert search.best_params_["C"] in [run.params["C"] for run in children]
    assert top.params["best.C"] == search.best_params_["C"]
    assert store.last(top)["cv/best_score"] == search.best_score_
    assert len(json.loads(store.runs.artifact(top.id, "search.json"))["params"]) == 4
    kept = skops.io.loads(store.file(top, "model.skops"), trusted=[])
    assert (kept.predict(X) == search.predict(X)).all()


@pytest.mark.parametrize(
    "model",
    [
        VotingClassifier([("a", LogisticRegression()), ("b", LinearSVC())]),
        BaggingClassifier(LogisticRegression(), n_estimators=4, n_jobs=2),
        make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2)),
    ],
    ids=["voting", "processes", "nested"],
)
def test_what_is_fitted_inside_another_is_part_of_it(store: Any, model: Any) -> None:
    with store.autolog("sklearn"):
        clone(model).fit(X, Y)
    assert [run.name for run in store.all()] == [type(model).__name__]


def test_fits_in_threads_of_a_meta_estimator_are_part_of_it_and_those_of_ones_own_are_not(store: Any) -> None:
    with store.autolog("sklearn"):
        with joblib.parallel_config("threading", n_jobs=2):
            GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
        assert len(store.tops()) == 1
        fits = [LogisticRegression(C=c).fit for c in (0.25, 0.5, 0.75)]
        threads = [threading.Thread(target=contextvars.copy_context().run, args=(fit, X, Y)) for fit in fits]  # of the same caller
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    alone = [run for run in store.tops() if run.name == "LogisticRegression"]
    assert sorted(run.params["C"] for run in alone) == [0.25, 0.5, 0.75]
    assert all(store.last(run)["training/accuracy"] > 0.5 for run in alone)


def test_it_goes_into_the_run_that_is_open_and_a_second_training_into_a_run_below(store: Any) -> None:
    with store.autolog("sklearn"), store.run("mine", params={"C": 99.0, "seed": 1}) as run:
        LogisticRegression(C=0.5).fit(X, Y)
        LogisticRegression(C=2.0).fit(X, Y)
    mine, below = store.all()
    assert (mine.id, below.parent) == (run.id, run.id)
    assert (mine.params["C"], mine.params["LogisticRegression.C"], mine.params["seed"]) == (99.0, 0.5, 1)
    assert below.params["C"] == 2.0
    assert mine.state == below.state == "finished"


def test_scalers_alone_are_no_trainings(store: Any) -> None:
    with store.autolog("sklearn"):
        StandardScaler().fit_transform(X)
        KMeans(2, n_init=1, random_state=0).fit_predict(X)
    assert [run.name for run in store.all()] == ["KMeans"]


class Broken:
    """A run with which nothing works."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} is broken")


class Nowhere:
    """A place whose runs are broken, or cannot be begun."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def run(self, *_: Any, **__: Any) -> Any:
        if self.error is not None:
            raise self.error
        return Broken()


def test_whatever_fails_the_training_goes_on_and_one_warning_says_it(store: Any, caplog: pytest.LogCaptureFixture) -> None:
    for place in (Nowhere(), Nowhere(Unavailable("the store is away", hint="start it"))):
        caplog.clear()
        with face.autolog("sklearn", to=place), caplog.at_level(logging.WARNING):  # type: ignore[arg-type]
            for _ in range(3):
                assert LogisticRegression().fit(X, Y).score(X, Y) > 0.5
        said = [record.args for record in caplog.records]
        assert said
        assert len(said) == len(set(said))
        assert "hint: " in caplog.text
    assert store.all() == []


def test_a_model_that_cannot_be_asked_or_kept_is_trained_all_the_same(store: Any, caplog: pytest.LogCaptureFixture) -> None:
    with store.autolog("sklearn"), caplog.at_level(logging.WARNING):

        class Odd(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
            def fit(self, X: Any, y: Any) -> Any:  # noqa: N803 — as scikit-learn calls it
                self.rest_ = (n for n in ())
                self.classes_ = np.unique(y)
                return self

            def predict(self, X: Any) -> Any:  # noqa: N803
                raise ValueError("not today")

        assert Odd().fit(X, Y).classes_.tolist() == [0, 1]
    (run,) = store.all()
    assert (run.name, run.state) == ("Odd", "finished")
    assert {record.args[1] for record in caplog.records} == {"training scores", "the model"}  # type: ignore[index]


def test_an_error_of_the_training_is_raised_as_it_is_and_its_run_has_failed(store: Any) -> None:
    with store.autolog("sklearn"), pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LogisticRegression().fit(X, Y[:5])
    (run,) = store.all()
    assert run.state == "failed"
    assert "inconsistent" in run.error
    assert b"Traceback" in store.runs.artifact(run.id, "traceback.txt")


def test_estimators_are_pickled_cloned_and_copied_as_before(store: Any) -> None:
    bare = pickle.dumps(LogisticRegression(C=3.0))
    with store.autolog("sklearn"):
        model = LogisticRegression(C=3.0)
        assert pickle.dumps(model) == bare
        assert pickle.loads(pickle.dumps(LogisticRegression.fit)) is LogisticRegression.fit
        assert clone(model).get_params() == copy.deepcopy(model).get_params() == model.get_params()
        assert cloudpickle.loads(cloudpickle.dumps(model.fit))(X, Y).C == 3.0
    fitted = pickle.dumps(LogisticRegression().fit(X, Y))
    with store.autolog("sklearn"):
        assert pickle.dumps(LogisticRegression().fit(X, Y)) == fitted


def test_once_it_is_off_nothing_of_it_is_left(store: Any) -> None:
    before = {"fit": LogisticRegression.__dict__["fit"], **BaseEstimator.__dict__}
    watching = store.autolog("sklearn")
    assert LogisticRegression.__dict__["fit"] is not before["fit"]
    with store.autolog("sklearn", models=False):
        LinearRegression().fit(X, Y)
    assert store.all()[0].outputs == []
    LinearRegression().fit(X, Y)
    watching.wait()
    assert store.all()[1].outputs
    face.autolog(False)
    assert {"fit": LogisticRegression.__dict__["fit"], **BaseEstimator.__dict__} == before
    LinearRegression().fit(X, Y)
    assert len(store.all()) == 2


def test_equal_data_has_one_fingerprint_and_other_data_another(store: Any) -> None:
    other = X.copy()
    other[60, 1] += 1e-12
    with store.autolog("sklearn", models=False):
        for data in (X, X.copy(), np.asfortranarray(X), other):
            LinearRegression().fit(data, Y)
    digests = [store.runs.sources([run.id])[run.id][0].source.digest for run in store.all()]
    assert digests[0] == digests[1] == digests[2] != digests[3]


def test_nothing_is_imported_for_it_and_what_is_imported_later_is_recorded(tmp_path: Path) -> None:
    program = (
        "import sys, ostinato as ost\n"
        "ost.autolog(experiment='late')\n"
        "assert not {'sklearn', 'torch', 'keras', 'xgboost', 'lightgbm', 'transformers'} & set(sys.modules)\n"
        "import numpy as np\n"
        "from sklearn.linear_model import LinearRegression\n"
        "LinearRegression().fit(np.eye(4), np.arange(4))\n"
        "ost.autolog(False)\n"
        "with ost.open() as app:\n"
        "    (run,) = app.runs.search('late').items\n"
        "    print(run.state, run.name, len(run.outputs))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"OSTINATO_DATA": str(tmp_path / "store"), "HOME": str(tmp_path), "OSTINATO_CAPTURE": "none"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["finished", "LinearRegression", "1"], done.stderr


def test_offline_it_is_kept_on_the_disk_and_sync_brings_all_of_it(store: Any, journal_home: Path) -> None:
    with store.autolog("sklearn"):
        with store.run("away", offline=True) as run:
            model = LogisticRegression().fit(X, Y)
        assert store.all() == []
    done = [*sync(journal_home, lambda _: contextlib.nullcontext(store.runs))]
    assert [(synced.about.run, synced.left, synced.shipped.refused) for synced in done] == [(run.id, "", [])]
    (found,) = store.all()
    assert (skops.io.loads(store.file(found, "model.skops")).coef_ == model.coef_).all()
    assert store.runs.candidate(found.outputs[0].name).measures
    assert not [*journal_home.iterdir()]


def test_a_framework_that_is_unknown_or_absent_is_said_at_once(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="sklear"):
        store.autolog("sklear")
    monkeypatch.setattr(watch, "_there", lambda module: "xgboost" not in module)
    with pytest.raises(MissingExtra, match="xgboost"):
        store.autolog("xgboost")
    store.autolog().stop()


def test_in_a_step_of_a_pipeline_it_is_recorded_in_the_run_of_the_step(app: Any) -> None:
    @step
    def train(c: float) -> float:
        return float(LogisticRegression(C=c).fit(X, Y).score(X, Y))

    @pipeline
    def retrain() -> float:
        return train(0.5).value()  # type: ignore[attr-defined, no-any-return]

    with face.autolog("sklearn", to=app):
        app.pipelines.run(retrain)
    (run,) = app.runs.search(where=["tags.framework = sklearn"]).items
    assert run.parent is not None
    assert run.params["C"] == 0.5
    assert len(run.outputs) == 1
    assert app.runs.metrics(run.id)["training/accuracy"].n == 1


def test_in_process_and_on_a_server_everything_arrives(both: Any) -> None:
    with face.autolog("sklearn", to=both, experiment="far"), both.run("far", "mine", capture=False):
        model = LogisticRegression().fit(X, Y)
    (run,) = both.runs.search("far").items
    assert run.params["C"] == 1.0
    kept = both.runs.candidate_artifact(run.outputs[0].name, "model.skops")
    assert (skops.io.loads(kept, trusted=[]).coef_ == model.coef_).all()
    assert both.runs.candidate(run.outputs[0].name).measures
    assert both.runs.sources([run.id])[run.id][0].source.digest


def test_an_interrupt_within_a_fit_is_raised_on_and_the_run_says_so(store: Any) -> None:
    with store.autolog("sklearn"):

        class Interrupted(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
            def fit(self, X: Any, y: Any) -> Any:  # noqa: N803 — as scikit-learn calls it
                raise KeyboardInterrupt

            def predict(self, X: Any) -> Any:  # noqa: N803
                return X

        with pytest.raises(KeyboardInterrupt):
            Interrupted().fit(X, Y)
        LogisticRegression().fit(X, Y)  # nothing of it is left over
    interrupted, after = store.all()
    assert (interrupted.state, interrupted.outputs) == ("killed", [])
    assert (after.name, after.state, len(after.outputs)) == ("LogisticRegression", "finished", 1)


def test_the_same_estimator_fitted_again_is_another_run_with_the_model_of_its_own_time(store: Any) -> None:
    model = RandomForestClassifier(3, warm_start=True, random_state=0)
    with store.autolog("sklearn"):
        first = model.fit(X, Y).predict_proba(X)
        second = model.set_params(n_estimators=6).fit(X, Y).predict_proba(X)
    kept = [skops.io.loads(store.file(run, "model.skops"), trusted=["sklearn.tree._tree.Tree"]) for run in store.all()]
    assert [len(forest.estimators_) for forest in kept] == [3, 6]
    assert (kept[0].predict_proba(X) == first).all()
    assert (kept[1].predict_proba(X) == second).all()


def test_loops_of_partial_fit_and_cross_validations_make_no_runs(store: Any) -> None:
    learner = SGDClassifier(random_state=0)
    with store.autolog("sklearn"):
        for part in np.array_split(np.arange(120), 4):
            learner.partial_fit(X[part], Y[part], classes=[0, 1])
        assert len(cross_val_score(LogisticRegression(), X, Y, cv=3)) == 3
    assert store.all() == []
    assert (SGDClassifier(random_state=0).partial_fit(X[:30], Y[:30], classes=[0, 1]).coef_.shape) == learner.coef_.shape


def test_equal_models_are_equal_bytes_that_skops_itself_reads(store: Any) -> None:
    boosted = HistGradientBoostingClassifier(max_iter=4, random_state=1)
    for made in (RandomForestClassifier(4, random_state=1), boosted, make_pipeline(StandardScaler(), LinearSVC())):
        once, again = skops_of(clone(made).fit(X, Y)), skops_of(clone(made).fit(X, Y))
        assert once == again
        loaded = skops.io.loads(once, trusted=skops.io.get_untrusted_types(data=once))
        assert (loaded.predict(X) == clone(made).fit(X, Y).predict(X)).all()
        assert skops.io.get_untrusted_types(data=once) == skops.io.get_untrusted_types(data=skops.io.dumps(made.fit(X, Y)))
