"""The verbs of Access for device authorization (RFC 8628): a program without a browser gets a token that a person confirms."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Row

from ostinato.access import credential_store, store
from ostinato.access.sign_in import NOWHERE, Visitor, digest_of_secret, session_of_caller
from ostinato.access.throttle import WHOLE_NETWORK, Throttle, network_of
from ostinato.access.types import Credential, DeviceAnswer, DeviceGrant, DeviceRequest, IssuedToken
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Denied, Invalid, NotFound, Throttled
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx

_LIFE = timedelta(minutes=10)
_INTERVAL_S = 5
_TOKEN_LIFE = timedelta(days=90)
_OPEN_MAX = 1000
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, nothing that looks like something else
_GUESSES = "device:"


class Devices:
    """A mixin of Access, which sets the attributes that are annotated here."""

    _rows: Rows
    _record: Callable[..., object]
    _machine_clock: Clock
    _throttle: Throttle
    _add_token: Callable[..., IssuedToken]

    def begin_device(self, name: str, visitor: Visitor = NOWHERE, origin: str = "") -> DeviceGrant:
        """Begin a device authorization for the program `name`: a code to poll with, and one to confirm in a browser within ten minutes.

        Raises:
            Throttled: too many programs wait already.
        """
        if not name.strip() or len(name) > 64 or not name.isprintable():
            raise Invalid("a program has a name of 1 to 64 printable signs", field="name")
        self._throttle.charge(WHOLE_NETWORK, network_of(visitor.address))
        device_code, now = secrets.token_urlsafe(32), self._machine_clock.now()
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        user_code = f"{letters[:4]}-{letters[4:]}"

        def change(tx: Tx) -> None:
            if credential_store.devices(tx, now) >= _OPEN_MAX:
                raise Throttled("too many programs wait for a sign-in", hint="try again in a few minutes", retry_after_s=60)
            row = {"hash": digest_of_secret(device_code), "user_code": user_code, "name": name, "address": visitor.address}
            credential_store.add_device(tx, row | {"expires_at": now + _LIFE, "state": "pending"}, now)

        self._rows.write(change)
        return DeviceGrant(
            device_code=device_code, user_code=user_code, verification_uri=f"{origin}/#/device",
            expires_in=int(_LIFE.total_seconds()), interval=_INTERVAL_S,
        )  # fmt: skip

    def device(self, user_code: str, visitor: Visitor = NOWHERE) -> DeviceRequest:
        """The program that waits under this code for the caller's consent.

        Raises:
            NotFound: nobody does any more.
            Throttled: too many codes that nobody waits under.
        """
        row = self._waiting(user_code, visitor)
        return DeviceRequest(user_code=row.user_code, name=row.name, address=row.address, expires_at=row.expires_at)

    def answer_device(self, user_code: str, agree: bool, visitor: Visitor = NOWHERE) -> DeviceRequest:
        """Agree that the program gets a token of the caller's, or refuse; only from a browser that is signed in.

        Raises:
            NotFound: nobody waits under this code any more.
            Denied: the caller came by a token.
        """
        who, waiting = caller(), self._waiting(user_code, visitor)

        def change(tx: Tx) -> None:
            session = session_of_caller(tx)
            if session is None:
                raise Denied("a program is let in from a browser that is signed in", hint="POST /api/v1/sign-in opens a session")
            found = credential_store.device(tx, hashed=waiting.hash)
            if found is not None and found.state == "pending":
                credential_store.set_device(
                    tx, found.hash, state="agreed" if agree else "refused", actor=who.actor, delegated=session.delegated
                )

        self._rows.write(change)
        return DeviceRequest(user_code=waiting.user_code, name=waiting.name, address=waiting.address, expires_at=waiting.expires_at)

    def _waiting(self, user_code: str, visitor: Visitor) -> Row[tuple[object, ...]]:
        """The wish under a code; wrong codes are counted against the caller, who could be guessing those of others."""
        now, network = self._machine_clock.now(), network_of(visitor.address)
        account = _GUESSES + caller().actor
        self._throttle.charge(account, network)
        plain = "".join(letter for letter in user_code.upper() if letter in _LETTERS)[:8]
        found = self._rows.read(lambda tx: credential_store.device(tx, user_code=f"{plain[:4]}-{plain[4:]}"))
        if found is None or found.expires_at <= now or found.state != "pending":
            raise NotFound("nobody waits under this code", hint="it lasts ten minutes; start `ostinato login` again")
        self._throttle.refund(account, network)
        return found

    def ask_device(self, device_code: str) -> DeviceAnswer:
        """Whether the person has answered; the one `granted` answer holds the token. To be asked every five seconds."""
        hashed, now = digest_of_secret(device_code), self._machine_clock.now()

        def change(tx: Tx) -> DeviceAnswer:
            found = credential_store.device(tx, hashed=hashed)
            if found is None or found.expires_at <= now or found.state == "done":
                return DeviceAnswer(state="expired")
            if found.state == "pending":
                soon = found.asked_at is not None and (now - found.asked_at).total_seconds() < _INTERVAL_S * 0.8
                credential_store.set_device(tx, hashed, asked_at=now)
                return DeviceAnswer(state="slow_down" if soon else "pending")
            credential_store.set_device(tx, hashed, state="done")
            owner = store.actor(tx, found.actor)
            if found.state == "refused" or owner is None or owner.disabled:
                return DeviceAnswer(state="refused")
            reach = Credential(id="", actor=owner.id, delegated=found.delegated)
            with calling(Caller(actor=owner.id)):
                self._record(tx, "device.admitted", Ref.parse(owner.id), private={"name": found.name, "address": found.address})
                return DeviceAnswer(state="granted", issued=self._add_token(tx, owner, f"device {found.name}", _TOKEN_LIFE, reach))

        return self._rows.write(change)
