"""Glance: the little of models that overviews read, the same effort however long their history is."""

from __future__ import annotations

from sqlalchemy import select

from ostinato.registry import store
from ostinato.registry.binding import CHAMPION
from ostinato.registry.types import AliasState, Check, Model, ModelVersion
from ostinato.storage.rows.rows import Tx


def models(tx: Tx, project: str) -> list[Model]:
    """Every model, by name."""
    return store.all_models(tx, project)


def champion(tx: Tx, project: str, model: str) -> AliasState | None:
    """What is champion now, since when, and by whom."""
    last = store.last_move(tx, project, model, CHAMPION)
    return None if last is None or last.how == "withdrawn" else last


def version(tx: Tx, project: str, of: Model, number: int) -> ModelVersion | None:
    """One version of a model."""
    return store.one_version(tx, project, of, number)


def newest(tx: Tx, project: str, of: Model, limit: int) -> list[ModelVersion]:
    """The newest versions of a model, newest first."""
    return store.newest_versions(tx, project, of, limit)


def checked(tx: Tx, project: str, made: ModelVersion) -> Check | None:
    """The latest check of a version, if it is about the version as it is."""
    found = store.last_check(tx, project, made.ref)
    return found if found is not None and found.binding == made.binding else None


def flavors(tx: Tx) -> list[str]:
    """The flavors of all versions in all projects, each once."""
    return [row.flavor for row in tx.all(select(store.version.c.flavor).distinct())]
