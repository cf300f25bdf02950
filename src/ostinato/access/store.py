"""Tables of access. Actors and tokens belong to the whole store; what an actor may do belongs to a project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, LargeBinary, Row, String, Table, Text, bindparam, exists, select

from ostinato.access.types import ALL_PROJECTS, Actor, Binding, Project, Token
from ostinato.storage.rows.rows import Instant, Tx, metadata

project_table = Table(
    "access_project",
    metadata,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

actor_table = Table(
    "access_actor",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
)

binding_table = Table(
    "access_binding",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Index("access_binding_project", "project"),
)

token_table = Table(
    "access_token",
    metadata,
    Column("id", String(10), primary_key=True),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked", Boolean, nullable=False, default=False),
    Index("access_token_actor", "actor"),
)

# ---- projects and actors


def projects(tx: Tx) -> list[Project]:
    """All projects by name."""
    return [Project(**row._mapping) for row in tx.all(select(project_table).order_by(project_table.c.name))]


def add_project(tx: Tx, project: Project) -> None:
    """Keep a new project."""
    tx.execute(project_table.insert(), {"name": project.name, "description": project.description, "created_at": project.created_at})


_actor = select(actor_table).where(actor_table.c.id == bindparam("id"))


def actor(tx: Tx, name: str) -> Actor | None:
    """The actor with the id `name`."""
    row = tx.first(_actor, {"id": name})
    return None if row is None else Actor(**row._mapping)


def actors(tx: Tx) -> list[Actor]:
    """All actors by id."""
    return [Actor(**row._mapping) for row in tx.all(select(actor_table).order_by(actor_table.c.id))]


def add_actor(tx: Tx, new: Actor) -> None:
    """Keep a new actor."""
    tx.execute(actor_table.insert(), {"id": new.id, "kind": new.kind, "disabled": new.disabled, "created_at": new.created_at})


def disable(tx: Tx, name: str, disabled: bool) -> None:
    """Disable an actor, or enable it again."""
    tx.execute(actor_table.update().where(actor_table.c.id == name).values(disabled=disabled))


# ---- bindings

_bindings = select(binding_table).order_by(binding_table.c.actor, binding_table.c.project, binding_table.c.role)


def bindings(tx: Tx, *, actor: str | None = None, projects: Sequence[str] = ()) -> list[Binding]:
    """The bindings of an actor, or those in any of `projects`, or all."""
    query = _bindings if actor is None else _bindings.where(binding_table.c.actor == actor)
    query = query.where(binding_table.c.project.in_(projects)) if projects else query
    return [Binding(**row._mapping) for row in tx.all(query)]


def bind(tx: Tx, binding: Binding) -> bool:
    """Add a binding; False if it was there."""
    row = {"actor": binding.actor, "project": binding.project, "role": binding.role}
    return tx.insert_missing(binding_table, row)


_held = (
    select(binding_table.c.role)
    .select_from(binding_table.join(actor_table, actor_table.c.id == binding_table.c.actor))
    .where(binding_table.c.actor == bindparam("actor"), binding_table.c.project.in_([ALL_PROJECTS, bindparam("project")]))
    .where(actor_table.c.disabled.is_(False))
)
_held_here = _held.where(exists().where(project_table.c.name == bindparam("project")))


def held(tx: Tx, actor: str, project: str) -> list[str]:
    """The roles of an actor in an existing project; in `*`, those that hold everywhere."""
    query = _held if project == ALL_PROJECTS else _held_here
    return [row.role for row in tx.all(query, {"actor": actor, "project": project})]


def unbind(tx: Tx, binding: Binding) -> bool:
    """Remove a binding; False if there was none."""
    table = binding_table.c
    where = (table.actor == binding.actor, table.project == binding.project, table.role == binding.role)
    return tx.execute(binding_table.delete().where(*where)).rowcount > 0


# ---- tokens

_credential = (
    select(token_table.c.hash, token_table.c.expires_at, token_table.c.last_used_at, token_table.c.revoked, actor_table)
    .select_from(token_table.join(actor_table, actor_table.c.id == token_table.c.actor))
    .where(token_table.c.id == bindparam("token"))
)
_SHOWN = tuple(token_table.c[name] for name in ("id", "actor", "name", "created_at", "expires_at", "last_used_at", "revoked"))


def credential(tx: Tx, token: str) -> Row[Any] | None:
    """The hash and state of a token, with its actor: one look-up by primary key."""
    return tx.first(_credential, {"token": token})


def token(tx: Tx, name: str) -> Token | None:
    """The token with the id `name`."""
    row = tx.first(select(*_SHOWN).where(token_table.c.id == name))
    return None if row is None else Token(**row._mapping)


def tokens(tx: Tx, actor: str | None) -> list[Token]:
    """The tokens of an actor, or of all, newest first."""
    query = select(*_SHOWN).order_by(token_table.c.created_at.desc(), token_table.c.id)
    return [Token(**row._mapping) for row in tx.all(query if actor is None else query.where(token_table.c.actor == actor))]


def add_token(tx: Tx, new: Token, hashed: bytes) -> None:
    """Keep a new token by the hash of its secret."""
    row = {"id": new.id, "actor": new.actor, "name": new.name, "created_at": new.created_at, "expires_at": new.expires_at}
    tx.execute(token_table.insert(), row | {"hash": hashed})


def revoke(tx: Tx, name: str) -> None:
    """Make a token useless for good."""
    tx.execute(token_table.update().where(token_table.c.id == name).values(revoked=True))


def touch(tx: Tx, name: str, at: datetime) -> None:
    """Remember when a token was last used."""
    tx.execute(token_table.update().where(token_table.c.id == name).values(last_used_at=at))
