"""Every route of MLflow for every role, by every means, and in no other project than the one that was asked for."""

from __future__ import annotations

import re

import httpx
import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ostinato.access.roles import permissions
from ostinato.app import Ostinato
from ostinato.gateways.mlflow.routes import OPS
from ostinato.kernel.caller import caller

pytestmark = pytest.mark.filterwarnings("ignore")
ROLES = ["viewer", "scientist", "engineer", "reviewer", "steward", "deployer", "auditor", "project_admin", "admin"]
PUBLIC = {"/health", "/version", "/api/3.0/mlflow/server-info"}


def target(path: str) -> str:
    """The path with names that nothing has."""
    return re.sub(r"\{\w+(:path)?\}", lambda m: "e/zz/artifacts/zz" if m[1] else "zz", path)


def secret(store: Ostinato, *roles: str) -> str:
    """A token of a new person with these roles in the project."""
    who = store.access.create_person(f"probe-{caller().project}-{'-'.join(roles) or 'none'}", list(roles)).id
    with store.acting_as(who):
        return store.access.issue_token(who).secret


@pytest.mark.parametrize("role", ROLES)
def test_every_role_at_every_route(store: Ostinato, url: str, role: str) -> None:
    held = permissions([role])
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {secret(store, role)}"}, timeout=30) as client:
        for op in OPS:
            for path in {target(op.path), target(op.path).replace("/api/", "/ajax-api/"), target(op.path) + "/"}:
                response = client.request(op.method, path, **({"json": {"no": 1}} if op.method != "GET" else {}))
                allowed = op.needs == "public" or op.needs in held
                assert (response.status_code != 403) is allowed, f"{role} {op.method} {path}: {response.status_code} {response.text}"
                assert response.status_code != 401
                assert response.status_code < 500, f"{op.method} {path}: {response.text}"


def test_every_route_needs_credentials_but_the_probes(url: str) -> None:
    assert {op.path for op in OPS if op.needs == "public"} == PUBLIC
    assert {op.needs for op in OPS} - {"public"} <= permissions(["admin"])
    with httpx.Client(base_url=url) as client:
        for op in OPS:
            for headers in ({}, {"authorization": "Bearer ostp_nonsense"}, {"authorization": "Basic !"}, {"authorization": "Basic eDp5"}):
                response = client.request(op.method, target(op.path), headers=headers)
                assert (response.status_code == 401) is (op.needs != "public"), f"{op.method} {op.path} {response.text}"
                if response.status_code == 401:
                    assert response.json()["error_code"] == "UNAUTHENTICATED"


def test_what_there_is_no_route_for(http: httpx.Client) -> None:
    for path in (
        "/api/2.0/mlflow/nothing",
        "/api/3.0/mlflow/traces/x",
        "/api/2.0/mlflow/users/create",
        "/ajax-api/3.0/mlflow/jobs/x",
        "/api/2.0/mlflow",
    ):
        response = http.post(path, json={})
        assert (response.status_code, response.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND"), path


def test_a_user_and_a_password_that_is_the_token(store: Ostinato, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ana")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", secret(store, "scientist"))
    client = MlflowClient(url)
    run = client.create_run(client.create_experiment("mine")).info.run_id
    assert store.runs.get(run).started_by.startswith("person:probe")
    client.create_registered_model("late")
    client.create_model_version("late", "s3://b/m")
    with pytest.raises(MlflowException, match="PERMISSION_DENIED"):
        client.set_registered_model_alias("late", "champion", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with pytest.raises(MlflowException, match="UNAUTHENTICATED"):
        client.get_run(run)


def test_the_project_of_an_address_a_header_or_a_workspace(
    store: Ostinato, server: tuple[Ostinato, str], url: str, http: httpx.Client
) -> None:
    here = caller().project
    http.post("/api/2.0/mlflow/experiments/create", json={"name": "mine"})
    headers = {"authorization": http.headers["authorization"]}

    def names(**more: str) -> list[str]:
        found = httpx.get(f"{server[1]}/api/2.0/mlflow/experiments/search", headers=headers | more).json()["experiments"]
        return [one["name"] for one in found]

    assert "mine" not in names()
    assert "mine" in names(**{"ostinato-project": here})
    assert "mine" in names(**{"x-mlflow-workspace": here})


def test_a_project_that_one_may_nothing_in_is_not_there(store: Ostinato, server: tuple[Ostinato, str], url: str) -> None:
    headers = {"authorization": f"Bearer {secret(store, 'scientist')}"}
    for project in ("default", "missing"):
        response = httpx.post(f"{server[1]}/mlflow/{project}/api/2.0/mlflow/runs/search", headers=headers, json={})
        assert (response.status_code, response.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_token_that_may_less_sees_less(store: Ostinato, url: str, run: str) -> None:
    issued = store.access.issue_token("person:admin", permissions=["model:*"])
    headers = {"authorization": f"Bearer {issued.secret}"}
    body = {"name": "late", "source": f"runs:/{run}/m", "run_id": run}
    with httpx.Client(base_url=url, headers=headers) as client:
        assert client.post("/api/2.0/mlflow/registered-models/create", json={"name": "late"}).status_code == 200
        assert client.post("/api/2.0/mlflow/model-versions/create", json=body).status_code == 403, "it would read the files of a run"


def test_no_page_of_another_site_writes(http: httpx.Client) -> None:
    response = http.post(
        "/api/2.0/mlflow/experiments/create", content=b'{"name":"x"}', headers={"origin": "https://evil.example", "cookie": "a=b"}
    )
    assert response.status_code == 403


def test_probes(url: str) -> None:
    assert httpx.get(f"{url}/health").text == "OK"
    assert re.fullmatch(r"\d+\.\d+\.\d+", httpx.get(f"{url}/version").text)
    assert httpx.get(f"{url}/api/3.0/mlflow/server-info").json()["multipart_uploads_enabled"] is True


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "/api/2.0/mlflow/users/create", "access.create_person"),
        ("PATCH", "/api/2.0/mlflow/users/update-password", "page of an account"),
        ("POST", "/api/3.0/mlflow/users/permissions/grant", "access.grant"),
        ("GET", "/api/2.0/mlflow/experiments/permissions/get", "access.grant"),
        ("POST", "/api/2.0/mlflow/artifacts/presigned-upload-url", "takes them itself"),
        ("GET", "/api/2.0/mlflow-artifacts/presigned/0/run/artifacts/x", "takes them itself"),
        ("POST", "/api/3.0/mlflow/gateway/secrets/create", "keeps no keys"),
        ("POST", "/ajax-api/3.0/mlflow/scorers/invoke", "mlflow.genai.evaluate"),
        ("POST", "/api/3.0/mlflow/review-queues/create", "label schemas"),
        ("GET", "/api/2.0/mlflow/nothing", "docs/mlflow.md"),
    ],
)
def test_what_stands_elsewhere_is_said(http: httpx.Client, method: str, path: str, said: str) -> None:
    told = http.request(method, path, json={})
    assert (told.status_code, told.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    assert said in told.json()["message"]


def test_a_workspace_is_made(client: MlflowClient, store: Ostinato) -> None:
    made = mlflow.create_workspace("fresh-one", description="new")
    assert (made.name, made.description) == ("fresh-one", "new")
    assert [one.description for one in store.access.projects() if one.name == "fresh-one"] == ["new"]
    with pytest.raises(MlflowException, match="already exists"):
        mlflow.create_workspace("fresh-one")
    with pytest.raises(MlflowException, match="default_artifact_root"):
        mlflow.create_workspace("other-one", default_artifact_root="s3://bucket/x")
