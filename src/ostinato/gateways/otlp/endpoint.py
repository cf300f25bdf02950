"""`POST /v1/traces` as an ASGI app: authorize, decode, store, and report what was rejected."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ostinato.app import Ostinato
from ostinato.gateways.otlp.protobuf import message
from ostinato.gateways.otlp.request import Batch, of_json, of_protobuf
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import (
    Conflict,
    Denied,
    Exhausted,
    Invalid,
    NotFound,
    OstinatoError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from ostinato.kernel.operation import Op
from ostinato.serving.plane.encoding import UNPACKED, decompressed
from ostinato.traces.service import Traces
from ostinato.tracking.verbs.experiments import known_experiment

Admit = Callable[[Mapping[str, str], str, str], Caller]
Run = Callable[..., Awaitable[Any]]
OP = Op("POST", "/v1/traces", Traces.put, "trace:write")
JSON, PROTOBUF = "application/json", "application/x-protobuf"
_PATH = re.compile(r"(?:/mlflow/([A-Za-z0-9][A-Za-z0-9._-]{0,63}))?/v1/traces/?")
_ABOUT_MAX, _ABOUT_LENGTH = 50, 1_000
_TOLD_MAX = 5
_ODD = frozenset('\0"')
_ERRORS: dict[type[OstinatoError], tuple[int, int, str]] = {
    Invalid: (400, 3, "INVALID_PARAMETER_VALUE"),
    Conflict: (400, 9, "INVALID_PARAMETER_VALUE"),
    Unauthenticated: (401, 16, "UNAUTHENTICATED"),
    Denied: (403, 7, "PERMISSION_DENIED"),
    NotFound: (404, 5, "RESOURCE_DOES_NOT_EXIST"),
    TooLarge: (413, 3, "INVALID_PARAMETER_VALUE"),
    Throttled: (429, 8, "REQUEST_LIMIT_EXCEEDED"),
    Unavailable: (503, 14, "TEMPORARILY_UNAVAILABLE"),
    Exhausted: (507, 8, "RESOURCE_LIMIT_EXCEEDED"),
    OstinatoError: (500, 13, "INTERNAL_ERROR"),
}
"""The status of an error, its number among those of gRPC, and the name that MLflow has for it."""


class OTLP:
    """The gateway over an opened store. `admit` says who is calling, `run` runs a call in a thread."""

    op = OP

    def __init__(self, app: Ostinato, admit: Admit, run: Run, limit: int) -> None:
        self._app = app
        self._admit = admit
        self._run = run
        self._limit = limit

    def place(self, path: str) -> bool:
        """Whether an address is the gateway's."""
        return _PATH.fullmatch(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        scope["endpoint"] = self
        headers = _headers(request)
        kind = headers.get("content-type", PROTOBUF).partition(";")[0].strip().lower()
        try:
            if request.method != "POST":
                raise Invalid(f"{request.method} {OP.path} is not possible", hint="traces are sent by POST")
            who = scope["ostinato.caller"] = await self._run(self._admit, headers, OP.needs, f"{OP.method} {OP.path}")
            content = await _body(request, self._limit)
            answer = await self._run(self._store, who, headers, kind, content)
            response = Response(answer, media_type=JSON if kind == JSON else PROTOBUF)
        except OstinatoError as error:
            response = _error_response(error, JSON if kind == JSON or "x-mlflow-experiment-id" in headers else PROTOBUF)
        await response(scope, receive, send)

    def _store(self, who: Caller, headers: Mapping[str, str], kind: str, content: bytes) -> bytes:
        if kind not in (JSON, PROTOBUF):
            raise Invalid(f"a body of type {kind[:100]} is not understood", hint=f"send {PROTOBUF} or {JSON}", field="content-type")
        packing = headers.get("content-encoding", "identity").strip().lower()
        if packing not in ("identity", *UNPACKED):
            raise Invalid(
                f"bodies packed by {packing[:100]} are not read", hint=f"send one of {', '.join(UNPACKED)}", field="content-encoding"
            )
        plain = decompressed(content, packing, self._limit) if packing in UNPACKED else content
        batches = of_json(plain) if kind == JSON else of_protobuf(plain)
        with calling(who):
            refused = [why for batch in batches for why in self._put_batch(batch, headers)]
        return _partial(refused, kind)

    def _put_batch(self, batch: Batch, headers: Mapping[str, str]) -> list[str]:
        """Store the spans of a resource; why some were not kept."""
        service = str(batch.resource.get("service.name", ""))
        run = headers.get("x-mlflow-run-id") or headers.get("ostinato-run") or None
        if run is not None:
            self._app.runs.get(run)
        taken = self._app.traces.put(batch.spans, self._experiment(headers, service), run, _about(batch.resource))
        return list(taken.refused.values())

    def _experiment(self, headers: Mapping[str, str], service: str) -> str:
        """The experiment of new traces: the one that a header names, else that of the name of the service, else `Default`."""
        asked = headers.get("x-mlflow-experiment-id")
        if asked is None:
            named = "" if service.startswith("unknown_service") else service.strip()[:_ABOUT_LENGTH]
            return headers.get("ostinato-experiment") or (named if named.isprintable() and len(named) <= 500 else "") or "Default"
        known = self._app.rows.read(partial(known_experiment, said=asked))
        if known is not None and known[0] == asked:
            return asked
        if asked == "0":  # the experiment of MLflow's clients that name none
            named_so = self._app.rows.read(partial(known_experiment, said="Default"))
            return named_so[0] if named_so else self._app.runs.create_experiment("Default", id="0").id
        raise NotFound(f"No Experiment with id={asked[:100]} exists", hint="x-mlflow-experiment-id is the id of one of this project")


def _headers(request: Request) -> dict[str, str]:
    """The headers, with the project that the address or a workspace names, and a password as the token that it is."""
    found = dict(request.headers)
    placed = _PATH.fullmatch(request.url.path)
    if named := (placed and placed[1]) or found.get("ostinato-project") or found.get("x-mlflow-workspace"):
        found["ostinato-project"] = named
    scheme, _, secret = found.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            found["authorization"] = f"Bearer {base64.b64decode(secret, validate=True).decode().partition(':')[2]}"
        except (binascii.Error, UnicodeDecodeError):
            found["authorization"] = "Bearer "
    return found


async def _body(request: Request, limit: int) -> bytes:
    content = bytearray()
    if int(request.headers.get("content-length", "0")) > limit:
        raise _too_large(limit)
    async for piece in request.stream():
        content += piece
        if len(content) > limit:
            raise _too_large(limit)
    return bytes(content)


def _about(resource: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of a resource, as metadata of traces."""
    said = {key: str(value)[:_ABOUT_LENGTH] for key, value in resource.items() if isinstance(value, str | int | float | bool)}
    plain = {key: value for key, value in said.items() if 1 <= len(key) <= 200 and not _ODD & {*key} and "\0" not in value}
    return dict(list(plain.items())[:_ABOUT_MAX])


def _partial(refused: list[str], kind: str) -> bytes:
    """The reply: nothing if all was kept, else how many spans were not, and why."""
    if not refused:
        return b"{}" if kind == JSON else b""
    why = "; ".join(dict.fromkeys(refused[:_TOLD_MAX]))
    if kind == JSON:
        return msgspec.json.encode({"partialSuccess": {"rejectedSpans": str(len(refused)), "errorMessage": why}})
    return message((1, message((1, len(refused)), (2, why.encode()))))


def _error_response(error: OstinatoError, kind: str) -> Response:
    """The reply that tells of an error: a `Status` of gRPC, in JSON with MLflow's name for it as well."""
    status, code, name = next(_ERRORS[cls] for cls in type(error).__mro__ if cls in _ERRORS)
    why = f"{error.message} ({error.hint})" if error.hint else error.message
    headers = {}
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="ostinato"'
    if isinstance(error, Unavailable | Throttled):
        headers["retry-after"] = str(max(1, round(error.retry_after_s)))
    plain = msgspec.json.encode({"code": code, "message": why, "error_code": name})
    return Response(plain if kind == JSON else message((1, code), (2, why.encode())), status, headers, kind)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit >> 20} MiB", hint="send fewer spans at once")
