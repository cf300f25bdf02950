"""The ledger as server-sent events; `id` is the position of the event, so that a reader resumes where it was."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, OstinatoError
from ostinato.kernel.event import Event
from ostinato.kernel.signature import to_wire
from ostinato.server.authorization import Authorizer
from ostinato.server.health import Health

POLL_S = 0.25
COMMENT_S = 15.0
BATCH = 200
_POSITION = re.compile(r"-?[0-9]{1,18}")


class Live:
    """ASGI endpoint of `GET /api/v1/live?after=SEQ`; without `after` and `Last-Event-ID` it begins at the present end.

    `project` in the query goes before the header: an EventSource of a browser sends no header of its page's choice.
    """

    def __init__(self, app: Ostinato, gate: Authorizer, health: Health, run: Callable[..., Awaitable[Any]]) -> None:
        self._app = app
        self._gate = gate
        self._health = health
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        who = await self._admit(request)
        scope["ostinato.caller"] = who
        given = request.headers.get("last-event-id") or request.query_params.get("after")
        if given is not None and not _POSITION.fullmatch(given):
            raise Invalid("after is not a position in the ledger", hint="send the id of the last event that you saw", field="$.after")
        end = await self._run(self._end, who)
        after = end if given is None else min(int(given), end)  # beyond the end was an event that a restore has undone
        stream = self._stream(request, after) if scope["method"] == "GET" else iter(())
        await StreamingResponse(stream, media_type="text/event-stream")(scope, receive, send)

    async def _admit(self, request: Request) -> Caller:
        asked = request.query_params.get("project")
        headers = request.headers if asked is None else {**request.headers, "ostinato-project": asked}
        caller: Caller = await self._run(self._gate.admit, headers, "ledger:read", "GET /live")
        return caller

    async def _stream(self, request: Request, after: int) -> AsyncIterator[bytes]:
        quiet_s = COMMENT_S  # the first comment comes at once: it tells proxies and readers that the stream is open
        while not self._health.draining.is_set():
            try:
                who = await self._admit(request)
            except OstinatoError:
                return
            batch: list[Event] = await self._run(self._batch, who, after)
            for event in batch:
                yield b"id: %d\ndata: %s\n\n" % (event.seq, msgspec.json.encode(event, enc_hook=to_wire))
                after = event.seq
            quiet_s = 0.0 if batch else quiet_s + POLL_S
            if quiet_s >= COMMENT_S:
                yield b": still here\n\n"
                quiet_s = 0.0
            if len(batch) < BATCH:
                await asyncio.sleep(POLL_S)
        yield b"retry: 1000\n\n"

    def _batch(self, who: Caller, after: int) -> list[Event]:
        with calling(who):
            return self._app.ledger.events(after=str(after) if after >= 0 else None, limit=BATCH).items

    def _end(self, who: Caller) -> int:
        with calling(who):
            newest = self._app.ledger.events(newest_first=True, limit=1).items
        return newest[0].seq if newest else -1
