"""The table from error classes to HTTP status, and the body of every error."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from ostinato.kernel.errors import (
    Conflict,
    Corrupt,
    Denied,
    Exhausted,
    GateFailed,
    Invalid,
    MissingExtra,
    NotFound,
    OstinatoError,
    StepFailed,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from ostinato.kernel.signature import to_wire


class Misdirected(Invalid):
    """The request calls the server by a name that is not its own."""


class NotAllowed(Invalid):
    """The route is there, and takes other methods: those in `allow`."""

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message, hint=f"possible are {allow}")
        self.allow = allow


class Unsupported(Invalid):
    """The body is in a form that is not read."""


STATUS: dict[type[OstinatoError], int] = {
    Misdirected: 421,
    NotAllowed: 405,
    Unsupported: 415,
    Invalid: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    GateFailed: 422,
    StepFailed: 422,
    Throttled: 429,
    Corrupt: 500,
    MissingExtra: 501,
    Unavailable: 503,
    Exhausted: 507,
    OstinatoError: 500,
}


def failure(error: OstinatoError) -> Response:
    """The reply that tells of an error: `{"error": {"type", "message", "hint", …}}`."""
    kind = next(cls for cls in type(error).__mro__ if cls in STATUS)
    name = "Invalid" if issubclass(kind, Invalid) else kind.__name__  # what only a server says is Invalid to a client
    told: dict[str, Any] = {**error.detail(), "type": name, "message": error.message, "hint": error.hint}
    headers = {}
    if kind is Unauthenticated:
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, NotAllowed):
        headers["allow"] = error.allow
    if isinstance(error, Unavailable | Throttled):
        headers["retry-after"] = str(max(1, round(error.retry_after_s)))
    content = msgspec.json.encode({"error": told}, enc_hook=_jsonable)
    return Response(content, STATUS[kind], headers, "application/json")


def _jsonable(value: Any) -> Any:
    """An error is told even if a field of it does not travel."""
    try:
        return to_wire(value)
    except NotImplementedError:
        return str(value)
