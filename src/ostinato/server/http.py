"""The control plane as an ASGI app: every Op behind `/api/v1`, and the few plain routes beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import StatementError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.kernel.operation import Op
from ostinato.kernel.signature import placeholders, signature_of
from ostinato.server import openapi, system
from ostinato.server.door import Door
from ostinato.server.gate import Gate
from ostinato.server.health import Health
from ostinato.server.live import Live
from ostinato.server.metrics import Metrics
from ostinato.server.wire import JSON, MSGPACK, encode, from_body, from_texts

T = TypeVar("T")
THREADS = 64
ROOT = "/api/v1"


def build(app: Ostinato, slices: Sequence[ModuleType], health: Health | None = None) -> Door:
    """The whole control plane over an opened store; `health` is what a supervisor knows beyond the store."""
    gate, metrics, pools = Gate(app), Metrics(), Pools()
    health = health or Health(app)
    document = openapi.render(slices)

    async def live(_: Request) -> Response:
        return Response(b'{"live":true}', media_type=JSON)

    async def ready(_: Request) -> Response:
        state = await pools.run(health.check)
        return Response(encode(state), 200 if state.ready else 503, media_type=JSON)

    async def scrape(request: Request) -> Response:
        await pools.run(gate.admit, request.headers, "", "metrics")
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    async def description(_: Request) -> Response:
        return Response(document, media_type=JSON)

    routes: list[BaseRoute] = [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", scrape),
        Route("/openapi.json", description),
        Route(f"{ROOT}/live", Live(app, gate, health, pools.run)),
    ]
    services = [(module, getattr(app, module.NAME)) for module in slices] + [(system, system.System(app))]
    verbs = [Verb(op, service, gate, pools, app.settings.body_limit_mb << 20) for module, service in services for op in module.OPS]
    verbs.sort(key=lambda verb: precedence(verb.op.path))
    routes += [Route(ROOT + verb.op.path, verb, methods=[verb.op.method]) for verb in verbs]
    return Door(Router(routes), metrics)


def precedence(path: str) -> list[tuple[int, str]]:
    """A sort key by which a route comes before those that would swallow its paths.

    >>> sorted(["/runs/{run}", "/runs/{run:path}/log", "/runs/search"], key=precedence)
    ['/runs/search', '/runs/{run}', '/runs/{run:path}/log']
    """
    ranks = {"int": 1, "str": 2, "path": 3}
    return [(ranks[placeholders(part)[0][1]] if "{" in part else 0, part) for part in path.split("/")]


class Pools:
    """Threads for verbs; those that may wait (they take `timeout_s`) have threads of their own, so they starve nobody."""

    def __init__(self) -> None:
        self._quick = CapacityLimiter(THREADS)
        self._patient = CapacityLimiter(THREADS)

    async def run(self, call: Callable[..., T], *arguments: Any, patient: bool = False) -> T:
        """The result of `call`, run in a thread."""
        return await to_thread.run_sync(partial(call, *arguments), limiter=self._patient if patient else self._quick)


class Verb:
    """One Op as an ASGI endpoint: admit, read, call, answer."""

    def __init__(self, op: Op, service: object, gate: Gate, pools: Pools, limit: int) -> None:
        self.op = op
        self._call = getattr(service, op.name)
        self._signature = signature_of(op)
        self._gate = gate
        self._pools = pools
        self._limit = limit
        self._patient = any(p.name == "timeout_s" for p in self._signature.parameters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        who = await self._pools.run(self._gate.admit, request.headers, self.op.needs, f"{self.op.method} {self.op.path}")
        scope["ostinato.caller"] = who
        content = await _body(request, self._limit)
        response = await self._pools.run(self._answer, who, request, content, patient=self._patient)
        await response(scope, receive, send)

    def _answer(self, who: Caller, request: Request, content: bytes) -> Response:
        arguments = self._arguments(request, content)
        try:
            with calling(who):
                result = self._call(**arguments)
        except (OverflowError, StatementError) as error:
            if isinstance(getattr(error, "orig", error), OverflowError):
                raise Invalid(
                    "a number or an instant is beyond what can be kept", hint="numbers have 64 bits; years are 1 to 9999"
                ) from error
            raise
        if isinstance(result, bytes):
            return Response(result, self.op.status, {"content-disposition": "attachment"}, "application/octet-stream")
        kind = MSGPACK if MSGPACK in request.headers.get("accept", "") else JSON
        return Response(encode(result, kind), self.op.status, media_type=kind)

    def _arguments(self, request: Request, content: bytes) -> dict[str, Any]:
        signature = self._signature
        path = [(name, str(value)) for name, value in request.path_params.items()]
        found = from_texts(signature.at("path"), path) | from_texts(signature.at("query"), request.query_params.multi_items())
        if raw := signature.at("raw"):
            return found | {raw[0].name: content}
        kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if content and kind not in (JSON, MSGPACK):
            raise Invalid(f"a body of type {kind} is not understood", hint=f"send {JSON} or {MSGPACK}", field="content-type")
        return found | from_body(signature.at("body"), content, kind)


async def _body(request: Request, limit: int) -> bytes:
    """The body, counted while it arrives.

    Raises:
        TooLarge: more than `limit` bytes are announced or arrive.
    """
    _check_headers(request.headers, limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _check_headers(headers: Headers, limit: int) -> None:
    if headers.get("content-encoding", "identity") != "identity":
        raise Invalid("compressed bodies are not read", hint="send the body as it is", field="content-encoding")
    if int(headers.get("content-length", 0)) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit >> 20} MiB", hint="send it in parts, or raise OSTINATO_BODY_LIMIT_MB on the server")
