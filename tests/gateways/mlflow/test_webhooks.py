"""MLflow's webhooks, made by its own client and heard by a real web server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent, WebhookStatus
from mlflow.exceptions import MlflowException
from tests.ledger.test_sinks import Receiver, receiver

from ostinato.app import Ostinato
from ostinato.ledger.outbox import subscription_table

__all__ = ["receiver"]

SECRET = "kept to oneself"
VERSION = WebhookEvent("model_version", "created")


@pytest.fixture
def near(store: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator lets events go to the loopback."""
    around = replace(store.ledger._around, networks="127.0.0.0/8")
    monkeypatch.setattr(store.ledger, "_around", around)
    monkeypatch.setattr(store.ledger._delivery, "_around", around)


def heard(receiver: Receiver) -> list[tuple[str, Any]]:
    """What was posted, each in its signature."""
    found = []
    for headers, body in receiver.received:
        signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body.decode()}"
        digest = base64.b64encode(hmac.digest(SECRET.encode(), signed.encode(), hashlib.sha256)).decode()
        assert headers["X-MLflow-Signature"] == f"v1,{digest}"
        told = json.loads(body)
        found.append((f"{told['entity']}.{told['action']}", told["data"]))
    return found


@pytest.mark.usefixtures("near")
def test_what_happens_to_models_is_told_as_mlflow_tells_it(client: MlflowClient, run: str, store: Ostinato, receiver: Receiver) -> None:
    wanted = [
        "registered_model.created", "model_version.created", "model_version_tag.set", "model_version_tag.deleted",
        "model_version_alias.created", "model_version_alias.deleted", "prompt.created", "prompt_version.created",
    ]  # fmt: skip
    client.create_webhook("all", receiver.url, wanted, secret=SECRET)
    client.create_registered_model("the line", {"a": "b"}, "in words")
    client.create_model_version("the line", f"runs:/{run}/m", run, tags={"c": "d"}, description="first")
    client.set_model_version_tag("the line", "1", "k", "v")
    client.delete_model_version_tag("the line", "1", "k")
    client.set_registered_model_alias("the line", "champion", "1")
    client.delete_registered_model_alias("the line", "champion")
    client.set_registered_model_tag("the line", "not", "told")
    client.register_prompt("hi", "Hello {{name}}", commit_message="why")
    store.ledger.tick()
    told = heard(receiver)
    version = {"name": "the line", "version": "1"}
    said = {"source": f"runs:/{run}/m", "run_id": run, "tags": {"c": "d"}, "description": "first"}
    assert told[:-2] == [
        ("registered_model.created", {"name": "the line", "tags": {"a": "b"}, "description": "in words"}),
        ("model_version.created", version | said),
        ("model_version_tag.set", version | {"key": "k", "value": "v"}),
        ("model_version_tag.deleted", version | {"key": "k"}),
        ("model_version_alias.created", version | {"alias": "champion"}),
        ("model_version_alias.deleted", {"name": "the line", "alias": "champion"}),
    ]
    assert [what for what, _ in told[-2:]] == ["prompt.created", "prompt_version.created"]
    assert (told[-1][1]["name"], told[-1][1]["template"], told[-1][1]["description"]) == ("hi", "Hello {{name}}", "why")


@pytest.mark.usefixtures("near")
def test_what_was_not_heard_is_told_again_under_the_same_id(client: MlflowClient, store: Ostinato, receiver: Receiver) -> None:
    made = client.create_webhook("ops", receiver.url, ["registered_model.created"], secret=SECRET)
    receiver.status = 500
    client.create_registered_model("late")
    store.ledger.tick()
    receiver.status = 200
    store.ledger.retry(made.webhook_id)
    store.ledger.tick()
    first, second = receiver.received
    assert first[1] == second[1]
    assert first[0]["X-MLflow-Delivery-Id"] == second[0]["X-MLflow-Delivery-Id"]


