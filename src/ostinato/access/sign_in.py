"""The verbs of Access for signing in with a password or a one-time code, and the sessions that follow."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ostinato.access import credential_store, store
from ostinato.access.passwords import Passwords, checked_password
from ostinato.access.permissions import administers, known_actor, presented_credential, require_administrator, require_no_escalation
from ostinato.access.roles import built_in
from ostinato.access.throttle import FREE_FAILURES, WHOLE_NETWORK, Throttle, network_of
from ostinato.access.types import Actor, Binding, IssuedCode, IssuedToken, LinkedIdentity, Means, OpenedSession, Session
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
CODE_LIFE = timedelta(minutes=10)
RECOVERY = timedelta(hours=1)
"""So long after a sign-in by code the old password is not asked for."""
_ENGINE = Caller(actor="service:ostinato")


@frozen
class Visitor:
    """The browser of a request: its address, its user agent, and the secret of its session, which the next replaces."""

    address: str = ""
    agent: str = ""
    session: str = ""


NOWHERE = Visitor()


@frozen
class Identity:
    """An identity at an OpenID provider: `subject` at `issuer`, called `name` there, and the roles of its groups, by project."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[tuple[str, str]]


class SignIns:
    """A mixin of Access, which sets the attributes that are annotated here."""

    _rows: Rows
    _record: Callable[..., object]
    _clock: Clock
    _machine_clock: Clock
    _passwords: Passwords
    _throttle: Throttle
    issue_token: Callable[..., IssuedToken]

    # ---- in

    def sign_in(self, name: str, password: str, visitor: Visitor = NOWHERE) -> OpenedSession:
        """Sign in by password.

        Raises:
            Unauthenticated: no such person, none with a password, or another password.
            Throttled: too many failures from there; the wait grows to a minute and never further.
        """
        actor, network = _account(name), network_of(visitor.address)
        self._throttle.charge(actor, network)
        hashed = self._rows.read(lambda tx: None if _gone(tx, actor) else credential_store.password(tx, actor))
        if not self._passwords.matches(hashed, password):
            self._tell_guessing(actor, network)
            raise Unauthenticated("the name or the password is wrong", hint="ask an administrator for a one-time code: ostinato sign-in")
        self._throttle.refund(actor, network)
        if hashed and self._passwords.outdated(hashed):
            hashed = self._renewed(actor, hashed, password)
        return self._rows.write(lambda tx: self._open(tx, actor, "password", visitor, proof=hashed))

    def sign_in_by_code(self, code: str, visitor: Visitor = NOWHERE, password: str | None = None) -> OpenedSession:
        """Sign in by a one-time code; with `password`, set that password.

        Raises:
            Unauthenticated: the code is unknown, used or older than ten minutes.
            Invalid: the password is none that may be chosen; the code stays good.
        """
        self._throttle.charge(WHOLE_NETWORK, network_of(visitor.address))
        hashed = self._passwords.hash(checked_password(password, WHOLE_NETWORK)) if password is not None else None

        def change(tx: Tx) -> OpenedSession:
            now = self._machine_clock.now()
            found = credential_store.use_code(tx, _digest(code), now)
            if found is None or _gone(tx, found.actor):
                raise Unauthenticated(
                    "the code is not known, used or older than ten minutes", hint="ostinato sign-in --data DIR prints another"
                )
            if password is None or hashed is None:
                return self._open(tx, found.actor, "code", visitor, delegated=found.delegated)
            checked_password(password, _name_of(found.actor))
            self._keep_password(tx, found.actor, hashed)
            return self._open(tx, found.actor, "password", visitor)

        opened = self._rows.write(change)
        self._throttle.refund(WHOLE_NETWORK, network_of(visitor.address))
        return opened

    def redeem_code(self, code: str, password: str | None = None, name: str = "", visitor: Visitor = NOWHERE) -> IssuedToken:
        """Issue a token, valid for 90 days, to a program whose user has a one-time code. Raises as `sign_in_by_code`."""
        session = self.sign_in_by_code(code, replace(visitor, session=""), password).session
        with calling(Caller(actor=session.actor, credential=session.id)):
            issued = self.issue_token(session.actor, name=name)
            self.end_session(session.id)
        return issued

    def sign_in_elsewhere(self, identity: Identity, visitor: Visitor = NOWHERE) -> OpenedSession:
        """Sign in with an identity of an OpenID provider; roles from its groups are brought up to date.

        Raises:
            Denied: nobody knows them, and none of their groups brings a role.
            Unauthenticated: they are disabled here.
        """

        def change(tx: Tx) -> OpenedSession:
            actor = credential_store.identity(tx, identity.issuer, identity.subject) or self._admit_stranger(tx, identity)
            if _gone(tx, actor):
                raise Unauthenticated(f"{actor} is disabled", hint="ask an administrator")
            _require_roles(tx, identity.roles)
            self._follow_groups(tx, actor, identity.roles)
            return self._open(tx, actor, "oidc", visitor)

        with calling(_ENGINE):
            return self._rows.write(change)

    def _admit_stranger(self, tx: Tx, identity: Identity) -> str:
        if not identity.roles:
            raise Denied("you are not known here, and none of your groups brings a role", hint="ask an administrator for one")
        name, number = identity.name, 1
        while store.actor(tx, f"person:{name}"):  # whoever has that name here, by hand or from another issuer, is somebody else
            number += 1
            name = f"{identity.name[:58]}-{number}"
        new = Actor(id=f"person:{name}", kind="person", disabled=False, created_at=self._clock.now())
        store.add_actor(tx, new)
        linked = LinkedIdentity(issuer=identity.issuer, subject=identity.subject, linked_at=self._machine_clock.now())
        credential_store.add_identity(tx, new.id, linked)
        self._record(tx, "actor.created", Ref.parse(new.id), data={"issuer": identity.issuer})
        return new.id

    def _follow_groups(self, tx: Tx, actor: str, roles: frozenset[tuple[str, str]]) -> None:
        wanted = {Binding(actor=actor, project=project, role=role, source="oidc") for project, role in roles}
        present = set(store.bindings(tx, actor=actor, source="oidc"))
        for binding in sorted(present - wanted, key=lambda b: (b.project, b.role)):
            store.unbind(tx, binding)
            require_administrator(tx)
            self._record(tx, "role.revoked", Ref.parse(actor), data={"role": binding.role, "project": binding.project, "source": "oidc"})
        for binding in sorted(wanted - present, key=lambda b: (b.project, b.role)):
            store.bind(tx, binding)
            self._record(tx, "role.granted", Ref.parse(actor), data={"role": binding.role, "project": binding.project, "source": "oidc"})

    def _open(
        self, tx: Tx, actor: str, means: Means, visitor: Visitor, *, delegated: bool = False, proof: str | None = None
    ) -> OpenedSession:
        """A session with a value of its own; the one that the browser had before is over. `proof` is the hash that was matched."""
        if _gone(tx, actor) or (proof is not None and credential_store.password(tx, actor) != proof):
            raise Unauthenticated("the name or the password is wrong", hint="it was changed at this moment; sign in again")
        if visitor.session and (before := credential_store.session(tx, _digest(visitor.session))):
            credential_store.end_session(tx, before.id)
        now, secret = self._machine_clock.now(), "sess_" + secrets.token_urlsafe(32)
        made = Session(
            id=new_id(), actor=actor, means=means, created_at=now, seen_at=now, expires_at=now + ABSOLUTE,
            address=visitor.address, agent=_sanitized(visitor.agent), delegated=delegated, current=True,
        )  # fmt: skip
        credential_store.add_session(tx, made, _digest(secret))
        with calling(replace(caller_or(_ENGINE), actor=actor)):
            self._record(tx, "session.opened", Ref.parse(actor), data={"session": made.id, "means": means, "delegated": delegated})
        return OpenedSession(session=made, secret=secret)

    # ---- sessions

    def session(self) -> Session:
        """The caller's current session.

        Raises:
            NotFound: it came by a token, or in process.
        """
        found = [session for session in self.sessions() if session.current]
        if not found:
            raise NotFound("you came without a session", hint="POST /api/v1/sign-in opens one")
        return found[0]

    def sessions(self, actor: str | None = None) -> list[Session]:
        """The caller's sessions; for administrators of the store, all sessions, or those of one actor."""
        who, now = caller(), self._machine_clock.now()

        def query(tx: Tx) -> list[Session]:
            found = credential_store.sessions(tx, actor if administers(tx) else who.actor)
            return [replace(s, current=s.id == who.credential) for s in found if alive(s, now) and actor in (None, s.actor)]

        return self._rows.read(query)

    def end_session(self, session: str) -> None:
        """End a session: its browser is signed out at once.

        Raises:
            NotFound: no such session, or none that the caller may end.
        """

        def change(tx: Tx) -> None:
            found = credential_store.session_by_id(tx, session)
            if found is None or (found.actor != caller().actor and not administers(tx)):
                raise NotFound(f"no session {session[:30]!r}", hint="GET /api/v1/sessions lists yours")
            credential_store.end_session(tx, session)
            self._record(tx, "session.ended", Ref.parse(found.actor), data={"session": session})

        self._rows.write(change)

    # ---- passwords and codes

    def set_password(self, password: str, old: str | None = None, visitor: Visitor = NOWHERE) -> OpenedSession | None:
        """Set the caller's password; all other sessions end, and the current one is replaced by the one returned.

        The old one is needed, unless there is none or the caller signed in with a one-time code.

        Raises:
            Denied: the old password is wrong or missing.
            Invalid: the new one may not be chosen.
        """
        who = caller()
        if not who.actor.startswith("person:"):
            raise Invalid(f"{who.actor} is no person", hint="services have tokens", field="password")
        hashed = self._passwords.hash(checked_password(password, _name_of(who.actor)))
        present, session = self._rows.read(lambda tx: (credential_store.password(tx, who.actor), session_of_caller(tx)))
        self._require_proof(who, present, session, old, network_of(visitor.address))

        def change(tx: Tx) -> OpenedSession | None:
            if credential_store.password(tx, who.actor) != present:
                raise Conflict("the password was changed at this moment", hint="sign in again")
            self._keep_password(tx, who.actor, hashed)
            return self._open(tx, who.actor, session.means, visitor, delegated=session.delegated) if session else None

        return self._rows.write(change)

    def _require_proof(self, who: Caller, present: str | None, session: Session | None, old: str | None, network: str) -> None:
        if present is None or old is None:
            now = self._machine_clock.now()
            recent = session is not None and session.means == "code" and now - session.created_at < RECOVERY
            fresh = recent or (session is not None and present is None)
            if who.credential and not fresh:
                raise Denied("the old password is needed", hint="send it as `old`, or sign in with a one-time code", permission="")
            return
        self._throttle.charge(who.actor, network)
        if not self._passwords.matches(present, old):
            raise Denied("the old password is wrong", hint="send it as `old`, or sign in with a one-time code", permission="")
        self._throttle.refund(who.actor, network)

    def _keep_password(self, tx: Tx, actor: str, hashed: str) -> None:
        if credential_store.identities(tx, actor):
            raise Conflict(f"{actor} signs in by OpenID Connect", hint="who leaves there must not keep a password here")
        credential_store.put_password(tx, actor, hashed, self._machine_clock.now())
        credential_store.end_sessions(tx, actor)
        with calling(replace(caller_or(_ENGINE), actor=actor)):
            self._record(tx, "password.changed", Ref.parse(actor))

    def _renewed(self, actor: str, hashed: str, password: str) -> str:
        fresh = self._passwords.hash(password)

        def change(tx: Tx) -> str:
            if credential_store.password(tx, actor) != hashed:
                return hashed
            credential_store.put_password(tx, actor, fresh, self._machine_clock.now())
            return fresh

        return self._rows.write(change)

    def issue_code(self, actor: str) -> IssuedCode:
        """Issue a one-time code with which a person can sign in within ten minutes. Only this reply holds it.

        For another person only who administers the store asks for one. Such a session approves nothing until the person has chosen a
        password and signed in with it.

        Raises:
            NotFound: no such person, or none that the caller may know of.
            Denied: it is another person, or the caller came by a token that is limited.
        """
        code, now = secrets.token_urlsafe(16), self._machine_clock.now()

        def change(tx: Tx) -> IssuedCode:
            found, by, own = known_actor(tx, actor), presented_credential(tx), actor == caller().actor
            if found.kind != "person" or found.disabled:
                raise Conflict(f"{actor} cannot sign in", hint="only people who are not disabled do; services have tokens")
            if not own and not administers(tx):
                raise Denied(f"{actor} is another person", hint="who administers the store may do this", permission="access:admin")
            if by and (by.permissions is not None or by.projects is not None):
                raise Denied("a limited token signs nobody in", hint="sign in with a password", permission="access:admin")
            if not own:
                require_no_escalation(tx, store.bindings(tx, actor=actor))
            delegated = not own or bool(by and by.delegated)
            credential_store.add_code(tx, _digest(code), actor, delegated, now + CODE_LIFE, now)
            self._record(tx, "code.issued", Ref.parse(actor), data={"delegated": delegated})
            return IssuedCode(actor=actor, code=code, path=f"/#/sign-in/{code}", expires_at=now + CODE_LIFE)

        return self._rows.write(change)

    def is_untouched(self) -> bool:
        """Whether no person has signed in yet, nor was given the means to."""
        return self._rows.read(credential_store.never_signed_in)

    def _tell_guessing(self, actor: str, network: str) -> None:
        """Leave an event when an account that exists runs out of free failures: once in a while, not at each."""

        def change(tx: Tx) -> None:
            failures, _ = credential_store.failed_attempts(tx, actor, network) or (0, None)
            if failures == FREE_FAILURES and store.actor(tx, actor):
                told, where = {"failures": failures}, {"network": network}
                self._record(tx, "sign_in.throttled", Ref.parse(actor), data=told, private=where, person=actor)

        with calling(_ENGINE):
            self._rows.write(change)


