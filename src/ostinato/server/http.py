"""The control plane as an ASGI app: every Op behind `/api/v1`, and a few plain routes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from ostinato.access.oidc import Provider
from ostinato.app import Ostinato
from ostinato.gateways.mlflow.door import MLflow
from ostinato.gateways.otlp.endpoint import OTLP
from ostinato.server import openapi, sign_in, system
from ostinato.server.artifact_frames import PATH as FRAMES
from ostinato.server.artifact_frames import Frames
from ostinato.server.authorization import Authorizer
from ostinato.server.browser import BrowserMiddleware
from ostinato.server.health import Health
from ostinato.server.hosts import Hosts
from ostinato.server.live import Live
from ostinato.server.metrics import Metrics
from ostinato.server.middleware import Middleware
from ostinato.server.oidc_routes import OidcRoutes
from ostinato.server.pages import Pages
from ostinato.server.routes import Routes
from ostinato.server.thread_pool import ThreadPools
from ostinato.server.token_exchange import TokenExchangeRoute
from ostinato.server.traces import tracing
from ostinato.server.verb import Verb
from ostinato.server.wire import JSON, encode

ROOT = "/api/v1"


def build(app: Ostinato, slices: Sequence[ModuleType], health: Health | None = None, host: str = "") -> Middleware:
    """The whole control plane over an opened store; `health` is what a supervisor knows beyond the store, `host` where it listens."""
    gate, metrics, pools = Authorizer(app), Metrics(), ThreadPools()
    health = health or Health(app)
    document, provider = cache(lambda: openapi.render(slices)), Provider.of(app.settings)

    async def live(_: Request) -> Response:
        return Response(b'{"live":true}', media_type=JSON)

    async def ready(_: Request) -> Response:
        state = await pools.run(health.check)
        return Response(encode(state), 200 if state.ready else 503, media_type=JSON)

    async def scrape(request: Request) -> Response:
        await pools.run(gate.admit, request.headers, "", "metrics")
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    async def description(_: Request) -> Response:
        return Response(await pools.run(document), media_type=JSON)

    routes: list[BaseRoute] = [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", scrape),
        Route("/openapi.json", description),
        Route(f"{ROOT}/live", Live(app, gate, health, pools.run), methods=["GET"]),
        *OidcRoutes(app, provider, pools.run).routes(),
        *TokenExchangeRoute(app, pools.run).routes(),
        Route(FRAMES, Frames(app, gate, pools.run).show, methods=["GET"]),
        Route("/{path:path}", Pages(), methods=["GET"]),
    ]
    services = [(module, getattr(app, module.NAME)) for module in slices]
    services += [(system, system.System(app)), (sign_in, sign_in.SignIn(app, provider))]
    verbs = [Verb(op, service, gate, pools, app.settings.body_limit_mb << 20) for module, service in services for op in module.OPS]
    hosts = Hosts([host, *app.settings.hosts.split(",")])
    mlflow = MLflow(app, gate.admit, pools.run, pools.upload, app.settings.body_limit_mb << 20)
    otlp = OTLP(app, gate.admit, pools.run, app.settings.body_limit_mb << 20)
    return Middleware(BrowserMiddleware(_Turn(Routes(verbs), [otlp, mlflow], Router(routes))), metrics, hosts, tracing())


class _Turn:
    """Dispatches a request to a verb, else to a gateway, else to the plain routes."""

    def __init__(self, verbs: Routes[Verb], gateways: Sequence[OTLP | MLflow], others: Router) -> None:
        self._verbs = verbs
        self._gateways = gateways
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        found = self._verbs.find(scope["method"], path[len(ROOT) :]) if path.startswith(f"{ROOT}/") else None
        if found is None:
            others = next((gateway for gateway in self._gateways if gateway.place(path)), self._others)
            await others(scope, receive, send)
            return
        verb, scope["path_params"] = found
        scope["endpoint"] = verb
        await verb(scope, receive, send)
