"""Protocol: HTTP/1.1 with limits on headers and on the patience with slow clients (uvicorn has none)."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_MAX = 100
HEADER_BYTES_MAX = 32 * 1024
HEADER_S = 10.0
BODY_S = 20.0
BODY_BYTES_PER_S = 16 * 1024
KEEP_ALIVE_S = 75
DRAIN_S = 20


def configured(asgi: ASGIApp) -> uvicorn.Config:
    """How uvicorn is to serve us: our protocol and log, no faith in forwarded headers, nothing told about itself."""
    return uvicorn.Config(
        asgi,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )


class Protocol(HttpToolsProtocol):
    """Ends connections that send no whole header in 10 s, or a body slower than 16 KiB/s once 20 s have passed.

    Refuses, with 400, more than 100 header fields, more than 32 KiB of them, and any number of `Host` but one.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._in_header = True
        self._unparsed_bytes = self._header_bytes = self._body_bytes = 0
        self._body_began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await(HEADER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_header:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > HEADER_BYTES_MAX and not self.transport.is_closing():
                self.send_400_response("Invalid HTTP request received.")  # one endless header: the parser tells of it at its end only

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_header = True
        self._unparsed_bytes = self._header_bytes = self._body_bytes = 0
        self._await(HEADER_S)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        if sum(name == b"host" for name, _ in self.headers) != 1:
            raise ValueError("not one Host")  # the parser turns it into a refusal
        self._in_header = False
        self._body_began = self.loop.time()
        self._await(BODY_S)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._await(None)
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if len(self.headers) > HEADERS_MAX or self._header_bytes > HEADER_BYTES_MAX:
            raise ValueError("too much header")

    def _await(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        taken_s = self.loop.time() - self._body_began
        fast = not self._in_header and self._body_bytes >= taken_s * BODY_BYTES_PER_S
        if fast or self.flow.read_paused:  # paused: it is we who are slow
            self._await(BODY_S)
        elif not self.transport.is_closing():
            self.transport.close()
