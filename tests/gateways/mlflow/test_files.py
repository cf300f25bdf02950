"""Files by the artifact proxy, and what must not be reached by it."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import mlflow
import pytest
from mlflow import MlflowClient

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import places
from ostinato.kernel.errors import Invalid

pytestmark = pytest.mark.filterwarnings("ignore")
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
OUT = [
    "../x", "..", "a/../../x", "/etc/passwd", "//etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/x", "%252e%252e%252fx", "..%5cx",
    "..\\x", "a\\..\\x", "C:/x", "C:\\x", "a%00b", "..;/x", "a/..;/x", "x#/../y", "%25252e%25252e/x", "file:///etc/passwd", ".%2e/x",
]  # fmt: skip
SOURCES = [
    "/etc", "/etc/passwd", "file:///etc", "file:/etc", "//host/../etc", "mlflow-artifacts:/../..", "mlflow-artifacts:/", "s3://b/../..",
    "s3://b/%2e%2e/x", "s3:/b/../x", "..\\..\\x", "\\..\\..\\x", "http://h/?/../..", "http://h/#/../..", "file:///x#/../", "file:///x;/..",
    "runs:/OTHER/model", "runs://h/RUN/model", "runs:/RUN/../x", "models:/m-other", "models:/m-other/../x", "models:/nothing",
    "models:/nothing/1", "mlflow-artifacts:/e/OTHER/artifacts/m", "mlflow-artifacts://127.0.0.1:22/e/RUN/artifacts",
    "http://h/api/2.0/mlflow-artifacts/artifacts/e/OTHER/artifacts/m", "ftp:///etc", "data:x", "relative/path",
    "mlflow-artifacts:/e/RUN/artifacts/%252e%252e/%252e%252e", "s3://b/ok#x", "C:/x", "",
]  # fmt: skip
LOCATIONS = ["http://h/#/../../etc", "file:///etc;x", "..;/", "/etc", "s3://bucket/x", "my_location", "mlflow-artifacts:/../x"]


def bare(url: str, method: str, path: str) -> tuple[int, dict[str, str]]:
    """What is answered to a path that no client has tidied."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    try:
        connection.putrequest(method, f"{parts.path}{path}", skip_accept_encoding=True)
        connection.putheader("authorization", f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}")
        connection.putheader("content-length", "1" if method == "PUT" else "0")
        connection.endheaders(b"x" if method == "PUT" else None)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_out_of_a_run(run: str, url: str, store: Ostinato, method: str) -> None:
    for path in OUT:
        sent = path.replace("#", "%23").replace("\\", "%5c")
        for at in (sent, sent.replace("%", "%25")):
            status, told = bare(url, method, f"{PROXY}/e/{run}/artifacts/{at}")
            assert (status, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), f"{at}: {told}"
    assert store.runs.artifacts(run) == []


def test_no_path_in_a_query_leads_out_of_a_run(run: str, refused: Callable[..., dict[str, str]]) -> None:
    for path in [*OUT, "a\x00b"]:
        for address, given in (
            ("/api/2.0/mlflow/artifacts/list", {"run_id": run}), ("/get-artifact", {"run_id": run}), (PROXY, {}),
            ("/model-versions/get-artifact", {"name": "m", "version": "1"}),
        ):  # fmt: skip
            told = refused("GET", address, 400, params={**given, "path": path})
            assert (told["error_code"], told["message"]) == ("INVALID_PARAMETER_VALUE", "Invalid path"), f"{address} {path}"


@pytest.mark.parametrize("prompt", [False, True])
def test_no_source_of_a_version_is_anything_else(
    client: MlflowClient, store: Ostinato, run: str, refused: Callable[..., dict[str, str]], prompt: bool
) -> None:
    client.create_registered_model("late")
    other = client.create_run(client.get_run(run).info.experiment_id).info.run_id
    for source in SOURCES:
        body: dict[str, Any] = {"name": "late", "source": source.replace("OTHER", other).replace("RUN", run), "run_id": run}
        if prompt:
            body["tags"] = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
        told = refused("POST", "/api/2.0/mlflow/model-versions/create", 400, json=body)
        assert told["error_code"] == "INVALID_PARAMETER_VALUE", source
    assert store.models.versions("late") == []


