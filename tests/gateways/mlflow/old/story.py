"""A day of work as a client of another version tells it: run by that client's interpreter, against MLFLOW_TRACKING_URI."""

import math
import sys
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

client = MlflowClient()
x = np.array([[0.0], [1.0], [2.0]])
mlflow.set_experiment("old friends")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({"depth": 3})
    mlflow.log_metrics({"auc": 0.7, "bad": math.nan}, step=1)
    mlflow.log_text("hello", "d/notes.txt")
    mlflow.log_input(mlflow.data.from_numpy(x, name="xs"), context="training")
    info = mlflow.sklearn.log_model(
        LinearRegression().fit(x, x[:, 0]), artifact_path="line", registered_model_name="old line", pip_requirements=["scikit-learn"]
    )
    with mlflow.start_run(nested=True):
        mlflow.log_metric("auc", 0.9)
assert mlflow.search_runs(order_by=["metrics.auc ASC"], output_format="list")[0].info.run_name == "first"
assert [r.info.run_id for r in mlflow.search_runs(filter_string="params.depth = '3'", output_format="list")] == [run.info.run_id]
seen = client.get_run(run.info.run_id)
assert math.isnan(seen.data.metrics["bad"])
assert seen.data.params == {"depth": "3"}
assert seen.inputs.dataset_inputs[0].dataset.name == "xs"
assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"d"}
with tempfile.TemporaryDirectory() as folder:
    kept = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="d/notes.txt", dst_path=folder)
    assert Path(kept).read_text() == "hello"
client.set_registered_model_alias("old line", "champion", "1")
client.transition_model_version_stage("old line", "1", "Staging")
for uri in ("models:/old line@champion", "models:/old line/1", "models:/old line/Staging", info.model_uri):
    assert np.allclose(mlflow.pyfunc.load_model(uri).predict(x), x[:, 0]), uri
assert client.get_model_version_by_alias("old line", "champion").run_id == run.info.run_id
assert [m.name for m in client.search_registered_models("name LIKE 'old%'")] == ["old line"]
client.delete_run(run.info.run_id)
client.restore_run(run.info.run_id)
print(f"told by {mlflow.__version__} on {sys.version_info[0]}.{sys.version_info[1]}")
