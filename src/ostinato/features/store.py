"""Tables of feature views, and of the dataset versions that were loaded into the online store."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Integer, Row, Table, Text, and_, bindparam, func, insert, select

from ostinato.features.types import FeatureView
from ostinato.kernel.errors import Invalid
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

views = Table(
    "features_view",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("definition", Json, nullable=False),
    Column("kinds", Json, nullable=False),
    Column("defined_at", Instant, nullable=False),
    Column("defined_by", Text, nullable=False),
)
loads = Table(
    "features_load",
    metadata,
    Column("project", Text, primary_key=True),
    Column("view", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("loaded_at", Instant, nullable=False),
)

_views = select(views).where(views.c.project == bindparam("project")).order_by(views.c.name)
_view = _views.where(views.c.name == bindparam("name"))
_load = select(loads.c.version).where(
    loads.c.project == bindparam("project"), loads.c.view == bindparam("view"), loads.c.version == bindparam("version")
)

_newest = (
    select(loads.c.view, func.max(loads.c.version).label("version")).where(loads.c.project == bindparam("project")).group_by(loads.c.view)
).subquery()
_loaded = and_(loads.c.project == views.c.project, loads.c.view == _newest.c.view, loads.c.version == _newest.c.version)
_standing = (
    select(views, loads.c.version.label("loaded"), loads.c.loaded_at)
    .outerjoin(_newest, _newest.c.view == views.c.name)
    .outerjoin(loads, _loaded)
    .where(views.c.project == bindparam("project"))
    .order_by(views.c.name)
)


def as_stored(view: FeatureView) -> FeatureView:
    """A view as it will come back, so that two can be compared.

    Raises:
        Invalid: a value in it has the wrong type.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(view), FeatureView)
    except (msgspec.ValidationError, TypeError) as error:
        raise Invalid(f"the view is malformed: {error}", field="view") from error


def add_view(tx: Tx, project: str, view: FeatureView, kinds: dict[str, str], at: datetime, by: str) -> None:
    """Store a view, with the types that its columns had when it was defined."""
    told = {"definition": asdict(view), "kinds": kinds, "defined_at": at, "defined_by": by}
    tx.execute(insert(views), {"project": project, "name": view.name, **told})


def view_named(tx: Tx, project: str, name: str) -> tuple[FeatureView, dict[str, str]] | None:
    """A view and the types of its columns."""
    row = tx.first(_view, {"project": project, "name": name})
    return None if row is None else (view_of(row), row.kinds)


def all_views(tx: Tx, project: str) -> list[FeatureView]:
    return [view_of(row) for row in tx.all(_views, {"project": project})]


def view_of(row: Row[Any]) -> FeatureView:
    """The view in a row."""
    return msgspec.convert(row.definition, FeatureView)


def view_rows(tx: Tx, project: str, name: str | None = None) -> list[Row[Any]]:
    """The rows of all views, or of one: `definition`, `kinds`, `defined_at`, `defined_by`, and the newest version `loaded`, and when."""
    return list(tx.all(_standing if name is None else _standing.where(views.c.name == name), {"project": project}))


def add_load(tx: Tx, project: str, view: str, version: int, at: datetime) -> bool:
    """Note that a version went into the online store; False if that was noted before."""
    if tx.first(_load, {"project": project, "view": view, "version": version}) is not None:
        return False
    tx.execute(insert(loads), {"project": project, "view": view, "version": version, "loaded_at": at})
    return True
