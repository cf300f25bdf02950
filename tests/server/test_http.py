"""The control plane over real HTTP, with a client that we did not write."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from unittest.mock import Mock

import httpx
import msgspec
import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Unavailable
from ostinato.kernel.ref import Ref
from ostinato.server.thread_pool import THREADS
from ostinato.testing.processes import until


@pytest.fixture
def ana(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{url}/api/v1", headers={"authorization": "Bearer ana-token"}) as client:
        yield client


@pytest.fixture
def bob(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{url}/api/v1", headers={"authorization": "Bearer bob-token"}) as client:
        yield client


def told(response: httpx.Response) -> dict:
    return response.json()["error"]


def test_a_verb_gets_its_types_and_its_caller(ana: httpx.Client) -> None:
    body = {"name": "top", "parts": [{"name": "string", "weight": 0.5}], "origin": "dataset:wood@3", "kind": "fancy"}
    made = ana.post("/toys", json=body)
    assert made.status_code == 200
    assert made.json() == body | {"made_at": "2013-01-01T00:00:00Z", "made_by": "person:ana", "ok": True}
    assert ana.get("/toys/top").json() == made.json()


def test_query_texts_become_numbers_lists_instants_and_objects(ana: httpx.Client) -> None:
    for name, kind in (("a", "plain"), ("b", "fancy"), ("c", "fancy")):
        ana.post("/toys", json={"name": name, "kind": kind, "parts": [{"name": "leg", "weight": 2.0}]})
    query = {"kinds": ["fancy", "none"], "since": "2012-12-31T23:00:00+00:00", "limit": "1", "backwards": "true"}
    page = ana.get("/toys", params=query).json()
    assert [t["name"] for t in page["items"]] == ["c"]
    assert page["next"] == "c"
    assert ana.get("/toys", params={"weights": '{"leg": 2.0}'}).json()["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "said"),
    [
        ("POST", "/toys", {"name": "a", "colour": "red"}, "$.colour", "unknown"),
        ("POST", "/toys", {}, "$.name", "missing"),
        ("POST", "/toys", {"name": 3}, "$.name", "Expected `str`, got `int`"),
        (
            "POST",
            "/toys",
            {"name": "a", "parts": [{"name": "x"}, {"name": "y", "weight": "heavy"}]},
            "$.parts[1].weight",
            "Expected `float",
        ),
        ("POST", "/toys", {"name": "a", "parts": [{"name": "x"}, {"name": "y", "wieght": 1}]}, "$.parts[1].wieght", "unknown"),
        ("POST", "/toys", {"name": "a", "origin": "no ref"}, "$.origin", "not a reference"),
        ("POST", "/toys", {"name": "a", "kind": "odd"}, "$.kind", "Invalid enum value"),
        ("POST", "/toys", ["a"], "$", "not an object"),
        ("GET", "/toys?limit=many", None, "$.limit", "Expected `int`"),
        ("GET", "/toys?limt=3", None, "$.limt", "unknown"),
        ("GET", "/toys?weights=%7B", None, "$.weights", "not JSON"),
    ],
)
def test_bad_input_is_named_by_its_path(ana: httpx.Client, method: str, path: str, body: object, field: str, said: str) -> None:
    response = ana.request(method, path, json=body) if body is not None else ana.request(method, path)
    assert response.status_code == 400
    assert told(response)["type"] == "Invalid"
    assert told(response)["field"] == field
    assert said in told(response)["message"]


def test_bytes_go_in_and_out_raw(ana: httpx.Client) -> None:
    paint = bytes(range(256)) * 10
    response = ana.put("/toys/top/paint?layer=1", content=paint)
    assert (response.status_code, response.json()) == (201, 2561)
    back = ana.get("/toys/top/paint")
    assert back.content == paint
    assert back.headers["content-type"] == "application/octet-stream"
    assert back.headers["content-disposition"] == "attachment"


def test_messagepack_goes_in_and_out(ana: httpx.Client) -> None:
    content = msgspec.msgpack.encode({"values": [1.5, float("nan"), float("inf")]})
    headers = {"content-type": "application/msgpack", "accept": "application/msgpack"}
    values = msgspec.msgpack.decode(ana.post("/toys/values", content=content, headers=headers).content)
    assert values[0] == 1.5
    assert values[1] != values[1]
    assert values[2] == float("inf")


def test_errors_come_from_one_table(ana: httpx.Client) -> None:
    missing = ana.get("/toys/topp")
    ana.post("/toys", json={"name": "top"})
    near = ana.get("/toys/topp")
    assert (missing.status_code, near.status_code) == (404, 404)
    assert "did you mean top?" in told(near)["hint"]
    gate = ana.post("/toys/failures", json={"how": "gate"})
    assert gate.status_code == 422
    assert told(gate) == {"type": "GateFailed", "message": "too light", "hint": "add weight", "evidence": {"weight": 0.5}}
    busy = ana.post("/toys/failures", json={"how": "busy"})
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert ana.get("/nowhere").status_code == 404
    assert told(ana.get("/nowhere"))["type"] == "NotFound"


def test_methods_that_a_path_does_not_take_are_refused_with_those_that_it_takes(url: str, ana: httpx.Client) -> None:
    for path, allow in (("/toys/top", "DELETE, GET, HEAD"), ("/toys", "GET, HEAD, POST"), ("/live", "GET, HEAD")):
        for method in ("PATCH", "OPTIONS", "TRACE"):
            refused = ana.request(method, path)
            assert (refused.status_code, refused.headers["allow"]) == (405, allow)
            assert told(refused)["type"] == "Invalid"
    assert httpx.post(f"{url}/health/live").headers["allow"] == "GET, HEAD"
    ana.post("/toys", json={"name": "top"})
    head = ana.head("/toys/top")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(ana.get("/toys/top").content))


def test_an_unforeseen_error_shows_only_the_id_of_the_request(ana: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    response = ana.post("/toys/failures", json={"how": "secret"}, headers={"x-request-id": "my-request-1"})
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert "my-request-1" in told(response)["hint"]
    assert response.headers["x-request-id"] == "my-request-1"
    assert any("my-request-1" in r.getMessage() for r in caplog.records)


def test_nobody_and_strangers_are_not_let_in(url: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic ana-token"}, {"authorization": "ana-token"}):
        response = httpx.get(f"{url}/api/v1/toys", headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert "wrong" not in response.text
    assert httpx.get(f"{url}/metrics").status_code == 401
    assert httpx.get(f"{url}/health/live").status_code == 200


def test_r15_a_refusal_is_an_event(toys: object, ana: httpx.Client, bob: httpx.Client) -> None:
    refused = bob.post("/toys", json={"name": "top"})
    assert refused.status_code == 403
    assert told(refused)["permission"] == "toy:write"
    assert ana.get("/toys/top").status_code == 404
    foreign = ana.get("/toys", headers={"ostinato-project": "other"})
    assert foreign.status_code == 404
    with calling(Caller(actor="person:auditor")):
        events = toys.ledger.events(verb="access.denied").items
    assert [(str(e.subject), e.data["permission"], e.data["operation"]) for e in events] == [("person:bob", "toy:write", "POST /toys")]
    assert ana.get("/toys", headers={"ostinato-project": "../x"}).status_code == 400


def test_bodies_have_a_limit_announced_or_not(ana: httpx.Client) -> None:
    assert ana.put("/toys/top/paint", content=b"x" * (1 << 20)).status_code == 201
    announced = ana.put("/toys/top/paint", content=b"x" * ((1 << 20) + 1))
    streamed = ana.put("/toys/top/paint", content=(b"x" * 65536 for _ in range(17)))
    for response in (announced, streamed):
        assert response.status_code == 413
        assert "OSTINATO_BODY_LIMIT_MB" in told(response)["hint"]
    assert told(ana.post("/toys", content=b"[" * 100_000, headers={"content-type": "application/json"}))["type"] == "Invalid"
    unread = ana.post("/toys", content=b"x", headers={"content-type": "text/html"})
    assert (unread.status_code, told(unread)["field"]) == (415, "content-type")


def test_long_polls_starve_nobody(url: str, ana: httpx.Client, toys: object) -> None:
    def wait() -> None:
        httpx.get(f"{url}/api/v1/toys/top/wait", params={"timeout_s": 60}, headers={"authorization": "Bearer ana-token"}, timeout=90)

    waiting = [threading.Thread(target=wait) for _ in range(THREADS + 6)]
    for thread in waiting:
        thread.start()
    try:
        until(lambda: len(toys.toys.waits) == THREADS, what="every thread for those who wait is taken")
        assert ana.get("/toys", timeout=30).status_code == 200
        assert len(toys.toys.waits) == THREADS, "it was answered while all of them waited"
    finally:
        toys.toys.enough.set()
        for thread in waiting:
            thread.join()


def test_the_access_log_is_json_without_secrets(ana: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ostinato.access"):
        ana.get("/toys", params={"after": "a-secret"})
        ana.get("/toys", headers={"authorization": "Bearer not-a-token"})
        limit = time.monotonic() + 5  # a line is written after its reply has gone out
        while len(lines := [json.loads(r.getMessage()) for r in caplog.records if r.name == "ostinato.access"]) < 2:
            assert time.monotonic() < limit
    assert [(line["status"], line["actor"], line["path"]) for line in lines] == [
        (200, "person:ana", "/api/v1/toys"),
        (401, None, "/api/v1/toys"),
    ]
    assert "token" not in caplog.text
    assert "a-secret" not in caplog.text


def test_every_reply_carries_the_headers(ana: httpx.Client) -> None:
    for response in (ana.get("/toys"), ana.get("/nowhere")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"
        assert "server" not in response.headers


def test_r66_ready_goes_red_with_a_cause(url: str, toys: object) -> None:
    assert httpx.get(f"{url}/health/ready").json()["ready"] is True
    toys.rows.read = lambda query: 1 / 0
    red = httpx.get(f"{url}/health/ready")
    del toys.rows.read
    assert red.status_code == 503
    assert "ZeroDivisionError" in red.json()["checks"]["rows"]
    toys.rows.write = Mock(side_effect=Unavailable("the disk refused a commit"))
    red = httpx.get(f"{url}/health/ready")
    del toys.rows.write
    assert (red.status_code, red.json()["checks"]["rows"]) == (503, "Unavailable: the disk refused a commit")
    assert httpx.get(f"{url}/health/live").status_code == 200


def test_metrics_count_by_route_and_not_by_name(url: str, ana: httpx.Client) -> None:
    for name in ("a", "b", "c"):
        ana.get(f"/toys/{name}")
    text = httpx.get(f"{url}/metrics", headers={"authorization": "Bearer bob-token"}).text
    assert 'ostinato_requests_total{method="GET",route="/toys/{name}",status="404"} 3' in text
    assert 'ostinato_request_seconds_bucket{route="/toys/{name}",le="+Inf"} 3' in text


def test_the_clock_moves_forward_only_and_by_permission(ana: httpx.Client, bob: httpx.Client) -> None:
    assert bob.get("/clock").json() == {"now": "2013-01-01T00:00:00Z", "replay": True}
    assert bob.put("/clock", json={"now": "2013-02-01T00:00:00Z"}).status_code == 403
    assert ana.put("/clock", json={"now": "2013-02-01T00:00:00Z"}).json()["now"] == "2013-02-01T00:00:00Z"
    assert ana.put("/clock", json={"now": "2013-01-01T00:00:00Z"}).status_code == 400
    assert ana.post("/toys", json={"name": "late"}).json()["made_at"] == "2013-02-01T00:00:00Z"


def test_the_ledger_streams_live_and_resumes(url: str, toys: object, ana: httpx.Client) -> None:
    def happen(number: int) -> None:
        with calling(Caller(actor="person:ana")):
            toys.rows.write(lambda tx: toys.ledger.append(tx, "toy.made", Ref("toy", str(number))))

    happen(0)
    with ana.stream("GET", "/live", timeout=10) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line) == ": still here"  # the stream begins at the present end
        happen(1)
        happen(2)
        seen = [next(line for line in lines if line.startswith("id:")) for _ in range(2)]
    assert seen == ["id: 1", "id: 2"]
    with ana.stream("GET", "/live", headers={"last-event-id": "1"}, timeout=10) as stream:
        lines = _take(stream, 2)
    assert lines[0] == "id: 2"
    assert json.loads(lines[1].removeprefix("data: "))["subject"] == "toy:2"
    with ana.stream("GET", "/live", headers={"last-event-id": "400"}, timeout=10) as stream:  # of a ledger that a restore has cut
        lines = stream.iter_lines()
        assert next(line for line in lines if line) == ": still here"
        happen(3)
        assert next(line for line in lines if line.startswith("id:")) == "id: 3"


def test_the_stream_needs_a_permission_and_ends_with_it(toys: object, ana: httpx.Client, bob: httpx.Client) -> None:
    assert bob.get("/live").status_code == 403
    with ana.stream("GET", "/live", timeout=10) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": still here"
        toys.access.tokens.clear()
        assert list(lines) == [""]


def _take(stream: httpx.Response, count: int) -> list[str]:
    found = []
    for line in stream.iter_lines():
        if line and not line.startswith(":"):
            found.append(line)
        if len(found) == count:
            break
    return found
