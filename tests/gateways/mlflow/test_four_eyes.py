"""What MLflow's routes do not open: a way around approvals, a stage by a mere tag, a browser's remembered password."""

from __future__ import annotations

import base64
import os

import httpx
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict

pytestmark = pytest.mark.filterwarnings("ignore")
STAGE = "mlflow.stage"


def made(client: MlflowClient, tags: dict[str, str] | None = None) -> ModelVersion:
    client.create_registered_model("late")
    return client.create_model_version("late", "s3://bucket/model", tags=tags)


def test_what_nobody_has_approved_is_served_by_no_endpoint(store: Ostinato, client: MlflowClient) -> None:
    made(client)
    client.set_registered_model_alias("late", "champion", "1")
    with pytest.raises(Conflict, match="nobody has approved"):
        store.endpoints.deploy("late", "late@champion")
    assert store.endpoints.all() == []


def test_a_stage_is_no_tag(store: Ostinato, client: MlflowClient) -> None:
    assert made(client, {STAGE: "Production"}).current_stage == "None"
    client.set_model_version_tag("late", "1", STAGE, "Production")
    store.models.tag("late@1", {STAGE: "Production"})
    assert [version.current_stage for version in client.get_latest_versions("late")] == ["None"]
    client.transition_model_version_stage("late", "1", "Production")
    assert client.get_model_version("late", "1").current_stage == "Production"


def test_what_was_retired_is_in_no_use(store: Ostinato, client: MlflowClient) -> None:
    made(client)
    client.transition_model_version_stage("late", "1", "Production")
    store.models.retire("late@1", "it was never good")
    assert client.get_model_version("late", "1").current_stage == "Archived"
    assert client.get_latest_versions("late", ["Production"]) == []


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_a_page_elsewhere_sends_only_what_browsers_remember(url: str, store: Ostinato, scheme: str) -> None:
    """A password that a browser remembers goes along with a form of any page; a token goes along with nothing by itself."""
    secret = os.environ["MLFLOW_TRACKING_TOKEN"]
    told = base64.b64encode(f"me:{secret}".encode()).decode() if scheme == "Basic" else secret
    headers = {"authorization": f"{scheme} {told}", "sec-fetch-site": "cross-site", "origin": "http://elsewhere.example"}
    reply = httpx.post(f"{url}/api/2.0/mlflow/experiments/create", json={"name": "theirs"}, headers=headers)
    assert reply.status_code == (403 if scheme == "Basic" else 200)
    assert [one.name for one in store.runs.experiments()] == ([] if scheme == "Basic" else ["theirs"])
