"""Elsewhere: the way of a browser to the OpenID provider and back, as two plain routes."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ostinato.access.oidc import Begun, Provider
from ostinato.app import Ostinato
from ostinato.kernel.errors import NotFound, OstinatoError, Unauthenticated
from ostinato.server.errors import failure
from ostinato.server.visit import visit

PATH = "/api/v1/sign-in/oidc"
_COOKIE = "oidc"
_LIFE_S = 600


class Elsewhere:
    """`GET /api/v1/sign-in/oidc` sends the browser away, `…/callback` takes it back; what it must bring back is in a cookie of its own."""

    def __init__(self, app: Ostinato, run: Callable[..., Awaitable[Any]]) -> None:
        self._access = app.access
        self._provider = Provider.of(app.settings)
        self._run = run

    def routes(self) -> list[Route]:
        """The two routes."""
        return [Route(PATH, self._away, methods=["GET"]), Route(f"{PATH}/callback", self._back, methods=["GET"])]

    async def _away(self, request: Request) -> Response:  # noqa: ARG002 — starlette's shape
        begun: Begun = await self._run(self._known().begin, _redirect_uri())
        kept = base64.urlsafe_b64encode(msgspec.json.encode(replace(begun, url=""))).decode()
        visit().set_cookie(kept.rstrip("="), _COOKIE, _LIFE_S)
        return RedirectResponse(begun.url, 303)

    async def _back(self, request: Request) -> Response:
        begun, answer = _begun(visit().cookie(_COOKIE)), dict(request.query_params)
        visit().set_cookie("", _COOKIE)
        try:
            opened = await self._run(self._finish, answer, begun)
        except OstinatoError as error:
            return failure(error)  # with the cookie taken back: an attempt that failed is over
        visit().set_cookie(opened.secret)
        return RedirectResponse("/", 303)

    def _finish(self, answer: dict[str, str], begun: Begun) -> Any:
        identity = self._known().finish(answer, begun, _redirect_uri())
        return self._access.sign_in_elsewhere(identity, visit().visitor)

    def _known(self) -> Provider:
        if self._provider is None:
            raise NotFound("nobody signs in by OpenID Connect here", hint="OSTINATO_OIDC_ISSUER on the server names a provider")
        return self._provider


def _redirect_uri() -> str:
    return f"{visit().origin}{PATH}/callback"


def _begun(cookie: str) -> Begun:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)), type=Begun)
    except (ValueError, msgspec.DecodeError):
        raise Unauthenticated("this browser began no sign-in, or too long ago", hint=f"start again at GET {PATH}") from None
