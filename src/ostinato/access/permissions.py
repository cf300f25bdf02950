"""The caller's permissions, and the checks that nobody grants, revokes or sees more than their own permissions cover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ostinato.access import credential_store, store
from ostinato.access.roles import REVIEW, built_in, expand, permissions
from ostinato.access.types import ALL_PROJECTS, Actor, Binding, Credential
from ostinato.kernel.caller import Scope, caller
from ostinato.kernel.errors import Conflict, Denied, NotFound
from ostinato.storage.rows.rows import Tx

ADMINISTER = "access:admin"


def granted(held: Mapping[str, Sequence[str] | None]) -> frozenset[str]:
    """The union of the permissions of roles; those with patterns are custom."""
    ours = permissions(role for role, patterns in held.items() if patterns is None and built_in(role))
    return ours.union(*(expand(patterns) for patterns in held.values() if patterns is not None))


def limited(found: frozenset[str], by: Credential | None, project: str) -> frozenset[str]:
    """The permissions of an actor in a project, reduced to the scope of this credential."""
    if by is None:
        return found
    if by.projects is not None and project not in by.projects:
        return frozenset()
    if by.permissions is not None:
        found = found & expand(by.permissions)
    return found - REVIEW if by.delegated else found


def presented_credential(tx: Tx) -> Credential | None:
    """The caller's credential, or within an execution its stored scope; None in process."""
    who = caller()
    if who.credential or who.scope is None:
        return credential_store.limits(tx, who.credential) if who.credential else None
    scope = who.scope
    return Credential(id="", actor=who.actor, permissions=scope.permissions, projects=scope.projects, delegated=scope.delegated)


def scope_to_store(tx: Tx) -> dict[str, Any] | None:
    """The caller's scope, as stored with what it starts that outlives its credential; None without limits."""
    by = presented_credential(tx)
    if by is None or (by.permissions is None and by.projects is None and not by.delegated):
        return None
    return Scope(permissions=by.permissions, projects=by.projects, delegated=by.delegated).told()


def permits(tx: Tx, permission: str) -> bool:
    """Whether the caller's roles and credential permit this in the current project."""
    return is_owner(tx) or permission in caller_permissions(tx, caller().project)


def caller_permissions(tx: Tx, project: str) -> frozenset[str]:
    """The caller's permissions in a project; for `*`, those that hold in all projects."""
    return limited(granted(store.held(tx, caller().actor, project)), presented_credential(tx), project)


def is_owner(tx: Tx) -> bool:
    """Whether the caller is not an actor of the store, and so must be the process that opened its files."""
    return store.actor(tx, caller().actor) is None


def administers(tx: Tx) -> bool:
    """Whether the caller administers the whole store."""
    return is_owner(tx) or ADMINISTER in caller_permissions(tx, ALL_PROJECTS)


def require_still_permitted(tx: Tx, actor: str, permission: str, project: str) -> None:
    """Refuse to act on behalf of an actor who has lost the permission since; a caller who is no actor of the store is its owner.

    Raises:
        Denied: the actor is disabled, or has lost the roles that permitted it.
    """
    if store.actor(tx, actor) is None:
        return
    if permission not in granted(store.held(tx, actor, project)) | granted(store.held(tx, actor, ALL_PROJECTS)):
        hint = "somebody who may has to set it anew"
        raise Denied(f"{actor} may not {permission} in the project {project} any more", hint=hint, permission=permission)


def is_disabled(tx: Tx, actor: str) -> bool:
    """Whether an actor of the store is disabled."""
    found = store.actor(tx, actor)
    return found is not None and found.disabled


def permissions_of_role(tx: Tx, role: str, project: str) -> frozenset[str]:
    """The permissions of a role in a project."""
    if built_in(role):
        return permissions([role])
    return frozenset().union(*(expand(found.permissions) for found in store.roles(tx, project) if found.name == role))


def require_no_escalation(tx: Tx, bindings: Iterable[Binding], within: Credential | None = None) -> None:
    """Refuse bindings that grant more than the caller has; `within` limits which part of them is meant."""
    if is_owner(tx):
        return
    for binding in bindings:
        wanted = limited(permissions_of_role(tx, binding.role, binding.project), within, binding.project)
        if binding.project == ALL_PROJECTS and within is not None and within.projects is not None:
            require_no_escalation(tx, [Binding(actor=binding.actor, role=binding.role, project=p) for p in within.projects], within)
        else:
            require_permissions(tx, wanted, binding.project, f"{binding.role} permits")


def require_permissions(tx: Tx, wanted: Iterable[str], project: str, what: str) -> None:
    """Refuse permissions that the caller lacks in the project.

    Raises:
        Denied: it does; `permission` is the first that is missing.
    """
    if is_owner(tx):
        return
    if missing := sorted(frozenset(wanted) - caller_permissions(tx, project)):
        where = "all projects" if project == ALL_PROJECTS else project
        hint = f"ask somebody who has {missing[0]} in {where}"
        raise Denied(f"{what} in {where} what {caller().actor} may not: {missing[0]}", hint=hint, permission=missing[0])


def require_administrator(tx: Tx) -> None:
    """Refuse a change after which nobody administers the store."""
    everywhere = store.bindings(tx, projects=[ALL_PROJECTS])
    if not any(ADMINISTER in granted(store.held(tx, binding.actor, ALL_PROJECTS)) for binding in everywhere):
        raise Conflict("nobody would administer the store any more", hint="grant admin to somebody else first")


def visible_actors(tx: Tx) -> list[Actor]:
    """The actors that the caller may see: administrators of the store all, readers of access those of the project, others themselves."""
    who = caller()
    if administers(tx):
        return store.actors(tx)
    known = {who.actor}
    if "access:read" in caller_permissions(tx, who.project):
        known |= {binding.actor for binding in store.bindings(tx, projects=[who.project, ALL_PROJECTS])}
    return [actor for actor in store.actors(tx) if actor.id in known]


def known_actor(tx: Tx, actor: str, *, hidden: bool = False) -> Actor:
    """An actor that the caller may see; with `hidden`, also one that it must name to grant it access.

    Raises:
        NotFound: there is none, or none that the caller may know of; the hint proposes the nearest of those it may.
    """
    known = {found.id: found for found in visible_actors(tx)}
    found = known.get(actor) or (store.actor(tx, actor) if hidden else None)
    if found is None:
        raise NotFound.named("actor", actor, known)
    return found


def visible_projects(tx: Tx, permission: str | None = None) -> list[str]:
    """The projects in which the caller has `permission`, or any permission at all."""
    names = [project.name for project in store.projects(tx)]
    if is_owner(tx):
        return names
    held, by = store.held_by_project(tx, caller().actor), presented_credential(tx)
    everywhere = held.get(ALL_PROJECTS, {})
    rights = {name: limited(granted({**everywhere, **held.get(name, {})}), by, name) for name in names}
    return [name for name, found in rights.items() if (permission in found if permission else found)]
