"""What a client says when something else than a server of ours answers, and of an address or a token that is none."""

from __future__ import annotations

import http.server
import threading
import zlib
from collections.abc import Callable, Iterator

import pytest

from ostinato.client.connection import Connection
from ostinato.client.remote import connect
from ostinato.kernel.errors import Invalid, OstinatoError, Unauthenticated
from ostinato.serving.plane.encoding import UNPACKED, compressed

Answering = Callable[..., str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Start a server that answers every request alike; its address."""
    opened: list[http.server.ThreadingHTTPServer] = []

    def start(status: int, content: bytes, **headers: str) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        opened.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=opened[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{opened[-1].server_port}"

    yield start
    for server in opened:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "content", "headers"),
    [
        (200, b"<html>please pay for the network</html>", {"Content_Type": "text/html"}),
        (200, b'{"of": "another program"}', {"Content_Type": "application/json"}),
        (200, b"", {}),
        (302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
        (404, b"<html>nginx</html>", {}),
    ],
)
def test_another_server_is_known_for_one(answering: Answering, status: int, content: bytes, headers: dict[str, str]) -> None:
    url = answering(status, content, **headers)
    with pytest.raises(OstinatoError, match=r"not as (an )?Ostinato") as caught, connect(url, "t") as app:
        app.access.whoami()
    assert "is this the address of an Ostinato server" in caught.value.hint


@pytest.mark.parametrize("encoding", UNPACKED)
def test_replies_that_a_proxy_packs_are_read(answering: Answering, encoding: str) -> None:
    content = b"a reply " * 100_000
    packed = zlib.compress(content) if encoding == "deflate" else compressed(content, encoding)
    link = Connection(answering(200, packed, Content_Encoding=encoding), "t", "default")
    assert link.call("GET", "/").content == content
    link.close()


@pytest.mark.parametrize("url", ["http://", "here:80", "http://a b", "http://[::1", "http://h:99999", "file:///etc", "http://u:secret@h"])
def test_what_is_no_address_is_told_so(url: str) -> None:
    with pytest.raises(Invalid, match="not the address of a server") as caught:
        connect(url, "t")
    assert "secret" not in str(caught.value)
    assert "such as http" in caught.value.hint


@pytest.mark.parametrize("token", ["ostp_x\r\nHost: evil", "öst", "two\nlines"])
def test_what_is_no_token_is_told_so_and_not_sent(token: str) -> None:
    with pytest.raises(Unauthenticated, match="no token"):
        connect("http://127.0.0.1:9", token)
