"""Errors as MLflow's clients read them: `{"error_code", "message"}`."""

from __future__ import annotations

import msgspec

from ostinato.kernel.errors import (
    Conflict,
    Denied,
    Exhausted,
    GateFailed,
    Invalid,
    MissingExtra,
    NotFound,
    OstinatoError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class AlreadyExists(Conflict):
    """There is a thing of that name."""


class NoEndpoint(NotFound):
    """MLflow, or this gateway, has no such route."""


CODES: dict[type[OstinatoError], tuple[int, str]] = {
    Invalid: (400, "INVALID_PARAMETER_VALUE"),
    AlreadyExists: (400, "RESOURCE_ALREADY_EXISTS"),
    Conflict: (400, "INVALID_PARAMETER_VALUE"),
    GateFailed: (400, "INVALID_PARAMETER_VALUE"),
    Unauthenticated: (401, "UNAUTHENTICATED"),
    Denied: (403, "PERMISSION_DENIED"),
    NoEndpoint: (404, "ENDPOINT_NOT_FOUND"),
    NotFound: (404, "RESOURCE_DOES_NOT_EXIST"),
    TooLarge: (413, "INVALID_PARAMETER_VALUE"),
    Throttled: (429, "REQUEST_LIMIT_EXCEEDED"),
    MissingExtra: (501, "NOT_IMPLEMENTED"),
    Unavailable: (503, "TEMPORARILY_UNAVAILABLE"),
    Exhausted: (507, "RESOURCE_LIMIT_EXCEEDED"),
    OstinatoError: (500, "INTERNAL_ERROR"),
}


def told(error: OstinatoError) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of an error."""
    status, code = next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)
    headers = [(b"content-type", b"application/json")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="mlflow"'))
    if isinstance(error, Unavailable | Throttled):
        headers.append((b"retry-after", b"%d" % max(1, round(error.retry_after_s))))
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    return status, headers, msgspec.json.encode({"error_code": code, "message": message})
