"""The fluent API, as people use it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from ostinato.app import Ostinato

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_training_by_the_fluent_api_is_a_run_like_any_other(store: Ostinato, client: MlflowClient, tmp_path: Path) -> None:
    mlflow.set_experiment("late flights")
    with mlflow.start_run(run_name="first", tags={"team": "ops"}, description="# Why") as outer:
        mlflow.log_params({"depth": 3, "rate": 0.1, "kind": "gbm"})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"auc": 0.7, "bad": math.nan, "far": math.inf, "low": -math.inf}, step=4)
        mlflow.set_tag("stage", "try")
        mlflow.log_dict({"a": [1]}, "conf/x.json")
        mlflow.log_text("hello", "notes.txt")
        mlflow.log_table(pd.DataFrame({"x": [1, 2]}), "table.json")
        (tmp_path / "f.bin").write_bytes(b"\x00\xff" * 1000)
        mlflow.log_artifact(tmp_path / "f.bin", "raw")
        mlflow.log_input(mlflow.data.from_numpy(np.zeros((4, 2)), name="zeros"), context="training")
        with mlflow.start_run(run_name="part", nested=True) as inner:
            mlflow.log_metric("loss", 9.0)
    kept = store.runs.get(outer.info.run_id)
    assert (kept.name, kept.experiment, kept.state, kept.note) == ("first", "late flights", "finished", "# Why")
    assert kept.params == {"depth": "3", "rate": "0.1", "kind": "gbm"}
    assert store.runs.get(inner.info.run_id).parent == kept.id
    assert store.runs.metrics(kept.id)["loss"].n == 5
    assert store.runs.artifact(kept.id, "raw/f.bin") == b"\x00\xff" * 1000
    assert [use.source.name for use in store.runs.sources([kept.id])[kept.id]] == ["zeros"]
    assert [run.id for run in store.runs.search(where=['params.depth = "3" and metrics.loss < 0.3']).items] == [kept.id]
    assert {event.verb for event in store.ledger.history(kept.ref)} >= {"run.started", "run.finished"}

    seen = mlflow.get_run(kept.id)
    assert seen.data.metrics["far"] == math.inf
    assert math.isnan(seen.data.metrics["bad"])
    assert seen.data.tags["mlflow.note.content"] == "# Why"
    assert mlflow.load_table("table.json", run_ids=[kept.id]).x.tolist() == [1, 2]
    assert json.loads(mlflow.artifacts.load_text(f"{seen.info.artifact_uri}/conf/x.json")) == {"a": [1]}
    assert {file.path for file in client.list_artifacts(kept.id)} == {"conf", "notes.txt", "raw", "table.json"}
    assert sorted(Path(mlflow.artifacts.download_artifacts(run_id=kept.id, artifact_path="conf")).iterdir())[0].name == "x.json"


def test_a_run_goes_on_where_another_process_left_it(client: MlflowClient) -> None:
    with mlflow.start_run() as first:
        mlflow.log_metric("m", 1.0, step=1)
    with mlflow.start_run(run_id=first.info.run_id):
        assert client.get_run(first.info.run_id).info.status == "RUNNING"
        mlflow.log_metric("m", 2.0, step=2)
    seen = client.get_run(first.info.run_id)
    assert (seen.info.status, seen.data.metrics["m"]) == ("FINISHED", 2.0)
    assert seen.info.experiment_id == "0"
    assert [e.name for e in client.search_experiments()] == ["Default"]


def test_a_run_that_raises_has_failed(client: MlflowClient) -> None:
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_what_is_logged_in_the_background_arrives_once(client: MlflowClient) -> None:
    with mlflow.start_run() as run:
        for step in range(200):
            mlflow.log_metric("m", step / 7, step=step, synchronous=False)
        mlflow.log_params({"p": 1}, synchronous=False)
        mlflow.flush_async_logging()
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "m")] == [(step, step / 7) for step in range(200)]
    assert client.get_run(run.info.run_id).data.params == {"p": "1"}


def test_autolog_of_scikit_learn(client: MlflowClient) -> None:
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        with mlflow.start_run() as run:
            LogisticRegression(C=0.5).fit(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1]))
    finally:
        mlflow.sklearn.autolog(disable=True)
    seen = client.get_run(run.info.run_id)
    assert seen.data.params["C"] == "0.5"
    assert seen.data.metrics["training_accuracy_score"] == 1.0
    assert seen.inputs.dataset_inputs[0].tags[0].value == "train"


def test_the_data_of_a_metric_is_an_input_once(url: str, client: MlflowClient) -> None:
    data = mlflow.data.from_numpy(np.zeros((4, 2)), name="zeros")
    other = mlflow.data.from_numpy(np.ones((4, 2)), name="ones")
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training")
        mlflow.log_metrics({"auc": 0.5}, dataset=data)
        mlflow.log_metrics({"auc": 0.6}, dataset=other)
    seen = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert sorted((used.dataset.name, [tag.value for tag in used.tags]) for used in seen) == [("ones", []), ("zeros", ["training"])]
