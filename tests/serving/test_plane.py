"""The plane in its own process: the protocol as others speak it, versions that come and die, a log that forgets nothing."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from tests.serving.conftest import KEY, SIGNATURE, Plane, ask, body, model
from tritonclient import http as triton

from ostinato.registry.flavors.linear import Linear
from ostinato.serving.plane.encoding import compressed
from ostinato.serving.plane.log import Log, read, read_lines
from ostinato.testing.processes import until

Planes = Callable[[], Plane]


def expected(distance: float, carrier: str = "AA", weight: float = 1.0) -> float:
    columns = {"distance": np.array([distance]), "month": np.array([1]), "carrier": np.array([carrier], object)}
    return float(Linear().load(model(weight), SIGNATURE).predict(columns)[0])


@pytest.fixture
def plane(planes: Planes) -> Plane:
    made = planes()
    digest = made.plan(made.served(1, model()))
    made.start()
    assert made.follows(digest).ready
    return made


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A plane that several tests ask, none of which leaves a line in its log."""
    made = Plane(tmp_path_factory.mktemp("steady") / "late")
    digest = made.plan(made.served(1, model()))
    made.start()
    made.follows(digest)
    yield made
    made.stop()


def test_r69_the_client_of_triton_gets_the_same_scores_in_json_and_in_binary(plane: Plane) -> None:
    address = plane.client.base_url.netloc.decode()
    client = triton.InferenceServerClient(address)
    headers = {"Authorization": f"Bearer {KEY}"}
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("late", headers=headers)
    assert [t["datatype"] for t in client.get_model_metadata("late", headers=headers)["inputs"]] == ["FP64", "INT64", "BYTES"]
    distances, scores = np.array([1.0, -2.0, 0.25]), {}
    for binary in (True, False):
        inputs = [triton.InferInput(f, [3], t) for f, t in (("distance", "FP64"), ("month", "INT64"), ("carrier", "BYTES"))]
        inputs[0].set_data_from_numpy(distances, binary_data=binary)
        inputs[1].set_data_from_numpy(np.array([1, 2, 3]), binary_data=binary)
        inputs[2].set_data_from_numpy(np.array(["AA", "UA", "ZZ"], object), binary_data=binary)
        outputs = [triton.InferRequestedOutput("score", binary_data=binary)]
        answer = client.infer("late", inputs, outputs=outputs, request_id=f"t{binary}", headers=dict(headers))  # it adds to them
        assert answer.get_response()["id"] == f"t{binary}"
        scores[binary] = answer.as_numpy("score").tolist()
    client.close()
    assert scores[True] == scores[False]
    assert scores[True][:2] == [expected(1.0), expected(-2.0, "UA")]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inputs": []}, "missing distance, month, carrier"),
        ({"inputs": 3}, "$.inputs"),
        ({"outputs": [{"name": "other"}]}, "$.outputs[0].name"),
        ({"parameters": {"at": "yesterday"}}, "$.parameters.at"),
        ({0: {"data": ["1.0"]}}, "$.inputs[0].data[0]"),
        ({0: {"data": [True]}}, "$.inputs[0].data[0]"),
        ({0: {"shape": [2]}}, "$.inputs[0].data"),
        ({0: {"shape": [1, 2]}}, "$.inputs[0].shape"),
        ({0: {"datatype": "FP61"}}, "$.inputs[0].datatype"),
        ({0: {"name": "distanze"}}, "$.inputs[0].name"),
        ({0: {"parameters": {"binary_data_size": 8}}}, "$.inputs[0].parameters.binary_data_size"),
        ({1: {"data": [None]}}, "$.inputs[1].data[0]"),
        ({1: {"data": [1.5], "datatype": "FP64"}}, "$.inputs[1]"),
        ({1: {"data": [1e300], "datatype": "FP64"}}, "$.inputs[1]"),
        ({2: {"datatype": "FP64", "data": [1.0]}}, "$.inputs[2].datatype"),
    ],
)
def test_a_malformed_request_is_refused_with_its_place_and_not_logged(steady: Plane, change: dict[object, object], says: str) -> None:
    sent = body("bad")
    for place, value in change.items():
        if isinstance(place, int):
            sent["inputs"][place].update(value)  # type: ignore[index]
        else:
            sent[str(place)] = value
    answer = steady.client.post("/v2/models/late/infer", json=sent)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert says in answer.json()["error"]
    assert read(steady.home / "log").num_rows == 0


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b'{"parameters":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b'},"inputs":[]}', {}),
        (b'{"parameters":{"at":"9999-12-31T23:59:59-14:00"},"inputs":[]}', {}),
        (b'{"inputs":[]}', {"inference-header-content-length": "9" * 5000}),
        (b'{"inputs":[{"name":"distance","datatype":"FP64","shape":[1000000000],"data":[1.0]}]}', {}),
    ],
)
def test_r100_what_an_attacker_sends_is_refused(steady: Plane, content: bytes, headers: dict[str, str]) -> None:
    answer = steady.client.post("/v2/models/late/infer", content=content, headers=headers)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_every_error_has_its_status_and_a_body_of_the_protocol(steady: Plane) -> None:
    client, infer = steady.client, "/v2/models/late/infer"
    replies = {
        401: [httpx.post(f"{client.base_url}{infer}", json=body()), client.get("/v2/models/late", headers={"Authorization": "Bearer no"})],
        404: [client.get("/v2/models/early"), client.get("/v2/models/late/versions/9"), client.get("/nothing")],
        405: [client.get(infer), client.delete("/v2/health/live")],
        400: [client.post(infer, content=b"{"), client.post(infer, content=b"{}", headers={"Inference-Header-Content-Length": "99"})],
    }
    for status, answers in replies.items():
        for answer in answers:
            assert (answer.status_code, list(answer.json())) == (status, ["error"]), answer.request.url
    assert client.get("/v2/").json()["extensions"] == ["binary_tensor_data"]


