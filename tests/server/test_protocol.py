"""Raw sockets against the limits of the HTTP protocol."""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest

from ostinato.server import protocol


def ask(url: str, content: bytes, timeout: float = 5.0) -> bytes:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as connection:
        connection.sendall(content)
        reply = b""
        while chunk := connection.recv(65536):
            reply += chunk
        return reply


HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def test_a_plain_request_passes(url: str) -> None:
    assert ask(url, HEAD + b"\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"".join(b"X-%d: 1\r\n" % i for i in range(100)) + b"\r\n",
        HEAD + b"X: " + b"y" * 40_000 + b"\r\n\r\n",
        HEAD + b"X: " + b"y" * 300_000,
        b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n",
        HEAD + b"Host: y\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ],
    ids=["many headers", "long header", "endless header", "no host", "two hosts", "smuggling", "two lengths"],
)
def test_malformed_requests_are_refused(url: str, content: bytes) -> None:
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # refused while we were still sending
        assert ask(url, content).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "content", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab"]
)
def test_slow_clients_are_let_go(url: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADER_S", 0.3)
    monkeypatch.setattr(protocol, "BODY_S", 0.3)
    started = time.monotonic()
    assert b"200" not in ask(url, content)
    assert time.monotonic() - started < 3
