"""Find: endpoints by name within the caller's project, and the versions that may serve."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, NotFound
from ostinato.registry.binding import standing
from ostinato.registry.types import ModelVersion
from ostinato.serving import store
from ostinato.storage.rows.rows import Tx


def find_endpoint(tx: Tx, name: str) -> Row[Any]:
    """The row of an endpoint.

    Raises:
        NotFound: there is none; the hint proposes the nearest names.
    """
    project = caller().project
    row = store.endpoint(tx, project, name)
    if row is None:
        raise NotFound.named("endpoint", name, [r.name for r in store.endpoints(tx, project)])
    return row


def approved(version: ModelVersion) -> ModelVersion:
    """The version, if it may serve: somebody has approved it, also where its model asks for no approval before an alias names it.

    Raises:
        Conflict: it is not approved.
    """
    hint = "models.check and models.approve first; only approved versions serve"
    if version.state != "approved":
        raise Conflict(f"{version.ref} is {version.state}, not approved", hint=hint)
    if not standing(version.decisions, version.binding):
        raise Conflict(f"nobody has approved {version.ref}", hint=hint)
    return version
