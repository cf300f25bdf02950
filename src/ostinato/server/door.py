"""Door: what happens to every request and reply, whatever the route: id, headers, errors, access log, metrics."""

from __future__ import annotations

import json
import logging
import re
import time
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostinato.kernel.errors import Invalid, NotFound, OstinatoError
from ostinato.kernel.ids import new_id
from ostinato.server.errors import failure
from ostinato.server.metrics import Metrics

access_log = logging.getLogger("ostinato.access")
_log = logging.getLogger("ostinato.server")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class Door:
    """ASGI around the routes. An unforeseen error becomes a 500 that shows nothing but the id of the request."""

    def __init__(self, inner: ASGIApp, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        visit = _Visit(scope, send)
        scope["app"] = self
        try:
            await self._inner(scope, receive, visit.send)
        except Exception as error:
            if visit.status:
                raise
            await failure(visit.told(error))(scope, receive, visit.send)
        finally:
            route = getattr(getattr(scope.get("endpoint"), "op", None), "path", "other")
            self._metrics.observe(scope["method"], route, visit.status, visit.seconds())
            visit.log()


class _Visit:
    """One request on its way through the door."""

    def __init__(self, scope: Scope, send: Send) -> None:
        sent = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
        self.id = sent.decode() if _REQUEST_ID.fullmatch(sent) else new_id()
        self.status = 0
        self._scope = scope
        self._send = send
        self._started = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *_HEADERS, (b"x-request-id", self.id.encode())]
        await self._send(message)

    def told(self, error: Exception) -> OstinatoError:
        """The error as a caller may see it."""
        if isinstance(error, OstinatoError):
            return error
        if isinstance(error, HTTPException):
            where = f"{self._scope['method']} {self._scope['path']}"
            if error.status_code == 404:
                return NotFound(f"no route {where}", hint="GET /openapi.json lists all routes")
            return Invalid(f"{where}: {error.detail}", hint="GET /openapi.json lists all routes")
        _log.error("request %s failed", self.id, exc_info=error)
        return OstinatoError("an unforeseen error", hint=f"the server's log says more about the request {self.id}")

    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def log(self) -> None:
        """One line of JSON; paths come without their query, which may hold what nobody should read."""
        who = self._scope.get("ostinato.caller")
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": self.id,
            "method": self._scope["method"],
            "path": self._scope["path"],
            "status": self.status,
            "ms": round(self.seconds() * 1000, 2),
            "actor": who.actor if who else None,
            "project": who.project if who else None,
        }
        access_log.info(json.dumps(line))
