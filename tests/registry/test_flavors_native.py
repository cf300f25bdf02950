"""The flavors of other libraries: each gives back the scores of its model, here and in the sandbox, and refuses what is not one."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.registry.conftest import Works

from ostinato.kernel.errors import Invalid
from ostinato.registry import loading
from ostinato.registry.flavor import FLAVORS, care_of
from ostinato.registry.flavors.onnx import Onnx
from ostinato.registry.matrix import Encoder
from ostinato.registry.sandbox.guards import Limits
from ostinato.registry.sandbox.process import SandboxProcess
from ostinato.registry.signature import infer
from ostinato.registry.types import Field, Signature

R = np.random.default_rng(11)
X = R.normal(size=(300, 3))
Y = (X.sum(axis=1) + R.normal(size=300) > 0).astype(int)
COLUMNS = {name: X[:, place] for place, name in enumerate("abc")}
SIGNATURE = infer(COLUMNS)
TWO = Signature(inputs=[Field(name="a"), Field(name="b")])


def same(flavor: str, content: bytes, expected: Any, tmp_path: Path, within: float = 0.0) -> None:
    """The scores of the artifact, loaded here and in the sandbox with all guards, are those of the model."""
    here = FLAVORS.make(flavor).load(content, SIGNATURE).predict(COLUMNS)
    assert np.abs(here - expected).max() <= within
    place = tmp_path / "model"
    place.write_bytes(content)
    apart = SandboxProcess(flavor, place, SIGNATURE, Limits(), 60.0)
    try:
        assert np.abs(apart.predict(COLUMNS) - here).max() <= 1e-12
    finally:
        apart.close()


def refused(flavor: str, *contents: bytes) -> None:
    for content in contents:
        with pytest.raises(Invalid):
            FLAVORS.make(flavor).load(content, SIGNATURE)


def test_xgboost(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost", reason="the extra `boosting` is not installed: make frameworks")
    flavor = FLAVORS.make("xgboost")
    holed = np.where(R.random(X.shape) < 0.1, np.nan, X)
    model = xgboost.XGBClassifier(n_estimators=60, max_depth=3, early_stopping_rounds=3).fit(
        holed[:200], Y[:200], eval_set=[(X[200:], Y[200:])], verbose=False
    )
    assert model.best_iteration < 59
    content = flavor.dump(model)
    same("xgboost", content, model.predict_proba(X)[:, 1], tmp_path)
    assert flavor.load(flavor.dump(model.get_booster()), SIGNATURE).predict({**COLUMNS, "a": np.full(300, np.nan)}).shape == (300,)
    with pytest.raises(Invalid, match="takes 3 columns, the signature has 2"):
        flavor.load(content, TWO)
    three = flavor.dump(xgboost.XGBClassifier(n_estimators=2).fit(X, R.integers(0, 3, 300)))
    with pytest.raises(Invalid, match="3 numbers per row"):
        flavor.load(three, SIGNATURE).predict(COLUMNS)
    with pytest.raises(Invalid, match="no model of XGBoost"):
        flavor.dump(LogisticRegression())
    refused("xgboost", b"", b"{}", b"junk", content[:100])


def test_lightgbm(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="the extra `boosting` is not installed: make frameworks")
    flavor = FLAVORS.make("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(X, Y)
    content = flavor.dump(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the estimator was fitted on a matrix without names
        expected = model.predict_proba(X)[:, 1]
    same("lightgbm", content, expected, tmp_path)
    with pytest.raises(Invalid, match="takes 3 columns, the signature has 2"):
        flavor.load(content, TWO)
    many = flavor.dump(lightgbm.LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(X, R.integers(0, 3, 300)))
    with pytest.raises(Invalid, match="several numbers per row"):
        flavor.load(many, SIGNATURE)
    refused("lightgbm", b"", b"junk", b"\xff", b"tree\n")


def test_onnx_where_an_estimator_converts_and_proves_equal(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed: make frameworks")
    pytest.importorskip("skl2onnx", reason="the extra `onnx` is not installed: make frameworks")
    flavor, models = Onnx(), {
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()), "line": LinearRegression(),
        "forest": RandomForestClassifier(5, random_state=0),
    }  # fmt: skip
    for name, model in models.items():
        model.fit(X, Y)
        expected = model.predict_proba(X)[:, 1] if hasattr(model, "predict_proba") else model.predict(X)
        content = flavor.converted(model, COLUMNS)
        found = flavor.load(content, SIGNATURE).predict(COLUMNS)
        assert np.abs(found - expected).max() <= 1e-5, name
        assert flavor.dump(content) == content
    same("onnx", content, expected, tmp_path, within=1e-5)
    scaled = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(X, Y)  # ONNX rounds before it scales, or never
    with pytest.raises(Invalid, match=r"of a=.*, b=.*, c=.* it makes .*, the estimator"):
        flavor.converted(scaled, COLUMNS)
    with pytest.raises(Invalid, match="signature has 2"):
        flavor.load(content, TWO)

    class Ours(LogisticRegression):
        """An estimator that nobody can convert."""

    with pytest.raises(Invalid, match="does not convert"):
        flavor.converted(Ours().fit(X, Y), COLUMNS)
    with pytest.raises(Invalid, match="converted"):
        flavor.dump(LogisticRegression())
    model = onnx.load_model_from_string(content)
    model.graph.node[0].domain = "com.example"
    with pytest.raises(Invalid, match=r"com\.example\.TreeEnsemble"):
        flavor.dump(model)
    refused("onnx", b"", b"junk", content[:200])


def test_onnx_reads_no_other_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed: make frameworks")
    helper, kinds = onnx.helper, onnx.TensorProto
    weight = helper.make_tensor("w", kinds.FLOAT, [3, 1], [1.0, 2.0, 3.0])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "sum", [helper.make_tensor_value_info("x", kinds.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, [None, 1])], [weight],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    found = Onnx().load(model.SerializeToString(), SIGNATURE).predict(COLUMNS)
    assert found == pytest.approx(X @ [1.0, 2.0, 3.0], abs=1e-5)
    stolen = model.graph.initializer[0]
    stolen.ClearField("float_data")
    stolen.data_location = kinds.EXTERNAL
    stolen.external_data.add(key="location", value="../ledger-key")
    with pytest.raises(Invalid, match="another file"):
        Onnx().load(model.SerializeToString(), SIGNATURE)


def test_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the extra `torch` is not installed: make frameworks")
    pytest.importorskip("safetensors", reason="the extra `torch` is not installed: make frameworks")
    flavor, nn = FLAVORS.make("torch"), torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(3, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Dropout(0.1), nn.LayerNorm(16), nn.Linear(16, 1), nn.Sigmoid(), nn.Flatten(0)
    ).eval()
    x = torch.from_numpy(X).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        exported = torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("rows")},))
        content = flavor.dump(exported)
    same("torch", content, net(x).detach().numpy(), tmp_path, within=1e-6)
    assert flavor.load(content, SIGNATURE).predict({name: column[:1] for name, column in COLUMNS.items()}).shape == (1,)
    with pytest.raises(Invalid, match=r"torch\.export"):
        flavor.dump(net)
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    program = json.loads(header["__metadata__"]["program"])
    assert all(step[1].startswith(("aten.", "operator.")) for step in program["steps"])
    for op in ("aten.from_file.default", "aten.add_.Tensor", "os.system", "aten.__class__.mro", "prims.add.default", "aten.to.dtype"):
        changed = json.dumps({**program, "steps": [[program["steps"][0][0], op, ["/etc/passwd"], {}]]})
        crafted = json.dumps({**header, "__metadata__": {"program": changed}}).encode()
        with pytest.raises(Invalid, match="no core operator"):
            flavor.load(len(crafted).to_bytes(8, "little") + crafted + content[8 + size :], SIGNATURE)
    refused("torch", b"", b"junk", content[:100], (2**60).to_bytes(8, "little"), content[: 8 + size])


@pytest.mark.parametrize("kind", ["OLS", "Logit", "Probit", "Poisson", "GLM", "formula"])
def test_statsmodels(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("statsmodels", reason="needs statsmodels: make frameworks")
    import pandas as pd
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    flavor, table = FLAVORS.make("statsmodels"), pd.DataFrame(COLUMNS)
    if kind == "formula":
        model = smf.glm("y ~ c + a + b", table.assign(y=Y), family=sm.families.Binomial()).fit()
    elif kind == "GLM":
        model = sm.GLM(Y, sm.add_constant(X), family=sm.families.Binomial(sm.families.links.CLogLog())).fit()
    elif kind == "OLS":
        model = sm.OLS(Y, table).fit()
    else:
        model = getattr(sm, kind)(Y, sm.add_constant(table)).fit(disp=False)
    content = flavor.dump(model)
    same("statsmodels", content, np.asarray(model.predict()), tmp_path, within=1e-12)
    with pytest.raises(Invalid, match="signature"):
        flavor.load(content, TWO)
    if kind == "formula":
        with pytest.raises(Invalid, match="computes its columns"):
            flavor.dump(smf.ols("y ~ np.exp(a)", table.assign(y=Y)).fit())
        with pytest.raises(Invalid, match="offsets"):
            flavor.dump(sm.GLM(Y + 1, sm.add_constant(X), family=sm.families.Poisson(), offset=X[:, 0]).fit())
        with pytest.raises(Invalid, match="takes c, a, b"):
            flavor.load(content, Signature(inputs=[Field(name=n) for n in "abd"]))
        with pytest.raises(Invalid, match="no result"):
            flavor.dump(LogisticRegression())
        refused(
            "statsmodels", b"", b"{}", content.replace(b"logit", b"sinus"), content.replace(b'"coefficients":[', b'"coefficients":[1e999,')
        )


def test_what_is_read_by_a_library_is_admitted_apart(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="the extra `boosting` is not installed: make frameworks")
    assert {name: care_of(name) for name in FLAVORS.names()} == {
        "linear": "none", "prophet": "none", "sklearn": "none", "statsmodels": "none", "lightgbm": "parser", "onnx": "parser",
        "torch": "parser", "xgboost": "parser", "mlflow": "code", "pickle": "code",
    }  # fmt: skip
    works.models.create("late")
    model = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1, n_jobs=1).fit(X, Y)
    good = FLAVORS.make("lightgbm").dump(model)
    example = {name: column[:3].tolist() for name, column in COLUMNS.items()}
    monkeypatch.setattr(FLAVORS.get("lightgbm"), "load", None)  # this process never reads it, then or later
    made = works.models.register("late", works.models.upload(good), "lightgbm", SIGNATURE, example=example)
    assert works.models.proof(str(made.ref)).scores == model.booster_.predict(X[:3]).tolist()
    assert works.models.scorer(str(made.ref)).predict(COLUMNS).tolist() == model.booster_.predict(X).tolist()
    with pytest.raises(Invalid):
        works.models.register("late", works.models.upload(b"tree\nversion=v4\nnum_class=99999999999"), "lightgbm", SIGNATURE)
    assert works.models.history("late")[-1].verb == "model.refused"


@pytest.mark.parametrize(("field", "value"), [("split_feature", "900000000"), ("left_child", "0")])
def test_what_would_take_a_process_down_or_never_end_is_refused_without_an_example_too(
    works: Works, monkeypatch: pytest.MonkeyPatch, field: str, value: str
) -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="the extra `boosting` is not installed: make frameworks")
    monkeypatch.setattr(loading, "_DEADLINE_S", 3.0)
    works.models.create("late")
    good = FLAVORS.make("lightgbm").dump(lightgbm.LGBMRegressor(n_estimators=1, num_leaves=3, verbose=-1, n_jobs=1).fit(X, Y)).decode()
    fields = (field, "right_child") if field == "left_child" else (field,)
    evil = re.sub(rf"({'|'.join(fields)})=.*", rf"\g<1>={value} {value}", re.sub(r"tree_sizes=.*\n", "", good))
    digest = works.models.upload(evil.encode())
    with pytest.raises(Invalid, match="took the process down"):
        works.models.register("late", digest, "lightgbm", SIGNATURE)
    assert works.models.history("late")[-1].verb == "model.refused"
    record = replace(works.version(model="late"), version=7, artifact=digest, flavor="lightgbm", signature=SIGNATURE)
    with pytest.raises(Invalid, match="took the process down"):
        works.models.adopt_version(record, "0" * 64, digest)
    assert [version.version for version in works.models.versions("late")] == [1]


def test_of_scikit_learn_what_is_plain_scores_here_and_the_rest_apart(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    flavor, example = FLAVORS.make("sklearn"), {name: column[:3].tolist() for name, column in COLUMNS.items()}
    works.models.create("late")
    forest = RandomForestClassifier(2, random_state=0).fit(X, Y)
    made = works.models.register("late", works.models.upload(flavor.dump(forest)), "sklearn", SIGNATURE, example=example)
    assert works.models.proof(str(made.ref)).scores == pytest.approx(forest.predict_proba(X[:3])[:, 1])

    class Elsewhere:
        def __init__(self, *_: Any) -> None: ...

    monkeypatch.setattr(loading, "SandboxProcess", Elsewhere)
    assert isinstance(works.models.scorer(str(made.ref)), Elsewhere)
    boosted = HistGradientBoostingClassifier(max_iter=3).fit(X, Y)
    made = works.models.register("late", works.models.upload(flavor.dump(boosted)), "sklearn", SIGNATURE, example=example)
    assert works.models.scorer(str(made.ref)).predict(COLUMNS).tolist() == boosted.predict_proba(X)[:, 1].tolist()


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_categories_unknown_ones_and_missing_values_are_split_as_before(library: str) -> None:
    found = pytest.importorskip(library, reason="the extra `boosting` is not installed: make frameworks")
    rolls = np.random.default_rng(1)
    named = np.array([*"pqrst", None], object)[rolls.integers(0, 6, 400)]
    columns = {"a": np.where(rolls.random(400) < 0.15, np.nan, rolls.normal(size=400)), "b": rolls.normal(size=400), "c": named}
    taking = Signature(inputs=[Field(name="a"), Field(name="b"), Field(name="c", dtype="string", categories=[*"pqrst"])])
    matrix = Encoder(taking).matrix(columns)
    answers = ((np.nan_to_num(matrix[:, 2]) % 2 == 0) ^ (matrix[:, 1] > 0)).astype(int)
    matrix[0, 2], columns["c"][0] = np.nan, "unknown"
    if library == "xgboost":
        rows = found.DMatrix(matrix, answers, feature_types=["q", "q", "c"], enable_categorical=True)
        model = found.train({"objective": "binary:logistic", "nthread": 1, "max_cat_to_onehot": 1}, rows, 20)
        expected = model.predict(rows)
    else:
        rows = found.Dataset(matrix, answers, categorical_feature=[2])
        model = found.train({"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_per_group": 5}, rows, 20)
        expected = model.predict(matrix)
    flavor = FLAVORS.make(library)
    assert (flavor.load(flavor.dump(model), taking).predict(columns) == expected).all()
