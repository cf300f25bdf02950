"""OpenID Connect sign-in: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ostinato.access.issuer import LEEWAY_S, Issuer, sanitized
from ostinato.access.sign_in import Identity
from ostinato.access.types import ALL_PROJECTS
from ostinato.kernel.errors import Conflict, Invalid, Unauthenticated
from ostinato.kernel.frozen import frozen
from ostinato.kernel.settings import Settings

_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@frozen
class Begun:
    """A sign-in that was sent to the provider: `url` is where the browser goes; the rest stays with the browser until it comes back.

    `link` is the session of the person who wants to be known by what they prove, empty if somebody wants to sign in.
    """

    url: str
    state: str
    nonce: str
    verifier: str
    link: str = ""


@frozen
class Strength:
    """The required strength of authentication: one of the classes `acr` and one of the methods `amr`, at most `max_age_s` ago.

    What is empty or 0 is not asked for.
    """

    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    max_age_s: int = 0

    def asked(self) -> dict[str, str]:
        """The request parameters that ask the provider for it."""
        asked = {"acr_values": " ".join(self.acr)} if self.acr else {}
        return asked | ({"max_age": str(self.max_age_s)} if self.max_age_s else {})

    def require(self, claims: Mapping[str, Any]) -> None:
        """Check that the claims of an ID token satisfy it.

        Raises:
            Unauthenticated: it says less, or nothing.
        """
        if self.acr and claims.get("acr") not in self.acr:
            said = f"acr is {sanitized(claims['acr'])!r}" if "acr" in claims else "the token has no acr"
            raise _weak(f"the provider did not prove enough: {said}", f"OSTINATO_OIDC_ACR asks for {' or '.join(self.acr)}")
        methods = claims.get("amr")
        if self.amr and not (isinstance(methods, list) and set(self.amr) & {m for m in methods if isinstance(m, str)}):
            said = f"amr is {sanitized(methods)!r}" if methods else "the token has no amr"
            raise _weak(f"the provider did not prove enough: {said}", f"OSTINATO_OIDC_AMR asks for {' or '.join(self.amr)}")
        if self.max_age_s:
            at, now = claims.get("auth_time"), time.time()
            if isinstance(at, bool) or not isinstance(at, int | float) or not now - self.max_age_s - LEEWAY_S <= at <= now + LEEWAY_S:
                said = "that was too long ago" if isinstance(at, int | float) else "the token has no auth_time"
                raise _weak(f"the provider asked for no fresh proof: {said}", f"OSTINATO_OIDC_MAX_AGE_S is {self.max_age_s}")


class Provider:
    """The OpenID provider of the settings."""

    def __init__(
        self,
        issuer: str,
        client: str,
        secret: str = "",
        scope: str = "openid",
        groups: str = "",
        claim: str = "groups",
        strength: Strength | None = None,
        networks: str = "",
    ) -> None:
        self.issuer = issuer
        self._client = client
        self._secret = secret
        self._scope = scope
        self._groups = _mapped(groups) if groups else {}
        self._claim = claim
        self._strength = strength or Strength()
        self._publisher = Issuer(issuer, networks)

    @classmethod
    def of(cls, settings: Settings) -> Provider | None:
        """The provider that the settings name, if they name one.

        Raises:
            Invalid: a setting is malformed or the file with the secret cannot be read.
        """
        if not settings.oidc_issuer:
            return None
        if not settings.oidc_client:
            raise Invalid("OSTINATO_OIDC_ISSUER is set without OSTINATO_OIDC_CLIENT", hint="register the server there", field="oidc_client")
        secret = settings.oidc_secret
        if settings.oidc_secret_file:
            try:
                secret = Path(settings.oidc_secret_file).read_text().strip()
            except OSError as error:
                raise Invalid(f"cannot read OSTINATO_OIDC_SECRET_FILE: {error.strerror}", field="oidc_secret_file") from None
        strength = Strength(
            acr=tuple(settings.oidc_acr.split()), amr=tuple(settings.oidc_amr.split()), max_age_s=max(0, settings.oidc_max_age_s)
        )
        return cls(
            settings.oidc_issuer, settings.oidc_client, secret, settings.oidc_scope, settings.oidc_groups, settings.oidc_groups_claim,
            strength, settings.oidc_networks,
        )  # fmt: skip

    def begin(self, redirect_uri: str, link: str = "") -> Begun:
        """The address to which a browser is redirected to sign in, and the values that it must bring back.

        Raises:
            Unavailable: the provider is out of reach.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._client, "redirect_uri": redirect_uri, "scope": self._scope,
            "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        } | self._strength.asked()  # fmt: skip
        endpoint = self._publisher.checked(self._publisher.published(*_NEEDED)["authorization_endpoint"])
        url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"
        return Begun(url=url, state=state, nonce=nonce, verifier=verifier, link=link)

    def finish(self, answer: Mapping[str, str], begun: Begun, redirect_uri: str) -> Identity:
        """The identity in the provider's answer, which the browser brings back.

        Raises:
            Unauthenticated: the answer is to another question, from another provider, or a refusal; the token is not good, or says that
                they proved less than the settings ask for.
            Unavailable: the provider is out of reach.
            Conflict: the provider tells nothing of groups, although groups bring roles.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise _refused("the answer belongs to another sign-in")
        published = self._publisher.published(*_NEEDED)
        issuer, promised = answer.get("iss"), published.get("authorization_response_iss_parameter_supported")
        if (issuer is not None or promised) and issuer != self.issuer:
            raise _refused("the answer comes from another provider")
        if "code" not in answer:
            raise _refused(f"the provider said {sanitized(answer.get('error', 'nothing'))}")
        form = {
            "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri, "code_verifier": begun.verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._secret:
            pair = f"{quote(self._client, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self._client
        status, told = self._publisher.ask("POST", published["token_endpoint"], urlencode(form), headers)
        if status != 200 or not isinstance(told.get("id_token"), str):
            raise _refused(f"the provider does not take the code: {sanitized(told.get('error', status))}")
        return self._identity(self.claims(told["id_token"], begun.nonce))

    def claims(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token, if it was signed by the provider for us and for this sign-in, is valid now, and proves enough.

        Raises:
            Unauthenticated: it is not good.
        """
        found = self._publisher.verified(token, aud=self._client, nonce=nonce)
        party = found.get("azp", self._client if found["aud"] in (self._client, [self._client]) else None)
        if party != self._client:
            raise _refused("the provider's token is meant for something else")
        self._strength.require(found)
        return found

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        name = _STRANGE.sub("-", str(claims.get("preferred_username") or claims.get("nickname") or claims["sub"])).strip("-._")[:58]
        groups = claims.get(self._claim)
        if self._groups and not (isinstance(groups, list) and all(isinstance(group, str) for group in groups)):
            raise Conflict(
                f"the provider's token has no list {self._claim!r}, so that nobody can say which roles groups bring",
                hint="let the provider put it into the ID token, or set OSTINATO_OIDC_GROUPS_CLAIM and OSTINATO_OIDC_SCOPE",
            )
        roles = {role for group in groups or () for role in self._groups.get(group, ())}
        return Identity(issuer=self.issuer, subject=str(claims["sub"]), name=name or "somebody", roles=frozenset(roles))


def _mapped(text: str) -> dict[str, list[tuple[str, str]]]:
    """Roles by group, each as (project, role).

    >>> _mapped('{"ml": ["scientist", "churn:engineer"], "ops": ["admin"]}')
    {'ml': [('default', 'scientist'), ('churn', 'engineer')], 'ops': [('*', 'admin')]}
    """
    try:
        found = json.loads(text)
        if not all(isinstance(roles, list) for roles in found.values()):
            raise TypeError("not lists")
        pairs = {group: [role.rpartition(":") for role in roles] for group, roles in found.items()}
    except (ValueError, AttributeError, TypeError):
        hint = """such as {"data-science": ["scientist", "churn:engineer"], "operations": ["admin"]}"""
        raise Invalid("OSTINATO_OIDC_GROUPS is no object of lists of roles", hint=hint, field="oidc_groups") from None
    return {
        group: [(ALL_PROJECTS if role == "admin" else project or "default", role) for project, _, role in roles]
        for group, roles in pairs.items()
    }


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(why, hint="start again at GET /api/v1/sign-in/oidc")


def _weak(why: str, hint: str) -> Unauthenticated:
    return Unauthenticated(why, hint=f"{hint}; sign in there again, with what it asks for")
