"""Access: the verbs of projects, actors, roles and tokens."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from ostinato.access import store
from ostinato.access.keyfile import keep
from ostinato.access.roles import STORE_WIDE, known, permissions, roles
from ostinato.access.tokens import mint, parse, unknown
from ostinato.access.types import ALL_PROJECTS, Actor, Binding, IssuedToken, Kind, Project, Role, Token, Whoami
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock, SystemClock
from ostinato.kernel.errors import Conflict, Corrupt, Denied, Invalid, NotFound, Unauthenticated
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx

_ADMIN = "person:admin"
_ENGINE = "service:ostinato"
_BOOTSTRAP = "bootstrap"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_USE_EXACT_TO = timedelta(minutes=10)
_DAYS_MAX = 3650


class Access:
    """Who may do what where. `record` is told of every change, in its transaction: `Ledger.append`.

    Nobody gives or takes away more than they have themselves. A caller who is no actor of the store is its owner: who opened its files in
    process; over the wire nobody comes without a token of an actor.
    """

    def __init__(self, rows: Rows, record: Callable[..., object], clock: Clock, machine_clock: Clock | None = None) -> None:
        self._rows = rows
        self._record = record
        self._clock = clock
        # Credentials live in real time: a replay of a year must neither expire them nor keep them alive.
        self._machine_clock = machine_clock or SystemClock()

    # ---- deciding

    def authenticate(self, secret: str) -> Actor:
        """The actor to whom the token `secret` was issued.

        Raises:
            Unauthenticated: it is no token, or one that is unknown, expired or revoked, or whose actor is disabled.
        """
        parsed, now = parse(secret), self._machine_clock.now()
        found = self._rows.read(lambda tx: store.credential(tx, parsed.id))
        if found is None or not hmac.compare_digest(found.hash, parsed.hash) or found.revoked or found.disabled or found.expires_at <= now:
            raise unknown()
        if found.last_used_at is None or now - found.last_used_at > _USE_EXACT_TO:
            self._rows.write(lambda tx: store.touch(tx, parsed.id, now))
        return Actor(id=found.id, kind=found.kind, disabled=found.disabled, created_at=found.created_at)

    def may(self, actor: str, permission: str, project: str) -> bool:
        """Whether a role of `actor` grants `permission` in the existing `project`."""
        return permission in permissions(self._rows.read(lambda tx: store.held(tx, actor, project)))

    def whoami(self) -> Whoami:
        """The caller, with its roles and permissions in the present project."""
        who = caller()
        held = self._rows.read(lambda tx: store.held(tx, who.actor, who.project))
        return Whoami(actor=who.actor, project=who.project, roles=sorted(set(held)), permissions=sorted(permissions(held)))

    def roles(self) -> list[Role]:
        """All roles and what they permit."""
        return roles()

    # ---- projects

    def create_project(self, name: str, description: str = "") -> Project:
        """Make a project; a repeat with the same description returns it.

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
        who = caller().actor

        def query(tx: Tx) -> list[Project]:
            bound = {binding.project for binding in store.bindings(tx, actor=who)}
            everywhere = ALL_PROJECTS in bound or _is_owner(tx, who)
            return [project for project in store.projects(tx) if everywhere or project.name in bound]

        return self._rows.read(query)

    # ---- actors and their roles

    def create_person(self, name: str, roles: list[str] | None = None) -> Actor:
        """Make the actor `person:<name>`, if need be, and give it `roles` in the present project.

        Raises:
            NotFound: there is no such role.
            Denied: a role permits what the caller may not.
            Conflict: the actor is disabled.
        """
        return self._create("person", name, roles or [])

    def create_service(self, name: str, roles: list[str] | None = None) -> Actor:
        """Make the actor `service:<name>`, if need be, and give it `roles` in the present project; raises as `create_person`."""
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
        """The actors with a role in the present project; for who administers the store, all."""
        who = caller()

        def query(tx: Tx) -> list[Actor]:
            if _is_owner(tx, who.actor) or store.held(tx, who.actor, ALL_PROJECTS):
                return store.actors(tx)
            bound = {binding.actor for binding in store.bindings(tx, projects=[who.project, ALL_PROJECTS])}
            return [actor for actor in store.actors(tx) if actor.id in bound]

        return self._rows.read(query)

    def bindings(self) -> list[Binding]:
        """Who has which role in the present project."""
        project = caller().project
        return self._rows.read(lambda tx: store.bindings(tx, projects=[project, ALL_PROJECTS]))

    def grant(self, actor: str, role: str) -> Binding:
        """Give an actor a role in the present project (`admin`: in all); a repeat changes nothing.

        Raises:
            NotFound: no such actor or role.
            Denied: the role permits what the caller may not.
        """
        return self._rows.write(lambda tx: self._bind(tx, self._known(tx, actor).id, role))

    def revoke(self, actor: str, role: str) -> Binding:
        """Take a role away; a repeat changes nothing. Raises as `grant`, and Conflict for the last administrator."""

        def change(tx: Tx) -> Binding:
            binding = _binding(self._known(tx, actor).id, role)
            _require_cover(tx, [binding])
            if store.unbind(tx, binding):
                _require_administrator(tx)
                self._record(tx, "role.revoked", Ref.parse(actor), data={"role": role, "project": binding.project})
            return binding

        return self._rows.write(change)

    def _bind(self, tx: Tx, actor: str, role: str) -> Binding:
        binding = _binding(actor, role)
        _require_cover(tx, [binding])
        if store.bind(tx, binding):
            self._record(tx, "role.granted", Ref.parse(actor), data={"role": role, "project": binding.project})
        return binding

    def disable(self, actor: str) -> Actor:
        """Shut an actor out, at once: no permission and no token of its works any more; a repeat changes nothing.

        Raises:
            NotFound: no such actor.
            Denied: it may what the caller may not.
            Conflict: it is the last administrator.
        """
        return self._switch(actor, disabled=True)

    def enable(self, actor: str) -> Actor:
        """Let a disabled actor in again, with the roles and tokens that it had. Raises as `disable`."""
        return self._switch(actor, disabled=False)

    def _switch(self, actor: str, *, disabled: bool) -> Actor:
        def change(tx: Tx) -> Actor:
            present = self._known(tx, actor)
            _require_cover(tx, store.bindings(tx, actor=actor))
            if present.disabled != disabled:
                store.disable(tx, actor, disabled)
                _require_administrator(tx)
                self._record(tx, "actor.disabled" if disabled else "actor.enabled", Ref.parse(actor))
            return self._known(tx, actor)

        return self._rows.write(change)

    def _known(self, tx: Tx, actor: str) -> Actor:
        found = store.actor(tx, actor)
        if found is None:
            raise NotFound.named("actor", actor, [known.id for known in store.actors(tx)])
        return found

    # ---- tokens

    def issue_token(self, actor: str, days: int = 90, name: str = "") -> IssuedToken:
        """A new token for `actor`, good for `days` (1 to 3650); its secret is shown this once.

        With a `name`, it replaces the actor's token of that name, which stops working: a repeated call leaves one token.

        Raises:
            NotFound: no such actor.
            Denied: the actor may what the caller may not.
            Invalid: `days` is out of range.
        """
        if not 1 <= days <= _DAYS_MAX:
            raise Invalid(f"a token is good for 1 to {_DAYS_MAX} days, not {days}", field="days")

        def change(tx: Tx) -> IssuedToken:
            owner = self._known(tx, actor)
            if owner.disabled:
                raise Conflict(f"{actor} is disabled", hint=f"ostinato access enable {actor}")
            if actor != caller().actor:
                _require_cover(tx, store.bindings(tx, actor=actor))
            secret = mint(owner.kind)
            return IssuedToken(token=self._add_token(tx, actor, name, days, secret), secret=secret)

        return self._rows.write(change)

    def _add_token(self, tx: Tx, actor: str, name: str, days: int, secret: str) -> Token:
        parsed, now = parse(secret), self._machine_clock.now()
        token = Token(id=parsed.id, actor=actor, name=name, created_at=now, expires_at=now + timedelta(days=days))
        for old in store.tokens(tx, actor):
            if name and old.name == name and not old.revoked:
                self._revoke_token(tx, old)
        store.add_token(tx, token, parsed.hash)
        self._record(tx, "token.issued", Ref.parse(actor), data={"token": token.id, "name": name, "days": days})
        return token

    def revoke_token(self, token: str) -> Token:
        """Make the token with the public id `token` useless, at once and for good; a repeat changes nothing.

        Raises:
            NotFound: no such token.
            Denied: its actor may what the caller may not.
        """

        def change(tx: Tx) -> Token:
            present = store.token(tx, token)
            if present is None:
                raise NotFound(f"no token {token!r}", hint="pass its id, the ten characters after the underscore")
            if present.actor != caller().actor:
                _require_cover(tx, store.bindings(tx, actor=present.actor))
            if not present.revoked:
                self._revoke_token(tx, present)
            return store.token(tx, token) or present

        return self._rows.write(change)

    def _revoke_token(self, tx: Tx, token: Token) -> None:
        store.revoke(tx, token.id)
        self._record(tx, "token.revoked", Ref.parse(token.actor), data={"token": token.id})

    def tokens(self, actor: str | None = None) -> list[Token]:
        """The tokens of the actors that `actors` lists, or of one of them, newest first; never their secrets."""
        shown = {known.id for known in self.actors()}
        return [token for token in self._rows.read(lambda tx: store.tokens(tx, actor)) if token.actor in shown]

    # ---- the first start

    def bootstrap(self, data: Path) -> None:
        """Make the project `default`, the administrator `person:admin`, and its token in `<data>/admin-token` (0600).

        Done again at every start, it only adds what is missing: the file is written before the row that makes its token work, so that a
        crash between the two leaves a token that the next start puts into force. A deleted file brings a new token; the old one dies.
        """
        secret = keep(data / "admin-token", lambda: f"{mint('person')}\n".encode()).decode().strip()
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
            self._add_token(tx, _ADMIN, _BOOTSTRAP, 365, secret)

        if self._rows.read(lambda tx: store.token(tx, token)) is None:
            with calling(Caller(actor=_ENGINE)):
                self._rows.write(lambda tx: None if store.token(tx, token) else change(tx))


