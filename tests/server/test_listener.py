"""Raw sockets against the limits of the listener, before the control plane and before the plane of an endpoint."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from ostinato.serving.plane import listener
from ostinato.serving.plane.engine import Engine
from ostinato.serving.plane.http import InferenceApp
from ostinato.serving.plane.listener import Listener
from ostinato.serving.plane.log import Log
from ostinato.testing.doors import listening

HEAD = b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[str]:
    """The address of the plane of an endpoint that has no plan yet: enough for everything before the models."""
    with listening(Listener(InferenceApp(Engine(Log(tmp_path / "log"))), linger_s=0.0)) as url:
        yield url


@pytest.fixture(params=["control", "plane"])
def address(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("url" if request.param == "control" else "plane"))


@contextlib.contextmanager
def connected(url: str, timeout: float = 5.0) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as connection:
        yield connection


def ask(url: str, content: bytes, timeout: float = 5.0) -> bytes:
    with connected(url, timeout) as connection:
        connection.sendall(content)
        reply = b""
        while chunk := connection.recv(65536):
            reply += chunk
        return reply


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + b"".join(b"X-%d: 1\r\n" % i for i in range(100)) + b"\r\n", "100 header fields"),
        (HEAD + b"".join(b"X-%d: 1\r\n" % i for i in range(100_000)) + b"\r\n", "100 header fields"),
        (HEAD + b"X: " + b"y" * 40_000 + b"\r\n\r\n", "32 KiB"),
        (HEAD + b"X: " + b"y" * 50_000_000, "32 KiB"),
        (b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", "32 KiB"),
        (b"GET /v2/health/live HTTP/1.1\r\nConnection: close\r\n\r\n", "one Host"),
        (HEAD + b"Host: localhost\r\n\r\n", "one Host"),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not a request"),
        (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "not a request"),
        (HEAD + b"Content-Length: +3\r\n\r\nabc", "not a request"),
        (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n", "not a request"),
        (HEAD + b"Content-Length : 3\r\n\r\nabc", "not a request"),
        (HEAD + b"X: a\x00b\r\n\r\n", "not a request"),
        (HEAD + b"X: a\r\n folded\r\n\r\n", "not a request"),
        (HEAD.replace(b"\r\n", b"\n") + b"\n", "not a request"),
        (b"GET \xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n", "not a request"),
        (b"\x16\x03\x01 hello of a TLS client\r\n\r\n", "not a request"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value.replace(" ", "_"),
)
def test_malformed_requests_are_refused_in_our_words(address: str, content: bytes, said: str) -> None:
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # refused while we were still sending
        head, _, body = ask(address, content).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert b"nosniff" in head
        assert said in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "content", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"POST /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab"]
)
def test_slow_clients_are_let_go(address: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HEADER_S", 0.3)
    monkeypatch.setattr(listener, "BODY_S", 0.3)
    started = time.monotonic()
    assert b"200 OK" not in ask(address, content)
    assert time.monotonic() - started < 3


def test_a_gigabyte_is_refused_while_it_is_counted(url: str) -> None:
    """The toy takes 1 MiB; what is announced is refused unread, what is streamed after the first byte too many."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1024):
            sent += 1 << 20
            yield b"x" * (1 << 20)

    target, headers = f"{url}/api/v1/toys/top/paint", {"authorization": "Bearer ana-token"}
    with contextlib.suppress(httpx.WriteError, httpx.ReadError):  # the server closed while we were still sending
        assert httpx.put(target, content=endless(), headers=headers, timeout=30).status_code == 413
    assert sent < 64 << 20
    announced = ask(
        url, b"PUT /api/v1/toys/top/paint HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1073741824\r\n\r\n"
    )
    assert announced.startswith(b"HTTP/1.1 413")


def test_an_address_has_so_many_connections(tmp_path: Path) -> None:
    with (
        listening(Listener(InferenceApp(Engine(Log(tmp_path / "log"))), connections_max=3, linger_s=0.0)) as url,
        contextlib.ExitStack() as held,
    ):
        kept = [held.enter_context(connected(url)) for _ in range(3)]
        for connection in kept:
            connection.sendall(HEAD.replace(b"close", b"keep-alive") + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        refused = ask(url, b"")
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in refused
        kept[0].close()
        limit = time.monotonic() + 5
        while b"200 OK" not in (reply := _quietly(url, HEAD + b"\r\n")) and time.monotonic() < limit:
            time.sleep(0.01)
        assert b"200 OK" in reply


def _quietly(url: str, content: bytes) -> bytes:
    with contextlib.suppress(ConnectionError):
        return ask(url, content)
    return b""


def test_a_listener_that_ends_answers_what_is_on_its_way(tmp_path: Path) -> None:
    """An idle connection gets its next request answered, with the word that it was the last; one that stays idle is closed."""
    server = Listener(InferenceApp(Engine(Log(tmp_path / "log"))), linger_s=1.0)
    with listening(server) as url, connected(url) as busy, connected(url) as fresh, connected(url) as idle:
        ask_again = HEAD.replace(b"close", b"keep-alive") + b"\r\n"
        for connection in (busy, idle):
            connection.sendall(ask_again)
            assert b"connection: close" not in connection.recv(4096)
        server.should_exit = True
        while not server.room.closing:
            time.sleep(0.01)
        for connection in (busy, fresh):
            connection.sendall(ask_again)
            reply = connection.recv(4096)
            assert reply.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in reply
            assert connection.recv(4096) == b""
        assert idle.recv(4096) == b""
        assert threading.active_count() < 50


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what is asked of it; at `/late` the head comes long before the body."""
    content = {"/whole": b"short", "/large": b"x" * 300_000, "/alike": b"HTTP/1.1 404 Not Found\r\n\r\n", "/late": b"late"}[scope["path"]]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    if scope["path"] == "/late":
        await receive()
        await receive()  # until the client has gone
    await send({"type": "http.response.body", "body": content[:3], "more_body": True})
    await send({"type": "http.response.body", "body": content[3:]})


@pytest.mark.parametrize("path", ["whole", "large", "alike"])
def test_a_reply_arrives_as_it_was_sent_and_its_head_with_what_follows(path: str) -> None:
    with listening(Listener(echo, linger_s=0.0)) as url:
        with connected(url) as connection:
            connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head, _, began = connection.recv(65536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert began, "one packet"
        content = {"whole": "short", "large": "x" * 300_000, "alike": "HTTP/1.1 404 Not Found\r\n\r\n"}[path]
        assert httpx.get(f"{url}/{path}").text == content
        assert httpx.head(f"{url}/{path}").headers["content-length"] == str(len(content))


def test_a_head_does_not_wait_for_a_body_that_comes_later() -> None:
    with listening(Listener(echo, linger_s=0.0)) as url, connected(url) as connection:
        connection.sendall(b"GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).endswith(b"\r\n\r\n")
