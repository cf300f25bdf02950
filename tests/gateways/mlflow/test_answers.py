"""Answers that MLflow's own server gives: to odd names, odd sizes, orders, equal steps, and what is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracing.constant import TraceTagKey

from ostinato.app import Ostinato
from ostinato.kernel.caller import caller

pytestmark = pytest.mark.filterwarnings("ignore")
A2 = "/api/2.0/mlflow"
POINT: dict[str, Any] = {"key": "m", "value": 1, "timestamp": 1}


def test_the_latest_of_equal_steps_is_the_one_of_the_latest_time_then_the_highest(client: MlflowClient, run: str, store: Ostinato) -> None:
    for value, at, step in ((0.9, 4, 2), (0.7, 5, 2), (0.2, 5, 2), (0.8, 3, 2), (0.1, 9, 1), (float("nan"), 5, 2)):
        client.log_metric(run, "m", value, timestamp=at, step=step)
    client.log_batch(run, metrics=[Metric("n", value, at, 1) for value, at in ((3.0, 2), (5.0, 8), (4.0, 8), (9.0, 7))])
    assert client.get_run(run).data.metrics == {"m": 0.7, "n": 5.0}
    experiment = client.get_run(run).info.experiment_id
    found = client.search_runs([experiment], "metrics.m = 0.7 and metrics.n = 5")
    assert [one.info.run_id for one in found] == [run]


@pytest.mark.parametrize("key", ["k" * 251, "a<b", "a,b", "../x", "./x", "a//b", "/a", "a/", ".", "..", "a#b"])
def test_what_nothing_may_be_called(run: str, refused: Callable[..., dict[str, str]], key: str) -> None:
    for path, body in (
        ("runs/log-metric", POINT | {"key": key}),
        ("runs/log-batch", {"metrics": [POINT, POINT | {"key": key}]}),
        ("runs/log-parameter", {"key": key, "value": "1"}),
        ("runs/set-tag", {"key": key, "value": "1"}),
    ):
        told = refused("POST", f"{A2}/{path}", 400, json=body | {"run_id": run})
        assert told["error_code"] == "INVALID_PARAMETER_VALUE"


def test_what_things_may_be_called(client: MlflowClient, run: str) -> None:
    for key in ("k" * 250, "a/b", "a b", "a:b", "ü", "...x/y.z-1_"[3:]):
        client.log_metric(run, key, 1.0)
        client.log_param(run, key, "1")
        client.set_tag(run, key, "1")
    assert len(client.get_run(run).data.metrics) == 6


def test_points_before_1970_and_parameters_twice_are_refused(run: str, refused: Callable[..., dict[str, str]]) -> None:
    refused("POST", f"{A2}/runs/log-metric", 400, json=POINT | {"run_id": run, "timestamp": -5})
    told = refused("POST", f"{A2}/runs/log-batch", 400, json={"run_id": run, "params": [{"key": "p", "value": "1"}] * 2})
    assert "Duplicate parameter keys" in told["message"]


def test_a_page_of_none_is_refused_where_mlflow_refuses_it(client: MlflowClient, http: httpx.Client, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    for path, body in (
        ("/api/2.0/mlflow/runs/search", {"experiment_ids": [experiment]}),
        ("/api/2.0/mlflow/experiments/search", {}),
        ("/api/3.0/mlflow/datasets/search", {}),
        ("/api/2.0/mlflow/model-versions/search", {}),
    ):
        assert http.post(path, json=body).status_code == 200, path
        assert http.post(path, json=body | {"max_results": 0}).status_code == 400, path
    assert http.get("/api/2.0/mlflow/registered-models/search", params={"max_results": 0}).status_code == 200


def test_runs_by_state_user_and_lists(client: MlflowClient, http: httpx.Client) -> None:
    experiment = client.create_experiment("asked")
    body = {"experiment_id": experiment, "run_name": "one", "user_id": "ana"}
    one = http.post(f"{A2}/runs/create", json=body).json()["run"]["info"]
    two = client.create_run(experiment, run_name="two").info.run_id
    assert one["user_id"] == "ana"

    def names(filter: str) -> list[str]:
        return sorted(str(run.info.run_name) for run in client.search_runs([experiment], filter))

    assert names("status = 'RUNNING'") == ["one", "two"]
    assert names("status = 'running'") == []
    assert names("status LIKE 'R%'") == ["one", "two"]
    assert names("user_id = 'ana'") == ["one"]
    assert names("user_id != 'ana'") == ["two"]
    assert names(f"run_id IN ('{two}',)") == ["two"]
    with pytest.raises(MlflowException, match="Invalid attribute key 'lifecycle_stage'"):
        names("lifecycle_stage = 'active'")


def test_experiments_by_their_ids_and_twice_deleted(client: MlflowClient) -> None:
    ids = [client.create_experiment(name) for name in ("a", "b", "c")]
    found = client.search_experiments(filter_string=f"experiment_id IN ('{ids[0]}', '{ids[2]}')", order_by=["experiment_id DESC"])
    assert [one.experiment_id for one in found] == sorted([ids[0], ids[2]], reverse=True)
    client.delete_experiment(ids[1])
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST"):
        client.delete_experiment(ids[1])
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST"):
        client.restore_experiment(ids[0])
    with pytest.raises(MlflowException, match="exceeds the maximum length"):
        client.set_experiment_tag(ids[0], "k", "v" * 20_001)
    assert [one.name for one in client.search_experiments(ViewType.DELETED_ONLY)] == ["b"]


def test_models_and_versions_in_an_order(client: MlflowClient) -> None:
    for name in ("m1", "m2", "m3"):
        client.create_registered_model(name)
    for name in ("m2", "m1", "m2"):
        client.create_model_version(name, "runs:/elsewhere/m", "elsewhere")
    client.update_registered_model("m1", "last")
    assert client.search_registered_models(order_by=["last_updated_timestamp DESC"])[0].name == "m1"
    assert [one.name for one in client.search_registered_models(order_by=["creation_timestamp DESC", "name"])] == ["m3", "m2", "m1"]
    assert [one.name for one in client.search_registered_models("name IN ('m1', 'm3')")] == ["m1", "m3"]

    def versions(*order: str) -> list[tuple[str, int]]:
        return [(one.name, int(one.version)) for one in client.search_model_versions(order_by=[*order])]

    assert versions("version_number DESC") == [("m2", 2), ("m1", 1), ("m2", 1)]
    assert versions("name DESC") == [("m2", 2), ("m2", 1), ("m1", 1)]
    assert versions("creation_timestamp ASC") == [("m2", 1), ("m1", 1), ("m2", 2)]


def test_a_model_changes_with_its_versions_but_not_with_their_descriptions(client: MlflowClient) -> None:
    client.create_registered_model("late")

    def changed() -> int:
        return int(client.get_registered_model("late").last_updated_timestamp)

    before = changed()
    client.create_model_version("late", "s3://b/1")
    client.create_model_version("late", "s3://b/2")
    assert changed() == client.get_model_version("late", "2").creation_timestamp > before
    client.update_model_version("late", "1", "described")
    assert changed() == client.get_model_version("late", "2").creation_timestamp
    client.transition_model_version_stage("late", "1", "Archived")
    assert changed() == client.get_model_version("late", "1").last_updated_timestamp
    before = changed()
    client.delete_model_version("late", "2")
    assert changed() > before


def test_a_version_may_name_a_run_of_another_server(client: MlflowClient, run: str) -> None:
    client.create_registered_model("far")
    made = client.create_model_version("far", "runs:/elsewhere/model", "elsewhere", description="d", tags={"k": "v"})
    assert (made.source, made.run_id) == ("runs:/elsewhere/model", "elsewhere")
    assert client.get_model_version_download_uri("far", "1") == "runs:/elsewhere/model"
    copied = client.copy_model_version("models:/far/1", "far")
    assert (copied.source, copied.run_id, copied.tags) == ("models:/far/1", "elsewhere", {"k": "v"})
    assert client.get_model_version_download_uri("far", copied.version) == "runs:/elsewhere/model"
    with pytest.raises(MlflowException, match="must identify the resource"):
        client.create_model_version("far", "runs:/elsewhere/model", run)
    with pytest.raises(MlflowException, match="no run"):
        client.create_model_version("far", "mlflow-artifacts:/1/elsewhere/artifacts/m", "elsewhere")


def test_names_of_models(client: MlflowClient, http: httpx.Client) -> None:
    for name in ("a/b", "a:b"):
        with pytest.raises(MlflowException, match="cannot contain path separators"):
            client.create_registered_model(name)
    client.create_registered_model("late")
    with pytest.raises(MlflowException, match="cannot contain path separators"):
        client.rename_registered_model("late", "a/b")
    client.rename_registered_model("late", "late")
    assert client.create_model_version("late", "s3://b/1").version == "1"
    client.create_model_version("late", "s3a://b/2")
    latest = http.get(f"{A2}/registered-models/alias", params={"name": "late", "alias": "latest"}).json()
    assert latest["model_version"]["version"] == "2"


def test_logged_models_of_runs_that_are_not_here(client: MlflowClient, http: httpx.Client, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    far = client.create_logged_model(experiment, name="far", source_run_id="123", tags={"k": "v"})
    got = client.get_logged_model(far.model_id)
    assert (got.source_run_id, got.tags) == ("123", {"k": "v"})
    plain = client.create_logged_model(experiment, name="plain", model_type="LLM", source_run_id=run)
    assert client.get_logged_model(plain.model_id).source_run_id == run
    found = client.search_logged_models([experiment], "model_type != 'LLM'")
    assert [one.name for one in found] == ["far"]
    for name in ("a/b", "a.b", "a'b", "a%b"):
        response = http.post(f"{A2}/logged-models", json={"experiment_id": experiment, "name": name})
        assert (response.status_code, "Invalid model name" in response.text) == (400, True)
    assert http.post(f"{A2}/logged-models/search", json={"experiment_ids": [experiment], "datasets": [{}]}).status_code == 400


def test_a_file_of_a_logged_model_and_the_spans_of_a_trace_as_files(url: str, client: MlflowClient, http: httpx.Client) -> None:
    experiment = mlflow.set_experiment("files").experiment_id
    model = client.create_logged_model(experiment)
    root = model.artifact_location.removeprefix("mlflow-artifacts:/")
    assert http.put(f"/api/2.0/mlflow-artifacts/artifacts/{root}/MLmodel", content=b"flavors: {}").status_code == 200
    got = http.get(f"/ajax-api/2.0/mlflow/logged-models/{model.model_id}/artifacts/files", params={"artifact_file_path": "MLmodel"})
    assert (got.text, got.headers["content-type"]) == ("flavors: {}", "text/plain")
    with mlflow.start_span("step") as span:
        span.set_attributes({"fruit": "äpple", "n": {"deep": [1, None]}})
    mlflow.flush_trace_async_logging()
    got = http.get("/ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": span.trace_id})
    assert got.headers["content-disposition"] == "attachment; filename=traces.json"
    (kept,) = got.json()["spans"]
    assert {key: json.loads(value) for key, value in kept["attributes"].items()} == {
        key: json.loads(value) for key, value in span.to_dict()["attributes"].items()
    }
    assert {key: kept[key] for key in kept if key != "attributes"} == {
        key: value for key, value in span.to_dict().items() if key in kept and key != "attributes"
    }
    assert http.get("/ajax-api/2.0/mlflow/get-trace-artifact").status_code == 400
    assert client.get_trace(span.trace_id).info.tags[TraceTagKey.TRACE_NAME] == "step"


def test_a_try_of_a_prompt_is_a_run(client: MlflowClient, http: httpx.Client, refused: Callable[..., dict[str, str]]) -> None:
    path, body = "/ajax-api/2.0/mlflow/runs/create-promptlab-run", {}
    tried = {
        "experiment_id": client.create_experiment("prompts"), "prompt_template": "say {{word}}",
        "prompt_parameters": [{"key": "word", "value": "hello"}], "model_route": "chat", "model_input": "say hello",
        "mlflow_version": "3.17.2",
    }  # fmt: skip
    for name, value in tried.items():
        assert refused("POST", path, 400, json=body)["message"] == f"CreatePromptlabRun request must specify {name}."
        body[name] = value
    more = {
        "run_name": "try", "user_id": "ana", "start_time": 456, "model_output": "hello!",
        "model_parameters": [{"key": "heat", "value": "0.1"}],
        "model_output_parameters": [{"key": "latency", "value": "100"}],
    }  # fmt: skip
    run = http.post(path, json=body | more).json()["run"]
    info, params = run["info"], {one["key"]: one["value"] for one in run["data"]["params"]}
    assert [info[key] for key in ("run_name", "user_id", "status", "start_time")] == ["try", "ana", "FINISHED", 456]
    assert params == {"heat": "0.1", "model_route": "chat", "prompt_template": "say {{word}}"}
    assert mlflow.MlflowClient().get_run(info["run_id"]).data.tags["mlflow.runSourceType"] == "PROMPT_ENGINEERING"
    table = http.get("/get-artifact", params={"run_id": info["run_id"], "path": "eval_results_table.json"}).json()
    assert table == {"columns": ["word", "prompt", "output", "latency"], "data": [["hello", "say hello", "hello!", "100"]]}


def test_runs_of_one_instant_come_by_their_ids(client: MlflowClient) -> None:
    experiment = client.create_experiment("ties")
    made = sorted(str(client.create_run(experiment, start_time=1).info.run_id) for _ in range(5))
    first = client.search_runs([experiment], max_results=3)
    assert [run.info.run_id for run in [*first, *client.search_runs([experiment], page_token=first.token)]] == made
    latest = client.create_run(experiment, start_time=2).info.run_id
    assert client.search_runs([experiment], order_by=["status"])[0].info.run_id == latest


def test_traces_up_to_the_end_of_time_and_of_version_2(client: MlflowClient) -> None:
    experiment, store = client.create_experiment("traces"), client._tracing_client.store
    info = store.deprecated_start_trace_v2(experiment, 1000, {"m": "a"}, {"t": "b"})
    assert info.request_metadata == {"m": "a"}
    assert client.delete_traces(experiment, max_timestamp_millis=10**15) == 1


def test_workspaces_are_the_projects_of_the_caller(client: MlflowClient, http: httpx.Client) -> None:
    here = caller().project
    assert here in {one.name for one in client.list_workspaces()}
    assert client.get_workspace(here).name == here
    assert http.get("/api/3.0/mlflow/workspaces/none").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_a_set_that_is_not_there(client: MlflowClient) -> None:
    experiment = client.create_experiment("sets")
    for call in (client.add_dataset_to_experiments, client.remove_dataset_from_experiments):
        with pytest.raises(MlflowException, match="not found"):
            call(dataset_id="d-none", experiment_ids=[experiment])
    with pytest.raises(MlflowException, match="not found"):
        client.get_dataset("d-none")
