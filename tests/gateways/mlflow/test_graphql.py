"""What MLflow's pages ask by GraphQL."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag

from ostinato.app import Ostinato
from ostinato.gateways.mlflow.graphql_read import read
from ostinato.kernel.errors import Invalid

pytestmark = pytest.mark.filterwarnings("ignore")


def asked(http: httpx.Client, query: str, **variables: object) -> dict[str, Any]:
    response = http.post("/graphql", json={"query": query, "variables": variables})
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def test_a_run_with_its_experiment_and_what_was_registered_of_it(client: MlflowClient, http: httpx.Client, run: str) -> None:
    client.log_metric(run, "auc", 0.5, timestamp=7, step=3)
    client.log_metric(run, "loss", math.nan)
    client.log_metric(run, "gain", math.inf)
    client.create_registered_model("late")
    client.create_model_version("late", f"runs:/{run}/m", run)
    told = asked(
        http,
        """
        # a comment, and a fragment that is told of later
        query One($id: String!, $few: Boolean = true) @component(name: "Runs") {
          mine: mlflowGetRun(input: {runId: $id}) {
            __typename
            run {
              info { ...State startTime @skip(if: $few) endTime }
              experiment { name tags { key } workspace }
              modelVersions { name version, status aliases }
              data { metrics { key value timestamp step } }
              ... on MlflowRunExtension { inputs { datasetInputs { tags { key } } } }
            }
          }
        }
        fragment State on MlflowRunInfo { status state: lifecycleStage }
        """,
        id=run,
    )
    assert told["errors"] is None
    one = told["data"]["mine"]["run"]
    assert told["data"]["mine"]["__typename"] == "MlflowGetRunResponse"
    assert one["info"] == {"status": "RUNNING", "state": "active", "endTime": "0"}
    assert (one["experiment"]["name"], one["experiment"]["tags"]) == ("trials", [])
    assert one["modelVersions"] == [{"name": "late", "version": "1", "status": "READY", "aliases": []}]
    assert {point["key"]: (point["value"], point["step"]) for point in one["data"]["metrics"]} == {
        "auc": (0.5, "3"), "loss": (None, "0"), "gain": (1.7976931348623157e308, "0"),
    }  # fmt: skip
    assert one["inputs"] == {"datasetInputs": []}


def test_lists_of_runs_files_points_data_and_versions(client: MlflowClient, http: httpx.Client, run: str, store: Ostinato) -> None:
    experiment = client.get_run(run).info.experiment_id
    client.log_text(run, "hello", "d/a.txt")
    client.log_text(run, "hello", "b.txt")
    for step in range(3):
        client.log_metric(run, "m", step / 2, step=step)
    data = Dataset(name="flights", digest="1", source_type="s", source="x")
    client.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    told = asked(
        http,
        f"""mutation {{
          mlflowSearchRuns(input: {{experimentIds: ["{experiment}"], filter: "metrics.m > 0.5", maxResults: 5}}) {{
            runs {{ info {{ runId }} }}
          }}
          mlflowSearchDatasets(input: {{experimentIds: ["{experiment}"]}}) {{ datasetSummaries {{ name context }} }}
        }}""",
    )["data"]
    assert told["mlflowSearchRuns"] == {"runs": [{"info": {"runId": run}}]}
    assert told["mlflowSearchDatasets"] == {"datasetSummaries": [{"name": "flights", "context": "training"}]}
    told = asked(
        http,
        f"""{{
          top: mlflowListArtifacts(input: {{runId: "{run}"}}) {{ files {{ path isDir fileSize }} }}
          below: mlflowListArtifacts(input: {{runId: "{run}", path: "d"}}) {{ files {{ path }} rootUri }}
          mlflowGetMetricHistoryBulkInterval(input: {{runIds: ["{run}"], metricKey: "m"}}) {{ metrics {{ value step }} }}
          mlflowSearchModelVersions(input: {{}}) {{ modelVersions {{ name }} }}
        }}""",
    )["data"]
    assert told["top"] == {"files": [{"path": "b.txt", "isDir": False, "fileSize": "5"}, {"path": "d", "isDir": True, "fileSize": "0"}]}
    assert told["below"]["files"] == [{"path": "d/a.txt"}]
    assert told["mlflowGetMetricHistoryBulkInterval"]["metrics"] == [{"value": step / 2, "step": str(step)} for step in range(3)]
    assert told["mlflowSearchModelVersions"] == {"modelVersions": []}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "required parameter 'query'"),
        ("query {", "expected a name, found 'the end'"),
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'"),
        ("{ mlflowGetRun(input: {runId: 1}) }", "Invalid value 1 for parameter 'run_id'"),
        ('{ test(inputString: "a") }', "must have a selection"),
        ('{ test(inputString: "a") { output { x } } }', "must not have a selection"),
        ('{ test(inputString: "a") { more } }', "Cannot query field 'more' on type 'Test'"),
        ("{ test { ...F } }", "Unknown fragment 'F'"),
        ("{ test(inputString: $x) { output } }", "Variable '$x' is not defined"),
        ("query A { test { output } } query B { test { output } }", "Must provide operation name"),
        ("{" + " ".join(f'k{i}: test(inputString: "a") {{ output }}' for i in range(11)) + "}", "at most 10 root fields"),
        ("{ test { " + " ".join(f"k{i}: output" for i in range(11)) + " } }", "at most 10 aliases"),
        ("{ test { " + "output { " * 11 + "output" + " }" * 13, "Query exceeds maximum depth of 10"),
        ("{ test " + "{ a " * 5000, "Query exceeds maximum depth of 10"),
        ("{ test { " + "output " * 1001 + "} }", "Query exceeds maximum total selections of 1000"),
        ("{ ...F } fragment F on Query { ...G ...G } fragment G on Query { ...F test { output } }", ""),
        ('{ mlflowGetRun(input: {runId: "none"}) { run { info { runId } } } }', "Run with id=none not found"),
    ],
)
def test_what_is_wrong_with_a_query_is_told(http: httpx.Client, query: str, said: str) -> None:
    response = http.post("/graphql", json={"query": query})
    told = response.json()
    if not query:
        assert (response.status_code, told["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        return
    assert response.status_code == 200
    assert told["errors"] is None if not said else said in told["errors"][0]


def test_who_may_not_see_models_sees_none_by_a_query(store: Ostinato, url: str, run: str) -> None:
    issued = store.access.issue_token("person:admin", permissions=["run:*"])
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {issued.secret}"}) as client:
        for query, status in (
            (f'{{ mlflowGetRun(input: {{runId: "{run}"}}) {{ run {{ info {{ runId }} }} }} }}', 200),
            (f'{{ mlflowGetRun(input: {{runId: "{run}"}}) {{ run {{ x: modelVersions {{ name }} }} }} }}', 403),
            ("{ mlflowSearchModelVersions(input: {}) { modelVersions { name } } }", 403),
        ):
            assert client.post("/graphql", json={"query": query}).status_code == status, query


@given(st.text(alphabet='{}()[]:$@!&|="\\#.,\n aqz0-9', max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert read(text) is not None


@pytest.mark.parametrize("text", ["#," * 40_000, '"""' + '\\"""' * 20_000, '"' + "\\" * 90_000, "{a" * 40_000, "," * 90_000 + "?"])
def test_no_text_takes_long(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(Invalid):
        read(text + "\n?")
    assert time.process_time() - begun < 1
