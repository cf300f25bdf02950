"""Cheap queries on models for overview pages; their cost does not grow with the length of a model's history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from ostinato.kernel.errors import Denied, NotFound
from ostinato.registry import emergency, store, tables
from ostinato.registry.binding import CHAMPION, valid_approvals
from ostinato.registry.types import AliasState, Check, Emergency, Model, ModelVersion
from ostinato.storage.rows.rows import Tx


def models(tx: Tx, project: str) -> list[Model]:
    """Every model, by name."""
    return store.all_models(tx, project)


def champion(tx: Tx, project: str, model: str) -> AliasState | None:
    """The current champion of a model, since when, and by whom."""
    last = store.last_move(tx, project, model, CHAMPION)
    return None if last is None or last.how == "withdrawn" else last


def version(tx: Tx, project: str, of: Model, number: int, now: datetime) -> ModelVersion | None:
    """One version of a model."""
    return store.one_version(tx, project, of, number, now)


def newest(tx: Tx, project: str, of: Model, limit: int, now: datetime) -> list[ModelVersion]:
    """The newest versions of a model, newest first."""
    return store.newest_versions(tx, project, of, limit, now)


def checked(tx: Tx, project: str, made: ModelVersion) -> Check | None:
    """The latest check of a version, if it is about the version as it is."""
    found = store.last_check(tx, project, made.ref)
    return found if found is not None and found.binding == made.binding else None


def approvers(made: ModelVersion, now: datetime) -> set[str]:
    """The approvers of a version whose approvals are valid."""
    return {decision.responsible for decision in valid_approvals(made.decisions, made.binding, now)}


def emergencies(tx: Tx, project: str) -> list[Emergency]:
    """Emergency promotions without a review, newest first."""
    return emergency.emergencies(tx, project, open=True)


def may_review(tx: Tx, made: Emergency, actor: str, now: datetime) -> bool:
    """Whether an actor may review an emergency promotion."""
    try:
        emergency.require_reviewer(tx, made, actor, now)
    except (Denied, NotFound):
        return False
    return True


def flavors(tx: Tx) -> list[str]:
    """The flavors of all versions in all projects, each once."""
    return [row.flavor for row in tx.all(select(tables.version.c.flavor).distinct())]
