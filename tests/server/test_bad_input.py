"""What comes in wrong, over real HTTP to the real app and at the start: a clear answer, and nothing half-written."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.running import command

from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.kernel.signature import signature_of
from ostinato.server.errors import NotAllowed
from ostinato.server.hosts import Hosts
from ostinato.server.routes import Routes
from ostinato.server.wire import MSGPACK, decode, from_body, from_texts
from ostinato.serving.plane.encoding import decompressed, negotiate
from ostinato.testing.doors import served
from ostinato.testing.toy import API

quick = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def admin(app: Ostinato) -> Iterator[httpx.Client]:
    token = (app.settings.data / "admin-token").read_text().strip()
    with served(app) as url, httpx.Client(base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {token}"}) as client:
        yield client


# ---- names and paths

EVIL = [
    "..%2F..%2Fadmin-token",
    "%2e%2e%2f%2e%2e%2fadmin-token",
    "..%5C..%5Cadmin-token",
    "%2Fetc%2Fpasswd",
    "....%2F%2F....%2F%2Fadmin-token",
    "a%00b",
    "%00",
    "%C0%AE%C0%AE%2F",
    "%ED%A0%80",
    "x" * 4096,
    "%0d%0aSet-Cookie:%20a=b",
    "%25%32%65%25%32%65%2f",
    "CON",
    ".",
    "..",
]


@pytest.mark.parametrize("name", EVIL, ids=lambda name: name[:24])
def test_r100_no_name_leads_out_of_the_store(app: Ostinato, admin: httpx.Client, name: str) -> None:
    secret = (app.settings.data / "admin-token").read_text().strip()
    run = app.runs.start("flights").id
    before = {path for path in app.settings.data.parent.rglob("*") if "store" not in path.parts}
    asked = [
        ("GET", f"/datasets/{name}"),
        ("PUT", f"/datasets/{name}/deliveries/k"),
        ("GET", f"/runs/{name}"),
        ("PUT", f"/runs/{run}/artifacts/{name}"),
        ("GET", f"/runs/{run}/artifacts/{name}"),
        ("GET", f"/models/{name}"),
        ("POST", f"/endpoints/{name}/key"),
        ("GET", f"/endpoints/{name}/url"),
        ("POST", f"/access/projects/{name}"),
        ("GET", f"/ledger/history/{name}"),
        ("GET", f"/executions/{name}"),
    ]
    for method, path in asked:
        reply = admin.request(method, path, content=b"x" if method == "PUT" else None)
        assert reply.status_code < 500, (method, path, reply.text)
        assert secret not in reply.text
        assert "set-cookie" not in reply.headers
        assert "Traceback" not in reply.text
    assert {path for path in app.settings.data.parent.rglob("*") if "store" not in path.parts} == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"name": "a\\u0000b"}', "json"),
        (b'{"name": "\\ud800"}', "json"),
        (b'{"name": "\xed\xa0\x80"}', "json"),
        (b'{"name": "\xff"}', "json"),
        (b'{"name": 1' + b"0" * 400 + b"}", "json"),
        (b'{"name": ' + b"9" * 5000 + b"}", "json"),
        (b'{"name": NaN}', "json"),
        (b"[" * 100_000 + b"]" * 100_000, "json"),
        (b'{"a":' * 50_000, "json"),
        (b'{"name": "x", "name": "../y"}', "json"),
        (b'{"name": "x", "contract": {"checks": [{"check": "../../os"}]}}', "json"),
        (b'{"name": "x", "surprise": 1}', "json"),
        (b"null", "json"),
        (b'"x"', "json"),
        (b"\x81\xa4name\xc1", "msgpack"),
        (b"\x81\xa4name\xdb\xff\xff\xff\xff", "msgpack"),
        (b"\x91" * 100_000, "msgpack"),
        (b"\xdf\xff\xff\xff\xff", "msgpack"),
    ],
)
def test_r100_bodies_that_are_wrong_are_refused_and_leave_nothing(admin: httpx.Client, content: bytes, kind: str) -> None:
    reply = admin.post("/datasets", content=content, headers={"content-type": f"application/{kind}"})
    assert reply.status_code in (400, 404), reply.text[:300]
    assert reply.json()["error"]["type"] in ("Invalid", "NotFound")
    assert admin.get("/datasets").json() == []


# ---- tokens


def test_r15_tokens_that_are_stale_revoked_or_foreign_open_nothing(app: Ostinato, admin: httpx.Client, tmp_path: Path) -> None:
    admin.post("/access/services/robot", json={"roles": ["viewer"]})
    revoked = admin.post("/access/actors/service:robot/tokens", json={}).json()
    assert admin.get("/clock", headers={"authorization": f"Bearer {revoked['secret']}"}).status_code == 200
    assert admin.delete(f"/access/tokens/{revoked['token']['id']}").status_code == 200
    with Ostinato.open(tmp_path / "other"):
        foreign = (tmp_path / "other" / "admin-token").read_text().strip()
    own = revoked["secret"]
    answers = [
        admin.get("/clock", headers={"authorization": f"Bearer {token}".encode("latin-1")})
        for token in (own, foreign, own[:-1], own[:-1] + "é", own.upper(), own + own, ".", "null", "Bearer " + own)
    ]
    assert {reply.status_code for reply in answers} == {401}
    assert len({reply.text for reply in answers[:2]}) == 1  # nobody learns which of them once worked
    assert all(own not in reply.text for reply in answers)


# ---- parsers


@quick
@given(st.binary(max_size=300), st.sampled_from(["application/json", MSGPACK]))
def test_no_bytes_break_the_decoder(content: bytes, kind: str) -> None:
    with suppress(Invalid):
        decode(content, kind)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@quick
@given(st.dictionaries(st.sampled_from(["name", "parts", "origin", "kind", "how", "ref", "values", "x"]), json_values, max_size=4))
def test_no_body_breaks_the_reading_of_arguments(body: dict[str, object]) -> None:
    content = json.dumps(body).encode()
    for op in API.OPS:
        with suppress(Invalid):
            from_body(signature_of(op).at("body"), content)


@quick
@given(st.lists(st.tuples(st.sampled_from(["kinds", "since", "limit", "backwards", "weights", "after", "x"]), st.text()), max_size=5))
def test_no_query_breaks_the_reading_of_arguments(pairs: list[tuple[str, str]]) -> None:
    search = next(op for op in API.OPS if op.name == "search")
    with suppress(Invalid):
        from_texts(signature_of(search).at("query"), pairs)


class _Toys:
    def __init__(self, op: object) -> None:
        self.op = op


@quick
@given(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "BREW"]), st.text(min_size=0, max_size=40).map(lambda text: f"/{text}"))
def test_every_path_has_one_answer(method: str, path: str) -> None:
    with suppress(NotAllowed):
        found = Routes([_Toys(op) for op in API.OPS]).find(method, path)
        assert found is None or path.startswith("/toys")


@quick
@given(st.binary(max_size=60))
def test_no_host_and_no_encoding_breaks_its_parser(value: bytes) -> None:
    with suppress(Invalid):
        Hosts().check({"headers": [(b"host", value)], "server": ("127.0.0.1", 80)})
    assert negotiate(value.decode("latin-1")) in ("", "gzip", "zstd")
    for encoding in ("gzip", "zstd"):
        with suppress(Invalid, TooLarge):
            assert len(decompressed(value, encoding, 1000)) <= 1000


# ---- the start


def started(data: Path, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    asked = [*command(data), *more]
    return subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False, env=os.environ | env)


def test_a_port_in_use_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = started(tmp_path / "store", "--port", str(taken.getsockname()[1]))
    assert told.returncode == 5
    assert "Address already in use" in told.stderr
    assert "hint: choose another --port" in told.stderr
    assert not (tmp_path / "store" / "ostinato.db").exists()


@pytest.mark.parametrize(
    ("more", "code"), [(("--host", "192.0.2.1"), 5), (("--host", "no.such.host.invalid"), 2), (("--port", "70000"), 2)]
)
def test_an_address_that_is_not_ours_is_told(tmp_path: Path, more: tuple[str, ...], code: int) -> None:
    told = started(tmp_path / "store", *more)
    assert (told.returncode, "Traceback" in told.stderr) == (code, False)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OSTINATO_HOSTS": "https://ml.example"}, "OSTINATO_HOSTS: 'https://ml.example' is no name"),
        ({"OSTINATO_PROXIES": "the proxy"}, "OSTINATO_PROXIES: "),
        ({"OSTINATO_TLS_KEY": "key.pem"}, "OSTINATO_TLS_KEY is set without OSTINATO_TLS_CERTIFICATE"),
    ],
)
def test_a_setting_that_would_be_ignored_is_refused(tmp_path: Path, env: dict[str, str], said: str) -> None:
    told = started(tmp_path / "store", **env)
    assert told.returncode == 2
    assert told.stderr.startswith(f"Invalid: {said}")
    assert "hint: " in told.stderr


def test_a_damaged_database_is_told_at_the_start(tmp_path: Path) -> None:
    data = tmp_path / "store"
    data.mkdir()
    (data / "ostinato.db").write_bytes(bytes(range(256)) * 64)
    told = started(data)
    assert told.returncode == 8
    assert "damaged" in told.stderr
    assert "hint: " in told.stderr
    assert "Traceback" not in told.stderr


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path) -> None:
    blocked = "import sys; sys.modules['opentelemetry.sdk.trace'] = None; from ostinato.cli.main import main; main(sys.argv[1:])"
    told = subprocess.run(
        [sys.executable, "-c", blocked, "serve", "--data", str(tmp_path / "store"), "--port", "0"],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
    )  # fmt: skip
    assert told.returncode == 8
    assert "hint: pip install 'ostinato[otel]'" in told.stderr
