"""The web UI as files: what is sent, how, and that nothing else is."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from ostinato.server.pages import Pages
from ostinato.serving.plane.listener import Listener
from ostinato.testing.doors import listening

SCRIPT = b"console.log('a page');" * 100


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Ostinato</title>")
    (folder / "assets" / "main-abc.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret").write_text("a secret")
    return folder


@contextmanager
def sent_from(folder: Path) -> Iterator[httpx.Client]:
    app = Starlette(routes=[Route("/{path:path}", Pages(folder), methods=["GET"])])
    with listening(Listener(app, linger_s=0.0)) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def browser(static: Path) -> Iterator[httpx.Client]:
    with sent_from(static) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/default", "/default/models/late/versions/7", "/index.html"])
def test_every_path_is_the_page(browser: httpx.Client, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert browser.get(path, headers={"if-none-match": page.headers["etag"]}).status_code == 304


def test_what_has_its_digest_in_its_name_is_kept_and_comes_packed(browser: httpx.Client) -> None:
    plain = browser.get("/assets/main-abc.js", headers={"accept-encoding": "identity"})
    packed = browser.get("/assets/main-abc.js", headers={"accept-encoding": "br, gzip"})
    assert plain.content == packed.content == SCRIPT
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["vary"] == "accept-encoding"
    assert plain.headers["etag"] != packed.headers["etag"]
    assert "text/javascript" in packed.headers["content-type"]
    assert browser.head("/assets/main-abc.js").content == b""


@pytest.mark.parametrize("path", ["/assets/gone.js", "/assets/main-abc.js.gz", "/api/v1/nothing", "/api/2.0/mlflow/nothing", "/metrics"])
def test_below_the_doors_of_programs_nothing_is_a_page(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/../secret", "/assets/../../secret", "/assets/%2e%2e/%2e%2e/secret", "/..%2fsecret", "//secret", "/%00"])
def test_nothing_beside_the_folder_is_sent(browser: httpx.Client, static: Path, path: str) -> None:
    assert b"a secret" not in browser.get(path).content
    (static / "late.txt").write_text("a secret")  # nor what came after the start
    assert b"a secret" not in browser.get("/late.txt").content


def test_a_checkout_without_the_build_says_how_to_build(tmp_path: Path) -> None:
    with sent_from(tmp_path / "none") as client:
        page = client.get("/default")
    assert page.status_code == 200
    assert "make web" in page.text
    assert "<script" not in page.text


def test_a_page_has_its_own_headers_and_those_of_every_reply(url: str) -> None:
    page = httpx.get(f"{url}/default")
    assert page.headers.get_list("content-security-policy")[0].startswith("default-src 'none'")
    assert len(page.headers.get_list("content-security-policy")) == len(page.headers.get_list("cache-control")) == 1
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert httpx.post(f"{url}/default").status_code == 405
