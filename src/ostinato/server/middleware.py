"""The outermost ASGI layer: request id, headers, errors, access log and metrics for every route."""

from __future__ import annotations

import itertools
import logging
import re
import time

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostinato.kernel.errors import Invalid, NotFound, OstinatoError
from ostinato.kernel.ids import new_id
from ostinato.server.access_log import AccessLog, Line
from ostinato.server.errors import NotAllowed, failure
from ostinato.server.hosts import Hosts
from ostinato.server.metrics import Metrics
from ostinato.server.traces import Traces
from ostinato.serving.plane.listener import SECURITY_HEADERS

_log = logging.getLogger("ostinato.server")
CLIENT_GONE = 499
"""The status that the log and the metrics show for a request whose client left before the answer."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_PROCESS, _numbers = new_id(), itertools.count(1)
"""An id of a request that came without one is that of the process and a number."""
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class Middleware:
    """ASGI around the routes. An unforeseen error becomes a 500 that shows nothing but the id of the request."""

    def __init__(self, inner: ASGIApp, metrics: Metrics, hosts: Hosts, traces: Traces | None = None) -> None:
        self._inner = inner
        self._metrics = metrics
        self._hosts = hosts
        self.traces = traces
        self.access_log = AccessLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        visit = _Visit(scope, send)
        scope["app"] = self
        span = self.traces.begin(scope) if self.traces is not None else None
        try:
            self._hosts.check(scope)
            await self._inner(scope, receive, visit.send)
        except ClientDisconnect:
            visit.status = CLIENT_GONE
        except Exception as error:
            if visit.status:
                raise
            await failure(visit.told(error))(scope, receive, visit.send)
        finally:
            route = getattr(getattr(scope.get("endpoint"), "op", None), "path", "other")
            self._metrics.observe(scope["method"], route, visit.status, visit.seconds())
            if self.traces is not None and span is not None:
                self.traces.end(span, scope, route, visit.status, visit.id)
            self.access_log.add(visit.line())


class _Visit:
    """One request on its way through the middleware."""

    def __init__(self, scope: Scope, send: Send) -> None:
        sent = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
        self.id = sent.decode() if sent and _REQUEST_ID.fullmatch(sent) else f"{_PROCESS}-{next(_numbers)}"
        self.status = 0
        self._scope = scope
        self._send = send
        self._started = time.perf_counter()
        self._headers = [*SECURITY_HEADERS, (b"x-request-id", self.id.encode()), *([_HSTS] if scope["scheme"] == "https" else [])]

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(header for header in self._headers if header[0] not in own)]
        await self._send(message)

    def told(self, error: Exception) -> OstinatoError:
        """The error as a caller may see it."""
        if isinstance(error, OstinatoError):
            return error
        if isinstance(error, HTTPException):
            where = f"{self._scope['method']} {self._scope['path']}"
            if error.status_code == 404:
                return NotFound(f"no route {where}", hint="GET /openapi.json lists all routes")
            if error.status_code == 405:
                allow = (error.headers or {}).get("Allow", "GET").split(", ")
                return NotAllowed(f"{where} is not possible", allow=", ".join(sorted(allow)))
            return Invalid(f"{where}: {error.detail}", hint="GET /openapi.json lists all routes")
        _log.error("request %s failed", self.id, exc_info=error)
        return OstinatoError("an unforeseen error", hint=f"the server's log says more about the request {self.id}")

    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def line(self) -> Line:
        """Its line in the access log."""
        scope, who = self._scope, self._scope.get("ostinato.caller")
        address = (scope.get("client") or (None,))[0]
        taken_ms = round(self.seconds() * 1000, 2)
        actor, project = (who.actor, who.project) if who else (None, None)
        return Line(time.time(), self.id, scope["method"], scope["path"], self.status, address, taken_ms, actor, project)
