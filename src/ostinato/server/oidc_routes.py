"""The two routes of an OpenID Connect sign-in: to the provider, and back."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ostinato.access.oidc import Begun, Provider
from ostinato.access.sign_in import Identity
from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import NotFound, OstinatoError, Unauthenticated
from ostinato.server.browser import browser_request
from ostinato.server.errors import failure

PATH = "/api/v1/sign-in/oidc"
_COOKIE = "oidc"
_LIFE_S = 600


class OidcRoutes:
    """`GET /api/v1/sign-in/oidc` sends the browser away, `…/callback` takes it back; what it must bring back is in a cookie of its own."""

    def __init__(self, app: Ostinato, provider: Provider | None, run: Callable[..., Awaitable[Any]]) -> None:
        self._access = app.access
        self._provider = provider
        self._run = run

    def routes(self) -> list[Route]:
        """The two routes."""
        return [Route(PATH, self._away, methods=["GET"]), Route(f"{PATH}/callback", self._back, methods=["GET"])]

    async def _away(self, request: Request) -> Response:  # noqa: ARG002 — starlette's shape
        return RedirectResponse(await self._run(begin_redirect, self._provider), 303)

    async def _back(self, request: Request) -> Response:
        kept, answer = browser_request().cookie(_COOKIE), dict(request.query_params)
        browser_request().set_cookie("", _COOKIE)
        try:
            secret = await self._run(self._finish, answer, _begun(kept))
        except OstinatoError as error:
            return _redirect_with_error(request, error)  # with the cookie taken back: an attempt that failed is over
        if secret:
            browser_request().set_cookie(secret)
        return RedirectResponse("/", 303)

    def _finish(self, answer: dict[str, str], begun: Begun) -> str:
        """The secret of the session that begins, or nothing where somebody who is signed in is known by what they proved from now on."""
        identity = _require_provider(self._provider).finish(answer, begun, _redirect_uri())
        if not begun.link:
            return self._access.sign_in_elsewhere(identity, browser_request().visitor).secret
        self._link(identity, begun.link)
        return ""

    def _link(self, identity: Identity, session: str) -> None:
        by = self._access.admit_session(browser_request().session, "default").credential
        if not hmac.compare_digest(by.id, session):
            raise Unauthenticated("somebody else has signed in here meanwhile", hint=f"start again at POST {PATH}/link")
        with calling(Caller(actor=by.actor, credential=by.id)):
            self._access.link_own(identity)


def begin_redirect(provider: Provider | None, link: str = "") -> str:
    """Redirect the browser to the provider, with a cookie of what it must bring back; `link` is the session to be linked.

    Raises:
        NotFound: no provider is set up.
        Unavailable: it is out of reach.
    """
    begun = _require_provider(provider).begin(_redirect_uri(), link)
    kept = base64.urlsafe_b64encode(msgspec.json.encode(replace(begun, url=""))).decode()
    browser_request().set_cookie(kept.rstrip("="), _COOKIE, _LIFE_S)
    return begun.url


def _require_provider(provider: Provider | None) -> Provider:
    if provider is None:
        raise NotFound("nobody signs in by OpenID Connect here", hint="OSTINATO_OIDC_ISSUER on the server names a provider")
    return provider


def _redirect_with_error(request: Request, error: OstinatoError) -> Response:
    """A browser is led to the sign-in page, which knows the kind of error: words in an address could be anybody's."""
    if "text/html" not in request.headers.get("accept", ""):
        return failure(error)
    return RedirectResponse(f"/sign-in?failed={type(error).__name__}", 303)


def _redirect_uri() -> str:
    return f"{browser_request().origin}{PATH}/callback"


def _begun(cookie: str) -> Begun:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)), type=Begun)
    except (ValueError, msgspec.DecodeError):
        raise Unauthenticated("this browser began no sign-in, or too long ago", hint=f"start again at GET {PATH}") from None
