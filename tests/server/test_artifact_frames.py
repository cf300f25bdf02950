"""Files of runs in frames: what of them is shown, to whom, and under which policy. That a hostile one gets nowhere is a journey."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.server.artifact_frames import POLICY
from ostinato.testing.doors import served

FILES = {"report.html": b"<h1>hi</h1>", "a/picture.svg": b"<svg/>", "log.txt": b"<b>", "model.bin": b"\x00", "deck.pdf": b"%PDF"}


@pytest.fixture
def folder(app: Ostinato) -> Iterator[httpx.Client]:
    with app.run("frames") as run:
        for path, content in FILES.items():
            run.artifact(path, content)
    token = (app.settings.data / "admin-token").read_text().strip()
    with (
        served(app) as url,
        httpx.Client(base_url=f"{url}/frames/default/{run.id}/", headers={"authorization": f"Bearer {token}"}) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("path", "place", "kind"),
    [
        ("report.html", "iframe", "text/html; charset=utf-8"),
        ("report.html", "document", None),
        ("report.html", "image", None),
        ("a/picture.svg", "image", "image/svg+xml"),
        ("a/picture.svg", "iframe", None),
        ("log.txt", "iframe", "text/plain; charset=utf-8"),
        ("log.txt", "script", None),
        ("model.bin", "iframe", None),
        ("deck.pdf", "embed", None),
        ("report.html", "", None),
    ],
)
def test_a_file_is_shown_where_its_kind_belongs_and_a_download_elsewhere(
    folder: httpx.Client, path: str, place: str, kind: str | None
) -> None:
    reply = folder.get(path, headers={"sec-fetch-site": "same-origin"} | ({"sec-fetch-dest": place} if place else {}))
    assert reply.content == FILES[path]
    assert reply.headers["content-type"] == (kind or "application/octet-stream")
    assert reply.headers["content-disposition"] == ("inline" if kind else "attachment")
    assert reply.headers.get_list("content-security-policy") == [POLICY]
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_get_nothing(folder: httpx.Client, site: str) -> None:
    assert folder.get("report.html", headers={"sec-fetch-site": site, "sec-fetch-dest": "iframe"}).status_code == 403


def test_who_may_not_read_runs_gets_nothing(folder: httpx.Client, app: Ostinato) -> None:
    assert folder.get("report.html", headers={"authorization": ""}).status_code == 401
    service = app.access.create_service("reader")
    token = app.access.issue_token(service.id).secret
    assert folder.get("report.html", headers={"authorization": f"Bearer {token}"}).status_code == 404
    assert folder.get("../nothing").status_code == 404
    assert folder.get("gone.html").status_code == 404
