"""Models that MLflow's clients log, register, name and load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LinearRegression

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.registry.types import GateSpec

pytestmark = pytest.mark.filterwarnings("ignore")
X = np.array([[0.0], [1.0], [2.0]])


def logged(name: str | None = "late") -> Any:
    """A line y = 2x, logged in a run."""
    with mlflow.start_run():
        return mlflow.sklearn.log_model(
            LinearRegression().fit(X, 2 * X[:, 0]), name="line", registered_model_name=name,
            signature=mlflow.models.infer_signature(X, X[:, 0]), pip_requirements=["scikit-learn"], serialization_format="cloudpickle",
        )  # fmt: skip


def test_a_model_is_logged_registered_named_and_loaded(store: Ostinato, client: MlflowClient) -> None:
    info = logged()
    client.set_registered_model_alias("late", "champion", "1")
    for uri in ("models:/late@champion", "models:/late/1", "models:/late/latest", info.model_uri, f"runs:/{info.run_id}/line"):
        assert mlflow.pyfunc.load_model(uri).predict(X).tolist() == pytest.approx([0.0, 2.0, 4.0]), uri
    version = store.models.get("late@champion")
    assert (version.flavor, version.run) == ("mlflow", Ref("run", info.run_id))
    assert "MLmodel" in {file.path for file in store.models.files("late@1")}
    assert b"python_function" in store.models.file("late@1", "MLmodel")
    assert Ref("run", info.run_id) in store.ledger.lineage(version.ref, "up").nodes
    assert client.get_run(info.run_id).outputs.model_outputs[0].model_id == info.model_id
    client.delete_run(info.run_id)
    client.delete_logged_model(info.model_id)
    assert mlflow.pyfunc.load_model("models:/late@champion").predict(X).shape == (3,), "the version keeps its files"


def test_stages_tags_and_descriptions(store: Ostinato, client: MlflowClient) -> None:
    logged()
    mlflow.register_model("models:/late/1", "late")
    client.transition_model_version_stage("late", "1", "Production")
    assert client.transition_model_version_stage("late", "2", "production", archive_existing_versions=True).current_stage == "Production"
    assert client.get_model_version("late", "1").current_stage == "Archived"
    assert mlflow.pyfunc.load_model("models:/late/Production").predict(X).shape == (3,)
    assert {(v.version, v.current_stage) for v in client.get_latest_versions("late")} == {("1", "Archived"), ("2", "Production")}
    client.set_model_version_tag("late", "2", "k", "v")
    client.set_registered_model_tag("late", "team", "ops")
    client.update_registered_model("late", "is it late?")
    client.update_model_version("late", "2", "the second")
    found = client.get_registered_model("late")
    assert (found.description, found.tags) == ("is it late?", {"team": "ops"})
    assert (client.get_model_version("late", "2").description, client.get_model_version("late", "2").tags) == ("the second", {"k": "v"})
    client.delete_model_version_tag("late", "2", "k")
    client.delete_registered_model_tag("late", "team")
    assert client.get_model_version("late", "2").tags == {} == client.get_registered_model("late").tags
    assert store.models.labels("late@2").stage == "Production"


def test_search_of_models_and_versions(client: MlflowClient) -> None:
    for name, tags in (("alpha", {"k": "1"}), ("Beta one", {"k": "2"}), ("gamma", {})):
        client.create_registered_model(name, tags)
    for name in ("alpha", "alpha", "Beta one"):
        client.create_model_version(name, "s3://bucket/model", tags={"of": name})
    models = {
        "": ["Beta one", "alpha", "gamma"], "name = 'alpha'": ["alpha"], "name LIKE 'be%'": [], "name ILIKE 'be%'": ["Beta one"],
        "tags.k = '1'": ["alpha"], "tags.k != '1'": ["Beta one"], "name LIKE '%a' AND tags.k = '1'": ["alpha"],
    }  # fmt: skip
    for text, names in models.items():
        assert [m.name for m in client.search_registered_models(filter_string=text)] == names, text
    assert [m.name for m in client.search_registered_models(order_by=["name DESC"])] == ["gamma", "alpha", "Beta one"]
    page = client.search_registered_models(max_results=2)
    assert [m.name for m in client.search_registered_models(max_results=2, page_token=page.token)] == ["gamma"]
    versions = {
        "name = 'alpha'": 2, "name='alpha' AND version_number > 1": 1, "tags.of = 'Beta one'": 1, "source_path LIKE 's3:%'": 3,
        "run_id IN ('x', 'y')": 0, "name ILIKE 'ALPHA'": 2,
    }  # fmt: skip
    for text, count in versions.items():
        assert len(client.search_model_versions(text)) == count, text
    with pytest.raises(MlflowException, match="INVALID_PARAMETER_VALUE"):
        client.search_model_versions("nonsense = 'x'")


def test_copies_renames_and_removals(client: MlflowClient) -> None:
    logged()
    client.copy_model_version("models:/late/1", "copy")
    assert mlflow.pyfunc.load_model("models:/copy/1").predict(X).shape == (3,)
    client.rename_registered_model("copy", "another name")
    assert [version.version for version in client.search_model_versions("name = 'another name'")] == ["1"]
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST: Registered Model with name=copy not found"):
        client.get_registered_model("copy")
    with pytest.raises(MlflowException, match="RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model("late")
    client.set_registered_model_alias("late", "champion", "1")
    with pytest.raises(MlflowException, match="champion"):
        client.delete_model_version("late", "1")
    client.delete_registered_model_alias("late", "champion")
    with pytest.raises(MlflowException, match="alias champion not found"):
        client.get_model_version_by_alias("late", "champion")
    client.delete_model_version("late", "1")
    with pytest.raises(MlflowException, match=r"Model Version \(name=late, version=1\) not found"):
        client.get_model_version("late", "1")
    client.delete_registered_model("late")
    client.create_registered_model("late")
    assert client.create_model_version("late", "s3://b/m").version == "2", "a number never means two things"


@pytest.mark.parametrize("alias", ["latest", "LATEST", "v1", "V12", "a b", "a/b", "..", "1st"])
def test_names_that_are_no_aliases(client: MlflowClient, alias: str, refused: Callable[..., dict[str, str]]) -> None:
    client.create_registered_model("late")
    client.create_model_version("late", "s3://b/m")
    told = refused("POST", "/api/2.0/mlflow/registered-models/alias", 400, json={"name": "late", "alias": alias, "version": "1"})
    assert told["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_version_without_approvals_passes_no_rules(store: Ostinato, client: MlflowClient) -> None:
    client.create_registered_model("late")
    client.create_model_version("late", "s3://b/m")
    store.models.require("late", [GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.6})], 1, "it decides about people")
    with pytest.raises(MlflowException, match="registered, not approved"):
        client.set_registered_model_alias("late", "champion", "1")
    with pytest.raises(MlflowException, match="registered, not approved"):
        client.transition_model_version_stage("late", "1", "Production")
    with pytest.raises(MlflowException, match="has rules"):
        client.delete_registered_model("late")
    with pytest.raises(Conflict):
        store.models.promote("late@1")


def test_what_an_alias_named_stays_on_record(store: Ostinato, client: MlflowClient) -> None:
    client.create_registered_model("late")
    for _ in range(2):
        client.create_model_version("late", "s3://b/m")
    client.set_registered_model_alias("late", "Champion-1", "1")
    client.set_registered_model_alias("late", "Champion-1", "2")
    client.delete_registered_model_alias("late", "Champion-1")
    assert [(move.version, move.how) for move in store.models.moves("late", "Champion-1")] == [
        (1, "promoted"), (2, "promoted"), (2, "withdrawn"),
    ]  # fmt: skip
    assert store.models.at("late", "Champion-1") is None
    assert [(mark.version, mark.until is None) for mark in store.models.story("late").moves] == [(1, False), (2, False)]
    assert store.models.model("late").aliases == {}


def test_logged_models(client: MlflowClient) -> None:
    experiment = client.create_experiment("trials")
    run = client.create_run(experiment).info.run_id
    made = [client.create_logged_model(experiment, name, run, tags={"n": name}, params={"p": str(i)}) for i, name in enumerate("abc")]
    for i, model in enumerate(made):
        client.log_metric(run, "auc", i / 10, timestamp=5, step=1, model_id=model.model_id, dataset_name="d", dataset_digest=str(i))
        client.finalize_logged_model(model.model_id, "READY")
    seen = client.get_logged_model(made[1].model_id)
    assert (seen.status, seen.tags, seen.params) == ("READY", {"n": "b"}, {"p": "1"})
    assert [(m.key, m.value, m.run_id, m.dataset_digest) for m in seen.metrics] == [("auc", 0.1, run, "1")]

    def found(**more: Any) -> list[str]:
        return [model.name for model in client.search_logged_models([experiment], **more)]

    assert found() == ["c", "b", "a"]
    assert found(filter_string="metrics.auc > 0.05 AND params.p != '2'") == ["b"]
    assert found(filter_string="name IN ('a', 'c')") == ["c", "a"]
    assert found(order_by=[{"field_name": "metrics.auc", "ascending": True}]) == ["a", "b", "c"]
    assert found(filter_string="metrics.auc >= 0", datasets=[{"dataset_name": "d", "dataset_digest": "2"}]) == ["c"]
    page = client.search_logged_models([experiment], max_results=2)
    assert [m.name for m in client.search_logged_models([experiment], max_results=2, page_token=page.token)] == ["a"]
    client.set_logged_model_tags(made[0].model_id, {"x": "y"})
    client.delete_logged_model_tag(made[0].model_id, "n")
    assert client.get_logged_model(made[0].model_id).tags == {"x": "y"}
    client.delete_logged_model(made[0].model_id)
    assert found() == ["c", "b"]
    with pytest.raises(MlflowException, match="not found"):
        client.get_logged_model(made[0].model_id)


def test_prompts_are_models_that_say_so(client: MlflowClient) -> None:
    mlflow.genai.register_prompt("greeting", "Hello {{name}}", commit_message="first", tags={"k": "v"})
    mlflow.genai.register_prompt("greeting", "Good day {{name}}")
    mlflow.genai.set_prompt_alias("greeting", "live", 1)
    assert mlflow.genai.load_prompt("prompts:/greeting@live").format(name="Ana") == "Hello Ana"
    assert mlflow.genai.load_prompt("prompts:/greeting/2").template == "Good day {{name}}"
    assert [prompt.name for prompt in mlflow.genai.search_prompts()] == ["greeting"]
    assert client.search_registered_models() == []


def test_a_folder_of_a_registered_version_streams(http: httpx.Client, client: MlflowClient, store: Ostinato) -> None:
    logged()
    listed = http.get("/api/2.0/mlflow-artifacts/artifacts", params={"path": "registered/late/1"}).json()["files"]
    assert "MLmodel" in {file["path"] for file in listed}
    same = http.get("/model-versions/get-artifact", params={"name": "late", "version": "1", "path": "MLmodel"})
    assert same.content == store.models.file("late@1", "MLmodel")
    assert same.headers["content-disposition"] == "attachment; filename=MLmodel"
    assert same.headers["content-type"] == "text/plain"