def alive(session: Session, now: datetime) -> bool:
    """Whether a session still holds: seen within twelve hours, opened within seven days."""
    return now < session.expires_at and now - session.seen_at < IDLE


def caller_or(other: Caller) -> Caller:
    """The caller, or `other` where nobody is known yet."""
    try:
        return caller()
    except Unauthenticated:
        return other


def digest_of_secret(secret: str) -> bytes:
    """The stored hash of a secret that is random enough to need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


_digest = digest_of_secret


def _require_roles(tx: Tx, roles: frozenset[tuple[str, str]]) -> None:
    for project, role in sorted(roles):
        if not built_in(role) and role not in {found.name for found in store.roles(tx, project)}:
            raise Conflict(f"there is no role {role!r} in {project}", hint="OSTINATO_OIDC_GROUPS names it; ostinato access define-role")


def _gone(tx: Tx, actor: str) -> bool:
    found = store.actor(tx, actor)
    return found is None or found.disabled


def session_of_caller(tx: Tx) -> Session | None:
    """The session by which the caller came, if it came by one."""
    return credential_store.session_by_id(tx, caller().credential)


def _account(name: str) -> str:
    """The actor who is called so; what is no name of anybody counts as one that nobody has."""
    try:
        return str(Ref("person", name.removeprefix("person:")))
    except Invalid:
        return "person:"


def _name_of(actor: str) -> str:
    return actor.partition(":")[2]


def _sanitized(text: str, most: int = 200) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:most]