@pytest.mark.usefixtures("near")
def test_a_webhook_is_tried(client: MlflowClient, receiver: Receiver) -> None:
    made = client.create_webhook("ops", receiver.url, [VERSION], secret=SECRET)
    assert client.test_webhook(made.webhook_id).success
    ((what, data),) = heard(receiver)
    assert (what, set(data) >= {"name", "version"}) == ("model_version.created", True)
    receiver.status = 404
    failed = client.test_webhook(made.webhook_id)
    assert (failed.success, "404" in str(failed.error_message)) == (False, True)


@pytest.mark.usefixtures("near")
def test_a_webhook_is_changed_and_keeps_its_secret(client: MlflowClient, store: Ostinato, receiver: Receiver) -> None:
    made = client.create_webhook("ops", "http://127.0.0.1:9/x", ["prompt.created"], "before", secret=SECRET)
    changed = client.update_webhook(made.webhook_id, name="other", url=receiver.url, events=[WebhookEvent("registered_model", "created")])
    assert (changed.name, changed.description, changed.url, changed.secret) == ("other", "before", receiver.url, None)
    assert changed.last_updated_timestamp > made.last_updated_timestamp
    assert client.get_webhook(made.webhook_id).events == changed.events
    client.create_registered_model("late")
    store.ledger.tick()
    assert [what for what, _ in heard(receiver)] == ["registered_model.created"]
    off = client.update_webhook(made.webhook_id, status=WebhookStatus.DISABLED)
    client.create_registered_model("later")
    store.ledger.tick()
    assert (off.status, len(receiver.received)) == (WebhookStatus.DISABLED, 1)


def test_webhooks_are_listed_by_the_page_and_deleted(client: MlflowClient) -> None:
    made = [client.create_webhook(f"w{i}", f"https://example.com/{i}", [VERSION]).webhook_id for i in range(3)]
    first = client.list_webhooks(max_results=2)
    second = client.list_webhooks(max_results=2, page_token=first.token)
    assert [one.webhook_id for one in [*first, *second]] == made[::-1]
    assert not second.token
    client.delete_webhook(made[0])
    for call in (client.get_webhook, client.delete_webhook, client.test_webhook):
        with pytest.raises(MlflowException, match=f"Webhook with ID {made[0]} not found"):
            call(made[0])


def test_a_secret_is_read_back_by_nobody(client: MlflowClient, store: Ostinato, http: httpx.Client) -> None:
    made = client.create_webhook("ops", "https://example.com/x", [VERSION], secret=SECRET)
    assert made.secret is None
    rows = store.rows.read(lambda tx: tx.all(subscription_table.select()))
    told = [str(rows), str(store.ledger.subscriptions()), str(store.ledger.events().items), http.get("/api/2.0/mlflow/webhooks").text]
    assert [SECRET in text for text in told] == [False] * 4


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"url": "   "}, 400, "Webhook URL cannot be empty or just whitespace"),
        ({"url": "ftp://example.com"}, 400, "Invalid webhook URL scheme"),
        ({"url": "http://[invalid"}, 400, "Invalid webhook URL"),
        ({"url": "http://127.0.0.1:1/"}, 403, "not a public address"),
        ({"url": "http://169.254.169.254/latest"}, 403, "address of the link"),
        ({"url": "http://0x7f000001/"}, 403, "not a public address"),
        ({"name": "-x"}, 400, "is invalid"),
        ({"events": []}, 400, "non-empty list"),
        ({"events": [{"entity": "BUDGET_POLICY", "action": "EXCEEDED"}]}, 400, "Invalid webhook event"),
        ({"events": [{"entity": "MODEL_VERSION", "action": "SET"}]}, 400, "Invalid webhook event"),
        ({"status": "ASLEEP"}, 400, "status"),
        ({"description": "sealed:x"}, 400, "sealed"),
    ],
)
def test_nonsense_makes_no_webhook(
    refused: Callable[..., dict[str, str]], store: Ostinato, change: dict[str, Any], status: int, said: str
) -> None:
    events = [{"entity": "MODEL_VERSION", "action": "CREATED"}]
    given = {"name": "ops", "url": "https://example.com/x", "events": events} | change
    assert said in refused("POST", "/api/2.0/mlflow/webhooks", status, json=given)["message"]
    assert store.ledger.subscriptions() == []
