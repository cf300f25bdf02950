"""The HTTP of the data plane: a bare ASGI app, because a framework would cost more than the model."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import orjson

from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.serving.plane.encoding import LEAST, UNPACKED, compressed, decompressed, negotiate
from ostinato.serving.plane.engine import Engine
from ostinato.serving.plane.listener import SECURITY_HEADERS
from ostinato.serving.plane.protocol import RequestError, metadata, read, reply

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_BODY_MAX = 64 * 1024 * 1024
_JSON = (b"content-type", b"application/json")
_EXTENSIONS = ["binary_tensor_data"]


class InferenceApp:
    """The routes of the protocol, `GET /metrics`, and the check of the key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        try:
            status, body, extra = await self._route(scope["method"], scope["path"].rstrip("/"), headers, receive)
        except RequestError as error:
            status, body, extra = error.status, orjson.dumps({"error": str(error)}), []
            if status in (429, 503):
                extra = [(b"retry-after", b"1")]
            elif status == 405:
                extra = [(b"allow", b"POST" if scope["path"].endswith("/infer") else b"GET, HEAD")]
        if len(body) >= LEAST and (encoding := negotiate(headers.get(b"accept-encoding", b"").decode("latin-1"))):
            body = compressed(body, encoding)
            extra = [*extra, (b"content-encoding", encoding.encode()), (b"vary", b"accept-encoding")]
        start = {
            "type": "http.response.start",
            "status": status,
            "headers": [*([] if _typed(extra) else [_JSON]), (b"content-length", b"%d" % len(body)), *extra, *SECURITY_HEADERS],
        }
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _route(
        self, method: str, path: str, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        if path == "/v2/health/live":
            return self._get(method, {"live": True})
        if path == "/v2/health/ready":
            ready = self._engine.serving is not None
            return (200 if ready else 503), orjson.dumps({"ready": ready}), []
        if path == "/v2":
            return self._get(method, {"name": "ostinato", "version": "2", "extensions": _EXTENSIONS})
        self._admit(headers)
        if path == "/metrics":
            return 200, self._metrics(), [(b"content-type", b"text/plain; version=0.0.4")]
        return await self._model(method, path, headers, receive)

    async def _model(
        self, method: str, path: str, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        parts = path.split("/")
        if parts[:3] != ["", "v2", "models"] or len(parts) < 4:
            raise RequestError(404, f"no such path: {path}")
        serving = self._engine.serving
        if serving is None:
            raise RequestError(503, "the endpoint is loading")
        name, rest = unquote(parts[3]), parts[4:]
        if name != serving.plan.endpoint:
            raise RequestError(404, f"no model {name!r} here; this endpoint serves {serving.plan.endpoint!r}")
        version = None
        if rest[:1] == ["versions"] and len(rest) > 1:
            version, rest = self._version(rest[1]), rest[2:]
        if rest == ["infer"]:
            if method != "POST":
                raise RequestError(405, "infer is asked by POST")
            return await self._infer(name, version, headers, receive)
        if rest == ["ready"]:
            return self._get(method, {"name": name, "ready": True})
        if rest:
            raise RequestError(404, f"no such path: {path}")
        stable = serving.stable.served
        return self._get(method, metadata(name, [v.version for v in serving.plan.versions], stable.flavor, stable.signature))

    async def _infer(
        self, name: str, version: int | None, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        if int(headers.get(b"content-length", b"0") or b"0") > _BODY_MAX:
            raise RequestError(413, f"a body may have {_BODY_MAX} bytes")
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
        if encoding not in ("identity", "", *UNPACKED):
            raise RequestError(415, f"bodies packed by {encoding[:100]} are not read; these are: {', '.join(UNPACKED)}")
        body = await _body(receive)
        if encoding in UNPACKED:
            body = _unpacked(body, encoding)
        serving = self._engine.serving
        if serving is None:
            raise RequestError(503, "the endpoint is loading")
        length = headers.get(b"inference-header-content-length")
        request = read(body, None if length is None else length.decode("latin-1"), serving.stable.served.signature)
        answer = await self._engine.infer(request, version)
        content, cut = reply(name, answer.version, answer.request_id, request, answer.scores)
        if cut is None:
            return 200, content, []
        return 200, content, [(b"content-type", b"application/octet-stream"), (b"inference-header-content-length", b"%d" % cut)]

    def _version(self, text: str) -> int:
        serving = self._engine.serving
        known = [str(v.version) for v in serving.plan.versions] if serving else []
        if text not in known:
            raise RequestError(404, f"version {text!r} is not being served; these are: {', '.join(known)}")
        return int(text)

    def _admit(self, headers: dict[bytes, bytes]) -> None:
        scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
        serving = self._engine.serving
        if serving is None:
            raise RequestError(503, "the endpoint is loading")
        if scheme.lower() != b"bearer" or hashlib.sha256(key.strip()).hexdigest() not in serving.plan.keys:
            raise RequestError(401, "a key of this endpoint is needed: Authorization: Bearer KEY")

    def _get(self, method: str, value: Any) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        if method not in ("GET", "HEAD"):
            raise RequestError(405, f"{method} is not possible here")
        return 200, orjson.dumps(value), []

    def _metrics(self) -> bytes:
        lines = ["# TYPE ostinato_requests_total counter"]
        lines += [f'ostinato_requests_total{{version="{v}",status="{s}"}} {n}' for (v, s), n in sorted(self._engine.counts.items())]
        lines.append("# TYPE ostinato_request_seconds_total counter")
        lines += [f'ostinato_request_seconds_total{{version="{v}"}} {s:.6f}' for v, s in sorted(self._engine.seconds.items())]
        return ("\n".join(lines) + "\n").encode()


async def _body(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "the client has gone")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _BODY_MAX:
            raise RequestError(413, f"a body may have {_BODY_MAX} bytes")
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(body: bytes, encoding: str) -> bytes:
    try:
        return decompressed(body, encoding, _BODY_MAX)
    except (Invalid, TooLarge) as error:
        raise RequestError(413 if isinstance(error, TooLarge) else 400, error.message) from None


def _typed(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" for name, _ in headers)
