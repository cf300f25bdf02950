"""Tables of access: projects, actors, role bindings, custom roles. Credentials are in `credential_store`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
)

from ostinato.access.types import ALL_PROJECTS, Actor, Binding, Project, Role
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

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
    Column("source", String(8), primary_key=True),
    Index("access_binding_project", "project"),
)

role_table = Table(
    "access_role",
    metadata,
    Column("name", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("summary", Text, nullable=False),
    Column("permissions", Json, nullable=False),
)

epoch_table = Table(
    "access_epoch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# ---- the epoch: what was read under one value of it stays true as long as it has that value

_epoch = Prepared(select(epoch_table.c.value).where(epoch_table.c.id == 1))
_next = epoch_table.update().where(epoch_table.c.id == 1).values(value=epoch_table.c.value + 1)


def epoch(tx: Tx) -> int:
    """The epoch: the number of changes of permissions and tokens."""
    found = tx.fetch(_epoch)
    return int(found[0][0]) if found else 0


def bump(tx: Tx) -> None:
    """Begin a new epoch: in the transaction of every change to rights or tokens."""
    if not tx.execute(_next).rowcount:
        tx.insert_missing(epoch_table, {"id": 1, "value": 1})


# ---- projects and actors


def projects(tx: Tx) -> list[Project]:
    """All projects by name."""
    return [Project(**row._mapping) for row in tx.all(select(project_table).order_by(project_table.c.name))]


def add_project(tx: Tx, project: Project) -> None:
    """Store a new project."""
    bump(tx)
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
    """Store a new actor."""
    bump(tx)
    tx.execute(actor_table.insert(), {"id": new.id, "kind": new.kind, "disabled": new.disabled, "created_at": new.created_at})


def disable(tx: Tx, name: str, disabled: bool) -> None:
    """Disable an actor, or enable it again."""
    bump(tx)
    tx.execute(actor_table.update().where(actor_table.c.id == name).values(disabled=disabled))


# ---- bindings

_bindings = select(binding_table).order_by(*binding_table.primary_key.columns)


def bindings(tx: Tx, *, actor: str | None = None, projects: Sequence[str] = (), source: str | None = None) -> list[Binding]:
    """The bindings of an actor, or those in any of `projects`, or all."""
    query = _bindings if actor is None else _bindings.where(binding_table.c.actor == actor)
    query = query.where(binding_table.c.project.in_(projects)) if projects else query
    query = query if source is None else query.where(binding_table.c.source == source)
    return [Binding(**row._mapping) for row in tx.all(query)]


def bind(tx: Tx, binding: Binding) -> bool:
    """Add a binding; False if it was there."""
    bump(tx)
    row = {"actor": binding.actor, "project": binding.project, "role": binding.role, "source": binding.source}
    return tx.insert_missing(binding_table, row)


def unbind(tx: Tx, binding: Binding) -> bool:
    """Remove a binding; False if there was none."""
    bump(tx)
    table = binding_table.c
    where = (table.actor == binding.actor, table.project == binding.project, table.role == binding.role, table.source == binding.source)
    return tx.execute(binding_table.delete().where(*where)).rowcount > 0


_HERE = [ALL_PROJECTS, bindparam("project")]
_held = (
    select(binding_table.c.role, role_table.c.permissions)
    .distinct()
    .select_from(
        binding_table.join(actor_table, actor_table.c.id == binding_table.c.actor).outerjoin(
            role_table, and_(role_table.c.name == binding_table.c.role, role_table.c.project.in_(_HERE))
        )
    )
    .where(binding_table.c.actor == bindparam("actor"), binding_table.c.project.in_(_HERE))
    .where(actor_table.c.disabled.is_(False))
)
_held_here = _held.where(exists(select(literal_column("1")).where(project_table.c.name == bindparam("project"))))


def held(tx: Tx, actor: str, project: str) -> dict[str, list[str] | None]:
    """The roles of an actor in an existing project, with the patterns of those that are custom; in `*`, those that hold everywhere."""
    query = _held if project == ALL_PROJECTS else _held_here
    return {row.role: row.permissions for row in tx.all(query, {"actor": actor, "project": project})}


_held_anywhere = (
    select(binding_table.c.project, binding_table.c.role, role_table.c.permissions)
    .distinct()
    .select_from(
        binding_table.join(actor_table, actor_table.c.id == binding_table.c.actor).outerjoin(
            role_table,
            and_(
                role_table.c.name == binding_table.c.role,
                or_(role_table.c.project == ALL_PROJECTS, role_table.c.project == binding_table.c.project),
            ),
        )
    )
    .where(binding_table.c.actor == bindparam("actor"), actor_table.c.disabled.is_(False))
)


def held_by_project(tx: Tx, actor: str) -> dict[str, dict[str, list[str] | None]]:
    """The roles of an actor in every project, as `held` tells them of one."""
    found: dict[str, dict[str, list[str] | None]] = {}
    for row in tx.all(_held_anywhere, {"actor": actor}):
        found.setdefault(row.project, {})[row.role] = row.permissions
    return found


# ---- custom roles

_roles = select(role_table).order_by(role_table.c.name, role_table.c.project)


def roles(tx: Tx, project: str | None = None) -> list[Role]:
    """The custom roles that may be granted in a project, or all."""
    query = _roles if project is None else _roles.where(role_table.c.project.in_([ALL_PROJECTS, project]))
    return [Role(**row._mapping) for row in tx.all(query)]


def put_role(tx: Tx, role: Role) -> None:
    """Store a custom role, in place of one of the same name and project."""
    drop_role(tx, role)
    tx.execute(role_table.insert(), {"name": role.name, "project": role.project, "summary": role.summary, "permissions": role.permissions})


def drop_role(tx: Tx, role: Role) -> None:
    """Delete a custom role."""
    bump(tx)
    tx.execute(role_table.delete().where(role_table.c.name == role.name, role_table.c.project == role.project))
