"""The door: names by which a server is called, TLS, forwarded headers, packed bodies, clients that leave."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.server.running import address, command, running

from ostinato.access.tokens import mint
from ostinato.client.remote import connect
from ostinato.kernel.errors import Invalid
from ostinato.server.access_log import Line
from ostinato.server.http import build
from ostinato.serving.plane.encoding import compressed
from ostinato.serving.plane.listener import Listener
from ostinato.testing.doors import listening
from ostinato.testing.toy import API

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ANA = {"authorization": "Bearer ana-token"}


@pytest.fixture
def ana(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{url}/api/v1", headers=ANA) as client:
        yield client


# ---- by which name


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "[::2]:80", "", "a b", "."])
def test_a_server_that_is_called_by_another_name_answers_421(url: str, host: str) -> None:
    for path in ("/api/v1/toys", "/api/v1/live", "/health/live", "/openapi.json", "/nowhere"):
        reply = httpx.get(f"{url}{path}", headers=ANA | {"host": host})
        assert reply.status_code == 421
        assert "OSTINATO_HOSTS" in reply.json()["error"]["hint"]
        assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:80", "localhost."])
def test_the_names_of_the_loopback_are_ours(url: str, host: str) -> None:
    assert httpx.get(f"{url}/api/v1/toys", headers=ANA | {"host": host}).status_code == 200


def test_more_names_are_a_setting(toys: object) -> None:
    object.__setattr__(toys.settings, "hosts", "ml.example, other.example")
    with listening(Listener(build(toys, [API], host="bound.example"), linger_s=0.0)) as url:
        for host in ("ml.example:8080", "Other.Example", "bound.example"):
            assert httpx.get(f"{url}/api/v1/toys", headers=ANA | {"host": host}).status_code == 200
        assert httpx.get(f"{url}/api/v1/toys", headers=ANA | {"host": "ml.example.evil"}).status_code == 421


# ---- from where


@pytest.mark.parametrize(("proxies", "seen"), [("", "127.0.0.1"), ("10.0.0.0/8", "127.0.0.1"), ("127.0.0.0/8", "6.6.6.6")])
def test_forwarded_headers_are_believed_from_listed_proxies_only(
    toys: object, proxies: str, seen: str, caplog: pytest.LogCaptureFixture
) -> None:
    forged = {
        "x-forwarded-for": "7.7.7.7, 6.6.6.6",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "evil.example",
        "forwarded": "for=6.6.6.6",
    }
    with caplog.at_level(logging.INFO, "ostinato.access"):
        door = build(toys, [API])
        with listening(Listener(door, proxies=proxies, linger_s=0.0)) as url:
            reply = httpx.get(f"{url}/api/v1/toys", headers=ANA | forged)
        door.access_log.write()
        assert ("strict-transport-security" in reply.headers) is (seen == "6.6.6.6")
    line = json.loads(next(r for r in caplog.records if r.name == "ostinato.access").getMessage())
    assert line["client"] == seen


# ---- packed bodies


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bodies_travel_packed_in_both_directions(ana: httpx.Client, encoding: str) -> None:
    content = compressed(json.dumps({"values": [float(i) for i in range(1000)]}).encode(), encoding)
    headers = {"content-encoding": encoding, "content-type": "application/json", "accept-encoding": encoding}
    with ana.stream("POST", "/toys/values", content=content, headers=headers) as reply:
        raw = b"".join(reply.iter_raw())
    assert (reply.headers["content-encoding"], reply.headers["vary"]) == (encoding, "accept-encoding")
    plain = gzip.decompress(raw) if encoding == "gzip" else zstd.decompress(raw)
    assert json.loads(plain) == [float(i) for i in range(1000)]
    assert len(raw) < len(plain) / 2
    assert "content-encoding" not in ana.post("/toys/values", json={"values": [1.0]}, headers={"accept-encoding": encoding}).headers


def test_a_reply_is_packed_only_as_the_client_likes(ana: httpx.Client) -> None:
    body = {"values": [0.0] * 1000}
    for accepts in ("identity", "br", "gzip;q=0, zstd;q=0.0", ""):
        assert "content-encoding" not in ana.post("/toys/values", json=body, headers={"accept-encoding": accepts}).headers
    ana.put("/toys/top/paint", content=b"x" * 5000)
    assert "content-encoding" not in ana.get("/toys/top/paint", headers={"accept-encoding": "gzip"}).headers  # bytes go as they are


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_stopped_before_it_goes_off(ana: httpx.Client, encoding: str) -> None:
    bomb = compressed(b"0" * (200 << 20), encoding)
    assert len(bomb) < 1 << 20
    reply = ana.put("/toys/top/paint", content=bomb, headers={"content-encoding": encoding})
    assert reply.status_code == 413
    assert reply.elapsed < timedelta(seconds=2)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("spoil", [lambda c: c[:-3], lambda c: c + b"x", lambda c: c + c, lambda c: b"nonsense", lambda c: b""])
def test_a_damaged_pack_is_refused(ana: httpx.Client, encoding: str, spoil: object) -> None:
    content = spoil(compressed(b'{"values": [1]}', encoding))
    reply = ana.post("/toys/values", content=content, headers={"content-encoding": encoding, "content-type": "application/json"})
    assert (reply.status_code, reply.json()["error"]["field"]) == (400, "content-encoding")


def test_a_window_beyond_8_mib_is_refused(ana: httpx.Client) -> None:
    content = zstd.compress(bytes(range(256)) * 100_000, options={zstd.CompressionParameter.window_log: 25})
    assert ana.put("/toys/top/paint", content=content, headers={"content-encoding": "zstd"}).status_code == 400


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, gzip", "gzip,zstd", "x" * 5000])
def test_other_packs_and_several_are_not_read(ana: httpx.Client, encoding: str) -> None:
    reply = ana.put("/toys/top/paint", content=b"x", headers={"content-encoding": encoding})
    assert reply.status_code == 415
    assert "gzip, deflate, zstd" in reply.json()["error"]["hint"]


# ---- clients that leave


def test_who_leaves_in_the_midst_of_a_body_is_no_error_of_ours(url: str, caplog: pytest.LogCaptureFixture) -> None:
    parts = urlsplit(url)
    with caplog.at_level(logging.INFO), socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(
            b"PUT /api/v1/toys/top/paint HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ana-token\r\nContent-Length: 100\r\n\r\nhalf"
        )
        connection.close()
        limit = time.monotonic() + 5
        while not (lines := [r.getMessage() for r in caplog.records if r.name == "ostinato.access"]) and time.monotonic() < limit:
            time.sleep(0.01)
    assert json.loads(lines[0])["status"] == 499
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_no_line_of_the_log_is_made_by_a_client(ana: httpx.Client, url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ostinato.access"):
        ana.get("/toys/a%0D%0A%7B%22forged%22:1%7D%E2%80%A8")
        httpx.get(f"{url}/health/live", headers={"x-request-id": "abcdefgh\n{}".replace("\n", "%0a")})
    for record in caplog.records:
        if record.name == "ostinato.access":
            assert len(record.getMessage().splitlines()) == 1
            assert "forged" not in json.loads(record.getMessage())


def test_a_token_in_an_address_is_not_logged() -> None:
    secret = mint("person")
    logged = Line(0.0, "r", "GET", f"/api/v1/runs/{secret}/metrics", 404, None, 1.0, None, None).text()
    assert secret not in logged
    assert f"/{secret[:15]}…/metrics" in json.loads(logged)["path"]


# ---- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1, and its key."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ostinato test")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return folder / "certificate.pem", folder / "key.pem"


def test_a_server_speaks_tls_by_two_settings(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    data, (trusted, key) = tmp_path / "store", certificate
    with running(data, env={"OSTINATO_TLS_CERTIFICATE": str(trusted), "OSTINATO_TLS_KEY": str(key), "OSTINATO_WORKERS": "0"}):
        url, token = address(data), (data / "admin-token").read_text().strip()
        assert url.startswith("https://")
        with connect(url, token, ca_file=str(trusted)) as app:
            assert app.access.whoami().actor == "person:admin"
        with pytest.raises(Invalid, match="not trusted") as refused:
            connect(url, token)
        assert "OSTINATO_CA_FILE" in refused.value.hint
        reply = httpx.get(f"{url}/health/live", verify=ssl.create_default_context(cafile=str(trusted)))
        assert reply.headers["strict-transport-security"] == "max-age=31536000"
        old = ssl.create_default_context(cafile=str(trusted))
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port)) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.parametrize("wrong", [{"ca_file": "/nowhere.pem"}, {"ca_file": __file__}])
def test_a_file_without_certificates_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="no certificates in"):
        connect("https://127.0.0.1:1", "t", **wrong)


def test_a_certificate_that_is_none_is_named_at_the_start(tmp_path: Path) -> None:
    import subprocess

    env = {"OSTINATO_TLS_CERTIFICATE": str(tmp_path / "nothing.pem"), "PATH": "/usr/bin"}
    told = subprocess.run(command(tmp_path / "store"), capture_output=True, text=True, timeout=60, check=False, env=env)
    assert told.returncode == 2
    assert "OSTINATO_TLS_CERTIFICATE" in told.stderr
    assert "None" not in told.stderr
