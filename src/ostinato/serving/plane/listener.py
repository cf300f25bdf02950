"""The HTTP/1.1 listener, with the limits on headers, connections and slow clients that uvicorn lacks.

Both planes listen by it. It ends without losing a request: what is under way is answered, and so is what still arrives on
a connection that was open.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ostinato.kernel.errors import Invalid

HEADERS_MAX = 100
HEADER_BYTES_MAX = 32 * 1024
HEADER_S = 10.0
BODY_S = 20.0
BODY_BYTES_PER_S = 16 * 1024
KEEP_ALIVE_S = 75
DRAIN_S = 20
LINGER_S = 1.0
"""So long a listener that ends waits on open, idle connections for a request that is on its way."""
UNWANTED_BYTES_MAX = 16 * 1024 * 1024
"""So much of a body that was refused is still taken: who sends without listening would not see the refusal else."""
JOINED_BYTES_MAX = 64 * 1024
"""A body of more is not copied to follow its head in the same packet."""
CONNECTIONS_MAX = 1000
"""Open connections from one address; the next one is told to come back."""
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
"""What every reply carries, whoever makes it."""


class Listener(uvicorn.Server):
    """uvicorn with our connections: no log, no faith in forwarded headers but those of `proxies`, nothing told about itself.

    `certificate` and `key` are files in PEM: with them it speaks TLS, 1.2 or later. `proxies` are addresses or networks, by commas.
    """

    def __init__(
        self,
        asgi: Callable[..., Any],
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        proxies: str = "",
        connections_max: int = CONNECTIONS_MAX,
        linger_s: float = LINGER_S,
    ) -> None:
        self.room = Room(connections_max, linger_s)
        super().__init__(
            uvicorn.Config(
                asgi,
                http=partial(Connection, room=self.room),  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies or None,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=DRAIN_S,
                ssl_context_factory=None if certificate is None else lambda *_: _tls(certificate, key),
            )
        )

    async def shutdown(self, sockets: Any = None) -> None:
        self.room.closing = True
        await super().shutdown(sockets)


class Room:
    """The shared state of a listener's connections."""

    def __init__(self, connections_max: int, linger_s: float) -> None:
        self.connections_max = connections_max
        self.linger_s = linger_s
        self.closing = False
        self.taken: Counter[str] = Counter()


class Connection(HttpToolsProtocol):
    """Ends connections that send no whole header in 10 s, or a body slower than 16 KiB/s once 20 s have passed.

    Refuses, with 400, more than 100 header fields, more than 32 KiB of them, and any number of `Host` but one.
    """

    def __init__(self, *arguments: Any, room: Room, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._room = room
        self._address = ""
        self._timer: asyncio.TimerHandle | None = None
        self._in_header = False
        self._unparsed_bytes = self._header_bytes = self._body_bytes = self._unwanted_bytes = 0
        self._body_began = 0.0
        self._problem = ""

    # ---- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._room.taken[self._address] += 1
        if self._room.taken[self._address] > self._room.connections_max:
            self._refuse(503, "Unavailable", f"there are {self._room.connections_max} connections from your address", "close some of them")
        else:
            self._await(HEADER_S, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await(None)
        self._room.taken[self._address] -= 1
        if not self._room.taken[self._address]:
            del self._room.taken[self._address]
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End soon: answer what is under way or arrives in a moment, and say with the answer that it was the last."""
        if self.cycle is None or self.cycle.response_complete:
            self._linger()
        elif not self.cycle.response_started:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._room.closing and self.cycle.response_complete:
            self._linger()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.transport = Whole(self.loop, cycle.transport)
        super()._start_asgi_task(cycle, app)

    def _linger(self) -> None:
        if not self._in_header:  # in the midst of a header, its own timer runs
            self._await(self._room.linger_s, self.transport.close)

    # ---- the message

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_header:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > HEADER_BYTES_MAX and not self.transport.is_closing():
                self._problem = _TOO_MUCH  # one endless header: the parser tells of it at its end only
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_header = True
        self._unparsed_bytes = self._header_bytes = self._body_bytes = self._unwanted_bytes = 0
        self._await(HEADER_S, self._late)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        if sum(name == b"host" for name, _ in self.headers) != 1:
            self._fail("a request has exactly one Host")
        self._in_header = False
        self._body_began = self.loop.time()
        self._await(BODY_S, self._late)
        super().on_headers_complete()
        if self._room.closing:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)
        if self.cycle.response_complete:
            self._unwanted_bytes += len(body)
            if self._unwanted_bytes > UNWANTED_BYTES_MAX and not self.transport.is_closing():
                self.transport.close()

    def on_message_complete(self) -> None:
        self._await(None)
        super().on_message_complete()

    # ---- limits

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if len(self.headers) > HEADERS_MAX or self._header_bytes > HEADER_BYTES_MAX:
            self._fail(_TOO_MUCH)

    def _fail(self, problem: str) -> None:
        self._problem = problem
        raise ValueError(problem)  # the parser turns it into a refusal

    def _await(self, seconds: float | None, then: Callable[[], None] = lambda: None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, then)

    def _late(self) -> None:
        taken_s = self.loop.time() - self._body_began
        fast = not self._in_header and self._body_bytes >= taken_s * BODY_BYTES_PER_S
        if fast or self.flow.read_paused:  # paused: it is we who are slow
            self._await(BODY_S, self._late)
        elif not self.transport.is_closing():
            self.transport.close()

    # ---- refusals

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — what the parser says helps nobody
        if self._problem:
            self._refuse(400, "Invalid", self._problem, "send one Host, and fewer or shorter headers")
        else:
            self._refuse(400, "Invalid", "not a request of HTTP/1.1", "is it http:// here rather than https://, and what stands between?")

    def _refuse(self, status: int, kind: str, message: str, hint: str) -> None:
        content = json.dumps({"error": {"type": kind, "message": message, "hint": hint}}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), (b"connection", b"close")]
        if status == 503:
            headers.append((b"retry-after", b"1"))
        lines = [b"%s: %s\r\n" % pair for pair in [*headers, *SECURITY_HEADERS]]
        self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", content]))
        self.transport.close()


class Whole:
    """A transport that holds a reply's head back for its body, so that most replies are one system call and one packet."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing

    def write(self, content: bytes) -> None:
        """Write it, with the head if that waits; the head itself waits until the loop turns."""
        if self._head and len(content) <= JOINED_BYTES_MAX:
            content, self._head = self._head + content, b""
        elif not self._head and content.startswith(b"HTTP/1.1 "):
            self._head = content
            self._loop.call_soon(self._flush)
            return
        self._flush()
        self._transport.write(content)

    def close(self) -> None:
        """Close the connection once everything is written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)


_TOO_MUCH = f"more than {HEADERS_MAX} header fields, or {HEADER_BYTES_MAX >> 10} KiB of them"


def _tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")  # nobody is there to be asked for one
    except OSError as error:  # ssl.SSLError is one
        hint = "OSTINATO_TLS_CERTIFICATE and OSTINATO_TLS_KEY name files in PEM that belong together, the key without a passphrase"
        found = f"{certificate} and {key}" if key else f"{certificate} alone"
        raise Invalid(f"no certificate with its key in {found}: {error}", hint=hint, field="tls_certificate") from None
    return context
