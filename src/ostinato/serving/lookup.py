"""Lookup of endpoints by name in the caller's project, and of the versions that may serve."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, NotFound
from ostinato.registry.alias import why_lapsed
from ostinato.registry.binding import valid_approvals
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


def approved_version(version: ModelVersion, now: datetime) -> ModelVersion:
    """The version, if it may serve: somebody has approved it, also where its model asks for no approval before an alias names it.

    Raises:
        Conflict: it is not approved.
    """
    hint = "models.check and models.approve first; only approved versions serve"
    if version.state != "approved":
        lost = why_lapsed(version, now)
        raise Conflict(f"{version.ref} is {version.state}, not approved{': ' if lost else ''}{lost}", hint=hint)
    if not valid_approvals(version.decisions, version.binding, now):
        raise Conflict(f"nobody has approved {version.ref}", hint=hint)
    return version


def servable_version(version: ModelVersion, now: datetime) -> ModelVersion:
    """The version, if it can be deployed at once: approved, or under an emergency promotion.

    Raises:
        Conflict: neither.
    """
    return version if version.state == "emergency" else approved_version(version, now)
