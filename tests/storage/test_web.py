"""Calls to addresses that somebody else wrote down."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostinato.kernel.errors import Denied, Invalid, Unavailable
from ostinato.storage.web import Answer, Reach, ask, check_reach, check_url

HERE = Reach(setting="some_networks", networks="127.0.0.0/8")
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of hooks.example.org that signs itself, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ostinato test")])
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return path


@contextlib.contextmanager
def answering(act: Callable[[socket.socket], object], certificate: Path | None = None) -> Iterator[int]:
    """The port of a server that does `act` with its one visitor."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is not None:
        context.load_cert_chain(certificate)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line, _ = listener.accept()
            with line, contextlib.ExitStack() as stack:
                act(stack.enter_context(context.wrap_socket(line, server_side=True)) if certificate is not None else line)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def reply(line: socket.socket) -> None:
    line.recv(65536)
    line.sendall(REPLY)


def drip(line: socket.socket) -> None:
    for _ in range(200):
        line.sendall(b"H")
        time.sleep(0.02)


def asked(url: str, timeout_s: float = 5.0, most: int = 100) -> Answer:
    return ask("GET", url, None, {}, timeout_s=timeout_s, reach=HERE, most=most)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """The name hooks.example.org is that of this machine, and its certificate is trusted."""
    monkeypatch.setattr("ostinato.storage.web.socket.getaddrinfo", lambda host, port, *_, **__: [(2, 1, 6, "", ("127.0.0.1", port))])
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def test_an_exchange_reads_as_much_as_is_wanted() -> None:
    for most, content in ((100, b"hello"), (3, b"hel"), (0, b"")):
        with answering(reply) as port:
            assert asked(f"http://127.0.0.1:{port}/x?y=1", most=most) == Answer(status=200, content=content)


@pytest.mark.usefixtures("hooks")
def test_tls_is_spoken_with_the_name_at_the_address_that_was_checked(certificate: Path) -> None:
    with answering(reply, certificate) as port:
        assert asked(f"https://hooks.example.org:{port}/").content == b"hello"
    with answering(reply, certificate) as port, pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        asked(f"https://other.example.org:{port}/")


@pytest.mark.usefixtures("hooks")
@pytest.mark.parametrize("encrypted", [False, True])
def test_an_answer_that_drips_is_cut_off_in_tls_too(certificate: Path, encrypted: bool) -> None:
    with answering(drip, certificate if encrypted else None) as port:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            asked(f"http{'s' * encrypted}://hooks.example.org:{port}/", timeout_s=0.3)
        assert time.monotonic() - began < 2.0


@pytest.mark.usefixtures("hooks")
def test_who_never_begins_to_speak_tls_is_cut_off() -> None:
    with answering(lambda line: line.recv(1) and line.recv(65536) and line.recv(1)) as port:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            asked(f"https://hooks.example.org:{port}/", timeout_s=0.3)
        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    "url", ["", "ftp://a.org", "http://", "https://u:p@a.org", "http://a.org:0", "http://a.org:99999", "http://[::1", "http://ä.org"]
)
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url)


def test_what_is_out_of_reach_names_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    check_reach("https://127.0.0.1", HERE)
    with pytest.raises(Denied) as refused:
        check_reach("https://10.0.0.1", HERE)
    assert "OSTINATO_SOME_NETWORKS" in refused.value.hint

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("ostinato.storage.web.socket.getaddrinfo", unknown)
    check_reach("https://later.example.org", HERE)
    with pytest.raises(Unavailable):
        asked("https://later.example.org")
