"""Door: MLflow's routes as an ASGI app: find the route, admit, read, call, answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy.exc import StatementError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.elsewhere import nowhere
from ostinato.gateways.mlflow.errors import told
from ostinato.gateways.mlflow.routes import Route, Routes
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, OstinatoError, TooLarge, Unavailable

Admit = Callable[[Mapping[str, str], str, str], Caller]
Run = Callable[..., Awaitable[Any]]
UPLOAD_MAX = 16 << 30
"""How many bytes a file may have that is sent in one request."""
PIECE_S = 60.0
"""How long the next piece of a file may be under way."""
_SMALL = 64 * 1024
"""A body that announces no more is read before it is known who sends it, as by the verbs of the server."""
_PREFIXES = ("/api/2.0/mlflow", "/api/3.0/mlflow", "/ajax-api/", "/get-artifact", "/model-versions/get-artifact")
_EXACT = frozenset({"/version", "/health", "/graphql"})
_OF_PROJECT = re.compile(r"/mlflow/([A-Za-z0-9][A-Za-z0-9._-]{0,63})(/.*)", re.DOTALL)


class MLflow:
    """The gateway over an opened store. `admit` says who is calling, `run` runs a call in a thread, `upload` one that waits for bytes."""

    def __init__(self, app: Ostinato, admit: Admit, run: Run, upload: Run, limit: int) -> None:
        self._app = app
        self._admit = admit
        self._run = run
        self._upload = upload
        self._limit = limit

    @cached_property
    def _routes(self) -> Routes:
        """Made for the first client that comes."""
        return Routes(self._app)

    def place(self, path: str) -> tuple[str, str] | None:
        """The project that an address names, or the empty text, and what of it is MLflow's; None where nothing is."""
        named = _OF_PROJECT.fullmatch(path)
        project, inner = (named[1], named[2]) if named else ("", path)
        inner = re.sub("^//+", "/", inner)
        return (project, inner) if inner in _EXACT or inner.startswith(_PREFIXES) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            project, path = self.place(scope["path"]) or ("", scope["path"])
            found = self._routes.find(scope["method"], path)
            if found is None:
                raise nowhere(scope["method"], path)
            route, texts = found
            scope["endpoint"] = route
            headers = _headers(scope, project)
            if route.raw:
                await self._stream(route, texts, headers, scope, receive, send)
                return
            announced = _announced(headers, self._limit)
            if announced is not None and announced <= _SMALL:
                content = await _body(receive, self._limit) if announced else b""
                reply = await self._run(self._admit_and_answer, route, texts, headers, scope, content)
            else:
                await self._run(self._admitted, route, headers, scope)
                content = await _body(receive, self._limit)
                reply = await self._run(self._answer, route, texts, headers, scope, content)
        except OstinatoError as error:
            status, more, content = told(error)
            await _send(send, status, more, content)
            return
        await _send(send, route.op.status, *reply)

    def _admitted(self, route: Route, headers: Mapping[str, str], scope: Scope) -> Caller:
        who = scope["ostinato.caller"] = self._admit(headers, route.op.needs, f"{route.op.method} {route.op.path}")
        return who

    def _admit_and_answer(
        self, route: Route, texts: dict[str, str], headers: Mapping[str, str], scope: Scope, content: bytes
    ) -> tuple[list[tuple[bytes, bytes]], bytes]:
        self._admitted(route, headers, scope)
        return self._answer(route, texts, headers, scope, content)

    def _answer(
        self, route: Route, texts: dict[str, str], headers: Mapping[str, str], scope: Scope, content: bytes
    ) -> tuple[list[tuple[bytes, bytes]], bytes]:
        if scope["method"] == "GET" or (scope["query_string"] and not content):
            given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=10_000)
            ask = wire.read_texts(route.ask, [*texts.items(), *given])
        else:
            ask = wire.read(route.ask, content, texts)
        self._also(headers, route, ask)
        with calling(scope["ostinato.caller"]), _within_bounds():
            answer = route.call(ask, _origin(headers, scope)) if route.told else route.call(ask)
        if isinstance(answer, str):
            return [(b"content-type", b"text/plain; charset=utf-8")], answer.encode()
        return [(b"content-type", b"application/json")], msgspec.json.encode(answer)

    def _also(self, headers: Mapping[str, str], route: Route, ask: wire.Ask) -> None:
        """Admit what this very request needs beside what its route needs."""
        if ask.needs:
            self._admit(headers, ask.needs, f"{route.op.method} {route.op.path}")

    async def _stream(
        self, route: Route, texts: dict[str, str], headers: Mapping[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Bytes in or out, in constant memory."""
        who = await self._run(self._admitted, route, headers, scope)
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=100))
        ask = wire.read_texts(route.ask, [*texts.items(), *given.items()])
        await self._run(self._also, headers, route, ask)
        if route.raw == "in":
            _announced(headers, UPLOAD_MAX)
            pieces = _Pieces(receive)
            await self._upload(_called, who, route.call, ask, iter(pieces))
            await _send(send, 200, [(b"content-type", b"application/json")], b"{}")
            return
        found = await self._run(_called, who, route.call, ask)
        await send({"type": "http.response.start", "status": 200, "headers": found.headers})
        while (piece := await self._run(_next, who, found.content)) is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class _Pieces:
    """A body as it arrives, for a thread: the loop is asked for each piece, so no more than one is held.

    Raises:
        TooLarge: more than `UPLOAD_MAX` bytes arrive.
        Unavailable: the next piece does not arrive within `PIECE_S`.
        ClientDisconnect: the client is gone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Iterator[bytes]:
        size, more = 0, True
        while more:
            message = self._message()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            size += len(message.get("body", b""))
            if size > UPLOAD_MAX:
                raise _too_large(UPLOAD_MAX)
            if piece := message.get("body", b""):
                yield piece
            more = message.get("more_body", False)

    def _message(self) -> Any:
        coming = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        try:
            return coming.result(PIECE_S)
        except TimeoutError:
            coming.cancel()
            raise Unavailable(f"nothing of the file arrived for {PIECE_S:g} s", hint="send it again") from None

    async def _next(self) -> Any:
        return await self._receive()


def _called(who: Caller, call: Callable[..., Any], *arguments: Any) -> Any:
    with calling(who), _within_bounds():
        return call(*arguments)


def _next(who: Caller, content: Iterator[bytes]) -> bytes | None:
    with calling(who):
        return next(content, None)


@contextmanager
def _within_bounds() -> Iterator[None]:
    """Refuse what no database and no calendar can hold."""
    try:
        yield
    except (OverflowError, StatementError) as error:
        if isinstance(getattr(error, "orig", error), OverflowError):
            raise Invalid("a number or an instant is beyond what can be kept", hint="numbers have 64 bits; years are 1 to 9999") from error
        raise


def _headers(scope: Scope, project: str) -> dict[str, str]:
    """The headers of a request, with the project that its address or its workspace names, and its password as the token that it is."""
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if named := project or found.get("ostinato-project") or found.get("x-mlflow-workspace"):
        found["ostinato-project"] = named
    scheme, _, secret = found.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(secret, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        found["authorization"] = f"Bearer {password}"
    return found


def _origin(headers: Mapping[str, str], scope: Scope) -> wire.Origin:
    project = headers.get("ostinato-project", "")
    base = f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"
    return wire.Origin(f"{base}/mlflow/{project}" if project else base, headers.get("authorization", ""))


def _announced(headers: Mapping[str, str], limit: int) -> int | None:
    """How many bytes of body are to come; None if that is not told.

    Raises:
        TooLarge: more than `limit`.
        Invalid: they are packed.
    """
    if headers.get("content-encoding", "identity") != "identity":
        raise Invalid("bodies are sent as they are", field="content-encoding")
    length = headers.get("content-length")
    if length is None:
        return None if "transfer-encoding" in headers else 0
    if int(length) > limit:
        raise _too_large(limit)
    return int(length)


async def _body(receive: Receive, limit: int) -> bytes:
    """The body, counted while it arrives.

    Raises:
        TooLarge: more than `limit` bytes arrive.
        ClientDisconnect: it does not arrive whole.
    """
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit >> 20} MiB", hint="log in smaller batches or files")


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
    length = (b"content-length", b"%d" % len(content))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": content})
