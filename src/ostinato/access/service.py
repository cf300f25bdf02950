"""Access: the verbs of projects, actors and roles. Those of tokens, sign-in and devices are in `issue`, `sign_in` and `devices`."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from ostinato.access import credential_store, store
from ostinato.access.devices import Devices
from ostinato.access.exchange import Exchanges
from ostinato.access.issue import Tokens
from ostinato.access.issuer import Issuers
from ostinato.access.keyfile import read_or_create
from ostinato.access.links import Links
from ostinato.access.passwords import Passwords
from ostinato.access.permission_cache import PermissionCache, PermissionView
from ostinato.access.permissions import (
    caller_permissions,
    is_owner,
    known_actor,
    limited,
    presented_credential,
    require_administrator,
    require_no_escalation,
    require_permissions,
    visible_actors,
    visible_projects,
)
from ostinato.access.refusals import Refusals
from ostinato.access.roles import STORE_WIDE, built_in, checked_patterns, expand, roles
from ostinato.access.sign_in import SignIns, alive, digest_of_secret
from ostinato.access.throttle import Throttle
from ostinato.access.tokens import mint, parse, unknown
from ostinato.access.types import ALL_PROJECTS, Actor, Admission, Binding, Credential, Kind, Project, Role, Whoami
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock, SystemClock
from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound, Unauthenticated
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx

_ADMIN = "person:admin"
_ENGINE = "service:ostinato"
_BOOTSTRAP = "bootstrap"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_USE_EXACT_TO = timedelta(minutes=10)


class Access(Tokens, SignIns, Devices, Links, Exchanges):
    """The verbs of permissions. `record` (`Ledger.append`) is called for every change, in its transaction.

    Nobody gives or takes away more than they have themselves. A caller who is no actor of the store is its owner: who opened its files in
    process; over the wire nobody comes without a credential of an actor.
    """

    def __init__(
        self,
        rows: Rows,
        record: Callable[..., object],
        clock: Clock,
        machine_clock: Clock | None = None,
        passwords: Passwords | None = None,
        networks: str = "",
    ) -> None:
        self._rows = rows
        self._record = record
        self._clock = clock
        # Credentials live in real time: a replay of a year must neither expire them nor keep them alive.
        self._machine_clock = machine_clock or SystemClock()
        self._passwords = passwords or Passwords()
        self._throttle = Throttle(rows, self._machine_clock)
        self._issuers = Issuers(networks)
        self._refusals = Refusals()
        self._rights = PermissionCache(rows)
        self._used: dict[str, datetime] = {}

    # ---- deciding

    def admit(self, secret: str, project: str, address: str = "") -> Admission:
        """Whose token `secret` is, and what may be done with it in `project`.

        Raises:
            Unauthenticated: it is no token, or one that is unknown, expired or revoked, or whose actor is disabled.
        """
        parsed, now = parse(secret), self._machine_clock.now()
        found, rights = self._rights.read(
            lambda view: (token := view.token(parsed.id), view.granted(token.reach.actor, project) if token else frozenset())
        )
        if found is None or not hmac.compare_digest(found.hash, parsed.hash):
            raise unknown()
        if found.over or found.expires_at <= now:
            if found.rotated_to:
                self._reused(parsed.id, address)
            raise unknown()
        last = self._used.get(parsed.id) or found.last_used_at
        if last is None or now - last > _USE_EXACT_TO:
            self._rows.write(lambda tx: credential_store.touch(tx, parsed.id, now, now - _USE_EXACT_TO, address))
            self._used[parsed.id] = now
        return Admission(credential=found.reach, permissions=limited(rights, found.reach, project))

    def admit_session(self, secret: str, project: str) -> Admission:
        """Whose session `secret` is, and what may be done in it in `project`.

        Raises:
            Unauthenticated: the session is unknown or over, or its actor is disabled.
        """
        hashed, now = digest_of_secret(secret), self._machine_clock.now()
        found, rights = self._rights.read(
            lambda view: (
                session := credential_store.session(view.tx, hashed),
                view.granted(session.actor, project) if session else frozenset(),
            )
        )
        if found is None or not alive(found, now):
            raise Unauthenticated("the session is over", hint="sign in again")
        if now - found.seen_at > _USE_EXACT_TO:
            self._rows.write(lambda tx: credential_store.touch_session(tx, found.id, now))
        by = Credential(id=found.id, actor=found.actor, delegated=found.delegated)
        return Admission(credential=by, permissions=limited(rights, by, project))

    def authenticate(self, secret: str) -> Actor:
        """The actor whose token `secret` is. Raises as `admit`."""
        found = self.admit(secret, ALL_PROJECTS).credential.actor
        actor = self._rows.read(lambda tx: store.actor(tx, found))
        if actor is None:
            raise unknown()
        return actor

    def may(self, actor: str, permission: str, project: str) -> bool:
        """Whether a role of `actor` grants `permission` in the existing `project`."""
        return permission in self._rights.read(lambda view: view.granted(actor, project))

    def is_project(self, name: str) -> bool:
        """Whether there is such a project."""
        return self._rows.read(lambda tx: any(project.name == name for project in store.projects(tx)))

    def visible_projects(self, permission: str | None = None) -> list[str]:
        """The projects in which the caller has `permission`, or any permission at all."""
        return self._rows.read(lambda tx: visible_projects(tx, permission))

    def whoami(self) -> Whoami:
        """The caller, with its roles and permissions in the current project."""
        who = caller()

        def query(view: PermissionView) -> Whoami:
            by = presented_credential(view.tx) if who.scope else view.reach(who.credential)
            permissions = limited(view.granted(who.actor, who.project), by, who.project)
            roles = view.roles(who.actor, who.project)
            return Whoami(
                actor=who.actor, project=who.project, roles=roles, permissions=sorted(permissions),
                identity=credential_store.identities(view.tx, who.actor).get(who.actor),
                has_password=credential_store.password(view.tx, who.actor) is not None,
            )  # fmt: skip

        return self._rights.read(query)

    # ---- roles

    def roles(self) -> list[Role]:
        """All roles that can be granted in the current project, with their permissions."""
        project = caller().project
        return roles() + self._rows.read(lambda tx: store.roles(tx, project) if is_owner(tx) or caller_permissions(tx, project) else [])

    def define_role(self, role: str, permissions: list[str], summary: str = "", everywhere: bool = False) -> Role:
        """Create or change a custom role, for the current project or, with `everywhere`, for all. It changes for everybody who has it.

        `permissions` are patterns: `run:write`, `run:*`, `*:read`.

        Raises:
            Denied: it permits, or permitted, what the caller may not.
            Conflict: every store has a role of that name, or another project's stands in the way.
            Invalid: a pattern stands for no permission.
        """
        project = ALL_PROJECTS if everywhere else caller().project
        new = Role(name=_name(role), summary=summary, permissions=checked_patterns(permissions), project=project)

        def change(tx: Tx) -> Role:
            namesakes = [found for found in store.roles(tx) if found.name == role and ALL_PROJECTS in (found.project, project)]
            if built_in(role) or any(found.project != project for found in namesakes):
                raise Conflict(f"there is a role {role!r} already", hint="take another name")
            known = next((found for found in store.roles(tx) if (found.name, found.project) == (role, project)), None)
            require_permissions(tx, expand([*new.permissions, *(known.permissions if known else ())]), project, f"{role} permits")
            if known != new:
                store.put_role(tx, new)
                self._record(tx, "role.defined", Ref("role", role), data={"permissions": new.permissions, "project": project})
            return new

        return self._rows.write(change)

    def drop_role(self, role: str, everywhere: bool = False) -> None:
        """Delete a custom role.

        Raises:
            NotFound: there is none of that name.
            Denied: it permits what the caller may not.
            Conflict: somebody has it.
        """
        project = ALL_PROJECTS if everywhere else caller().project

        def change(tx: Tx) -> None:
            known = {found.name: found for found in store.roles(tx, project) if found.project == project}
            if role not in known:
                raise NotFound.named("custom role", role, known)
            require_permissions(tx, expand(known[role].permissions), project, f"{role} permits")
            places = () if everywhere else (project,)
            if holders := [binding.actor for binding in store.bindings(tx, projects=places) if binding.role == role]:
                raise Conflict(f"{holders[0]} has the role {role!r}", hint=f"ostinato access revoke {holders[0]} {role}")
            store.drop_role(tx, known[role])
            self._record(tx, "role.dropped", Ref("role", role), data={"project": project})

        self._rows.write(change)

    # ---- projects

    def create_project(self, name: str, description: str = "") -> Project:
        """Create a project. Idempotent: the same call again returns it.

        Raises:
            Conflict: it exists with another description.
        """
        project = Project(name=_name(name), description=description, created_at=self._clock.now())
        return self._rows.write(lambda tx: self._add_project(tx, project))

    def _add_project(self, tx: Tx, project: Project) -> Project:
        subject = Ref("project", project.name)
        for present in store.projects(tx):
            if present.name == project.name:
                if present.description != project.description:
                    raise Conflict(f"there is a project {project.name!r} with another description", hint="take another name")
                return present
        store.add_project(tx, project)
        self._record(tx, "project.created", subject)
        return project

    def projects(self) -> list[Project]:
        """The projects in which the caller has a role."""

        def query(tx: Tx) -> list[Project]:
            visible = set(visible_projects(tx))
            return [project for project in store.projects(tx) if project.name in visible]

        return self._rows.read(query)

    # ---- actors and their roles

    def create_person(self, name: str, roles: list[str] | None = None) -> Actor:
        """Create the actor `person:<name>` if it does not exist, and grant it `roles` in the current project.

        Raises:
            NotFound: there is no such role.
            Denied: a role permits what the caller may not.
            Conflict: the actor is disabled.
        """
        return self._create("person", name, roles or [])

    def create_service(self, name: str, roles: list[str] | None = None) -> Actor:
        """Create the actor `service:<name>` if it does not exist, and grant it `roles`. Raises as `create_person`."""
        return self._create("service", name, roles or [])

    def _create(self, kind: Kind, name: str, roles: Iterable[str]) -> Actor:
        new = Actor(id=str(Ref(kind, _name(name))), kind=kind, disabled=False, created_at=self._clock.now())
        if new.id == _ENGINE:
            raise Invalid(f"{_ENGINE} is the platform itself", hint="take another name", field="name")

        def change(tx: Tx) -> Actor:
            actor = store.actor(tx, new.id) or self._add_actor(tx, new)
            if actor.disabled:
                raise Conflict(f"{actor.id} is disabled", hint=f"ostinato access enable {actor.id}")
            for role in roles:
                self._bind(tx, actor.id, role)
            return actor

        return self._rows.write(change)

    def _add_actor(self, tx: Tx, new: Actor) -> Actor:
        store.add_actor(tx, new)
        self._record(tx, "actor.created", Ref.parse(new.id))
        return new

    def actors(self) -> list[Actor]:
        """The actors with a role in the current project; for administrators of the store, all actors."""

        def query(tx: Tx) -> list[Actor]:
            elsewhere = credential_store.identities(tx)
            return [replace(found, identity=elsewhere.get(found.id)) for found in visible_actors(tx)]

        return self._rows.read(query)

    def bindings(self, actor: str | None = None) -> list[Binding]:
        """The role bindings of the current project; or those of `actor` in all projects that the caller may read."""
        project = caller().project

        def query(tx: Tx) -> list[Binding]:
            places = [project] if actor is None else visible_projects(tx, "access:read")
            return store.bindings(tx, actor=actor, projects=[*places, ALL_PROJECTS])

        return self._rows.read(query)

    def grant(self, actor: str, role: str) -> Binding:
        """Grant an actor a role in the current project (`admin`: in all projects). Idempotent.

        Raises:
            NotFound: no such actor or role.
            Denied: the role permits what the caller may not.
        """
        return self._rows.write(lambda tx: self._bind(tx, known_actor(tx, actor, hidden=True).id, role))

    def revoke(self, actor: str, role: str) -> Binding:
        """Revoke a role. Idempotent. Raises as `grant`, and Conflict for the last administrator."""

        def change(tx: Tx) -> Binding:
            binding = _binding(tx, known_actor(tx, actor, hidden=True).id, role)
            require_no_escalation(tx, [binding])
            if store.unbind(tx, binding):
                require_administrator(tx)
                self._record(tx, "role.revoked", Ref.parse(actor), data={"role": role, "project": binding.project})
            return binding

        return self._rows.write(change)

    def _bind(self, tx: Tx, actor: str, role: str) -> Binding:
        binding = _binding(tx, actor, role)
        require_no_escalation(tx, [binding])
        if store.bind(tx, binding):
            self._record(tx, "role.granted", Ref.parse(actor), data={"role": role, "project": binding.project})
        return binding

    def disable(self, actor: str) -> Actor:
        """Disable an actor: its permissions, tokens and sessions stop working at once. Idempotent.

        Raises:
            NotFound: no such actor.
            Denied: it may what the caller may not.
            Conflict: it is the last administrator.
        """
        return self._switch(actor, disabled=True)

    def enable(self, actor: str) -> Actor:
        """Enable a disabled actor, with the roles and tokens that it had. Raises as `disable`."""
        return self._switch(actor, disabled=False)

    def _switch(self, actor: str, *, disabled: bool) -> Actor:
        def change(tx: Tx) -> Actor:
            present = known_actor(tx, actor)
            require_no_escalation(tx, store.bindings(tx, actor=actor))
            if present.disabled != disabled:
                store.disable(tx, actor, disabled)
                credential_store.end_sessions(tx, actor)
                require_administrator(tx)
                self._record(tx, "actor.disabled" if disabled else "actor.enabled", Ref.parse(actor))
            return replace(present, disabled=disabled)

        return self._rows.write(change)

    # ---- the first start

    def bootstrap(self, data: Path) -> None:
        """Make the project `default`, the administrator `person:admin`, and its token in `<data>/admin-token` (0600).

        Done again at every start, it only adds what is missing: the file is written before the row that makes its token work, so that a
        crash between the two leaves a token that the next start puts into force. A deleted file brings a new token; the old one dies.
        """
        secret = read_or_create(data / "admin-token", lambda: f"{mint('person')}\n".encode()).decode().strip()
        try:
            token = parse(secret).id
        except Unauthenticated as error:
            raise Corrupt(f"{data / 'admin-token'} holds no token", hint="delete the file; the next start makes a new one") from error

        def change(tx: Tx) -> None:
            first = store.actor(tx, _ADMIN) is None
            if first:
                self._add_project(tx, Project(name="default", description="", created_at=self._clock.now()))
                self._add_actor(tx, Actor(id=_ADMIN, kind="person", disabled=False, created_at=self._clock.now()))
                self._bind(tx, _ADMIN, "admin")
            admin = Actor(id=_ADMIN, kind="person", disabled=False, created_at=self._clock.now())
            self._add_token(tx, admin, _BOOTSTRAP, timedelta(days=365), Credential(id="", actor=_ADMIN), secret)

        if self._rows.read(lambda tx: credential_store.token(tx, token)) is None:
            with calling(Caller(actor=_ENGINE)):
                self._rows.write(lambda tx: None if credential_store.token(tx, token) else change(tx))


def _name(name: str) -> str:
    """`name`, if it is one: a Ref would take `bot@7` as well, and folders are called after projects.

    Raises:
        Invalid: it has another shape.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"not a name: {name[:100]!r}", hint="up to 64 letters, digits, dots, dashes and underscores", field="name")
    return name


def _binding(tx: Tx, actor: str, role: str) -> Binding:
    project = caller().project
    if not built_in(role) and role not in (custom := {found.name for found in store.roles(tx, project)}):
        raise NotFound.named("role", role, [*custom, *(found.name for found in roles())])
    return Binding(actor=actor, role=role, project=ALL_PROJECTS if role in STORE_WIDE else project)
