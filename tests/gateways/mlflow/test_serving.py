"""A model that MLflow's client logged, behind an endpoint: in the sandbox, once it is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.errors import GateFailed

pytestmark = pytest.mark.filterwarnings("ignore")
R = np.random.default_rng(2)
FLIGHTS = pd.DataFrame(
    {"delay": R.normal(size=80), "hour": R.integers(0, 24, 80), "carrier": np.array(["AA", "UA"], object)[R.integers(0, 2, 80)]}
)
LATE = (FLIGHTS["delay"] + (FLIGHTS["carrier"] == "UA") > 0.5).astype(int)
V2 = {"delay": "FP64", "hour": "INT64", "carrier": "BYTES"}


@pytest.fixture
def model(client: MlflowClient) -> Any:
    """A pipeline over named columns, one of them strings, logged with an input example."""
    columns = ColumnTransformer([("numbers", StandardScaler(), ["delay", "hour"]), ("carrier", OneHotEncoder(), ["carrier"])])
    fitted = make_pipeline(columns, LogisticRegression()).fit(FLIGHTS, LATE)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            fitted, name="late", registered_model_name="late", input_example=FLIGHTS.head(2), pyfunc_predict_fn="predict_proba",
            signature=mlflow.models.infer_signature(FLIGHTS, fitted.predict_proba(FLIGHTS)), pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )  # fmt: skip
    return fitted


@pytest.fixture
def allowed(store: Ostinato, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The store's operator allows model folders."""
    monkeypatch.setattr(store.models, "_settings", replace(store.settings, code_flavors="mlflow"))
    yield
    monkeypatch.undo()


def test_a_logged_model_is_served_from_the_sandbox_bit_for_bit(store: Ostinato, model: Any, allowed: None) -> None:
    store.models.check("late@1")
    with calling(Caller(actor="person:rita", project=caller().project)):
        store.models.approve("late@1", "looks right")
    with pytest.raises(GateFailed, match="late is not trusted with it"):
        store.endpoints.deploy("late", "late@1")
    store.models.trust("late", ["mlflow"], "made by our own training")
    store.endpoints.deploy("late", "late@1")
    inputs = [{"name": n, "shape": [80], "datatype": kind, "data": FLIGHTS[n].tolist()} for n, kind in V2.items()]
    headers = {"Authorization": f"Bearer {store.endpoints.key('late').secret}"}
    answer = httpx.post(f"{store.endpoints.url('late')}/v2/models/late/infer", json={"inputs": inputs}, headers=headers, timeout=60)
    assert answer.json()["outputs"][0]["data"] == model.predict_proba(FLIGHTS)[:, 1].tolist()
    assert store.endpoints.form("late").example


def test_without_leave_the_files_are_handed_out_and_not_loaded(store: Ostinato, model: Any) -> None:
    assert mlflow.pyfunc.load_model("models:/late/1").predict(FLIGHTS).shape == (80, 2)
    with pytest.raises(GateFailed, match="this store loads none"):
        store.models.scorer("late@1")