def _name(name: str) -> str:
    """`name`, if it is one: a Ref would take `bot@7` as well, and folders are called after projects.

    Raises:
        Invalid: it has another shape.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"not a name: {name[:100]!r}", hint="up to 64 letters, digits, dots, dashes and underscores", field="name")
    return name


def _binding(actor: str, role: str) -> Binding:
    return Binding(actor=actor, role=known(role), project=ALL_PROJECTS if role in STORE_WIDE else caller().project)


def _is_owner(tx: Tx, actor: str) -> bool:
    return store.actor(tx, actor) is None


def _require_cover(tx: Tx, bindings: Iterable[Binding]) -> None:
    """Refuse to touch what reaches beyond the caller's own permissions."""
    who = caller().actor
    if _is_owner(tx, who):
        return
    for binding in bindings:
        missing = permissions([binding.role]) - permissions(store.held(tx, who, binding.project))
        if missing:
            what, where = sorted(missing)[0], "all projects" if binding.project == ALL_PROJECTS else binding.project
            hint = f"ask who has {what} in {where}"
            raise Denied(f"{binding.role} in {where} permits what {who} may not: {what}", hint=hint, permission=what)


def _require_administrator(tx: Tx) -> None:
    """Refuse a change after which nobody administers the store."""
    if not any(store.held(tx, binding.actor, ALL_PROJECTS) for binding in store.bindings(tx, projects=[ALL_PROJECTS])):
        raise Conflict("nobody would administer the store any more", hint="grant admin to somebody else first")
