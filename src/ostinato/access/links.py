"""The verbs of Access that link a person here to their identity at an OpenID provider."""

from __future__ import annotations

from collections.abc import Callable

from ostinato.access import credential_store, store
from ostinato.access.permissions import (
    administers,
    is_owner,
    known_actor,
    presented_credential,
    require_administrator,
    require_no_escalation,
)
from ostinato.access.sign_in import Identity, session_of_caller
from ostinato.access.types import LinkedIdentity, Session
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx

_TEXT_MAX = 255


class Links:
    """A mixin of Access, which sets the attributes that are annotated here.

    Nobody is recognized by a name or a mail address: either a person who is signed in here signs in there, or an administrator says so.
    """

    _rows: Rows
    _record: Callable[..., object]
    _machine_clock: Clock

    def link_own(self, identity: Identity) -> LinkedIdentity:
        """The caller, who has just signed in there, is known by that from now on, and no longer by a password; other sessions end.

        Raises:
            Denied: the caller did not sign in here themselves.
            Conflict: that identity is another person's, or the caller has another one.
        """

        def change(tx: Tx) -> LinkedIdentity:
            by = _own_session(tx)
            return self._link(tx, by.actor, identity.issuer, identity.subject, but=by.id)

        return self._rows.write(change)

    def own_session(self) -> Session:
        """The session of the caller, who opened it without another's help.

        Raises:
            Denied: there is none, or somebody else asked for the code.
        """
        return self._rows.read(_own_session)

    def link_identity(self, actor: str, issuer: str, subject: str) -> LinkedIdentity:
        """Link a person to `subject` of the OpenID provider `issuer`. Their password stops working and their sessions end.

        A repeat changes nothing. It is an event, as each sign-in is: who links a person to somebody else locks them out.

        Raises:
            NotFound: no such person.
            Denied: the caller does not administer the store, or not by themselves, or the person may what the caller may not.
            Conflict: that identity is another person's, or the person has another one.
        """
        for name, text in (("issuer", issuer), ("subject", subject)):
            if not 0 < len(text) <= _TEXT_MAX or not text.isprintable():
                raise Invalid(
                    f"not an {name}: {text[:100]!r}", hint=f"1 to {_TEXT_MAX} printable signs, as the provider says it", field=name
                )

        def change(tx: Tx) -> LinkedIdentity:
            found = known_actor(tx, actor)
            if found.kind != "person":
                raise Conflict(f"{actor} is no person", hint="a service shows tokens of a trusted issuer: ostinato access declare-trust")
            self._require_administering(tx, actor)
            return self._link(tx, actor, issuer, subject)

        return self._rows.write(change)

    def unlink_identity(self, actor: str) -> None:
        """Unlink a person from their OpenID provider. Roles granted by its groups, and sessions opened through it, end.

        A person does it themselves, or who administers the store. A repeat changes nothing.

        Raises:
            NotFound: no such person.
            Denied: it is another person's, or the caller came by a limited token.
            Conflict: nobody would administer the store any more.
        """

        def change(tx: Tx) -> None:
            known_actor(tx, actor)
            if actor != caller().actor:
                self._require_administering(tx, actor)
            elif (by := presented_credential(tx)) and (by.permissions is not None or by.projects is not None or by.delegated):
                raise Denied("a limited credential changes nothing about how you sign in", hint="sign in first")
            if actor not in credential_store.identities(tx, actor):
                return
            credential_store.drop_identity(tx, actor)
            for binding in store.bindings(tx, actor=actor, source="oidc"):
                store.unbind(tx, binding)
                data = {"role": binding.role, "project": binding.project, "source": "oidc"}
                self._record(tx, "role.revoked", Ref.parse(actor), data=data)
            require_administrator(tx)
            credential_store.end_sessions(tx, actor, but=caller().credential if actor == caller().actor else "")
            self._record(tx, "identity.unlinked", Ref.parse(actor))

        self._rows.write(change)

    def _link(self, tx: Tx, actor: str, issuer: str, subject: str, but: str = "") -> LinkedIdentity:
        holder, present = credential_store.identity(tx, issuer, subject), credential_store.identities(tx, actor).get(actor)
        if present is not None and holder == actor:
            return present
        if holder is not None:
            raise Conflict(f"this identity is that of {holder}", hint=f"ostinato access unlink-identity {holder}")
        if present is not None:
            raise Conflict(f"{actor} has another identity", hint=f"ostinato access unlink-identity {actor}")
        linked = LinkedIdentity(issuer=issuer, subject=subject, linked_at=self._machine_clock.now(), linked_by=caller().actor)
        credential_store.add_identity(tx, actor, linked)
        credential_store.drop_password(tx, actor)
        credential_store.end_sessions(tx, actor, but=but)
        private = {"subject": subject}
        self._record(tx, "identity.linked", Ref.parse(actor), data={"issuer": issuer}, private=private, person=actor)
        return linked

    def _require_administering(self, tx: Tx, actor: str) -> None:
        if is_owner(tx):
            return
        by = presented_credential(tx)
        if not administers(tx) or (by and by.delegated):
            raise Denied(f"{actor} is another person", hint="who administers the store may do this", permission="access:admin")
        require_no_escalation(tx, store.bindings(tx, actor=actor))


def _own_session(tx: Tx) -> Session:
    found = session_of_caller(tx)
    if found is None or found.delegated:
        raise Denied("this takes a browser in which you signed in by yourself", hint="sign in with your password first")
    return found
