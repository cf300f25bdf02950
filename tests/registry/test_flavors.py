"""Flavors: every member gives back the scores of the model, and refuses what is not one."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.tree._tree import Tree
from tests.registry.conftest import SIGNATURE, Works
from threadpoolctl import threadpool_limits

from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.registry.flavor import FLAVORS, is_plain
from ostinato.registry.flavors import sklearn as sklearn_flavor
from ostinato.registry.flavors._trees import check_trees
from ostinato.registry.flavors.linear import Logistic, Term
from ostinato.registry.matrix import Encoder, infer_signature
from ostinato.registry.types import Field, Signature

RNG = np.random.default_rng(3)
CARRIERS = np.array(["AA", "B6", "UA"], dtype=object)
COLUMNS = {
    "hour": RNG.integers(0, 24, 300),
    "wind": np.where(RNG.random(300) < 0.1, np.nan, RNG.normal(size=300)),
    "carrier": CARRIERS[RNG.integers(0, 3, 300)],
}
INFERRED = infer_signature(COLUMNS)
X = Encoder(INFERRED).matrix(COLUMNS)
Y = (X[:, 0] + 5 * X[:, 2] + 6 * RNG.normal(size=300) > 15).astype(int)

ESTIMATORS: dict[str, Callable[[], Any]] = {
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=8),
    "boosting with categories": lambda: HistGradientBoostingClassifier(max_iter=8, categorical_features=[2], early_stopping=True),
    "boosting with a mask": lambda: HistGradientBoostingClassifier(max_iter=8, categorical_features=[False, False, True]),
    "logistic": lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    "one-hot": lambda: make_pipeline(
        ColumnTransformer(
            [("n", make_pipeline(SimpleImputer(), StandardScaler()), [0, 1]), ("c", OneHotEncoder(handle_unknown="ignore"), [2])]
        ),
        LogisticRegression(),
    ),
    "calibrated": lambda: CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=4, categorical_features=[2]), cv=2),
    "forest": lambda: RandomForestClassifier(n_estimators=5, random_state=0),
    "regression": lambda: HistGradientBoostingRegressor(max_iter=8),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """300 rows are no work for more; on a busy machine threads that wait for one another take a hundred times as long."""
    with threadpool_limits(1):
        yield


@cache
def _fitted(name: str) -> Any:
    return ESTIMATORS[name]().fit(X, Y)


def fitted(name: str) -> Any:
    """An estimator of one's own, fitted once for all."""
    return copy.deepcopy(_fitted(name))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_sklearn_gives_back_the_scores_of_the_model(name: str) -> None:
    model = fitted(name)
    flavor = FLAVORS.make("sklearn")
    loaded = flavor.load(flavor.dump(model), INFERRED)
    scores = loaded.predict({k: COLUMNS[k] for k in reversed(COLUMNS)} | {"more": np.zeros(300)})
    expected = model.predict_proba(X)[:, 1] if hasattr(model, "predict_proba") else model.predict(X)
    assert (scores == expected).all()
    assert scores.dtype == np.float64


def test_unknown_categories_and_nulls_are_missing_values() -> None:
    model = fitted("boosting with categories")
    flavor = FLAVORS.make("sklearn")
    loaded = flavor.load(flavor.dump(model), INFERRED)
    odd = {"hour": [7, 7], "wind": [None, None], "carrier": ["ZZ", None]}
    assert (loaded.predict(odd) == model.predict_proba(np.array([[7, np.nan, np.nan]] * 2))[:, 1]).all()


def test_what_would_not_load_is_refused_when_it_is_dumped() -> None:
    with pytest.raises(Invalid, match="system"):
        FLAVORS.make("sklearn").dump(FunctionTransformer(os.system))


class Bomb:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.target}",)


