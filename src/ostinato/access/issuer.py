"""Issuer: a trusted token issuer and its published keys (OpenID Connect Discovery 1.0, RFC 7517, RFC 7519)."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ostinato.kernel.errors import Conflict, Invalid, Unauthenticated, Unavailable
from ostinato.storage.web import Answer, Reach, ask, check_reach, check_url

LEEWAY_S = 60
"""So far may the clocks of an issuer and of this machine be apart."""
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures by a key pair alone: what an issuer publishes must not be enough to sign."""
_TIMEOUT_S = 10.0
_REPLY_MAX = 1 << 20
_TOKEN_MAX = 1 << 16
_METADATA_S = 3600.0
_REFETCH_S = 60.0
_AWAY_S = 3.0
"""So long an issuer that did not answer is not asked again: who waits for it takes the place of others."""
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_BAD = (ValueError, TypeError, KeyError, RecursionError)


class Issuer:
    """One issuer. What it publishes is asked for when it is needed, at the one address that was checked, and kept."""

    def __init__(self, url: str, networks: str = "") -> None:
        self.url = url
        self._reach = Reach(setting="oidc_networks", networks=networks)
        self._lock = threading.Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None
        self._away_until = 0.0
        self._loopback = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        self.checked(url)

    def check(self) -> None:
        """Refuse an issuer that would not be asked.

        Raises:
            Denied: its address is neither public nor in a network of `OSTINATO_OIDC_NETWORKS`.
        """
        check_reach(self.url, self._reach)

    def verified(self, token: str, **wanted: str) -> dict[str, Any]:
        """The verified claims of a token: signed by the issuer, valid now, and equal to `wanted`; `aud` may name others besides.

        Raises:
            Unauthenticated: it is not good.
            Unavailable: the issuer is out of reach, and its keys are not known yet.
        """
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        essential: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
        for name, value in {"iss": self.url, **wanted}.items():
            essential[name] = {"essential": True, "value": value}
        try:
            if len(token) > _TOKEN_MAX:
                raise ValueError("too long")
            try:
                found = jwt.decode(token, self._key_set(), algorithms=_ALGORITHMS)
            except InvalidKeyIdError:
                found = jwt.decode(token, self._key_set(unknown=True), algorithms=_ALGORITHMS)
            jwt.JWTClaimsRegistry(leeway=LEEWAY_S, **essential).validate(found.claims)
        except (JoseError, *_BAD) as error:
            raise refusal(f"the token is not good: {type(error).__name__}") from None
        if found.header.get("typ", "JWT") != "JWT":
            raise refusal("the token is meant for something else")
        return dict(found.claims)

    def published(self, *needed: str) -> dict[str, Any]:
        """The issuer's published configuration, with an address for each of `needed`.

        Raises:
            Unavailable: it is out of reach.
            Conflict: it calls itself otherwise, or does not name what is needed.
        """
        found = self._configuration()
        if missing := sorted(name for name in needed if not isinstance(found.get(name), str)):
            raise Conflict(f"the issuer {self.url} names no {missing[0]}", hint="is it one for OpenID Connect?")
        return found

    def ask(self, method: str, url: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """One request to an address of the issuer: its status, and its JSON object, empty if it is none.

        Raises:
            Unavailable: nobody answers.
            Denied: the address is neither public nor in a network of `OSTINATO_OIDC_NETWORKS`.
        """
        told = {"Accept": "application/json", **(headers or {})}
        if time.monotonic() < self._away_until:
            raise Unavailable(f"the issuer {self.url} did not answer just now", hint="try again in a moment", retry_after_s=_AWAY_S)
        try:
            answer: Answer = ask(method, self.checked(url), body, told, timeout_s=_TIMEOUT_S, reach=self._reach, most=_REPLY_MAX)
        except Unavailable as error:
            self._away_until = time.monotonic() + _AWAY_S
            raise Unavailable(f"the issuer {self.url} is out of reach: {error.message}", hint="try again in a moment") from None
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError):
            found = {}
        return answer.status, found if isinstance(found, dict) else {}

    def checked(self, url: str) -> str:
        """An address of the issuer: encrypted, unless the issuer stands on the loopback.

        Raises:
            Invalid: it is not.
        """
        if check_url(url).scheme != "https" and not (self._loopback and url.startswith("http://")):
            raise Invalid(f"not an https address of an issuer: {url[:200]!r}", hint="https://…", field="issuer")
        return url

    def _configuration(self) -> dict[str, Any]:
        with self._lock:
            kept = self._metadata
            if kept is not None and time.monotonic() - kept[0] < _METADATA_S:
                return kept[1]
        status, found = self.ask("GET", f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if status != 200:
            raise Unavailable(f"the issuer {self.url} answered {status}", hint="is its address right?")
        if found.get("issuer") != self.url:
            raise Conflict(f"the issuer {self.url} calls itself otherwise", hint=f"name it {str(found.get('issuer'))[:200]}")
        with self._lock:
            self._metadata = (time.monotonic(), found)
        return found

    def _key_set(self, *, unknown: bool = False) -> Any:
        """The issuer's keys; asked for again each hour, and if one is `unknown`, at most once a minute. The last good ones are kept."""
        from joserfc.jwk import KeySet

        with self._lock:
            kept = self._keys
        if kept is None or time.monotonic() - kept[0] >= (_REFETCH_S if unknown else _METADATA_S):
            try:
                status, found = self.ask("GET", self.published("jwks_uri")["jwks_uri"])
                good = status == 200 and isinstance(found.get("keys"), list)
            except Unavailable:
                if kept is None:
                    raise
                good = False
            if good:
                kept = (time.monotonic(), found)
            elif kept is None:
                raise Unavailable(f"the issuer {self.url} shows no keys", hint="look at its log")
            else:
                kept = (time.monotonic(), kept[1])
            with self._lock:
                self._keys = kept
        return KeySet.import_key_set(kept[1])  # type: ignore[arg-type]


class Issuers:
    """The issuers that were asked so far, by their address."""

    def __init__(self, networks: str = "") -> None:
        self._networks = networks
        self._configuration: dict[str, Issuer] = {}

    def at(self, url: str) -> Issuer:
        """The issuer of this address. Raises Invalid if it is none that an issuer may have."""
        if (found := self._configuration.get(url)) is None:
            found = self._configuration[url] = Issuer(url, self._networks)
        return found


def claimed_issuer(token: str) -> str:
    """Whom a token says that it comes from: not to be believed, only to be asked.

    Raises:
        Unauthenticated: it is no token.
    """
    try:
        if len(token) > _TOKEN_MAX:
            raise ValueError("too long")
        _, middle, _ = token.split(".")
        found = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))["iss"]
    except _BAD:
        raise refusal("this is no token of an issuer") from None
    return str(found)


def sanitized(text: object, most: int = 60) -> str:
    """A foreign text without control and formatting characters."""
    return _STRANGE.sub(" ", str(text))[:most]


def refusal(why: str, hint: str = "") -> Unauthenticated:
    """The refusal of what somebody shows."""
    return Unauthenticated(why, hint=hint)
