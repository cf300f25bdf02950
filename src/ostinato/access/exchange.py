"""The verbs of Access for token exchange (RFC 8693): a program trades a token of a trusted issuer for a short-lived one of this store."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ostinato.access import credential_store, issuer_store, store
from ostinato.access.issue import issuable
from ostinato.access.issuer import LEEWAY_S, Issuers, claimed_issuer, refusal, sanitized
from ostinato.access.permissions import known_actor, presented_credential
from ostinato.access.refusals import Refusals
from ostinato.access.roles import checked_patterns, expand
from ostinato.access.sign_in import NOWHERE, Visitor
from ostinato.access.throttle import WHOLE_NETWORK, Throttle, network_of
from ostinato.access.types import Credential, IssuedToken, Token, Trust
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound, OstinatoError, Unauthenticated
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Rows, Tx

_ENGINE = "service:ostinato"
_MINUTES_MAX = 60
_LIFE_MAX_S = 24 * 3600
_KEPT = timedelta(days=7)
_ABOUT_TOKEN = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
_IDENTIFYING = ("sub", "repository_id", "repository", "project_id", "project_path")
"""One of them must be bound: anybody may have a branch called main."""


class Exchanges:
    """A mixin of Access, which sets the attributes that are annotated here."""

    _rows: Rows
    _record: Callable[..., object]
    _clock: Clock
    _machine_clock: Clock
    _throttle: Throttle
    _issuers: Issuers
    _refusals: Refusals
    _add_token: Callable[..., IssuedToken]
    _revoke_token: Callable[[Tx, Token], None]

    # ---- whom to trust

    def declare_trust(
        self,
        trust: str,
        service: str,
        issuer: str,
        audience: str,
        claims: dict[str, str],
        permissions: list[str] | None = None,
        minutes: int = 15,
    ) -> Trust:
        """Trust tokens of `issuer` with exactly these `claims` to act as `service` in the current project. A repeat replaces the trust.

        They exchange a token that the issuer signed for `audience` alone, the address of this server, for one of ours that is good for
        `minutes` (1 to 60), for what the service may and no more than `permissions` (patterns). What another declares for a service
        approves nothing. Tokens that were given by a trust end when it is replaced.

        Raises:
            NotFound: no such service.
            Denied: the service may what the caller may not; or the issuer's address is none that this server calls.
            Invalid: the claims would fit a stranger, or a pattern stands for nothing.
        """
        self._issuers.at(issuer).check()
        self._check(trust, audience, claims, minutes)
        patterns = None if permissions is None else checked_patterns(permissions)
        who = caller()
        made = Trust(
            name=trust, project=who.project, service=service, issuer=issuer, audience=audience, claims=dict(claims), permissions=patterns,
            minutes=minutes, created_at=self._clock.now(), created_by=who.actor,
        )  # fmt: skip
        return self._rows.write(lambda tx: self._declare(tx, made))

    def _declare(self, tx: Tx, new: Trust) -> Trust:
        owner = known_actor(tx, new.service)
        if owner.kind != "service" or owner.disabled:
            raise Conflict(f"{new.service} is no service that may act", hint="ostinato access create-service NAME --roles ROLE")
        issuable(tx, owner, new.permissions, [new.project], presented_credential(tx))
        present = issuer_store.trust(tx, new.project, new.name)
        if present is not None:
            if _same(present, new):
                return present
            self._end(tx, present)
        issuer_store.put(tx, new)
        told = {"service": new.service, "issuer": new.issuer, "audience": new.audience, "claims": new.claims}
        limits = {"permissions": new.permissions, "minutes": new.minutes}
        self._record(tx, "trust.declared", Ref("trust", new.name), data=told | limits)
        return new

    def _check(self, name: str, audience: str, claims: Mapping[str, str], minutes: int) -> None:
        checked_name(name, "a trust", most=64, field="trust")
        if not 1 <= minutes <= _MINUTES_MAX:
            raise Invalid(f"an exchanged token is good for 1 to {_MINUTES_MAX} minutes, not {minutes}", field="minutes")
        if not audience.strip() or len(audience) > 255:
            raise Invalid(
                "a trust names its audience", hint="the address of this server, for which the issuer is asked to sign", field="audience"
            )
        if about := sorted(_ABOUT_TOKEN & claims.keys()):
            raise Invalid(f"the claim {about[0]} is checked anyway", hint="name claims that say who the program is", field="claims")
        if not any(claims.get(name) for name in _IDENTIFYING):
            hint = f"bind one of {', '.join(_IDENTIFYING)}, and the branch or environment beside it"
            raise Invalid("these claims would fit programs of strangers", hint=hint, field="claims")
        if wild := sorted(name for name, value in claims.items() if "*" in value or not value):
            raise Invalid(f"the claim {wild[0]} is compared word for word", hint="write it out, without *", field="claims")

    def trusts(self) -> list[Trust]:
        """The token trusts of the current project, by name."""
        project = caller().project
        return self._rows.read(lambda tx: issuer_store.trusts(tx, project=project))

    def drop_trust(self, trust: str) -> None:
        """Delete a trust; the tokens issued through it end.

        Raises:
            NotFound: there is none of that name.
        """
        project = caller().project
        self._rows.write(lambda tx: self._drop(tx, project, trust))

    def _drop(self, tx: Tx, project: str, name: str) -> None:
        known = {found.name: found for found in issuer_store.trusts(tx, project=project)}
        if name not in known:
            raise NotFound.named("trust", name, known)
        issuer_store.drop(tx, project, name)
        self._end(tx, known[name])
        self._record(tx, "trust.dropped", Ref("trust", name))

    def _end(self, tx: Tx, ended: Trust) -> None:
        for token in credential_store.tokens(tx, ended.service):
            if token.name == _name(ended) and not token.revoked:
                self._revoke_token(tx, token)

    # ---- exchanging

    def exchange(self, token: str, scope: Sequence[str] = (), chosen: str = "", visitor: Visitor = NOWHERE) -> IssuedToken:
        """A token of ours for one that a trusted issuer signed, once; `chosen` is `project/trust` where several fit.

        It may no more than the trust allows, and of that no more than `scope` (patterns).

        Raises:
            Unauthenticated: nobody whom we trust signed it, its time is not now, it was exchanged already, or it says something else.
            Invalid: `scope` is more than the trust allows, or several trusts fit.
            Throttled: too many failures from there.
        """
        network, patterns = network_of(visitor.address), checked_patterns(scope)
        self._throttle.charge(WHOLE_NETWORK, network)
        considered: list[Trust] = []
        claims: dict[str, Any] = {}
        try:
            issuer = claimed_issuer(token)
            known = self._rows.read(lambda tx: issuer_store.trusts(tx, issuer=issuer))
            considered += [found for found in known if chosen in ("", f"{found.project}/{found.name}")]
            if not considered:
                raise refusal("nobody here trusts who signed the token", "an administrator of the project declares whom to trust")
            claims |= self._issuers.at(issuer).verified(token)
            fitting = _fitting(considered, claims)
            issued = self._rows.write(lambda tx: self._exchanged(tx, fitting, token, claims, patterns))
        except Unauthenticated as error:
            self._record_refusal(error, considered, claims, visitor)
            raise
        except OstinatoError:
            self._throttle.refund(WHOLE_NETWORK, network)
            raise
        self._throttle.refund(WHOLE_NETWORK, network)
        return issued

    def _exchanged(self, tx: Tx, by: Trust, token: str, claims: Mapping[str, Any], scope: Sequence[str]) -> IssuedToken:
        now, owner = self._machine_clock.now(), store.actor(tx, by.service)
        if issuer_store.trust(tx, by.project, by.name) != by:
            raise Conflict("the trust was changed at this moment", hint="try again")
        if owner is None or owner.disabled:
            raise refusal(f"{by.service} is disabled", "ask an administrator")
        if by.permissions is not None and (more := expand(scope) - expand(by.permissions)):
            raise Invalid(f"the trust does not allow {min(more)}", hint="ask for less", field="scope")
        left_s = claims["exp"] - time.time()
        if left_s > _LIFE_MAX_S:
            raise refusal("the token lives longer than a day", "ask the issuer for one that is meant for a job")
        if not issuer_store.mark_exchanged(tx, _digest(token, claims), now + timedelta(seconds=left_s + 2 * LEEWAY_S), now):
            raise refusal("the token was exchanged already", "ask the issuer for another")
        credential_store.forget_tokens(tx, owner.id, _name(by), now - _KEPT)
        permissions = scope or by.permissions
        reach = Credential(
            id="", actor=owner.id, permissions=None if permissions is None else tuple(permissions), projects=(by.project,), delegated=True
        )
        with calling(Caller(actor=owner.id, project=by.project)):
            issued = self._add_token(tx, owner, _name(by), timedelta(minutes=by.minutes), reach, beside=True)
            told = {"token": issued.token.id, "issuer": by.issuer, "subject": sanitized(claims["sub"], 255), "claims": by.claims}
            self._record(tx, "token.exchanged", Ref("trust", by.name), outputs=(Ref.parse(owner.id),), data=told)
        return issued

    def _record_refusal(self, error: OstinatoError, considered: Sequence[Trust], claims: Mapping[str, Any], visitor: Visitor) -> None:
        """Leave an event in the projects whose trust was claimed; in `default` if nobody's was."""
        places = {found.project: found.issuer for found in considered} or {"default": ""}
        for project, issuer in places.items():
            repeated = self._refusals.due((project, error.message))
            if repeated is None:
                continue
            told: dict[str, Any] = {"reason": error.message, "issuer": issuer, "subject": sanitized(claims.get("sub", ""), 255)}
            told |= {"repeated": repeated} if repeated else {}
            with calling(Caller(actor=_ENGINE, project=project)):
                self._rows.write(lambda tx, told=told: self._refuse(tx, told, considered, visitor))  # type: ignore[misc]

    def _refuse(self, tx: Tx, told: dict[str, Any], considered: Sequence[Trust], visitor: Visitor) -> None:
        mine = [found.name for found in considered if found.project == caller().project]
        subject = Ref("trust", mine[0]) if len(mine) == 1 else Ref("project", caller().project)
        self._record(tx, "exchange.refused", subject, data=told, private={"address": visitor.address})


