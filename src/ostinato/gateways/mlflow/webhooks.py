"""Webhooks: MLflow's are subscriptions of the ledger to the sink `mlflow`."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, filled
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.operation import Op
from ostinato.ledger.types import Subscription

SINK = "mlflow"
VERBS = {
    "registered_model.created": ("model.created",),
    "model_version.created": ("model.registered",),
    "model_version_tag.set": ("model.tagged",),
    "model_version_tag.deleted": ("model.tagged",),
    "model_version_alias.created": ("model.promoted", "model.rolled_back"),
    "model_version_alias.deleted": ("model.withdrawn",),
    "prompt.created": ("model.created",),
    "prompt_version.created": ("model.registered",),
}
"""The events that are told, by what they are called here."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.IGNORECASE)
_STATES = {"ACTIVE": False, "DISABLED": True, "1": False, "2": True}


class Happening(Ask, kw_only=True):
    """An event: what happened to what."""

    entity: str
    action: str

    @property
    def text(self) -> str:
        """As one word.

        Raises:
            Invalid: there is no such event, or it is none that is told.
        """
        found = f"{self.entity}.{self.action}".lower()
        if found not in VERBS:
            raise Invalid(f"Invalid webhook event: {found[:100]}", hint=", ".join(VERBS), field="events")
        return found


class CreateWebhook(Ask, kw_only=True):
    """A new webhook."""

    name: str
    url: str
    events: tuple[Happening, ...]
    description: str = ""
    secret: str = ""
    status: str = "ACTIVE"


class ListWebhooks(Ask, kw_only=True):
    """A page of webhooks."""

    max_results: Int64 | None = None
    page_token: str = ""


class WebhookAsk(Ask, kw_only=True):
    """A webhook."""

    webhook_id: str


class UpdateWebhook(WebhookAsk, kw_only=True):
    """What is to be otherwise."""

    name: str = ""
    url: str = ""
    events: tuple[Happening, ...] = ()
    description: str | None = None
    secret: str | None = None
    status: str = ""


class Webhooks:
    """The routes of webhooks."""

    def __init__(self, app: Ostinato) -> None:
        self._ledger = app.ledger
        self._clock = app.clock

    def create(self, ask: CreateWebhook) -> dict[str, Any]:
        """Tell an address from now on what happens. Its secret is kept sealed, and shown to nobody."""
        if not ask.events:
            raise Invalid("Webhook events must be a non-empty list of WebhookEvent objects.", field="events")
        id_, now, paused = f"webhook-{new_id()}", wire.millis(self._clock.now()), _paused(ask.status)
        said: dict[str, str | int | float | bool] = {
            "url": _url(ask.url), "events": _events(ask.events), "name": _name(ask.name), "description": ask.description,
            "secret": ask.secret, "created_ms": now, "changed_ms": now,
        }  # fmt: skip
        made = self._ledger.subscribe(id_, SINK, said, _verbs(ask.events))
        return {"webhook": _shown(self._ledger.pause(id_) if paused else made)}

    def all(self, ask: ListWebhooks) -> dict[str, Any]:
        """The webhooks, the newest first."""
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results or None, 100, 1_000)
        found = sorted(self._webhooks(), key=lambda one: (one.parameters["created_ms"], one.name), reverse=True)
        return wire.page("webhooks", [_shown(one) for one in found[start : start + most + 1]], start, most)

    def get(self, ask: WebhookAsk) -> dict[str, Any]:
        """A webhook."""
        return {"webhook": _shown(self._found(ask.webhook_id))}

    def update(self, ask: UpdateWebhook) -> dict[str, Any]:
        """Change a webhook; what waits for it is told to the new address."""
        known = self._found(ask.webhook_id)
        given: dict[str, Any] = {"changed_ms": max(wire.millis(self._clock.now()), int(known.parameters["changed_ms"]) + 1)}
        given |= {"name": _name(ask.name)} if ask.name else {}
        given |= {"url": _url(ask.url)} if ask.url else {}
        given |= {"events": _events(ask.events)} if ask.events else {}
        given |= {key: said for key, said in (("description", ask.description), ("secret", ask.secret)) if said is not None}
        made = self._ledger.alter(known.name, given, _verbs(ask.events) if ask.events else None)
        if ask.status and (paused := _paused(ask.status)) is not made.paused:
            made = self._ledger.pause(known.name) if paused else self._ledger.resume(known.name)
        return {"webhook": _shown(made)}

    def delete(self, ask: WebhookAsk) -> dict[str, Any]:
        """Tell an address no more."""
        self._ledger.unsubscribe(self._found(ask.webhook_id).name)
        return {}

    def test(self, ask: WebhookAsk) -> dict[str, Any]:
        """Send an example of its first event now."""
        tried = self._ledger.test(self._found(ask.webhook_id).name)
        return {"result": filled(response_status=200 if tried.taken else None, error_message=tried.error) | {"success": tried.taken}}

    def _webhooks(self) -> list[Subscription]:
        return [one for one in self._ledger.subscriptions() if one.sink == SINK and "created_ms" in one.parameters]

    def _found(self, webhook_id: str) -> Subscription:
        for one in self._webhooks():
            if one.name == webhook_id:
                return one
        raise NotFound(f"Webhook with ID {webhook_id[:200]} not found.")

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/webhooks", create, "access:admin"),
        Op("GET", f"{A2}/webhooks", all, "access:admin"),
        Op("GET", f"{A2}/webhooks/{{webhook_id}}", get, "access:admin"),
        Op("PATCH", f"{A2}/webhooks/{{webhook_id}}", update, "access:admin"),
        Op("DELETE", f"{A2}/webhooks/{{webhook_id}}", delete, "access:admin"),
        Op("POST", f"{A2}/webhooks/{{webhook_id}}/test", test, "access:admin"),
    ]


def _shown(found: Subscription) -> dict[str, Any]:
    said = found.parameters
    events = [dict(zip(("entity", "action"), text.upper().split("."), strict=True)) for text in str(said["events"]).split(",")]
    return filled(
        webhook_id=found.name, name=said["name"], description=said["description"], url=said["url"], events=events,
        status="DISABLED" if found.paused else "ACTIVE", creation_timestamp=said["created_ms"], last_updated_timestamp=said["changed_ms"],
    )  # fmt: skip


def _events(given: tuple[Happening, ...]) -> str:
    return ",".join(dict.fromkeys(one.text for one in given))


def _verbs(given: tuple[Happening, ...]) -> list[str]:
    return sorted({verb for one in given for verb in VERBS[one.text]})


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        hint = "letters, digits, dots, underscores and hyphens, at most 63, a letter or digit first and last"
        raise Invalid(f"Webhook name {text[:100]!r} is invalid.", hint=hint, field="name")
    return text


def _url(text: str) -> str:
    if not text.strip():
        raise Invalid(f"Webhook URL cannot be empty or just whitespace: {text[:100]!r}", field="url")
    try:
        scheme = urlsplit(text).scheme
    except ValueError as error:
        raise Invalid(f"Invalid webhook URL {text[:200]!r}: {error}", field="url") from None
    if scheme not in ("http", "https"):
        raise Invalid(f"Invalid webhook URL scheme: {scheme!r}. Allowed schemes are: http, https.", field="url")
    return text


def _paused(status: str) -> bool:
    if status not in _STATES:
        raise Invalid(f"Invalid value {status[:100]!r} for parameter 'status' supplied", hint="ACTIVE, DISABLED", field="status")
    return _STATES[status]
