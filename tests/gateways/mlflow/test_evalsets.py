"""Evaluation datasets of MLflow's client: made, merged, searched, tagged and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.genai import datasets

from ostinato.app import Ostinato

pytestmark = pytest.mark.filterwarnings("ignore")
A3 = "/api/3.0/mlflow"


def test_a_dataset_from_its_making_to_its_end(client: MlflowClient, store: Ostinato) -> None:
    first, second = (client.create_experiment(name) for name in ("one", "two"))
    made = datasets.create_dataset(name="questions", experiment_id=[first], tags={"team": "a"})
    made.merge_records([{"inputs": {"q": n}, "expectations": {"a": n}} for n in range(3)])
    made.merge_records([{"inputs": {"q": 1}, "expectations": {"b": "Ō"}, "tags": {"x": "y"}}])
    found = datasets.get_dataset(dataset_id=made.dataset_id)
    assert (found.name, found.tags["team"], found.experiment_ids) == ("questions", "a", [first])
    frame = found.to_df().sort_values("inputs", key=lambda inputs: inputs.map(lambda one: one["q"]))
    assert list(frame["expectations"]) == [{"a": 0}, {"a": 1, "b": "Ō"}, {"a": 2}]
    records = {record.inputs["q"]: record for record in client.get_dataset(made.dataset_id).records}
    assert (records[1].tags["x"], records[1].last_update_time >= records[1].created_time) == ("y", True)
    assert found.delete_records([records[0].dataset_record_id]) == 1
    assert datasets.add_dataset_to_experiments(found.dataset_id, [second]).experiment_ids == [first, second]
    assert datasets.remove_dataset_from_experiments(found.dataset_id, [first]).experiment_ids == [second]
    datasets.set_dataset_tags(dataset_id=found.dataset_id, tags={"new": "b", "team": None})
    assert store.traces.evalset(found.dataset_id).tags == {"new": "b", "mlflow.user": found.tags["mlflow.user"]}
    datasets.delete_dataset_tag(dataset_id=found.dataset_id, key="new")
    assert "new" not in datasets.get_dataset(dataset_id=found.dataset_id).tags
    assert len(store.traces.records(found.dataset_id).items) == 2
    datasets.delete_dataset(dataset_id=found.dataset_id)
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST"):
        datasets.get_dataset(dataset_id=found.dataset_id)


def test_records_of_traces(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.tracing.reset()
    mlflow.set_experiment("chat")
    with mlflow.start_span("answer") as span:
        span.set_inputs({"q": "why?"})
        span.set_outputs("because")
    mlflow.log_expectation(trace_id=span.trace_id, name="answer", value="because")
    made = datasets.create_dataset(name="of traces")
    made.merge_records(mlflow.search_traces(return_type="list"))
    (record,) = client.get_dataset(made.dataset_id).records
    assert (record.inputs, record.expectations, record.source_type) == ({"q": "why?"}, {"answer": "because"}, "TRACE")
    assert record.source_id == span.trace_id
    mlflow.tracing.reset()


def test_searches(client: MlflowClient) -> None:
    of = client.create_experiment("one")
    for n, name in enumerate(["alpha", "beta", "gamma"]):
        datasets.create_dataset(name=name, experiment_id=[of] if n else [], tags={"n": str(n)})

    def names(**how: object) -> list[str]:
        return [one.name for one in client.search_datasets(**how)]  # type: ignore[arg-type]

    assert names() == ["gamma", "beta", "alpha"]
    assert names(experiment_ids=[of]) == ["gamma", "beta"]
    assert names(filter_string="name LIKE '%a' AND tags.n != '0'", order_by=["name ASC"]) == ["beta", "gamma"]
    assert names(filter_string="name IN ('alpha', 'x')") == ["alpha"]
    first = client.search_datasets(max_results=2)
    assert [one.name for one in client.search_datasets(max_results=2, page_token=first.token)] == ["alpha"]
    for wrong in ({"filter_string": "nothing = 'x'"}, {"order_by": ["created_by"]}, {"page_token": "x"}):
        with pytest.raises(MlflowException):
            names(**wrong)


def test_what_is_refused(refused: Callable[..., dict[str, str]], store: Ostinato, client: MlflowClient) -> None:
    made = store.traces.create_evalset("x").id
    refused("POST", f"{A3}/datasets/create", 400, json={"name": ""})
    refused("POST", f"{A3}/datasets/create", 400, json={"name": "y", "tags": "[1]"})
    refused("POST", f"{A3}/datasets/create", 404, json={"name": "y", "experiment_ids": ["404"]})
    for records in ("{", "{}", "[1]", '[{"inputs": {}}]', '[{"inputs": {"a": 1}, "tags": {"": "x"}}]'):
        refused("POST", f"{A3}/datasets/{made}/records", 400, json={"records": records})
    refused("GET", f"{A3}/datasets/missing", 404)
    refused("GET", f"{A3}/datasets/missing/records", 404)
    assert store.traces.records(made).items == []


def test_who_changes_the_experiments_at_once_loses_nothing(
    http: httpx.Client, client: MlflowClient, store: Ostinato, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, fourth = (client.create_experiment(name) for name in ("one", "two", "three", "four"))
    made = store.traces.create_evalset("x", [first]).id
    for verb, said, other in (("add", second, third), ("remove", first, fourth)):
        change = store.traces.change_evalset

        def late(*asked: Any, change: Any = change, other: str = other, **how: Any) -> Any:
            change(made, experiments=[*store.traces.evalset(made).experiments, other])
            return change(*asked, **how)

        with monkeypatch.context() as patch:
            patch.setattr(store.traces, "change_evalset", late)
            assert http.post(f"{A3}/datasets/{made}/{verb}-experiments", json={"experiment_ids": [said]}).status_code == 200
    assert store.traces.evalset(made).experiments == [third, second, fourth]