def test_a_repeated_request_gets_the_same_answer_and_is_logged_once_also_after_a_kill(plane: Plane) -> None:
    first = ask(plane.client, "r1", distance=1.0)
    assert ask(plane.client, "r1", distance=1.0) == first
    plane.kill()
    plane.start()
    plane.follows(plane.plan(plane.served(1, model(weight=3.0))))
    assert ask(plane.client, "r1", distance=1.0) == first
    assert [line["id"] for line in read_lines(plane.home / "log" / "wal-000001.jsonl")] == ["r1"]


def test_an_id_that_was_used_for_other_inputs_is_refused_also_after_a_kill(plane: Plane) -> None:
    ask(plane.client, "r1", distance=1.0)
    for _ in range(2):
        reply = plane.client.post("/v2/models/late/infer", json=body("r1", distance=5.0))
        assert (reply.status_code, "other inputs" in reply.text) == (409, True)
        plane.kill()
        plane.start()
        plane.follows(plane.plan(plane.served(1, model())))


def test_kill_9_under_load_every_answer_is_in_the_log_exactly_once(plane: Plane) -> None:
    port = plane.client.base_url.port
    answered: dict[str, float] = {}
    stop = threading.Event()

    def load(worker: int) -> None:
        number = 0
        while not stop.is_set():
            request_id = f"w{worker}-{number}"
            try:
                with plane.client as client:
                    while not stop.is_set():
                        request_id = f"w{worker}-{number}"
                        answered[request_id] = ask(client, request_id, distance=number / 100)["outputs"][0]["data"][0]
                        number += 1
            except (httpx.HTTPError, AssertionError):
                time.sleep(0.02)  # the plane is dead or starting: the same request is sent again

    workers = [threading.Thread(target=load, args=(w,)) for w in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(2):
        before = len(answered)
        until(lambda before=before: len(answered) > before + 50)
        before = len(answered)
        plane.kill()
        plane.start()
        state = plane.follows(plane.plan(plane.served(1, model())))
        assert state.port == port
        assert before > 0
    until(lambda: len(answered) > before + 50)
    stop.set()
    for worker in workers:
        worker.join()
    log = read(plane.home / "log")
    logged = Counter(log["request_id"].to_pylist())
    assert len(answered) > before
    assert set(logged) >= set(answered)
    assert set(logged.values()) == {1}
    scores = dict(zip(log["request_id"].to_pylist(), log["score"].to_pylist(), strict=True))
    assert all(scores[r] == score for r, score in answered.items())


def test_a_candidate_answers_its_share_sticks_to_keys_and_both_score_every_request(plane: Plane) -> None:
    plane.follows(plane.plan(plane.served(1, model()), plane.served(2, model(2.0), "candidate", 0.3), rollout="R"))
    client = plane.client
    by_key = {f"k{i}": {ask(client, f"{i}-{j}", key=f"k{i}")["model_version"] for j in range(3)} for i in range(100)}
    assert all(len(versions) == 1 for versions in by_key.values())
    lucky = {key for key, versions in by_key.items() if versions == {"2"}}
    assert 15 <= len(lucky) <= 45
    plane.follows(plane.plan(plane.served(1, model()), plane.served(2, model(2.0), "candidate", 0.6), rollout="R"))
    assert all(ask(client, f"again-{key}", key=key)["model_version"] == "2" for key in lucky)
    until = time.monotonic() + 5
    while time.monotonic() < until and (log := read(plane.home / "log")).num_rows < 2 * (300 + len(lucky)):
        time.sleep(0.05)
    rows = log.to_pylist()
    scored = Counter(row["request_id"] for row in rows)
    assert set(scored.values()) == {2}
    assert {(row["version"], row["score"]) for row in rows} == {(1, expected(1.0)), (2, expected(1.0, weight=2.0))}


def test_a_dying_candidate_fails_no_request_and_its_errors_are_counted(plane: Plane) -> None:
    plane.follows(plane.plan(plane.served(1, model()), plane.served(2, model(2.0), "candidate", 1.0), rollout="R"))
    client = plane.client
    assert ask(client, "before")["model_version"] == "2"
    assert plane.process is not None
    for _ in range(2):
        for child in psutil.Process(plane.process.pid).children():
            child.kill()
            child.wait(5)
    versions = {ask(client, f"after{i}")["model_version"] for i in range(30)}
    assert versions <= {"1", "2"}
    log = read(plane.home / "log").to_pylist()
    assert sum(row["kind"] == "answer" for row in log) == 31
    assert all(row["status"] == "answered" for row in log if row["kind"] == "answer")


def test_a_candidate_that_does_not_load_leaves_the_stable_version_answering(plane: Plane) -> None:
    state = plane.follows(plane.plan(plane.served(1, model()), plane.served(2, b"{}", "candidate", 1.0), rollout="R"))
    assert state.ready
    assert "model:late@2" in state.problem
    assert ask(plane.client, "x")["model_version"] == "1"
    failed = [row for row in read(plane.home / "log").to_pylist() if row["status"] == "failed"]
    assert [(row["version"], row["kind"]) for row in failed] == [(2, "other")]


def test_r65_no_request_fails_while_versions_change_under_load(plane: Plane) -> None:
    stop, failures, versions = threading.Event(), [], Counter[str]()

    def load(worker: int) -> None:
        client, number = plane.client, 0
        while not stop.is_set():
            number += 1
            answer = client.post("/v2/models/late/infer", json=body(f"{worker}-{number}"))
            if answer.status_code == 200:
                versions[answer.json()["model_version"]] += 1
            else:
                failures.append(answer.text)

    workers = [threading.Thread(target=load, args=(w,)) for w in range(2)]
    for worker in workers:
        worker.start()
    for version in range(2, 7):
        plane.follows(plane.plan(plane.served(version, model(float(version)))))
    stop.set()
    for worker in workers:
        worker.join()
    assert not failures
    assert len(versions) >= 4


def test_a_broken_stable_version_keeps_the_one_before(plane: Plane) -> None:
    state = plane.follows(plane.plan(plane.served(2, b"not a model")))
    assert "model:late@2" in state.problem
    assert ask(plane.client, "x")["model_version"] == "1"


def test_a_plane_ends_when_its_folder_is_gone(planes: Planes, tmp_path: Path) -> None:
    plane = planes()
    digest = plane.plan(plane.served(1, model()))
    plane.start()
    plane.follows(digest)
    plane.home.rename(tmp_path / "elsewhere")
    assert plane.process is not None
    assert plane.process.wait(10) == 0


def line(request_id: str, scores: list[float] | None = None) -> dict[str, object]:
    return {
        "kind": "answer", "id": request_id, "at": 0, "key": None, "version": 1, "role": "stable", "rollout": None, "status": "answered",
        "ms": 0.1, "scores": scores or [0.5], "note": "", "features": {"distance": [1.5] * len(scores or [0])},
    }  # fmt: skip


def test_a_torn_line_is_dropped_and_the_next_one_follows_cleanly(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(line("a"))
    log.close()
    with (tmp_path / "wal-000001.jsonl").open("ab") as file:
        file.write(b'{"kind":"answer","id":"to')
    again = Log(tmp_path)
    again.append(line("b"))
    assert (again.answer("a"), again.answer("to")) == ((1, [0.5], None), None)
    again.close()
    assert read(tmp_path)["request_id"].to_pylist() == ["a", "b"]


def test_lines_become_segments_without_loss_or_repeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.serving.plane.log._ROLL_LINES", 10)
    log = Log(tmp_path)
    for i in range(37):
        log.append(line(f"r{i}", [0.1, 0.2]))
    log.close()
    assert len(list(tmp_path.glob("segment-*.parquet"))) == 3
    found = read(tmp_path)
    assert found["request_id"].to_pylist() == [f"r{i}/{row}" for i in range(37) for row in (0, 1)]
    assert set(found["feature.distance"].to_pylist()) == {1.5}
    (tmp_path / "wal-000002.jsonl").write_bytes((tmp_path / "wal-000004.jsonl").read_bytes())  # a crash between segment and removal
    again = Log(tmp_path)
    assert again.answer("r0") == (1, [0.1, 0.2], None)
    again.close()
    assert sorted(read(tmp_path)["request_id"].to_pylist()) == sorted(found["request_id"].to_pylist())
    assert not (tmp_path / "wal-000002.jsonl").exists()


def test_a_new_plane_remembers_the_answers_of_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.serving.plane.log._ROLL_LINES", 10)
    log = Log(tmp_path)
    for i in range(95):
        log.append(line(f"r{i}"))
    log.close()
    again = Log(tmp_path)
    assert [again.answer(f"r{i}") for i in range(95)] == [(1, [0.5], None)] * 95
    again.close()
    monkeypatch.setattr("ostinato.serving.plane.log._REMEMBERED", 20)
    few = Log(tmp_path)
    assert (few.answer("r74"), few.answer("r75"), few.answer("r94")) == (None, (1, [0.5], None), (1, [0.5], None))
    few.close()


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bodies_travel_packed_and_bombs_are_stopped(steady: Plane, encoding: str) -> None:
    infer, headers = "/v2/models/late/infer", {"content-encoding": encoding, "accept-encoding": encoding}
    answer = steady.client.post(infer, content=compressed(json.dumps(body("r1", distance=1.0)).encode(), encoding), headers=headers)
    assert (answer.status_code, answer.json()["id"]) == (200, "r1")
    bomb = steady.client.post(infer, content=compressed(b" " * (100 << 20), encoding), headers=headers)
    assert (bomb.status_code, list(bomb.json())) == (413, ["error"])
    assert steady.client.post(infer, content=b"nonsense", headers=headers).status_code == 400
    assert steady.client.post(infer, content=b"x", headers={"content-encoding": "br"}).status_code == 415
