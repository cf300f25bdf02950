"""Events as the webhooks of MLflow post them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import unquote

from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger.post import Receiver
from ostinato.ledger.types import Parcel, Surroundings

_IS_PROMPT, _TEMPLATE = "mlflow.prompt.is_prompt", "mlflow.prompt.text"
_EXAMPLE = {"name": "example", "version": "1", "key": "example_key", "value": "example_value", "alias": "example_alias"}
Told = tuple[str, dict[str, Any]]
"""What happened, such as `model_version.created`, and to what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlflow(Receiver):
    """Posts what happens to registered models to `url`, in the words of MLflow's webhooks and signed like them by `secret`.

    `events` are those that are wanted, such as `model_version.created,model_version_alias.created`. `name`, `description` and the times
    are what MLflow's clients are shown of it.
    """

    events: str
    secret: str = ""
    name: str = ""
    description: str = ""
    created_ms: int = 0
    changed_ms: int = 0
    SECRETS: ClassVar[frozenset[str]] = frozenset({"secret"})

    def messages(self, event: Event) -> int:
        """A tag is a message each, as from MLflow."""
        return len(self._found(event))

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Post one of the messages that MLflow would, if it is wanted."""
        what, data = self._found(parcel.event)[parcel.message]
        if what in self.events.split(","):
            self._post(f"{parcel.key}-{parcel.message}", what, data, parcel.event, around)

    def _found(self, event: Event) -> list[Told]:
        return [(self.events.partition(",")[0], _EXAMPLE)] if event.verb == "ledger.tested" else list(told(event))

    def _post(self, delivery: str, what: str, data: dict[str, Any], event: Event, around: Surroundings) -> None:
        entity, _, action = what.partition(".")
        body = json.dumps({"entity": entity, "action": action, "timestamp": event.at.isoformat(), "data": data})
        at = str(int(time.time()))
        headers = {"X-MLflow-Delivery-Id": delivery, "X-MLflow-Timestamp": at}
        if self.secret:
            digest = hmac.digest(self.secret.encode(), f"{delivery}.{at}.{body}".encode(), hashlib.sha256)
            headers["X-MLflow-Signature"] = f"v1,{base64.b64encode(digest).decode()}"
        self.post(body.encode(), headers, around)


def told(event: Event) -> Iterator[Told]:
    """The MLflow webhook payload of an event; most events have none."""
    name, data, tags = unquote(event.subject.name), event.data, event.data.get("tags") or {}
    version = {"name": name, "version": str(event.subject.version)}
    kind = "prompt" if tags.get(_IS_PROMPT) == "true" else ""
    match event.verb:
        case "model.created":
            yield f"{kind or 'registered_model'}.created", {"name": name, "tags": tags, "description": data.get("description") or None}
        case "model.registered":
            of = {"template": tags.get(_TEMPLATE, "")} if kind else {"source": data.get("source", ""), "run_id": data.get("run_id")}
            said = {"tags": tags, "description": data.get("description") or None}
            yield f"{kind or 'model'}_version.created", version | of | said
        case "model.tagged" if event.subject.version is not None:
            for key, value in tags.items():
                gone = value is None
                yield f"model_version_tag.{'deleted' if gone else 'set'}", version | {"key": key} | ({} if gone else {"value": value})
        case "model.promoted" | "model.rolled_back":
            to = Ref.parse(str(data["to"]))
            yield "model_version_alias.created", {"name": name, "alias": data["alias"], "version": str(to.version)}
        case "model.withdrawn":
            yield "model_version_alias.deleted", {"name": name, "alias": data["alias"]}
