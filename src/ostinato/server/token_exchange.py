"""The route of token exchange (RFC 8693): a token of a trusted issuer for one of this store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ostinato.access.types import IssuedToken
from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid, OstinatoError, Unauthenticated
from ostinato.server.browser import browser_request
from ostinato.server.errors import failure

PATH = "/api/v1/token"
_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_TYPE = "urn:ietf:params:oauth:token-type:"
_SUBJECTS = (f"{_TYPE}jwt", f"{_TYPE}id_token")
_BODY_MAX = 128 * 1024
_FORM = "application/x-www-form-urlencoded"


class TokenExchangeRoute:
    """`POST /api/v1/token` speaks as RFC 8693 and RFC 6749 want it, errors included."""

    def __init__(self, app: Ostinato, run: Callable[..., Awaitable[Any]]) -> None:
        self._access = app.access
        self._run = run

    def routes(self) -> list[Route]:
        """The route."""
        return [Route(PATH, self._exchange, methods=["POST"])]

    async def _exchange(self, request: Request) -> Response:
        try:
            form = await _form(request)
            issued: IssuedToken = await self._run(self._issue, form)
        except (Invalid, Unauthenticated) as error:
            return _refusal(error)
        except OstinatoError as error:
            return failure(error)
        token = issued.token
        told = {
            "access_token": issued.secret,
            "issued_token_type": f"{_TYPE}access_token",
            "token_type": "Bearer",
            "expires_in": int((token.expires_at - token.created_at).total_seconds()),
        }
        scope = {} if token.permissions is None else {"scope": " ".join(token.permissions)}
        return JSONResponse(told | scope, headers={"cache-control": "no-store"})

    def _issue(self, form: dict[str, str]) -> IssuedToken:
        scope = form.get("scope", "").split()
        return self._access.exchange(form["subject_token"], scope, form.get("audience", ""), browser_request().visitor)


async def _form(request: Request) -> dict[str, str]:
    """The form of a request, each field once.

    Raises:
        Invalid: it is none, too long, or asks for something else.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Invalid("a token is asked for by a form", hint=f"content-type: {_FORM}", field="content-type")
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _BODY_MAX:
            raise Invalid(f"the form is longer than {_BODY_MAX >> 10} KiB")
    fields = parse_qsl(content.decode("latin-1"), keep_blank_values=True, max_num_fields=50) if content.count(b"&") < 50 else []
    form = dict(fields)
    if len(form) != len(fields) or not fields:
        raise Invalid("each field of the form stands once", hint="RFC 8693 names them")
    if form.get("grant_type") != _GRANT:
        raise Invalid("another grant_type is not known", hint=f"grant_type={_GRANT}", field="grant_type")
    if form.get("subject_token_type") not in _SUBJECTS or not form.get("subject_token"):
        raise Invalid(
            "a token of an issuer is missing", hint=f"subject_token, and subject_token_type={_SUBJECTS[0]}", field="subject_token"
        )
    if "actor_token" in form:
        raise Invalid("nobody acts for another here", hint="leave actor_token out", field="actor_token")
    if form.get("requested_token_type") not in (None, f"{_TYPE}access_token"):
        raise Invalid("only access tokens are given", hint=f"requested_token_type={_TYPE}access_token", field="requested_token_type")
    return form


def _refusal(error: Invalid | Unauthenticated) -> Response:
    """RFC 6749 §5.2; what is wrong with the subject token is `invalid_request` (RFC 8693 §2.2.2)."""
    named = {"grant_type": "unsupported_grant_type", "scope": "invalid_scope", "permissions": "invalid_scope", "audience": "invalid_target"}
    code = named.get(getattr(error, "field", ""), "invalid_request")
    described = f"{error.message}; {error.hint}" if error.hint else error.message
    return JSONResponse({"error": code, "error_description": described}, 400, headers={"cache-control": "no-store"})
