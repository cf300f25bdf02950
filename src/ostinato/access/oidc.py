"""OpenID Connect: people prove elsewhere who they are, by authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636, 9207)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import secrets
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ostinato.access.sign_in import Identity
from ostinato.access.types import ALL_PROJECTS
from ostinato.kernel.errors import Conflict, Invalid, Unauthenticated, Unavailable
from ostinato.kernel.settings import Settings

_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures by a key pair alone: what a provider publishes must not be enough to sign."""
_LEEWAY_S = 60
_TIMEOUT_S = 10.0
_REPLY_MAX = 1 << 20
_METADATA_S = 3600.0
_REFETCH_S = 60.0
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that went to the provider: `url` is where the browser goes; the rest stays with the browser until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


class Provider:
    """The OpenID provider of the settings. What it publishes is asked for when it is needed, and kept."""

    def __init__(self, issuer: str, client: str, secret: str = "", scope: str = "openid", groups: str = "", claim: str = "groups") -> None:
        self.issuer = issuer
        self._client = client
        self._secret = secret
        self._scope = scope
        self._groups = _mapped(groups) if groups else {}
        self._claim = claim
        self._lock = threading.Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None
        self._loopback = urlsplit(issuer).hostname in ("127.0.0.1", "localhost", "::1")
        self._checked(issuer)

    @classmethod
    def of(cls, settings: Settings) -> Provider | None:
        """The provider that the settings name, if they name one.

        Raises:
            Invalid: a setting is malformed or the file with the secret cannot be read.
        """
        if not settings.oidc_issuer:
            return None
        secret = settings.oidc_secret
        if settings.oidc_secret_file:
            try:
                secret = Path(settings.oidc_secret_file).read_text().strip()
            except OSError as error:
                raise Invalid(f"cannot read OSTINATO_OIDC_SECRET_FILE: {error.strerror}", field="oidc_secret_file") from None
        return cls(
            settings.oidc_issuer, settings.oidc_client, secret, settings.oidc_scope, settings.oidc_groups, settings.oidc_groups_claim
        )

    # ---- out and back

    def begin(self, redirect_uri: str) -> Begun:
        """Where to send a browser that wants to sign in, and what it must bring back.

        Raises:
            Unavailable: the provider is out of reach.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._client, "redirect_uri": redirect_uri, "scope": self._scope,
            "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        endpoint = self._checked(self._known()["authorization_endpoint"])
        return Begun(url=f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", state=state, nonce=nonce, verifier=verifier)

    def finish(self, answer: Mapping[str, str], begun: Begun, redirect_uri: str) -> Identity:
        """Who the browser's answer says it is.

        Raises:
            Unauthenticated: the answer is to another question, from another provider, or a refusal; or the token is not good.
            Unavailable: the provider is out of reach.
            Conflict: the provider tells nothing of groups, although groups bring roles.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise _refused("the answer belongs to another sign-in")
        issuer, promised = answer.get("iss"), self._known().get("authorization_response_iss_parameter_supported")
        if (issuer is not None or promised) and issuer != self.issuer:
            raise _refused("the answer comes from another provider")
        if "code" not in answer:
            raise _refused(f"the provider said {_STRANGE.sub(' ', answer.get('error', 'nothing'))[:60]}")
        form = {
            "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri, "code_verifier": begun.verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._secret:
            pair = f"{quote(self._client, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self._client
        status, told = self._ask("POST", self._known()["token_endpoint"], urlencode(form), headers)
        if status != 200 or not isinstance(told.get("id_token"), str):
            raise _refused(f"the provider does not take the code: {_STRANGE.sub(' ', str(told.get('error', status)))[:60]}")
        return self._identity(self.claims(told["id_token"], begun.nonce))

    def claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What an ID token says, if the provider signed it for us, for this sign-in, and its time is now.

        Raises:
            Unauthenticated: it is not good.
        """
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self._client},
            "nonce": {"essential": True, "value": nonce}, "sub": {"essential": True},
            "exp": {"essential": True}, "iat": {"essential": True},
        }  # fmt: skip
        try:
            try:
                found = jwt.decode(token, self._key_set(), algorithms=_ALGORITHMS)
            except InvalidKeyIdError:
                found = jwt.decode(token, self._key_set(unknown=True), algorithms=_ALGORITHMS)
            jwt.JWTClaimsRegistry(leeway=_LEEWAY_S, **wanted).validate(found.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused(f"the provider's token is not good: {type(error).__name__}") from None
        audience = found.claims["aud"]
        party = found.claims.get("azp", self._client if audience in (self._client, [self._client]) else None)
        if found.header.get("typ", "JWT") != "JWT" or party != self._client:
            raise _refused("the provider's token is meant for something else")
        return dict(found.claims)

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

    # ---- what it publishes

    def _known(self) -> dict[str, Any]:
        with self._lock:
            kept = self._metadata
            if kept is not None and time.monotonic() - kept[0] < _METADATA_S:
                return kept[1]
        status, found = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if status != 200:
            raise Unavailable(f"the OpenID provider answered {status}", hint="is OSTINATO_OIDC_ISSUER right?")
        if found.get("issuer") != self.issuer:
            raise Conflict(
                "the OpenID provider calls itself otherwise", hint=f"set OSTINATO_OIDC_ISSUER to {str(found.get('issuer'))[:200]}"
            )
        if missing := {"authorization_endpoint", "token_endpoint", "jwks_uri"} - found.keys():
            raise Conflict(f"the OpenID provider names no {min(missing)}", hint="is it one for OpenID Connect?")
        with self._lock:
            self._metadata = (time.monotonic(), found)
        return found

    def _key_set(self, *, unknown: bool = False) -> Any:
        """The provider's keys; asked for again each hour, and if one is `unknown`, at most once a minute. The last good ones are kept."""
        from joserfc.jwk import KeySet

        with self._lock:
            kept = self._keys
        if kept is None or time.monotonic() - kept[0] >= (_REFETCH_S if unknown else _METADATA_S):
            try:
                status, found = self._ask("GET", self._known()["jwks_uri"])
                good = status == 200 and isinstance(found.get("keys"), list)
            except Unavailable:
                if kept is None:
                    raise
                good = False
            if good:
                kept = (time.monotonic(), found)
            elif kept is None:
                raise Unavailable("the OpenID provider shows no keys", hint="look at its log")
            else:
                kept = (time.monotonic(), kept[1])
            with self._lock:
                self._keys = kept
        return KeySet.import_key_set(kept[1])  # type: ignore[arg-type]

    def _ask(self, method: str, url: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """One request without redirects: its status, and its JSON object, empty if it is none."""
        parts = urlsplit(self._checked(url))
        host, port = parts.hostname or "", parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=ssl.create_default_context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, target, body, {"Accept": "application/json", **(headers or {})})
            response = connection.getresponse()
            content = response.read(_REPLY_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the OpenID provider is out of reach: {type(error).__name__}", hint="try again in a moment") from None
        finally:
            connection.close()
        try:
            found = json.loads(content)
        except ValueError:
            found = {}
        return response.status, found if isinstance(found, dict) else {}

    def _checked(self, url: str) -> str:
        """An address of the provider: encrypted, unless the provider stands on the loopback."""
        if urlsplit(url).scheme != "https" and not (self._loopback and url.startswith("http://")):
            raise Invalid(
                f"not an https address of an OpenID provider: {url[:200]!r}", hint="OSTINATO_OIDC_ISSUER=https://…", field="oidc_issuer"
            )
        return url


def _mapped(text: str) -> dict[str, list[tuple[str, str]]]:
    """Roles by group, each as (project, role).

    >>> _mapped('{"ml": ["scientist", "churn:engineer"], "ops": ["admin"]}')
    {'ml': [('default', 'scientist'), ('churn', 'engineer')], 'ops': [('*', 'admin')]}
    """
    try:
        found = json.loads(text)
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
