"""What an attacker sends: refused with a 4xx that says why, never with a 500, and without an effect."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.app import Ostinato
from ostinato.testing.doors import served

HUGE = "9" * 30


@pytest.fixture
def admin(app: Ostinato) -> Iterator[httpx.Client]:
    token = (app.settings.data / "admin-token").read_text().strip()
    with served(app) as url, httpx.Client(base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {token}"}) as client:
        assert client.post("/datasets", json={"name": "flights", "contract": {"checks": []}}).status_code == 200
        assert client.put("/datasets/flights/deliveries/k", content=parquet(pa.table({"n": [1]}))).status_code == 200
        yield client


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "path",
    [
        f"/dataset-versions/flights@{HUGE}",
        f"/ledger/events?after={HUGE}",
        f"/live?after={HUGE}",
        "/live?after=--5",
        "/live?after=%D9%A1",
    ],
)
def test_r100_numbers_beyond_what_is_kept_are_refused(admin: httpx.Client, path: str) -> None:
    assert admin.get(path).status_code == 400


@pytest.mark.parametrize(
    "path", ["/ledger/events?since=0001-01-01T00:00:00%2B14:00", "/ledger/lineage/dataset:flights@1?at=9999-12-31T23:59:59-14:00"]
)
def test_r100_instants_at_the_ends_of_the_calendar_are_answered_or_refused(admin: httpx.Client, path: str) -> None:
    assert admin.get(path).status_code in (200, 400)


@pytest.mark.parametrize(
    ("check", "parameters"),
    [
        ("in_range", {"minimum": "0) OR (1=1"}),
        ("in_range", {"minimum": True}),
        ("row_count", {"maximum": "1; DROP TABLE t"}),
        ("fresh", {"max_age_hours": "1"}),
        ("in_set", {"values": "abc"}),
        ("in_set", {"values": [None]}),
        ("foreign_key", {"to": 5}),
        ("matches", {"pattern": 5}),
    ],
)
def test_r100_a_contract_with_parameters_of_other_types_is_refused(admin: httpx.Client, check: str, parameters: dict[str, Any]) -> None:
    spec = {"check": check, "columns": ["n"], "parameters": parameters}
    reply = admin.post("/datasets", json={"name": "other", "contract": {"checks": [spec]}})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == next(iter(parameters))
    assert admin.get("/datasets/other").status_code == 404


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"path": "../admin-token"}, 403),
        ({"path": "/etc/passwd"}, 403),
        ({"path": "link.csv"}, 403),
        ({"path": "folder/passwd"}, 403),
        ({"path": "a\0b"}, 404),
        ({"path": "a" * 5000}, 404),
        ({"path": "loop"}, 404),
        ({"path": "pipe"}, 404),
        ({"path": 5}, 400),
        ({"path": "x.csv", "delimiter": "ab"}, 400),
        ({"path": "x.csv", "null": 5}, 400),
        ({"path": "x.csv", "types": 5}, 400),
    ],
)
def test_r15_no_source_leads_out_of_the_inbox(app: Ostinato, admin: httpx.Client, parameters: dict[str, Any], status: int) -> None:
    inbox = app.settings.inbox
    (inbox / "x.csv").write_text("n\n1\n")
    for name, target in (("link.csv", "/etc/passwd"), ("folder", "/etc"), ("loop", "loop")):
        (inbox / name).symlink_to(target)
    os.mkfifo(inbox / "pipe")
    reply = admin.post("/datasets/flights/deliveries", json={"key": "z", "source": {"kind": "csv", "parameters": parameters}})
    assert reply.status_code == status, reply.text
    assert "root:" not in reply.text
    assert len(admin.get("/datasets/flights/deliveries").json()) == 1


def test_r100_a_small_file_that_unfolds_into_a_huge_table_is_refused_unread(admin: httpx.Client) -> None:
    group, sink = pa.table({"n": np.zeros(1 << 20, np.int8)}), io.BytesIO()
    with pq.ParquetWriter(sink, group.schema, compression="zstd") as writer:
        for _ in range(257):
            writer.write_table(group)
    assert len(sink.getvalue()) < 1 << 20
    reply = admin.put("/datasets/flights/deliveries/bomb", content=sink.getvalue())
    assert (reply.status_code, reply.json()["error"]["type"]) == (413, "TooLarge")


@pytest.mark.parametrize("name", ["ostinato@1", "a+b", "a=b", "x%25", "x" * 65])
def test_r55_names_of_actors_and_projects_are_plain(admin: httpx.Client, name: str) -> None:
    for kind in ("services", "persons", "projects"):
        assert admin.post(f"/access/{kind}/{name}", json={}).status_code == 400


@pytest.mark.parametrize(
    "target", ["os:system", "ostinato.server.serve:os.system", "ostinato.pipelines.definition:locate", "ostinato..x:y", "ostinatos:x"]
)
def test_r55_only_pipelines_are_started(admin: httpx.Client, target: str) -> None:
    assert admin.post("/executions", json={"pipeline": target}).status_code == 404
    assert admin.get("/executions").json()["items"] == []


def test_r15_what_is_in_another_project_and_what_is_nowhere_look_alike(app: Ostinato, admin: httpx.Client) -> None:
    admin.post("/access/projects/secret", json={})
    admin.post("/access/persons/ana", json={"roles": ["scientist"]})
    token = admin.post("/access/actors/person:ana/tokens", json={}).json()["secret"]
    told = []
    for project in ("secret", "nowhere"):
        headers = {"authorization": f"Bearer {token}", "ostinato-project": project}
        for path in ("/datasets", "/dataset-versions/flights@1", "/ledger/events", "/live"):
            reply = admin.get(path, headers=headers)
            told.append((reply.status_code, reply.text.replace(project, "P")))
    assert told[:4] == told[4:]
    assert {status for status, _ in told} == {404}
