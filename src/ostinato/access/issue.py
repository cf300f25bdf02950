"""The verbs of Access that issue, rotate, list and revoke tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from ostinato.access import credential_store, store
from ostinato.access.permissions import (
    ADMINISTER,
    administers,
    caller_permissions,
    known_actor,
    presented_credential,
    require_no_escalation,
    visible_actors,
)
from ostinato.access.roles import PERMISSIONS, checked_patterns, expand
from ostinato.access.tokens import mint, parse
from ostinato.access.types import Actor, Credential, IssuedToken, Token
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx

_DAYS_MAX = 3650
_OVERLAP_MAX_H = 7 * 24


class Tokens:
    """A mixin of Access, which sets the attributes that are annotated here."""

    _rows: Rows
    _record: Callable[..., object]
    _machine_clock: Clock

    def issue_token(
        self, actor: str, days: int = 90, name: str = "", permissions: list[str] | None = None, projects: list[str] | None = None
    ) -> IssuedToken:
        """Issue a token for `actor`, valid for `days` (1 to 3650). Only this reply holds its secret.

        It may what its actor may at the time of use, and no more than `permissions` (patterns such as `run:*`) in `projects`, nor than
        the credential by which it is asked for. With a `name`, it replaces the actor's token of that name, which stops working: a
        repeated call leaves one token. Everybody issues their own; those of a service, who administers its projects; those of
        another person, who administers the store. A token that another issued approves nothing.

        Raises:
            NotFound: no such actor or project, or none that the caller may know of.
            Denied: the actor may what the caller may not, or is another person.
            Invalid: `days` is out of range, or a pattern stands for nothing.
        """
        if not 1 <= days <= _DAYS_MAX:
            raise Invalid(f"a token is good for 1 to {_DAYS_MAX} days, not {days}", field="days")
        patterns = None if permissions is None else checked_patterns(permissions)

        def change(tx: Tx) -> IssuedToken:
            owner = known_actor(tx, actor)
            if owner.disabled:
                raise Conflict(f"{actor} is disabled", hint=f"ostinato access enable {actor}")
            wanted = issuable(tx, owner, patterns, _existing(tx, projects), presented_credential(tx))
            return self._add_token(tx, owner, name, timedelta(days=days), wanted)

        return self._rows.write(change)

    def _add_token(
        self, tx: Tx, owner: Actor, name: str, life: timedelta, reach: Credential, secret: str = "", *, beside: bool = False
    ) -> IssuedToken:
        """A new token, in place of that of the same name or `beside` it."""
        secret = secret or mint(owner.kind)
        parsed, now, by = parse(secret), self._machine_clock.now(), caller().actor
        token = Token(
            id=parsed.id,
            actor=owner.id,
            name=name,
            created_at=now,
            expires_at=now + life,
            permissions=None if reach.permissions is None else list(reach.permissions),
            projects=None if reach.projects is None else list(reach.projects),
            issued_by=by,
            delegated=reach.delegated,
        )
        for old in credential_store.tokens(tx, owner.id) if name and not beside else ():
            if old.name == name and not old.revoked and not old.rotated_to:
                self._revoke_token(tx, old)
        credential_store.add_token(tx, token, parsed.hash)
        told = {"token": token.id, "name": name, "days": life.days, "permissions": token.permissions, "projects": token.projects}
        self._record(tx, "token.issued", Ref.parse(owner.id), data=told | {"delegated": token.delegated})
        return IssuedToken(token=token, secret=secret)

    def rotate_token(self, token: str, overlap_hours: int = 0) -> IssuedToken:
        """Replace a token by a new one of the same scope and lifetime; the old one works for another `overlap_hours` (0 to 168).

        What another rotates, or a token that another issued, approves nothing, like what another issues.
        Whoever shows the old one after its end has it from somewhere it should not be: its successor ends as well.

        Raises:
            NotFound: no such token.
            Denied: it is another person's, or its actor may what the caller may not.
            Conflict: it is revoked, expired or rotated already.
        """
        if not 0 <= overlap_hours <= _OVERLAP_MAX_H:
            raise Invalid(f"the old token lasts 0 to {_OVERLAP_MAX_H} hours more, not {overlap_hours}", field="overlap_hours")

        def change(tx: Tx) -> IssuedToken:
            old, now, by = _known_token(tx, token), self._machine_clock.now(), presented_credential(tx)
            owner = known_actor(tx, old.actor)
            if old.revoked or old.rotated_to or old.expires_at <= now or owner.disabled:
                raise Conflict(f"the token {token} works no more", hint="issue a new one")
            same = _limits(owner.id, old.permissions, old.projects, None)
            reach = _require_within(replace(same, delegated=same.delegated or old.delegated or bool(by and by.delegated)), by)
            _require_issuer(tx, owner, reach)
            secret, until = mint(owner.kind), min(old.expires_at, now + timedelta(hours=overlap_hours))
            credential_store.rotate(tx, old.id, parse(secret).id, until)
            made = self._add_token(tx, owner, old.name, old.expires_at - old.created_at, reach, secret)
            told = {"token": old.id, "successor": made.token.id, "overlap_hours": overlap_hours}
            self._record(tx, "token.rotated", Ref.parse(owner.id), data=told)
            return made

        return self._rows.write(change)

    def revoke_token(self, token: str) -> Token:
        """Revoke the token with the public id `token`, at once and permanently. Idempotent.

        Raises:
            NotFound: no such token, or none that the caller may know of.
            Denied: its actor may what the caller may not.
        """

        def change(tx: Tx) -> Token:
            present = _known_token(tx, token)
            if present.actor != caller().actor:
                _require_administration(tx)
                require_no_escalation(tx, store.bindings(tx, actor=present.actor))
            if not present.revoked:
                self._revoke_token(tx, present)
            return credential_store.token(tx, token) or present

        return self._rows.write(change)

    def _revoke_token(self, tx: Tx, token: Token) -> None:
        credential_store.revoke(tx, token.id)
        self._record(tx, "token.revoked", Ref.parse(token.actor), data={"token": token.id})

    def _reused(self, token: str, address: str) -> None:
        """A token was used after its successor had replaced it: one of the two who have it should not."""

        def living(tx: Tx) -> Token | None:
            last = credential_store.token(tx, token)
            while last and last.rotated_to:
                last = credential_store.token(tx, last.rotated_to)
            return last if last and not last.revoked else None

        def change(tx: Tx) -> None:
            if last := living(tx):
                credential_store.revoke(tx, last.id)
                told = {"token": token, "revoked": last.id}
                self._record(tx, "token.reused", Ref.parse(last.actor), data=told, private={"address": address}, person=last.actor)

        if self._rows.read(living):
            with calling(Caller(actor="service:ostinato")):
                self._rows.write(change)

    def tokens(self, actor: str | None = None) -> list[Token]:
        """The tokens of the caller and of the actors that it may see, or of one of them, newest first, without their secrets."""

        def query(tx: Tx) -> list[Token]:
            known = {found.id for found in visible_actors(tx)}
            return [token for token in credential_store.tokens(tx, actor) if token.actor in known]

        return self._rows.read(query)


def issuable(tx: Tx, owner: Actor, permissions: list[str] | None, projects: list[str] | None, by: Credential | None) -> Credential:
    """The scope of a token of `owner` that the caller, authenticated by the credential `by`, issues.

    Raises:
        Denied: the caller may issue none that reaches so far.
    """
    wanted = _require_within(_limits(owner.id, permissions, projects, by), by)
    _require_issuer(tx, owner, wanted)
    return wanted


def _known_token(tx: Tx, name: str) -> Token:
    found = credential_store.token(tx, name)
    if found is None or found.actor not in {actor.id for actor in visible_actors(tx)}:
        raise NotFound(f"no token {name[:20]!r}", hint="pass its id, the ten characters after the underscore")
    return found


def _existing(tx: Tx, projects: list[str] | None) -> list[str] | None:
    known = [project.name for project in store.projects(tx)] if projects else []
    for name in projects or ():
        if name not in known:
            raise NotFound(f"no project {name[:100]!r}", hint="ostinato access projects lists yours")
    return None if projects is None else sorted(set(projects))


def _limits(actor: str, permissions: list[str] | None, projects: list[str] | None, by: Credential | None) -> Credential:
    """The requested limits; by default those of the requesting credential."""
    inherited = (by.permissions, by.projects) if by else (None, None)
    return Credential(
        id="",
        actor=actor,
        permissions=inherited[0] if permissions is None else tuple(permissions),
        projects=inherited[1] if projects is None else tuple(projects),
        delegated=bool(by and by.delegated) or actor != caller().actor,
    )


def _require_within(wanted: Credential, by: Credential | None) -> Credential:
    """`wanted`, if it does not exceed the scope of the requesting credential."""
    asked = PERMISSIONS if wanted.permissions is None else expand(wanted.permissions)
    if by and by.permissions is not None and (more := asked - expand(by.permissions)):
        raise Denied(f"your own token does not hold {min(more)}", hint="ask for less, or sign in", permission=min(more))
    if by and by.projects is not None and (wanted.projects is None or set(wanted.projects) - set(by.projects)):
        raise Denied("your own token is limited to other projects", hint=f"ask for projects among {', '.join(by.projects)}")
    return wanted


def _require_issuer(tx: Tx, owner: Actor, reach: Credential) -> None:
    """Refuse to issue a token that lets the caller act as another person, or as a service with more permissions."""
    if owner.id == caller().actor:
        return
    _require_administration(tx)
    if owner.kind == "person" and not administers(tx):
        hint = f"{owner.id} signs in and issues it, or somebody who administers the store does"
        raise Denied(f"a token of {owner.id} is theirs to issue", hint=hint, permission=ADMINISTER)
    require_no_escalation(tx, store.bindings(tx, actor=owner.id), reach)


def _require_administration(tx: Tx) -> None:
    project = caller().project
    if not administers(tx) and ADMINISTER not in caller_permissions(tx, project):
        raise Denied(
            f"{caller().actor} may not {ADMINISTER} in the project {project}",
            hint=f"ask an administrator of the project for a role that holds {ADMINISTER}",
            permission=ADMINISTER,
        )
