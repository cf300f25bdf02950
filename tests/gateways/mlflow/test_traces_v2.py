"""Traces of clients before version 3, which begin and end one and send its spans as a file; and files that come with traces."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from mlflow import MlflowClient

from ostinato.app import Ostinato

pytestmark = pytest.mark.filterwarnings("ignore")
A2, PROXY = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"


def begun(http: httpx.Client) -> dict[str, object]:
    """A trace that has begun."""
    said = {"experiment_id": "0", "timestamp_ms": "1700000000000", "request_metadata": [{"key": "mlflow.traceInputs", "value": '{"x": 1}'}]}
    told: dict[str, object] = http.post(f"{A2}/traces", json=said | {"tags": [{"key": "mlflow.traceName", "value": "f"}]}).json()
    return told["trace_info"]  # type: ignore[return-value]


def spans(request_id: str) -> dict[str, object]:
    """Spans as version 2 writes them."""

    def one(id_: str, parent: str | None, name: str, **attributes: str) -> dict[str, object]:
        return {
            "name": name, "context": {"span_id": id_, "trace_id": "0x177b114ae4806960fa542aa081614358"}, "parent_id": parent,
            "start_time": 1_700_000_000_000_000_000, "end_time": 1_700_000_000_500_000_000, "status_code": "OK", "status_message": "",
            "attributes": {"mlflow.traceRequestId": f'"{request_id}"'} | attributes, "events": [],
        }  # fmt: skip

    whole = one("0x904066e301bf26df", None, "f", **{"mlflow.spanInputs": '{"x": 1}', "mlflow.spanType": '"CHAIN"'})
    return {"spans": [whole, one("0x4066e301bf26df", "0x904066e301bf26df", "inner")], "request": '{"x": 1}', "response": "2"}


def test_a_trace_that_begins_and_ends(http: httpx.Client, store: Ostinato, client: MlflowClient) -> None:
    info = begun(http)
    id_, tags = str(info["request_id"]), {tag["key"]: tag["value"] for tag in info["tags"]}  # type: ignore[attr-defined]
    assert (info["status"], store.traces.get(id_).state) == ("IN_PROGRESS", "in_progress")
    place = tags["mlflow.artifactLocation"].removeprefix("mlflow-artifacts:/")
    content = json.dumps(spans(id_)).encode()
    assert http.put(f"{PROXY}/{place}/traces.json", content=content).status_code == 200
    ended = {"timestamp_ms": 1_700_000_000_750, "status": "OK", "request_metadata": [{"key": "mlflow.traceOutputs", "value": "2"}]}
    assert http.patch(f"{A2}/traces/{id_}", json=ended | {"tags": [{"key": "a", "value": "b"}]}).status_code == 200
    trace = store.traces.get(id_)
    assert (trace.name, trace.state, trace.duration_ms, trace.request, trace.response) == ("f", "ok", 750, '{"x": 1}', "2")
    assert [(span.id, span.parent, span.kind) for span in store.traces.spans(id_)] == [
        ("004066e301bf26df", "904066e301bf26df", ""), ("904066e301bf26df", None, "CHAIN"),
    ]  # fmt: skip
    assert http.get(f"{PROXY}/{place}/traces.json").content == content, "as it was sent"
    shown = http.get(f"{A2}/traces/{id_}/info").json()["trace_info"]
    assert (shown["execution_time_ms"], {"key": "a", "value": "b"} in shown["tags"]) == (750, True)
    found = http.get(f"{A2}/traces", params={"experiment_ids": [trace.experiment_id], "filter": "tags.a = 'b'", "max_results": 5}).json()
    assert [one["request_id"] for one in found["traces"]] == [id_]
    assert [span.name for span in client.get_trace(id_).data.spans] == ["f", "inner"], "clients of version 3 read it as well"


def test_attachments_and_who_may_send_them(http: httpx.Client, store: Ostinato, url: str) -> None:
    id_ = str(begun(http)["request_id"])
    place = f"{PROXY}/e/traces/{id_}/artifacts/attachments/a1"
    assert http.put(place, content=b"\x89PNG").status_code == 200
    assert http.get(place).content == b"\x89PNG"
    issued = store.access.issue_token("person:admin", permissions=["run:*"])
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {issued.secret}"}) as other:
        assert [other.put(place, content=b"x").status_code, other.get(place).status_code] == [403, 403]
    assert http.get(f"{PROXY}/e/traces/tr-none/artifacts/x").status_code == 404
    assert http.delete(place).status_code == 400
    store.traces.delete([id_])
    assert http.get(place).status_code == 404


def test_spans_that_are_none(http: httpx.Client, store: Ostinato) -> None:
    id_ = str(begun(http)["request_id"])
    for content in (b"{", b"[]", b"{}", b'{"spans": [1]}', b'{"spans": [{"name": "x"}]}', b'{"spans": {"a": 1}}'):
        assert http.put(f"{PROXY}/e/traces/{id_}/artifacts/traces.json", content=content).status_code == 400, content
    assert store.traces.spans(id_) == []
    assert store.traces.files(id_) == []


def test_what_is_refused(refused: Callable[..., dict[str, str]]) -> None:
    refused("POST", f"{A2}/traces", 400, json={"experiment_id": "0"})
    refused("POST", f"{A2}/traces", 404, json={"experiment_id": "404", "timestamp_ms": 1})
    refused("PATCH", f"{A2}/traces/none", 404, json={"timestamp_ms": 1})
    refused("GET", f"{A2}/traces/none/info", 404)
    refused("GET", f"{A2}/traces", 400)
