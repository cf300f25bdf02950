"""A model that may run code and came from an MLflow server, and on by an archive: handed out, and not loaded until all agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from ostinato.app import Ostinato
from ostinato.gateways.mlflow_import.service import take
from ostinato.gateways.mlflow_import.source import Source
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, GateFailed
from ostinato.maintenance.export import export
from ostinato.maintenance.importer import take_in
from ostinato.registry.sandbox.process import SandboxProcess

pytestmark = pytest.mark.filterwarnings("ignore")
X = pd.DataFrame({"delay": np.linspace(-3, 3, 50), "hour": np.tile([0.0, 1.0, 2.0, 3.0, 4.0], 10)})


@pytest.fixture
def coded(theirs: MlflowClient, mlflow_server: str) -> Iterator[LogisticRegression]:
    """A model that was logged there as MLflow does by itself, with a pickle in its folder."""
    fitted = LogisticRegression().fit(X, (X["delay"] > 0.2).astype(int))
    mlflow.set_tracking_uri(mlflow_server)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            fitted, name="coded", registered_model_name="coded", pyfunc_predict_fn="predict_proba", pip_requirements=["scikit-learn"],
            signature=mlflow.models.infer_signature(X, fitted.predict_proba(X)), serialization_format="cloudpickle",
        )  # fmt: skip
    yield fitted
    theirs.delete_registered_model("coded")


def test_a_model_that_may_run_code_waits_for_all_who_must_agree(
    store: Ostinato, tmp_path: Path, mlflow_server: str, coded: LogisticRegression
) -> None:
    source = Source(mlflow_server)
    assert take(store, source, models=["coded"]).left == []
    source.close()
    with pytest.raises(GateFailed, match="this store loads none"):
        store.models.scorer("coded@1")
    export(store, tmp_path / "archive", models=["coded"])
    with Ostinato.open(tmp_path / "next") as there:
        assert take_in(there, tmp_path / "archive").refused == []
        for app in (store, there):
            assert {"MLmodel", "model.pkl"} <= {file.path for file in app.models.files("coded@1")}
        there.models.require("coded", [], 1, "here as any other")
        with pytest.raises(Conflict, match="not approved"):
            there.endpoints.deploy("coded", "coded@1")
        there.models._settings = replace(there.settings, code_flavors="mlflow")
        with pytest.raises(GateFailed, match="coded is not trusted with it"):
            there.models.scorer("coded@1")
        with calling(Caller(actor="person:rita")):
            there.models.trust("coded", ["mlflow"], "our own training made it")
        scorer = there.models.scorer("coded@1")
        assert isinstance(scorer, SandboxProcess), "not in this process"
        columns = {name: X[name].to_numpy() for name in X}
        assert scorer.predict(columns) == pytest.approx(coded.predict_proba(X)[:, 1], rel=1e-12)
        scorer.close()
