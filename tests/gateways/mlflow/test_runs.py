"""Runs and experiments by `MlflowClient`, and the errors that it relies on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

from ostinato.app import Ostinato
from ostinato.storage.series import series
from ostinato.storage.series.points import Points

pytestmark = pytest.mark.filterwarnings("ignore")
A2 = "/api/2.0/mlflow"


def test_experiments_by_name_tags_and_view(client: MlflowClient) -> None:
    made = {name: client.create_experiment(name, tags=tags) for name, tags in (("a", {"k": "v"}), ("ab", {"k": "V"}), ("Abc", {}))}
    searches = {
        "": ["Abc", "ab", "a", "Default"], "name = 'a'": ["a"], "attribute.name != 'a'": ["Abc", "ab", "Default"],
        "name LIKE 'a%'": ["ab", "a"], "name ILIKE 'a%'": ["Abc", "ab", "a"], "tag.k = 'v'": ["a"], "tags.k != 'v'": ["ab"],
        "tag.k ILIKE '%V%'": ["ab", "a"], "tag.k IS NULL": ["Abc", "Default"], "creation_time > 0": ["Abc", "ab", "a"],
    }  # fmt: skip
    for text, names in searches.items():
        assert [e.name for e in client.search_experiments(filter_string=text)] == names, text
    assert [e.name for e in client.search_experiments(order_by=["name DESC"])] == ["ab", "a", "Default", "Abc"]
    page = client.search_experiments(max_results=3)
    assert [e.name for e in client.search_experiments(max_results=3, page_token=page.token)] == ["Default"]
    client.delete_experiment(made["ab"])
    assert [e.name for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)] == ["ab"]
    assert len(client.search_experiments(view_type=ViewType.ALL)) == 4
    assert client.get_experiment(made["ab"]).lifecycle_stage == "deleted"
    assert client.get_experiment_by_name("ab").experiment_id == made["ab"]
    with pytest.raises(MlflowException, match=r"RESOURCE_ALREADY_EXISTS: Experiment\(name=ab\) already exists in deleted state"):
        client.create_experiment("ab")
    client.restore_experiment(made["ab"])
    client.rename_experiment(made["ab"], "renamed")
    client.set_experiment_tag(made["ab"], "multi", "a\nb")
    client.set_experiment_tag(made["ab"], "mlflow.note.content", "# Why")
    client.delete_experiment_tag(made["ab"], "k")
    assert client.get_experiment(made["ab"]).tags == {"multi": "a\nb", "mlflow.note.content": "# Why"}
    assert client.get_experiment_by_name("nothing") is None
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST: No Experiment with id=77 exists"):
        client.get_experiment("77")


def test_a_run_with_everything_that_can_be_said(client: MlflowClient) -> None:
    tags = {
        "mlflow.user": "ana",
        "mlflow.source.name": "train.py",
        "mlflow.source.git.commit": "abc",
        "mlflow.parentRunId": "7",
        "my": "tag",
    }
    experiment = client.create_experiment("all")
    made = client.create_run(experiment, start_time=456, tags=tags, run_name="my name")
    for seen in (made, client.get_run(made.info.run_id)):
        assert (seen.info.user_id, seen.info.start_time, seen.info.run_name, seen.info.status) == ("ana", 456, "my name", "RUNNING")
        assert tags.items() <= seen.data.tags.items()
    plain = client.create_run(experiment)
    assert plain.info.user_id == "unknown"
    assert plain.info.run_name
    client.set_terminated(plain.info.run_id, "KILLED", end_time=10**12)
    assert (client.get_run(plain.info.run_id).info.status, client.get_run(plain.info.run_id).info.end_time) == ("KILLED", 10**12)
    client.update_run(plain.info.run_id, name="another")
    assert client.get_run(plain.info.run_id).data.tags["mlflow.runName"] == "another"
    client.set_tag(plain.info.run_id, "mlflow.runName", "third")
    assert client.get_run(plain.info.run_id).info.run_name == "third"


def test_metrics_keep_every_point_and_every_value(client: MlflowClient, run: str) -> None:
    points = [(1, 2, 10.0), (1, 3, 11.0), (1, 3, 12.0), (2, 3, 12.0), (0, -5, math.inf), (3, 9, math.nan), (3, 9, -math.inf)]
    for timestamp, step, value in points:
        client.log_metric(run, "m", value, timestamp, step)
    seen = [(m.timestamp, m.step, m.value) for m in client.get_metric_history(run, "m")]
    assert str(sorted(seen, key=str)) == str(sorted(points, key=str)), "NaN and infinities as they were"
    assert client.get_metric_history(run, "none") == []
    client.log_metric(run, "a b/c.d-e:f", 1.0)
    assert client.get_run(run).data.metrics["a b/c.d-e:f"] == 1.0


def test_what_is_sent_again_changes_nothing(client: MlflowClient, store: Ostinato, run: str) -> None:
    batch: dict[str, Any] = {
        "metrics": [Metric("m", step / 3, 1000 + step, step) for step in range(1000)], "params": [], "tags": [],
    }  # fmt: skip
    for _ in range(3):
        client.log_batch(run, **batch)
        client.log_batch(run, metrics=[Metric("x", math.nan, 5, 0)], params=[Param("p", "v")], tags=[RunTag("t", "v")])
        client.log_metric(run, "one", 0.5, 7, 1)
    assert len(client.get_metric_history(run, "m")) == 1000
    assert {key: value.n for key, value in store.runs.metrics(run).items()} == {"m": 1000, "one": 1, "x": 1}
    client.log_batch(run, metrics=[Metric("one", 0.5, 7, 1), Metric("one", 0.6, 8, 2)])
    assert [m.value for m in client.get_metric_history(run, "one")] == [0.5, 0.6], "a point that came by another batch is the same point"


def test_parameters_never_change(client: MlflowClient, run: str) -> None:
    client.log_param(run, "p", "v")
    client.log_param(run, "p", "v")
    with pytest.raises(MlflowException, match=r"INVALID_PARAMETER_VALUE: p of run .* would change"):
        client.log_param(run, "p", "w")
    with pytest.raises(MlflowException, match="would change"):
        client.log_batch(run, metrics=[Metric("m", 1, 1, 1)], params=[Param("q", "1"), Param("p", "w")], tags=[RunTag("t", "v")])
    seen = client.get_run(run).data
    assert (seen.params, seen.metrics, "t" in seen.tags) == ({"p": "v"}, {}, False), "nothing of a refused batch is kept"
    client.log_param(run, "empty", "")
    client.log_param(run, "unicode \u00e9\u4e2d", "\U0001f600\u202e")
    assert client.get_run(run).data.params["empty"] == ""


def test_a_run_takes_more_after_its_end_but_nothing_once_deleted(client: MlflowClient, run: str) -> None:
    client.set_terminated(run)
    client.log_metric(run, "late", 1.0)
    client.log_param(run, "late", "1")
    client.log_text(run, "x", "late.txt")
    client.delete_run(run)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    experiment = client.get_run(run).info.experiment_id
    assert [len(client.search_runs([experiment], run_view_type=view)) for view in (1, 2, 3)] == [0, 1, 1]
    for act in (
        lambda: client.log_metric(run, "m", 1.0), lambda: client.log_param(run, "q", "1"), lambda: client.set_tag(run, "t", "v"),
        lambda: client.delete_tag(run, "t"), lambda: client.set_terminated(run), lambda: client.log_text(run, "x", "y.txt"),
    ):  # fmt: skip
        with pytest.raises(Exception, match=r"must be in the 'active' state|400"):
            act()
    client.restore_run(run)
    client.log_metric(run, "m", 1.0)


def test_tags_are_set_and_deleted(client: MlflowClient, run: str) -> None:
    client.set_tag(run, "t", "a\nb")
    client.set_tag(run, "t", "")
    assert client.get_run(run).data.tags["t"] == ""
    client.delete_tag(run, "t")
    with pytest.raises(MlflowException, match="No tag with name: t"):
        client.delete_tag(run, "t")
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST: Run with id=fake not found"):
        client.delete_tag("fake", "t")


def test_inputs_are_kept_with_their_context(client: MlflowClient, store: Ostinato, run: str, http: httpx.Client) -> None:
    given = Dataset("flights", "d1", "s3", '{"uri": "s3://b/x"}', schema='{"a": 1}', profile="{}")
    for _ in range(2):
        client.log_inputs(run, [DatasetInput(given, [InputTag("mlflow.data.context", "training"), InputTag("k", "v")])])
    (seen,) = client.get_run(run).inputs.dataset_inputs
    assert (seen.dataset.to_dictionary(), {tag.key: tag.value for tag in seen.tags}) == (
        given.to_dictionary(), {"mlflow.data.context": "training", "k": "v"},
    )  # fmt: skip
    experiment = client.get_run(run).info.experiment_id
    told = http.post("/ajax-api/2.0/mlflow/experiments/search-datasets", json={"experiment_ids": [experiment]}).json()
    assert told == {"dataset_summaries": [{"experiment_id": experiment, "name": "flights", "digest": "d1", "context": "training"}]}


def test_histories_come_in_pages(client: MlflowClient, http: httpx.Client, run: str) -> None:
    client.log_batch(run, metrics=[Metric("m", float(i), 1000 + i, i) for i in range(10)])
    asked: dict[str, Any] = {"run_id": run, "metric_key": "m", "max_results": 4}
    pages = []
    while True:
        told = http.get(f"{A2}/metrics/get-history", params=asked).json()
        pages.append([point["step"] for point in told["metrics"]])
        if "next_page_token" not in told:
            break
        asked["page_token"] = told["next_page_token"]
    assert pages == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    bulk = http.get("/ajax-api/2.0/mlflow/metrics/get-history-bulk", params={"run_id": [run], "metric_key": "m", "max_results": 2}).json()
    assert bulk["metrics"] == [{"key": "m", "value": float(i), "timestamp": 1000 + i, "step": i, "run_id": run} for i in range(2)]
    few = http.get(f"{A2}/metrics/get-history-bulk-interval", params={"run_ids": [run], "metric_key": "m", "max_results": 5}).json()
    assert [point["step"] for point in few["metrics"]] == [0, 2, 4, 6, 9]
    again = client.create_run(client.get_run(run).info.experiment_id).info.run_id
    client.log_batch(again, metrics=[Metric("m", 0.5, 7 + i % 2, 3) for i in range(2)] + [Metric("m", 1.5, 7, i) for i in range(7)])
    both = http.get(
        f"{A2}/metrics/get-history-bulk-interval", params={"run_ids": [again, run], "metric_key": "m", "max_results": 4}
    ).json()  # fmt: skip
    assert [(point["run_id"] == again, point["step"], point["timestamp"]) for point in both["metrics"]] == [
        (True, 0, 7), (True, 3, 7), (True, 3, 8), (True, 6, 7), (False, 0, 1000), (False, 3, 1003), (False, 6, 1006), (False, 9, 1009),
    ]  # fmt: skip


def test_a_page_of_a_history_reads_no_more_than_it_needs(
    client: MlflowClient, http: httpx.Client, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "_CHUNK", 8)
    points = [(10 * (i // 30), i % 5 if i % 3 else i, float(i % 7)) for i in range(200)]  # thirty of each millisecond, some of them twice
    for begin in range(0, 200, 50):
        client.log_batch(run, metrics=[Metric("m", value, at, step) for at, step, value in points[begin : begin + 50]])
    client.set_terminated(run)  # so they are compacted
    unpacked: list[int] = []
    unpack = Points.unpack
    monkeypatch.setattr(Points, "unpack", lambda key, n, data: (unpacked.append(n), unpack(key, n, data))[1])
    asked: dict[str, Any] = {"run_id": run, "metric_key": "m", "max_results": 7}
    found, most = [], 0
    while True:
        unpacked.clear()
        told = http.get(f"{A2}/metrics/get-history", params=asked).json()
        found += [(point["timestamp"], point["step"], point["value"]) for point in told["metrics"]]
        most = max(most, sum(unpacked))
        if "next_page_token" not in told:
            break
        asked["page_token"] = told["next_page_token"]
    assert found == sorted(set(points))
    assert most < 150, "of 200 points"
    for wrong in ("nonsense", "e30=", "eyJhdCI6MCwiZ2l2ZW4iOi0xfQ==", "eyJhdCI6MWU5OTksImdpdmVuIjowfQ=="):
        refused = http.get(f"{A2}/metrics/get-history", params=asked | {"page_token": wrong})
        assert (refused.status_code, "Invalid page token" in refused.json()["message"]) == (400, True)


METRIC = {"key": "m", "value": 1, "timestamp": 1, "step": 0}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("runs/log-metric", METRIC | {"run_id": 31}, "Invalid value 31 for parameter 'run_id' supplied"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "key": 31}, "Invalid value 31 for parameter 'key' supplied"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "step": "foo"}, "Invalid value \"foo\" for parameter 'step' supplied"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "timestamp": "foo"}, "Invalid value \"foo\" for parameter 'timestamp' supplied"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "step": 1.5}, "Invalid value 1.5 for parameter 'step' supplied"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "step": 2**63}, "Invalid value 9223372036854775808 for parameter 'step'"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "timestamp": 2**62}, "for parameter 'timestamp' supplied"),
        ("runs/log-metric", METRIC | {"run_id": None}, "Missing value for required parameter 'run_id'"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "key": None}, "Missing value for required parameter 'key'"),
        ("runs/log-metric", METRIC | {"run_id": "RUN", "key": "x" * 300}, "for parameter 'key' supplied"),
        ("runs/log-parameter", {"run_id": "RUN", "key": "k", "value": 41}, "Invalid value 41 for parameter 'value' supplied"),
        ("runs/log-parameter", {"run_id": "RUN", "key": "k", "value": "v" * 100_001}, "exceeded length limit of 100000"),
        ("runs/log-parameter", {"run_id": "RUN", "key": "../k", "value": "v"}, "for parameter 'key' supplied"),
        ("runs/set-tag", {"run_id": "RUN", "value": "v"}, "Missing value for required parameter 'key'"),
        ("runs/log-batch", {"run_id": "RUN", "metrics": "foo"}, "Invalid value \"foo\" for parameter 'metrics' supplied"),
        ("runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "m", "value": 1}]}, "required parameter 'metrics[0].timestamp'"),
        ("runs/log-batch", {"run_id": "RUN", "metrics": [METRIC] * 1001}, "at most 1000 metrics"),
        ("runs/log-batch", {"run_id": "RUN", "params": [{"key": str(i), "value": ""} for i in range(101)]}, "at most 100 params"),
        ("runs/log-batch", {"run_id": "RUN", "tags": [{"key": str(i), "value": ""} for i in range(101)]}, "at most 100 tags"),
        ("runs/log-model", {"run_id": "RUN", "model_json": "{"}, "is not a valid JSON"),
        ("runs/log-model", {"run_id": "RUN", "model_json": "{}"}, "missing mandatory fields"),
        ("runs/create", {"experiment_id": "0", "start_time": 10**18}, "for parameter 'start_time' supplied"),
        ("runs/update", {"run_id": "RUN", "status": "DANCING"}, "for parameter 'status' supplied"),
        ("runs/search", {"experiment_ids": ["0"], "max_results": 50_001}, "Invalid value 50001 for parameter 'max_results' supplied"),
        ("runs/search", {"experiment_ids": ["0"], "page_token": "nonsense"}, "Invalid page token"),
        ("experiments/create", {"name": 123}, "Invalid value 123 for parameter 'name'"),
        ("experiments/create", {}, "Missing value for required parameter 'name'."),
        ("experiments/create", {"name": "n", "artifact_location": 9.0}, "Invalid value 9.0 for parameter 'artifact_location'"),
        ("experiments/create", {"name": "n", "tags": "5"}, "Invalid value \"5\" for parameter 'tags'"),
    ],
)
def test_what_is_malformed_is_named(run: str, refused: Callable[..., dict[str, str]], path: str, body: dict[str, Any], said: str) -> None:
    told = refused("POST", f"{A2}/{path}", 400, json={key: run if value == "RUN" else value for key, value in body.items()})
    assert told["error_code"] == "INVALID_PARAMETER_VALUE"
    assert said in told["message"]


@pytest.mark.parametrize("body", [b'{"value": NaN}', b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5_000])
def test_a_body_that_is_no_message(run: str, store: Ostinato, refused: Callable[..., dict[str, str]], body: bytes) -> None:
    given = body.replace(b"{", b'{"run_id": "%s", "key": "m", "timestamp": 1, ' % run.encode(), 1) if b"NaN" in body else body
    assert refused("POST", f"{A2}/runs/log-metric", 400, content=given)["error_code"] == "INVALID_PARAMETER_VALUE"
    assert store.runs.metrics(run) == {}


def test_the_rules_of_protocol_buffers_for_json(http: httpx.Client, run: str) -> None:
    def send(**more: Any) -> None:
        body = {
            "run_uuid": run,
            "key": "m",
            "value": "Infinity",
            "timestamp": "17",
            "step": "3",
            "unknown": {"a": 1},
            "model_id": None,
        } | more
        response = http.post(f"{A2}/runs/log-metric", json=body)
        assert response.status_code == 200, response.text

    send()
    send(value="NaN", step="4", run_uuid=None, run_id=run)
    told = http.get(f"{A2}/metrics/get-history", params={"run_uuid": run, "metric_key": "m"}).json()["metrics"]
    assert [(point["value"], point["step"], point["timestamp"]) for point in told] == [("Infinity", 3, 17), ("NaN", 4, 17)]


def test_long_parameters_are_kept_whole(client: MlflowClient, run: str) -> None:
    client.log_param(run, "prompt", "x" * 20_000)
    assert client.get_run(run).data.params["prompt"] == "x" * 20_000


def test_files_of_runs_are_found_by_their_address(client: MlflowClient, run: str) -> None:
    found = client.get_run(run).info
    for where in (f"artifact_uri = '{found.artifact_uri}'", f"artifact_uri LIKE '%{run}/artifacts'", "artifact_uri LIKE '%artifacts'"):
        assert [one.info.run_id for one in client.search_runs([found.experiment_id], where)] == [run], where


def test_outputs_that_are_none_are_not_noted(client: MlflowClient, run: str) -> None:
    with pytest.raises(MlflowException):
        client.log_outputs(run, [LoggedModelOutput("m-none", 1)])
    assert not client.get_run(run).outputs.model_outputs


def test_tags_of_new_experiments_have_bounds(refused: Callable[..., dict[str, str]]) -> None:
    for tag, said in (({"key": "k" * 251, "value": ""}, "key"), ({"key": "k", "value": "v" * 20_001}, "maximum length of 20000")):
        told = refused("POST", "/api/2.0/mlflow/experiments/create", 400, json={"name": "x", "tags": [tag]})
        assert said in told["message"]


def test_a_logged_model_is_deleted_again(client: MlflowClient) -> None:
    made = client.create_logged_model(client.create_experiment("models"))
    for _ in range(2):
        client.delete_logged_model(made.model_id)
