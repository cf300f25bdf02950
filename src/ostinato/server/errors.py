"""The one table from errors to HTTP: class → status, and the body that every error has."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from ostinato.kernel.errors import (
    Conflict,
    Corrupt,
    Denied,
    GateFailed,
    Invalid,
    MissingExtra,
    NotFound,
    OstinatoError,
    StepFailed,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from ostinato.kernel.signature import to_wire

STATUS: dict[type[OstinatoError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    GateFailed: 422,
    StepFailed: 422,
    Corrupt: 500,
    MissingExtra: 501,
    Unavailable: 503,
    OstinatoError: 500,
}


def failure(error: OstinatoError) -> Response:
    """The reply that tells of an error: `{"error": {"type", "message", "hint", …}}`."""
    kind = next(cls for cls in type(error).__mro__ if cls in STATUS)
    told: dict[str, Any] = {**error.detail(), "type": kind.__name__, "message": error.message, "hint": error.hint}
    headers = {}
    if kind is Unauthenticated:
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(max(1, round(error.retry_after_s)))
    content = msgspec.json.encode({"error": told}, enc_hook=_plain)
    return Response(content, STATUS[kind], headers, "application/json")


def _plain(value: Any) -> Any:
    """An error is told even if a field of it does not travel."""
    try:
        return to_wire(value)
    except NotImplementedError:
        return str(value)
