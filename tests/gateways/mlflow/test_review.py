"""Issues, label schemas and scorers by MLflow's client, and their place among what is ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource
from mlflow.entities.assessment import IssueReference
from mlflow.entities.issue import IssueSeverity, IssueStatus
from mlflow.exceptions import MlflowException
from mlflow.genai.label_schemas import InputCategorical, InputNumeric, InputPassFail, InputText
from mlflow.genai.label_schemas.label_schemas import LabelSchemaType

from ostinato.app import Ostinato

pytestmark = pytest.mark.filterwarnings("ignore")


def test_issues_from_their_finding_to_their_end(client: MlflowClient, store: Ostinato, run: str) -> None:
    rest, experiment = client._tracking_client.store, client.get_run(run).info.experiment_id
    plain = rest.create_issue(experiment, "High latency", "calls take too long")
    assert plain.issue_id.startswith("iss-")
    assert (plain.status, plain.severity, plain.root_causes, plain.source_run_id, plain.created_by) == (IssueStatus.PENDING, *[None] * 4)
    assert plain.last_updated_timestamp == plain.created_timestamp > 0
    full = rest.create_issue(
        experiment, "Token limit", "too long", status=IssueStatus.RESOLVED, severity=IssueSeverity.HIGH, root_causes=["long", "longer"],
        source_run_id=run, categories=["cost"], created_by="user@example.com",
    )  # fmt: skip
    assert rest.get_issue(full.issue_id) == full
    assert (full.root_causes, full.categories, full.created_by, full.source_run_id) == (
        ["long", "longer"],
        ["cost"],
        "user@example.com",
        run,
    )
    changed = rest.update_issue(plain.issue_id, status=IssueStatus.REJECTED, description="no")
    assert (changed.status, changed.name, changed.description) == (IssueStatus.REJECTED, "High latency", "no")
    assert [one.issue_id for one in rest.search_issues(experiment)] == [full.issue_id, plain.issue_id]
    assert [one.issue_id for one in rest.search_issues(filter_string=f"status != 'pending' AND source_run_id = '{run}'")] == [full.issue_id]
    page = rest.search_issues(experiment, max_results=1)
    assert [one.issue_id for one in rest.search_issues(experiment, max_results=1, page_token=page.token)] == [plain.issue_id]
    assert rest.search_issues(experiment)[0].trace_count is None
    assert [one.state for one in store.traces.issues()] == ["resolved", "rejected"]


def test_issues_that_are_none(client: MlflowClient, run: str) -> None:
    rest, experiment = client._tracking_client.store, client.get_run(run).info.experiment_id
    rest.create_issue(experiment, "x", "y")
    for error, call in (
        ("No Experiment with id=999999 exists", lambda: rest.create_issue("999999", "x", "y")),
        ("no run", lambda: rest.create_issue(experiment, "x", "y", source_run_id="none")),
        ("Issue with ID 'none' not found", lambda: rest.get_issue("none")),
        ("Issue with ID 'none' not found", lambda: rest.update_issue("none", status=IssueStatus.RESOLVED)),
        ("Invalid filter field 'odd'", lambda: rest.search_issues(filter_string="odd = 'x'")),
        ("Invalid comparator 'LIKE'", lambda: rest.search_issues(filter_string="status LIKE 'x'")),
        ("page token", lambda: rest.search_issues(page_token="odd")),
    ):
        with pytest.raises(MlflowException, match=error):
            call()


def test_traces_show_an_issue(client: MlflowClient, store: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.tracing.reset()
    experiment = mlflow.set_experiment("chat").experiment_id
    with mlflow.start_span("answer") as span:
        span.set_inputs("q")
    rest = client._tracking_client.store
    made = rest.create_issue(experiment, "slow", "very")
    source = AssessmentSource("CODE", "a detector")
    said = rest.create_assessment(IssueReference(made.issue_id, "slow", source=source, trace_id=span.trace_id, rationale="8 s"))
    assert (type(said), said.issue_id, said.issue.issue_name) == (IssueReference, made.issue_id, "slow")
    (found,) = rest.search_issues(experiment, include_trace_count=True)
    assert (found.trace_count, [one.id for one in store.traces.issues(trace=span.trace_id)]) == (1, [made.issue_id])
    for text, shown in ((f"issue.id = '{made.issue_id}'", [span.trace_id]), ("issue.id = 'iss-none'", [])):
        assert [one.info.trace_id for one in client.search_traces(locations=[experiment], filter_string=text)] == shown
    for text in ("issue.name = 'x'", "issue.id LIKE 'x%'"):
        with pytest.raises(MlflowException, match="Invalid issue attribute"):
            client.search_traces(locations=[experiment], filter_string=text)
    assert [type(one) for one in mlflow.get_trace(span.trace_id).info.assessments] == [IssueReference]
    rest.delete_assessment(span.trace_id, said.assessment_id)
    assert rest.search_issues(experiment, include_trace_count=True)[0].trace_count == 0
    mlflow.tracing.reset()


def test_label_schemas(client: MlflowClient, store: Ostinato) -> None:
    rest, experiment = client._tracking_client.store, client.create_experiment("review")
    inputs = {
        "either": InputPassFail("Good", "Bad"), "some": InputCategorical(["a", "b"], multi_select=True),
        "number": InputNumeric(min_value=0, max_value=1), "text": InputText(), "short": InputText(max_length=5),
    }  # fmt: skip
    made = {
        name: rest.create_label_schema(
            experiment, name=name, type=LabelSchemaType.EXPECTATION if name == "text" else "feedback", input=one, instruction="hm"
        )
        for name, one in inputs.items()
    }
    assert {name: one.input for name, one in made.items()} == inputs
    assert (made["text"].type, made["some"].type, made["some"].instruction) == (LabelSchemaType.EXPECTATION, LabelSchemaType.FEEDBACK, "hm")
    assert rest.get_label_schema(made["some"].schema_id) == made["some"] == rest.get_label_schema_by_name(experiment, "some")
    listed = rest.list_label_schemas(experiment)
    assert [one.name for one in listed] == ["short", "text", "number", "some", "either", "Feedback"]
    assert [one.is_default for one in listed] == [False] * 5 + [True]
    page = rest.list_label_schemas(experiment, max_results=4)
    assert len(rest.list_label_schemas(experiment, max_results=4, page_token=page.token)) == 2
    changed = rest.update_label_schema(
        made["some"].schema_id, name="more", input=InputCategorical(["c"], multi_select=True), enable_comment=True
    )
    assert (changed.name, changed.input.options, changed.enable_comment, changed.instruction) == ("more", ["c"], True, "hm")
    assert [one.answer.options for one in store.traces.questions(experiment) if one.name == "more"] == [["c"]]
    rest.delete_label_schema(made["some"].schema_id)
    rest.delete_label_schema(made["some"].schema_id)
    for error, call in (
        ("not found", lambda: rest.get_label_schema(made["some"].schema_id)),
        ("not found for experiment", lambda: rest.get_label_schema_by_name(experiment, "more")),
        ("already exists", lambda: rest.create_label_schema(experiment, name="text", type="feedback", input=InputText())),
        ("already exists", lambda: rest.update_label_schema(made["text"].schema_id, name="short")),
        ("cannot be changed", lambda: rest.update_label_schema(made["text"].schema_id, input=InputPassFail("a", "b"))),
        ("reserved", lambda: rest.create_label_schema(experiment, name="feedback", type="feedback", input=InputText())),
        ("default question cannot be deleted", lambda: rest.delete_label_schema(listed[-1].schema_id)),
        ("default question cannot be edited", lambda: rest.update_label_schema(listed[-1].schema_id, instruction="x")),
        ("No Experiment with id=9 exists", lambda: rest.create_label_schema("9", name="x", type="feedback", input=InputText())),
    ):
        with pytest.raises(MlflowException, match=error):
            call()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"input": InputNumeric(min_value=5, max_value=5)}, "strictly less than"),
        ({"input": InputCategorical(options=[])}, "non-empty list"),
        ({"input": InputCategorical(options=["dup", "dup"])}, "deduplicated"),
        ({"input": InputCategorical(options=["a" * 65])}, "at most 64 characters"),
        ({"input": InputCategorical(options=[str(n) for n in range(11)])}, "at most 10"),
        ({"input": InputPassFail("same", "same")}, "must be distinct"),
        ({"input": InputPassFail("a" * 65, "b")}, "at most 64"),
        ({"input": InputText(max_length=0)}, "at least 1"),
        ({"name": "a" * 251}, "at most 250 characters"),
        ({"instruction": "a" * 1001}, "at most 1000 characters"),
    ],
)
def test_a_label_schema_that_nobody_can_answer(client: MlflowClient, more: dict[str, Any], said: str) -> None:
    asked = {"experiment_id": client.create_experiment("review"), "name": "q", "type": "feedback", "input": InputPassFail("a", "b")}
    with pytest.raises(MlflowException, match=said):
        client._tracking_client.store.create_label_schema(**(asked | more))


def test_a_label_schema_keeps_its_kind(client: MlflowClient) -> None:
    rest, experiment = client._tracking_client.store, client.create_experiment("review")
    made = rest.create_label_schema(experiment, name="Severity", type="feedback", input=InputCategorical(["low", "high"]))
    for other, said in (
        (InputNumeric(), "input type cannot be changed"),
        (InputCategorical(["a"], multi_select=True), "multi_select` cannot"),
    ):
        with pytest.raises(MlflowException, match=said):
            rest.update_label_schema(made.schema_id, input=other)
    client.delete_experiment(experiment)
    assert rest.get_label_schema(made.schema_id) == made
    with pytest.raises(MlflowException, match="No Experiment with id"):
        rest.create_label_schema(experiment, name="another", type="feedback", input=InputText())


def test_a_label_schema_without_input_or_type(refused: Callable[..., dict[str, str]], client: MlflowClient) -> None:
    path, asked = "/api/3.0/mlflow/label-schemas/create", {"experiment_id": client.create_experiment("review"), "name": "x"}
    assert "FEEDBACK or EXPECTATION" in refused("POST", path, 400, json=asked | {"input": {"text": {}}})["message"]
    for given in ({}, {"text": {}, "numeric": {}}):
        assert "exactly one of" in refused("POST", path, 400, json=asked | {"type": "FEEDBACK", "input": given})["message"]


def test_versions_of_a_scorer(client: MlflowClient, store: Ostinato) -> None:
    rest, experiment = client._tracking_client.store, client.create_experiment("judged")
    told = [json.dumps({"name": "test_scorer", "call_source": "test", "original_func_name": f"f{n}"}) for n in range(2)]
    first = rest.register_scorer(experiment, "test_scorer", told[0])
    assert (first.scorer_version, first.experiment_id, first.scorer_name) == (1, experiment, "test_scorer")
    assert rest.register_scorer(experiment, "test_scorer", told[1]).scorer_version == 2
    assert rest.register_scorer(experiment, "test_scorer", told[1]).scorer_version == 3, "the same again is a version too"
    assert [(one.scorer_name, one.scorer_version) for one in rest.list_scorers(experiment)] == [("test_scorer", 3)]
    assert [one.scorer_version for one in rest.list_scorer_versions(experiment, "test_scorer")] == [1, 2, 3]
    found = rest.get_scorer(experiment, "test_scorer", version=1)
    assert (found.scorer_version, found._serialized_scorer, found.scorer_id) == (1, told[0], first.scorer_id)
    assert [one.definition for one in store.traces.scorer_versions(experiment, "test_scorer")] == [told[0], told[1], told[1]]
    rest.delete_scorer(experiment, "test_scorer", version=1)
    assert [one.scorer_version for one in rest.list_scorer_versions(experiment, "test_scorer")] == [2, 3]
    rest.delete_scorer(experiment, "test_scorer")
    assert rest.list_scorers(experiment) == []
    for error, call in (
        ("not found for experiment", lambda: rest.get_scorer(experiment, "test_scorer")),
        ("not found for experiment", lambda: rest.delete_scorer(experiment, "test_scorer")),
        ("valid JSON", lambda: rest.register_scorer(experiment, "x", "no")),
        ("No Experiment with id=9 exists", lambda: rest.list_scorers("9")),
    ):
        with pytest.raises(MlflowException, match=error):
            call()


def test_no_scorer_is_run_by_the_server(client: MlflowClient) -> None:
    rest, experiment = client._tracking_client.store, client.create_experiment("judged")
    judge = rest.register_scorer(experiment, "judge", json.dumps({"name": "judge", "instructions_judge_pydantic_data": {}}))
    assert rest.get_online_scoring_configs([judge.scorer_id]) == []
    for name, said in (("judge", "does not use a gateway model"), ("nobody", "not found for experiment")):
        with pytest.raises(MlflowException, match=said):
            rest.upsert_online_scoring_config(experiment_id=experiment, scorer_name=name, sample_rate=0.5)