def rewritten(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """A skops file with another schema."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "schema.json":
                schema = json.loads(body)
                change(schema)
                body = json.dumps(schema).encode()
            new.writestr(name, body)
    return out.getvalue()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_r59_a_pickle_is_refused_by_name_and_never_run(works: Works, tmp_path: Path, protocol: int) -> None:
    works.models.create("late")
    target = tmp_path / "owned"
    digest = works.models.upload(pickle.dumps(Bomb(target), protocol=protocol))
    with pytest.raises(Invalid, match=r"posix\.system"):
        works.models.register("late", digest, "sklearn", INFERRED)
    assert not target.exists()
    assert works.models.versions("late") == []
    told = works.models.history("late")[-1]
    assert (told.verb, told.data["artifact"]) == ("model.refused", digest)


def test_r59_a_crafted_skops_file_is_refused_by_name_and_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "owned"
    (tmp_path / "innocent_looking.py").write_text(f"open({str(target)!r}, 'w').close()\nclass LogisticRegression: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    flavor = FLAVORS.make("sklearn")
    good = flavor.dump(LogisticRegression().fit(np.nan_to_num(X), Y))

    def poison(schema: dict[str, Any]) -> None:
        schema["__module__"] = "innocent_looking"

    with pytest.raises(Invalid, match=r"innocent_looking\.LogisticRegression"):
        flavor.load(rewritten(good, poison), INFERRED)
    assert not target.exists()
    assert "innocent_looking" not in sys.modules

    def redirect(schema: dict[str, Any]) -> None:
        text = json.dumps(schema).replace("sklearn.utils.validation", "os").replace("check_array", "system")
        schema.update(json.loads(text))

    boosted = flavor.dump(fitted("boosting with categories"))
    with pytest.raises(Invalid, match=r"os\.system"):
        flavor.load(rewritten(boosted, redirect), INFERRED)


def test_broken_files_are_refused_whatever_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    flavor = FLAVORS.make("sklearn")
    good = flavor.dump(LogisticRegression().fit(np.nan_to_num(X), Y))
    for content in (
        b"",
        b"{}",
        b"PK\x05\x06" + bytes(18),
        good[: len(good) // 2],
        rewritten(good, dict.clear),
        rewritten(good, lambda s: s.pop("content")),
    ):
        with pytest.raises(Invalid):
            flavor.load(content, INFERRED)
    monkeypatch.setattr(sklearn_flavor, "_UNPACKED_MAX", 1000)
    with pytest.raises(TooLarge):
        flavor.load(good, INFERRED)


def test_models_that_do_not_fit_are_refused() -> None:
    flavor = FLAVORS.make("sklearn")
    good = flavor.dump(LogisticRegression().fit(np.nan_to_num(X), Y))
    with pytest.raises(Invalid, match="takes 3 columns, the signature has 2"):
        flavor.load(good, SIGNATURE)
    three = flavor.dump(LogisticRegression().fit(np.nan_to_num(X), X[:, 2]))
    with pytest.raises(Invalid, match="3 classes"):
        flavor.load(three, INFERRED)
    with pytest.raises(Invalid, match="columns"):
        flavor.load(flavor.dump(StandardScaler()), INFERRED)


@pytest.mark.parametrize(("field", "value"), [("left", 10_000), ("right", 0), ("feature_idx", 99), ("feature_idx", -1), ("bitset_idx", 77)])
def test_trees_that_lead_out_of_their_tables_are_refused(field: str, value: int) -> None:
    model = fitted("boosting with categories")
    flavor = FLAVORS.make("sklearn")
    nodes = model._predictors[0][0].nodes
    split = int(np.flatnonzero(nodes["is_categorical"] == 1)[0]) if field == "bitset_idx" else 0
    nodes[field][split] = value
    with pytest.raises(Invalid, match="a tree of the model points"):
        flavor.load(flavor.dump(model), INFERRED)


def test_a_tree_is_held_against_the_estimator_that_it_is_of_not_against_what_it_says() -> None:
    flavor, model = FLAVORS.make("sklearn"), DecisionTreeRegressor(max_depth=1).fit(np.nan_to_num(X), Y)
    state = model.tree_.__getstate__()
    state["nodes"]["feature"][0] = 40
    forged = Tree(41, np.array([1]), 1)
    forged.__setstate__(state)
    assert forged.n_features == 41
    model.tree_ = forged
    with pytest.raises(Invalid, match="beyond its columns"):
        flavor.load(flavor.dump(model), INFERRED)
    model = DecisionTreeRegressor(max_depth=1).fit(np.nan_to_num(X), Y)
    model.tree_.node_count = 1 << 40
    with pytest.raises(Invalid, match="more nodes than its table"):
        check_trees(model)


def test_a_boosted_tree_is_held_against_the_matrix_that_reaches_it() -> None:
    flavor, filled = FLAVORS.make("sklearn"), np.nan_to_num(X)
    narrow = make_pipeline(PCA(n_components=1), HistGradientBoostingRegressor(max_iter=1)).fit(filled, Y)
    nodes = narrow[-1]._predictors[0][0].nodes
    nodes["feature_idx"][nodes["is_leaf"] == 0] = 2
    with pytest.raises(Invalid, match="beyond its columns"):
        flavor.load(flavor.dump(narrow), INFERRED)
    narrow[-1].n_features_in_ = 3  # which its preprocessor need not give it
    narrow[-1]._preprocessor = FunctionTransformer()
    loaded = flavor.load(flavor.dump(narrow), INFERRED)
    with pytest.raises(Invalid, match="beyond its columns"):
        loaded.predict({"hour": [1], "wind": [1.0], "carrier": ["AA"]})
    plain = fitted("boosting")
    nodes = plain._predictors[0][0].nodes
    plain._predictors[0][0].raw_left_cat_bitsets = np.zeros((1, 8), np.uint32)
    nodes["is_categorical"][nodes["is_leaf"] == 0] = 2  # as good as 1 where it is walked
    loaded = flavor.load(flavor.dump(plain), INFERRED)
    with pytest.raises(Invalid, match="beyond its categories"):
        loaded.predict(COLUMNS)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_nobody_checks_before_it_is_walked_is_not_plain(name: str) -> None:
    content = FLAVORS.make("sklearn").dump(fitted(name))
    assert is_plain("sklearn", content) is (name not in ("forest", "one-hot"))

    def older(schema: dict[str, Any]) -> None:
        schema["protocol"] = 1

    assert not is_plain("sklearn", rewritten(content, older))


def test_linear_is_json_and_checked() -> None:
    flavor = FLAVORS.make("linear")
    content = flavor.dump(Logistic(intercept=-1.0, terms=[Term(weight=2.0, mean=1.0, scale=4.0), Term(by_code=[1.0, -1.0])]))
    assert json.loads(content)["intercept"] == -1.0
    columns = {"delay": np.array([5.0, np.nan]), "carrier": np.array(["UA", "??"])}
    assert flavor.load(content, SIGNATURE).predict(columns) == pytest.approx(1 / (1 + np.exp([0.0, 1.0])))
    for wrong in (
        b"",
        b"\xff",
        b"{}",
        content.replace(b"linear/1", b"linear/9"),
        content.replace(b"4.0", b"0.0"),
        content.replace(b"-1.0", b"1e999"),
    ):
        with pytest.raises(Invalid):
            flavor.load(wrong, SIGNATURE)
    with pytest.raises(Invalid, match="2 terms, the signature 3"):
        flavor.load(content, INFERRED)
    with pytest.raises(Invalid):
        flavor.dump(Logistic(intercept=float("nan"), terms=[]))


def test_columns_are_matched_by_name_and_refused_by_name() -> None:
    encoder = Encoder(Signature(inputs=[Field(name="a"), Field(name="b", dtype="bool"), Field(name="c", dtype="string", categories=["x"])]))
    masked = np.ma.array([1.5, 9.0], mask=[False, True])
    assert np.array_equal(encoder.matrix({"c": ["x", "y"], "b": [True, None], "a": masked}), [[1.5, 1, 0], [np.nan] * 3], equal_nan=True)
    for columns, field in [
        ({"a": [1.0], "b": [True]}, "c"),
        ({"a": ["tall"], "b": [True], "c": ["x"]}, "a"),
        ({"a": [1.0, 2.0], "b": [True], "c": ["x"]}, "b"),
        ({"a": 1.0, "b": True, "c": "x"}, "a"),
        ({"a": [1.0], "b": [True], "c": [["x"]]}, "c"),
    ]:
        with pytest.raises(Invalid) as refused:
            encoder.matrix(columns)
        assert refused.value.field == field
    with pytest.raises(Invalid, match="complex"):
        infer_signature({"z": np.array([1j])})