def _fitting(considered: Sequence[Trust], claims: Mapping[str, Any]) -> Trust:
    """The one trust that the claims fit."""
    heard = [found for found in considered if claims.get("aud") in (found.audience, [found.audience])]
    if not heard:
        raise refusal("the token is meant for another audience", "ask the issuer for one whose audience is what the trust names, alone")
    fits = [found for found in heard if all(_text(claims.get(name)) == value for name, value in found.claims.items())]
    if not fits:
        wrong = sorted({name for found in heard for name, value in found.claims.items() if _text(claims.get(name)) != value})
        raise refusal(f"no trust fits: {', '.join(wrong)} is otherwise", "an administrator of the project declares whom to trust")
    if len(fits) > 1:
        names = ", ".join(f"{found.project}/{found.name}" for found in fits)
        raise Invalid("several trusts fit the token", hint=f"name one as the audience: {names}", field="audience")
    return fits[0]


def _text(value: object) -> str | None:
    """A claim as a trust writes it down; what is no single value is like none."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else None


def _digest(token: str, claims: Mapping[str, Any]) -> bytes:
    """The identity of a token: its `jti`, or else all that was signed, because the signature can be encoded in several ways."""
    once = claims.get("jti")
    told = f"jti {claims['iss']} {once}" if isinstance(once, str) and once else f"all {token.rpartition('.')[0]}"
    return hashlib.sha256(told.encode("utf-8", "replace")).digest()


def _name(of: Trust) -> str:
    return f"trust {of.project}/{of.name}"


def _same(present: Trust, new: Trust) -> bool:
    said = ("service", "issuer", "audience", "claims", "permissions", "minutes")
    return all(getattr(present, name) == getattr(new, name) for name in said)
