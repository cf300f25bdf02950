"""Large files in parts, as MLflow's own client sends them, and as nobody should."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient

from ostinato.app import Ostinato
from ostinato.kernel.errors import TooLarge
from ostinato.storage.blobs.numbered import Numbered
from ostinato.storage.blobs.uploads import part

MPU = "/api/2.0/mlflow-artifacts/mpu"
_SIZE = (11 << 20) + 7


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the client takes for a large one: it goes up in three parts."""
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(1 << 20))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 << 20))
    made = tmp_path / "weights of it.bin"
    made.write_bytes(os.urandom(_SIZE))
    return made


@pytest.fixture
def begun(http: httpx.Client, run: str) -> dict[str, Any]:
    """An upload of three parts for a file of a run."""
    made: dict[str, Any] = http.post(f"{MPU}/create/1/{run}/artifacts/d", json={"path": "/home/me/x.bin", "num_parts": 3}).json()
    return made


def under_way(store: Ostinato, upload: str | None = None) -> int:
    """How many parts are kept: of an upload, or of all."""
    asked = part.select().where(part.c.start >= 0) if upload is None else part.select().where(part.c.upload == upload)
    return len(store.rows.read(lambda tx: tx.all(asked)))


def send(begun: dict[str, Any], number: int, content: bytes) -> int:
    """Send a part to where the server said, as the server said; the status."""
    where = begun["credentials"][number - 1]
    assert where["part_number"] == number
    return httpx.put(where["url"], content=content, headers=where["headers"], timeout=30).status_code


def complete(http: httpx.Client, run: str, begun: dict[str, Any], *numbers: int) -> httpx.Response:
    parts = [{"part_number": number, "etag": "", "url": "u"} for number in numbers]
    said = {"path": "/home/me/x.bin", "upload_id": begun["upload_id"], "parts": parts}
    return http.post(f"{MPU}/complete/1/{run}/artifacts/d", json=said)


def test_a_client_sends_a_large_file_in_parts(client: MlflowClient, run: str, large: Path, store: Ostinato, tmp_path: Path) -> None:
    before = under_way(store)
    client.log_artifact(run, str(large), "deep")
    assert [(file.path, file.size) for file in store.runs.artifacts(run)] == [(f"deep/{large.name}", _SIZE)]
    assert Path(client.download_artifacts(run, f"deep/{large.name}", str(tmp_path))).read_bytes() == large.read_bytes()
    assert under_way(store) == before


def test_parts_come_in_any_order_and_again(http: httpx.Client, run: str, begun: dict[str, Any], store: Ostinato) -> None:
    sent = [send(begun, number, content) for number, content in ((3, b"c"), (1, b"?"), (2, b"bb"), (1, b"a"))]
    assert sent == [200, 200, 200, 200]
    assert [complete(http, run, begun, 1, 2, 3).status_code for _ in range(2)] == [200, 200]
    assert store.runs.artifact(run, "d/x.bin") == b"abbc"


def test_what_lacks_a_part_is_no_file(http: httpx.Client, run: str, begun: dict[str, Any], store: Ostinato) -> None:
    send(begun, 1, b"a")
    send(begun, 2, b"b")
    for numbers in ((1, 2, 3), (1,), (), (1, 1, 2)):
        assert complete(http, run, begun, *numbers).status_code == 400
    assert store.runs.artifacts(run) == []
    assert complete(http, run, begun, 2, 1).status_code == 200
    assert store.runs.artifact(run, "d/x.bin") == b"ba"


def test_an_upload_that_is_given_up_leaves_nothing(http: httpx.Client, run: str, begun: dict[str, Any], store: Ostinato) -> None:
    send(begun, 1, b"a")
    said = {"path": "x.bin", "upload_id": begun["upload_id"]}
    assert http.post(f"{MPU}/abort/1/{run}/artifacts/d", json=said).status_code == 200
    assert under_way(store, begun["upload_id"]) == 0
    assert complete(http, run, begun, 1).status_code == 400


def test_an_upload_that_is_forgotten_leaves_nothing(store: Ostinato) -> None:
    uploads = Numbered(store.blobs, store.rows, kept_s=-1)
    first, second = uploads.begin(), uploads.begin()
    uploads.keep(first, 1, [b"a"])
    uploads.keep(second, 1, [b"b"])
    assert (under_way(store, first), under_way(store, second)) == (0, 1)


def test_no_more_is_under_way_than_may_be(store: Ostinato) -> None:
    uploads = Numbered(store.blobs, store.rows, waiting_max=10)
    upload = uploads.begin()
    uploads.keep(upload, 1, [b"12345"])
    with pytest.raises(TooLarge):
        uploads.keep(upload, 2, [b"123456"])
    assert under_way(store, upload) == 1


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x"])
def test_a_part_has_a_number(refused: Callable[..., dict[str, str]], begun: dict[str, Any], number: str) -> None:
    refused("PUT", f"{MPU}/part/{begun['upload_id']}/{number}", 400, content=b"a")


def test_only_who_may_write_sends(http: httpx.Client, begun: dict[str, Any]) -> None:
    where = begun["credentials"][0]
    assert httpx.put(where["url"], content=b"a").status_code == 401
    assert http.put(f"{MPU}/part/{'z' * 63}/1", content=b"a").status_code == 400


@pytest.mark.parametrize(
    ("place", "said", "status"),
    [
        ("1/{run}/artifacts/..%2f..", {"path": "x", "num_parts": 1}, 400),
        ("1/{run}/artifacts", {"path": "x", "num_parts": 0}, 400),
        ("1/{run}/artifacts", {"path": "x", "num_parts": 10_001}, 400),
        ("1/{run}/artifacts", {"path": "..", "num_parts": 1}, 400),
        ("1/{run}/artifacts", {"num_parts": 1}, 400),
        ("1/nobody/artifacts", {"path": "x", "num_parts": 1}, 404),
        ("registered/late/1", {"path": "x", "num_parts": 1}, 400),
    ],
)
def test_a_file_comes_in_parts_only_to_where_it_may_lie(
    refused: Callable[..., dict[str, str]], run: str, place: str, said: dict[str, Any], status: int
) -> None:
    refused("POST", f"{MPU}/create/{place.format(run=run)}", status, json=said)
