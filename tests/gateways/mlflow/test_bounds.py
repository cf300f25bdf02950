"""Bounds: how much a request may make the server hold, read and wait for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import door, history, places
from ostinato.gateways.mlflow.filter import Clause, holds
from ostinato.kernel.errors import Invalid
from ostinato.server.thread_pool import UPLOADS
from ostinato.testing.processes import until

pytestmark = pytest.mark.filterwarnings("ignore")
A2 = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"


@contextmanager
def begun(url: str, method: str, path: str, headers: dict[str, str]) -> Iterator[HTTPConnection]:
    """A request of which only the headers were sent."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.putrequest(method, f"{parts.path}{path}")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize("announced", [{"content-length": str(1 << 20)}, {"transfer-encoding": "chunked"}])
def test_nobody_unknown_has_a_large_body_read(url: str, announced: dict[str, str]) -> None:
    with begun(url, "POST", f"{A2}/runs/log-batch", announced) as connection:
        assert connection.getresponse().status == 401


def test_slow_uploads_leave_threads_for_all_else(http: httpx.Client, url: str, run: str) -> None:
    headers = {"authorization": http.headers["authorization"], "content-length": "9"}

    def sent() -> httpx.Response:
        return http.put(f"{PROXY}/e/{run}/artifacts/one", content=b"x")

    with ExitStack() as slow:

        def taken() -> bool:
            """Whether all threads of uploads are; one more is begun if not, for a quick upload may have kept a slow one out."""
            if sent().status_code == 503:
                return True
            slow.enter_context(begun(url, "PUT", f"{PROXY}/e/{run}/artifacts/slow", headers))
            return False

        for at in range(UPLOADS):
            slow.enter_context(begun(url, "PUT", f"{PROXY}/e/{run}/artifacts/{at}", headers))
        until(taken, what="all threads of uploads are taken")
        assert int(sent().headers["retry-after"]) >= 1
        assert http.get(f"{A2}/runs/get", params={"run_id": run}).status_code == 200
    until(lambda: sent().status_code == 200, what="they are free again")


def test_a_file_has_a_largest_size(http: httpx.Client, run: str, store: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "UPLOAD_MAX", 10)
    for content in (b"x" * 11, iter([b"x" * 6] * 2)):
        assert http.put(f"{PROXY}/e/{run}/artifacts/a", content=content).status_code == 413
    assert http.put(f"{PROXY}/e/{run}/artifacts/a", content=iter([b"x" * 5] * 2)).status_code == 200
    assert [file.size for file in store.runs.artifacts(run)] == [10]


def test_a_file_that_stops_coming_is_given_up(http: httpx.Client, url: str, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PIECE_S", 0.05)
    headers = {"authorization": http.headers["authorization"], "content-length": "9"}
    with begun(url, "PUT", f"{PROXY}/e/{run}/artifacts/a", headers) as connection:
        assert connection.getresponse().status == 503


def test_a_run_that_takes_no_file_is_sent_none(http: httpx.Client, url: str, store: Ostinato) -> None:
    ended = store.runs.start("trials").id
    store.runs.finish(ended)
    headers = {"authorization": http.headers["authorization"], "content-length": "9"}
    with begun(url, "PUT", f"{PROXY}/e/{ended}/artifacts/a", headers) as connection:
        assert connection.getresponse().status == 400


@pytest.mark.parametrize("path", ["./registered/late/1/m", "registered/./late/1/m", "%2e/registered/late/1/m", "registered/late/1/m"])
def test_files_of_versions_are_for_those_who_may_see_models(store: Ostinato, url: str, client: MlflowClient, path: str) -> None:
    client.create_registered_model("late")
    client.create_model_version("late", "s3://b/m")
    issued = store.access.issue_token("person:admin", permissions=["run:read"])
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {issued.secret}"}) as reader:
        assert reader.get(PROXY, params={"path": path}).status_code == (403 if path.startswith("registered/late") else 400)


@pytest.mark.parametrize("text", ["s3://b/" + "x" * 4_000, "s3://b/%" + "25" * 11 + "41", "s3://b/./x"])
def test_a_source_is_short_and_plain(text: str) -> None:
    with pytest.raises(Invalid):
        places.source(text, "", "")
    with pytest.raises(Invalid):
        places.safe(text.removeprefix("s3://"))


@pytest.mark.parametrize("text", ["", "a", "ab", "aab", "abab", "a%b", "xaabxab", "é_b\n"])
@pytest.mark.parametrize("pattern", ["", "%", "_", "a%", "%b", "%ab", "a_b", "%a_b%", "__%", "%a%b%", "a%%b", "%_", "_%\n", "é%"])
def test_patterns_mean_what_they_do_in_sql(text: str, pattern: str) -> None:
    plain = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in pattern)
    assert holds(Clause("tag", "t", "LIKE", pattern), text) is bool(re.fullmatch(plain, text, re.DOTALL))


def test_patterns_and_orders_are_few(refused: Callable[..., dict[str, str]], http: httpx.Client) -> None:
    for searched in ("experiments", "registered-models"):
        said: dict[str, Any] = {"filter": f"name LIKE '{'a' * 501}'", "max_results": 5}
        assert "pattern" in refused("POST", f"{A2}/{searched}/search", 400, json=said)["message"]
        said = {"order_by": ["name"] * 11, "max_results": 5}
        assert "at most 10" in refused("POST", f"{A2}/{searched}/search", 400, json=said)["message"]
        assert http.post(f"{A2}/{searched}/search", json=said | {"order_by": ["name"] * 10}).status_code == 200
    assert refused("POST", f"{A2}/runs/search", 400, json={"order_by": ["metrics.m"] * 11})
    by = [{"field_name": "name"}] * 11
    assert refused("POST", f"{A2}/logged-models/search", 400, json={"experiment_ids": ["0"], "order_by": by})


def test_histories_are_bounded(
    client: MlflowClient, http: httpx.Client, run: str, refused: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.log_batch(run, metrics=[Metric("m", float(i), 1000 + i, i) for i in range(10)])
    bulk = http.get(f"{A2}/metrics/get-history-bulk", params={"run_id": [run] * 3, "metric_key": "m"}).json()["metrics"]
    assert [point["step"] for point in bulk] == [*range(10)], "a run that is named again is shown once"
    asked = {"run_ids": [run], "metric_key": "m", "start_step": 3, "end_step": 5}
    assert [point["step"] for point in http.get(f"{A2}/metrics/get-history-bulk-interval", params=asked).json()["metrics"]] == [3, 4, 5]
    monkeypatch.setattr(history, "_READ_MAX", 2)
    assert "fewer runs" in refused("GET", f"{A2}/metrics/get-history-bulk-interval", 413, params=asked)["message"]
    monkeypatch.setattr(history, "_PAGE_MAX", 4)
    first = http.get(f"{A2}/metrics/get-history", params={"run_id": run, "metric_key": "m"}).json()
    assert [point["step"] for point in first["metrics"]] == [0, 1, 2, 3]
    more = {"run_id": run, "metric_key": "m", "page_token": first["next_page_token"]}
    assert [point["step"] for point in http.get(f"{A2}/metrics/get-history", params=more).json()["metrics"]] == [4, 5, 6, 7]
    assert len(client.get_metric_history(run, "m")) == 10, "the client follows the tokens"
