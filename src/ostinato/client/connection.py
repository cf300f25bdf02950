"""Connection: HTTP to one server, with keep-alive, retries while it restarts, and its errors as our exceptions."""

from __future__ import annotations

import contextlib
import copy
import http.client
import importlib
import ipaddress
import os
import random
import ssl
import sys
import time
import weakref
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ostinato.kernel import errors
from ostinato.kernel.errors import Invalid, OstinatoError, Unauthenticated, Unavailable
from ostinato.kernel.frozen import frozen
from ostinato.kernel.notice import HEADER, from_header, notice
from ostinato.serving.plane.encoding import UNPACKED

PATIENCE_S = 30.0
"""For so long a call is repeated while the server is out of reach: all verbs may be repeated."""
CONNECT_S = 10.0
ANSWER_S = 600.0
"""So long one answer may take; work that lasts longer is an execution, which is waited for in parts."""
_WAIT_S = (0.05, 2.0)
_HELP = "is the server running, and is this its address? `ostinato serve` starts one"


@frozen
class Reply:
    """A successful reply: its bytes and their type."""

    content: bytes
    kind: str


class Connection:
    """A pool of connections to one server. Thread-safe: a call takes an idle connection or opens one."""

    def __init__(self, url: str, token: str, project: str, patience_s: float = PATIENCE_S, ca_file: str = "") -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # a port, or an address of IPv6, that is none
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url or "@" in parts.netloc:
            shown = url.rpartition("@")[2]  # before it may stand a password
            raise Invalid(f"not the address of a server: {shown!r}", hint="such as http://127.0.0.1:8080", field="url")
        if not (token.isascii() and token.isprintable()):
            raise Unauthenticated("this is no token of Ostinato", hint="pass the whole text, of the form ostp_…, and nothing else")
        self.url = url.rstrip("/")
        self.project = project
        self._host, self._port, self._base = parts.hostname, port, parts.path.rstrip("/")
        self._tls = _trusting(ca_file) if parts.scheme == "https" else None
        self._headers = {"Ostinato-Project": project, "Accept": "application/msgpack"}
        if not _near(parts.hostname):
            self._headers["Accept-Encoding"] = ", ".join(UNPACKED)
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._patience_s = patience_s
        self._idle = _pool_of(self)
        self._pid = os.getpid()

    def call(self, method: str, target: str, content: bytes | None = None, kind: str = "", *, patience_s: float | None = None) -> Reply:
        """The server's reply; a connection that breaks and a server that says "not now" are tried again.

        Raises:
            Invalid: the server's certificate is not trusted.
            Unavailable: out of reach for longer than the patience, or one answer took longer than 10 minutes.
            OstinatoError: whatever the server refused with, as the same class with the same fields.
        """
        limit, wait_s = time.monotonic() + (self._patience_s if patience_s is None else patience_s), _WAIT_S[0]
        headers = _traced(self._headers | ({"Content-Type": kind} if kind else {}))
        while True:
            try:
                return self._once(method, target, content, headers)
            except TimeoutError:
                raise Unavailable(f"{self.url} gave no answer in {ANSWER_S:.0f} s", hint="look at its log and its load") from None
            except ssl.SSLCertVerificationError as error:
                hint = "name the file of the authority that signed it in OSTINATO_CA_FILE"
                raise Invalid(f"the certificate of {self.url} is not trusted: {error.verify_message}", hint=hint, field="ca_file") from None
            except (OSError, http.client.HTTPException) as error:
                self.close()  # the others of a lost server are as dead
                failed = Unavailable(f"{self.url} is out of reach: {error}", hint=_HELP)
            except Unavailable as error:
                failed = error
            if time.monotonic() + wait_s > limit:
                raise failed
            time.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 — spreads the callers, no secret
            wait_s = min(_WAIT_S[1], wait_s * 2)

    def with_patience(self, patience_s: float) -> Connection:
        """Another way to the same server, with less patience."""
        other = copy.copy(self)
        other._patience_s, other._idle = patience_s, _pool_of(other)
        return other

    def close(self) -> None:
        """Close the idle connections; the next call opens another."""
        _close(self._idle)

    def _once(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        connection = self._connection()
        try:
            connection.request(method, self._base + target, content, headers)
            response = connection.getresponse()
            content = response.read()
            if (encoding := response.getheader("content-encoding", "")) in UNPACKED:
                content = UNPACKED[encoding](content, sys.maxsize)[0]
            reply = Reply(content=content, kind=response.getheader("content-type", ""))
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if response.status >= 300:  # a redirect too: the token goes nowhere else
            raise error_from_reply(response.status, reply.content)
        for text in from_header(response.getheader(HEADER, "")):
            notice(text)
        return reply

    def _connection(self) -> http.client.HTTPConnection:
        if self._pid != os.getpid():  # a child of fork must not speak on its parent's connections
            self.close()
            self._pid = os.getpid()
        with contextlib.suppress(IndexError):  # none is idle: another thread may have taken the last between a look and the pop
            return self._idle.pop()
        return self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_S)
        if self._tls is not None:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_S, context=self._tls)
        try:
            connection.connect()
        except TimeoutError:
            raise ConnectionError(f"no connection within {CONNECT_S:.0f} s") from None
        connection.sock.settimeout(ANSWER_S)
        return connection


def _pool_of(owner: Connection) -> list[http.client.HTTPConnection]:
    """Idle connections that are closed with their owner. Its `__del__` would not do: within a cycle the sockets may go before it."""
    idle: list[http.client.HTTPConnection] = []
    weakref.finalize(owner, _close, idle).atexit = False
    return idle


def _close(idle: list[http.client.HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def _trusting(ca_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise Invalid(f"no certificates in {ca_file}: {error}", hint="OSTINATO_CA_FILE names a file in PEM", field="ca_file") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _near(host: str) -> bool:
    """Whether the server is on this machine, where compression costs more than it saves."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _traced(headers: dict[str, str]) -> dict[str, str]:
    """The headers, and the trace of the caller if it keeps one: only who has loaded OpenTelemetry does."""
    if "opentelemetry.trace" in sys.modules:
        importlib.import_module("opentelemetry.propagate").inject(headers)
    return headers


def error_from_reply(status: int, content: bytes) -> OstinatoError:
    """The error that a reply tells of.

    >>> error_from_reply(409, b'{"error": {"type": "Conflict", "message": "it exists", "hint": "take another name"}}')
    Conflict('it exists')
    """
    try:
        told: dict[str, Any] = dict(msgspec.json.decode(content)["error"])
        kind, message, hint = str(told.pop("type")), str(told.pop("message")), str(told.pop("hint"))
    except (msgspec.DecodeError, TypeError, KeyError, ValueError):
        if status in (502, 503, 504):
            return Unavailable(f"something before the server answered {status}")
        return OstinatoError(f"the server answered {status}, and not as Ostinato does", hint="is this the address of an Ostinato server?")
    cls = getattr(errors, kind, OstinatoError)
    error: OstinatoError = (
        cls(message, hint=hint) if isinstance(cls, type) and issubclass(cls, OstinatoError) else OstinatoError(message, hint=hint)
    )
    for name, value in told.items():
        setattr(error, name, value)
    return error