def test_no_experiment_says_where_files_lie(refused: Callable[..., dict[str, str]]) -> None:
    for location in LOCATIONS:
        told = refused("POST", "/api/2.0/mlflow/experiments/create", 400, json={"name": "x", "artifact_location": location})
        assert "artifact_location" in told["message"]


def test_a_source_elsewhere_is_named_and_never_read(client: MlflowClient, http: httpx.Client) -> None:
    client.create_registered_model("late")
    client.create_model_version("late", "s3://bucket/models/late")
    assert client.get_model_version_download_uri("late", "1") == "s3://bucket/models/late"
    assert http.get("/model-versions/get-artifact", params={"name": "late", "version": "1", "path": "MLmodel"}).status_code == 404


def test_files_are_listed_folder_by_folder_and_dropped(client: MlflowClient, run: str, tmp_path: Path, http: httpx.Client) -> None:
    for path, size in (("a.txt", 3), ("d/b.txt", 5), ("d/e/c.txt", 7), ("d e/f é.txt", 1)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x" * size)
    client.log_artifacts(run, str(tmp_path))
    assert [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run)] == [
        ("a.txt", False, 3), ("d", True, None), ("d e", True, None),
    ]  # fmt: skip
    assert [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run, "d")] == [("d/b.txt", False, 5), ("d/e", True, None)]
    whole = Path(mlflow.artifacts.download_artifacts(run_id=run))
    assert (whole / "d e" / "f é.txt").read_bytes() == b"x"
    assert (whole / "d" / "e" / "c.txt").stat().st_size == 7
    root = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    assert http.delete(f"{PROXY}/{root}/d").status_code == 200
    assert {f.path for f in client.list_artifacts(run)} == {"a.txt", "d e"}
    assert http.get("/get-artifact", params={"run_uuid": run, "path": "a.txt"}).content == b"xxx"
    assert http.post("/ajax-api/2.0/mlflow/upload-artifact", params={"run_uuid": run, "path": "up.html"}, content=b"<i>").status_code == 200
    page = http.get("/get-artifact", params={"run_id": run, "path": "up.html"})
    assert (page.content, page.headers["content-type"]) == (b"<i>", "application/octet-stream")
    assert (page.headers["content-disposition"], page.headers["x-content-type-options"]) == ("attachment; filename=up.html", "nosniff")
    assert http.get(f"{PROXY}/{root}/none").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_a_large_file_streams_through_little_memory(client: MlflowClient, run: str, http: httpx.Client, store: Ostinato) -> None:
    root = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    piece, pieces = bytes(range(256)) * 4096, 96
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert http.put(f"{PROXY}/{root}/big.bin", content=(piece for _ in range(pieces))).status_code == 200
    with http.stream("GET", f"{PROXY}/{root}/big.bin") as reply:
        size = sum(len(part) for part in reply.iter_raw())
    assert size == len(piece) * pieces == int(reply.headers["content-length"])
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 48, "MiB beyond what was in use"
    assert store.runs.artifact(run, "big.bin", 0, 16) == piece[:16]


def test_a_run_of_another_project_is_not_there(store: Ostinato, client: MlflowClient, run: str, server: tuple[Ostinato, str]) -> None:
    other, experiment = MlflowClient(f"{server[1]}/mlflow/default"), client.get_run(run).info.experiment_id
    client.log_text(run, "x", "a.txt")
    for act in (
        lambda: other.get_run(run), lambda: other.list_artifacts(run), lambda: other.log_metric(run, "m", 1.0),
        lambda: other.delete_run(run), lambda: other.get_experiment(experiment), lambda: other.create_run(experiment),
    ):  # fmt: skip
        with pytest.raises(Exception, match=r"RESOURCE_DOES_NOT_EXIST|404"):
            act()
    for method in ("GET", "PUT", "DELETE"):
        assert bare(f"{server[1]}/mlflow/default", method, f"{PROXY}/{experiment}/{run}/artifacts/a.txt")[0] == 404
    assert [file.path for file in store.runs.artifacts(run)] == ["a.txt"]


@pytest.mark.parametrize("text", ["", "x", "e/run", "e/run/other/x", "registered/m/x/MLmodel"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(Invalid):
        places.place(text)
