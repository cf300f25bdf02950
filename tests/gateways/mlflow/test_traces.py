"""Traces of MLflow's client 3: decorated, started by hand, searched, assessed, tagged, linked and deleted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import httpx
import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, Document, Expectation, Feedback, SpanStatusCode, SpanType
from mlflow.exceptions import MlflowException

from ostinato.app import Ostinato
from ostinato.kernel.errors import NotFound

pytestmark = pytest.mark.filterwarnings("ignore")
A2, A3 = "/api/2.0/mlflow", "/api/3.0/mlflow"


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def exported(url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A client that sends traces at once or from the background; what to call so that all has been sent."""
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", str(request.param).lower())
    mlflow.tracing.reset()
    mlflow.set_experiment("chat")
    yield mlflow.flush_trace_async_logging if request.param else (lambda: None)
    mlflow.flush_trace_async_logging()
    mlflow.tracing.reset()


@mlflow.trace(span_type=SpanType.AGENT)
def answer(question: str) -> dict[str, str]:
    """An application with two steps."""
    with mlflow.start_span("look up", span_type=SpanType.RETRIEVER) as span:
        span.set_inputs({"query": question})
        span.set_outputs([Document("Ōsaka lies in Japan.", metadata={"doc_uri": "a"})])
    with mlflow.start_span("ask", span_type=SpanType.CHAT_MODEL) as span:
        span.set_inputs({"messages": [{"role": "user", "content": question}]})
        span.set_attribute("mlflow.llm.model", "tiny-1")
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15})
        span.set_attribute("odd", {"nan": math.inf, "deep": [1, 2.0, None, True, {"ä": "\u20ac"}]})
        span.set_outputs("Japan")
    mlflow.update_current_trace(tags={"team": "night"}, metadata={"mlflow.trace.session": "s-1", "mlflow.trace.user": "ana"})
    return {"answer": "Japan"}


def test_a_decorated_function(exported: Callable[[], None], store: Ostinato) -> None:
    store.traces.set_price("tiny-*", 2.0, 10.0)
    assert answer("Where is Ōsaka?") == {"answer": "Japan"}
    exported()
    (trace,) = mlflow.search_traces(return_type="list")
    assert (trace.info.state, trace.info.tags["team"], trace.info.trace_metadata["mlflow.trace.user"]) == ("OK", "night", "ana")
    assert trace.info.token_usage == {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}
    assert trace.info.cost == {"total_cost": pytest.approx((12 * 2 + 3 * 10) / 1e6)}
    by_name = {span.name: span for span in trace.data.spans}
    assert by_name["answer"].inputs == {"question": "Where is Ōsaka?"}
    assert by_name["ask"].parent_id == by_name["answer"].span_id
    assert by_name["ask"].get_attribute("odd") == {"nan": math.inf, "deep": [1, 2.0, None, True, {"ä": "€"}]}
    assert by_name["look up"].outputs[0]["page_content"] == "Ōsaka lies in Japan."
    kept = store.traces.get(trace.info.trace_id)
    assert (kept.name, kept.experiment, kept.session, kept.user, kept.spans) == ("answer", "chat", "s-1", "ana", 3)
    assert kept.request == '{"question": "Where is Ōsaka?"}'
    assert mlflow.get_trace(trace.info.trace_id).data.spans[0].name == "answer"


def test_a_failure_in_a_run(exported: Callable[[], None], store: Ostinato) -> None:
    with mlflow.start_run() as run:
        with pytest.raises(ZeroDivisionError):
            mlflow.trace(lambda: 1 / 0, name="divide")()
        exported()
    (trace,) = mlflow.search_traces(run_id=run.info.run_id, return_type="list")
    assert trace.info.state == "ERROR"
    (span,) = trace.data.spans
    assert (span.status.status_code, span.events[0].name) == (SpanStatusCode.ERROR, "exception")
    assert "ZeroDivisionError" in str(span.events[0].attributes["exception.stacktrace"])
    assert [found.id for found in store.traces.search([f"run = {run.info.run_id}"]).items] == [trace.info.trace_id]
    assert mlflow.search_traces(filter_string="status = 'OK'", return_type="list") == []


def test_traces_started_by_hand(exported: Callable[[], None], client: MlflowClient) -> None:
    root = client.start_trace("by hand", inputs={"x": 1}, tags={"a": "b"})
    child = client.start_span("inner", trace_id=root.trace_id, parent_id=root.span_id)
    client.end_span(child.trace_id, child.span_id, outputs=2)
    client.end_trace(root.trace_id, outputs={"y": 2})
    exported()
    trace = client.get_trace(root.trace_id)
    assert [span.name for span in trace.data.spans] == ["by hand", "inner"]
    assert trace.info.tags["mlflow.traceName"] == "by hand"
    assert trace.info.response_preview == '{"y": 2}'
    assert trace.info.execution_duration is not None


def test_integers_of_more_than_64_bits(exported: Callable[[], None], store: Ostinato, client: MlflowClient) -> None:
    """The client can send such spans in a file alone; there every attribute is the JSON of it."""
    given = {"id": 2**70, "in": [1, -(2**64), {"n": 2**63}], "rate": 0.5}
    with mlflow.start_span("wide") as span:
        span.set_inputs(given)
        span.set_attributes({"n": 12, "text": "12", "yes": True, "none": None, "nan": math.nan, "vast": 2**64})
    exported()
    (kept,) = store.traces.spans(span.trace_id)
    assert kept.attributes["mlflow.spanInputs"] == {"id": str(2**70), "in": [1, str(-(2**64)), {"n": str(2**63)}], "rate": 0.5}
    (seen,) = client.get_trace(span.trace_id).data.spans
    assert seen.inputs == kept.attributes["mlflow.spanInputs"]
    found = {key: value for key, value in seen.attributes.items() if not key.startswith("mlflow.")}
    assert math.isnan(found.pop("nan"))
    assert found == {"n": 12, "text": "12", "yes": True, "none": None, "vast": str(2**64)}
    assert store.traces.files(span.trace_id) == [], "spans that are kept are not kept again as a file"


def made(client: MlflowClient, **tags: str) -> str:
    """A trace with these tags."""
    root = client.start_trace("made", tags=tags)
    client.end_trace(root.trace_id)
    mlflow.flush_trace_async_logging()
    return str(root.trace_id)


def test_assessments(exported: Callable[[], None], client: MlflowClient, store: Ostinato) -> None:
    trace = made(client)
    source = AssessmentSource("HUMAN", "ana")
    said = mlflow.log_feedback(trace_id=trace, name="correct", value=True, rationale="yes", source=source, metadata={"k": "v"})
    wanted = mlflow.log_expectation(trace_id=trace, name="answer", value={"city": ["Ōsaka"]}, source=source)
    assert mlflow.get_assessment(trace, said.assessment_id).rationale == "yes"
    assert mlflow.get_assessment(trace, wanted.assessment_id).value == {"city": ["Ōsaka"]}
    changed = mlflow.update_assessment(trace, said.assessment_id, Feedback(name="correct", value=False, rationale="no"))
    assert (changed.value, changed.rationale, changed.source.source_id, changed.metadata) == (False, "no", "ana", {"k": "v"})
    better = mlflow.override_feedback(trace_id=trace, assessment_id=said.assessment_id, value=True, rationale="indeed")
    seen = {found.assessment_id: found.valid for found in mlflow.get_trace(trace).search_assessments("correct", all=True)}
    assert seen == {said.assessment_id: False, better.assessment_id: True}
    mlflow.delete_assessment(trace, better.assessment_id)
    assert mlflow.get_assessment(trace, said.assessment_id).valid
    mlflow.log_assessment(trace, Feedback(name="judge", error=ValueError("no quota"), source=AssessmentSource("LLM_JUDGE", "gpt")))
    failed = mlflow.get_trace(trace).search_assessments("judge")[0]
    assert failed.error.error_message == "no quota"
    for bad in (
        lambda: mlflow.update_assessment(trace, said.assessment_id, Expectation(name="x", value=1)),
        lambda: mlflow.get_assessment(trace, "missing"),
        lambda: mlflow.log_feedback(trace_id="tr-missing", name="x", value=1),
        lambda: mlflow.log_feedback(trace_id=trace, name="x", value=1, span_id="0" * 251),
    ):
        with pytest.raises(MlflowException):
            bad()
    verbs = [event.verb for event in store.ledger.events().items if event.verb.startswith("trace.")]
    assert sorted(verbs) == ["trace.assessed"] * 4 + ["trace.assessment_dropped", "trace.reassessed"]


def test_an_assessment_of_the_trace_that_goes_on(exported: Callable[[], None]) -> None:
    with mlflow.start_span("now") as span:
        mlflow.log_feedback(trace_id=span.trace_id, name="self", value=0.5)
    exported()
    assert [said.value for said in mlflow.get_trace(span.trace_id).info.assessments] == [0.5]


def test_tags_links_and_deletion(exported: Callable[[], None], client: MlflowClient, store: Ostinato) -> None:
    first, second, third = (made(client, n=str(n)) for n in range(3))
    client.set_trace_tag(first, "mood", "good")
    client.set_trace_tag(first, "mlflow.traceName", "renamed")
    assert client.get_trace(first).info.tags["mood"] == "good"
    assert store.traces.get(first).name == "renamed"
    client.delete_trace_tag(first, "mood")
    with pytest.raises(MlflowException, match="No trace tag"):
        client.delete_trace_tag(first, "mood")
    with mlflow.start_run() as run:
        pass
    client.link_traces_to_run([first, second], run.info.run_id)
    assert {t.info.trace_id for t in mlflow.search_traces(run_id=run.info.run_id, return_type="list")} == {first, second}
    of = client.get_trace(first).info.experiment_id
    assert client.delete_traces(of, trace_ids=[first, "tr-missing"]) == 1
    with pytest.raises(MlflowException, match="not found"):
        client.get_trace(first)
    assert client.delete_traces(of, max_timestamp_millis=2**42, max_traces=1) == 1
    (left,) = mlflow.search_traces(return_type="list")
    assert left.info.trace_id == third
    for wrong in ({"trace_ids": [third], "max_timestamp_millis": 1}, {"max_timestamp_millis": 1, "max_traces": 0}):
        with pytest.raises(MlflowException):
            client.delete_traces(of, **wrong)
    assert store.traces.search().items[0].id == third
    assert [e.data["traces"] for e in store.ledger.events(verb="trace.deleted").items] == [[first], [second]]


FILTERS = {
    "trace.status = 'OK'": 3, "status IN ('ERROR')": 0, "status != 'ERROR'": 3, "name = 'made'": 3, "name LIKE 'ma%'": 3,
    "trace.name ILIKE 'MA%'": 3, "tag.n = '1'": 1, "tags.n IN": None, "tags.n IS NULL": 0, "tags.`n` IS NOT NULL": 3,
    "metadata.`mlflow.trace_schema.version` = '3'": 3, "attributes.timestamp_ms > 0": 3, "timestamp < 5": 0, "execution_time_ms >= 0": 3,
    "end_time > 1000": 3, "feedback.score > 0.5": 1, "feedback.score = 0.9": 1, "feedback.ok = 'true'": 1, "feedback.ok IS NULL": 2,
    "expectation.want = 'x'": 1, "span.name = 'made'": 3, "span.type = 'UNKNOWN'": 3, "span.type IN ('LLM', 'UNKNOWN')": 3,
    "span.status = 'OK'": 3, "span.attributes.colour LIKE 'blu%'": 0, "trace.text LIKE '%made%'": 3, "span.content LIKE '%spanType%'": 3,
    "run_id = 'none'": 0, "prompt = 'p/1'": 0, "client_request_id = 'x'": 0, "span.nothing = 'x'": None, "status > 3": None,
    "status = 'OK' OR name = 'x'": None, "nothing.x = 'y'": None, "request_id = 'tr-x'": 0,
}  # fmt: skip


def test_the_grammar(url: str, client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.tracing.reset()
    mlflow.set_experiment("chat")
    first, _, _ = ids = [made(client, n=str(n)) for n in range(3)]
    mlflow.log_feedback(trace_id=first, name="score", value=0.9)
    mlflow.log_feedback(trace_id=first, name="ok", value=True)
    mlflow.log_expectation(trace_id=first, name="want", value="x")
    for text, count in FILTERS.items():
        if count is None:
            with pytest.raises(MlflowException):
                mlflow.search_traces(filter_string=text, return_type="list")
        else:
            assert len(mlflow.search_traces(filter_string=text, return_type="list", include_spans=False)) == count, text
    listed = mlflow.search_traces(order_by=["timestamp_ms ASC"], return_type="list", include_spans=False)
    assert [trace.info.trace_id for trace in listed] == ids
    for id_, rank in zip(ids, ("b", "c", "a"), strict=True):
        client.set_trace_tag(id_, "rank", rank)
    for order, places in (("tags.rank", (2, 0, 1)), ("tags.rank DESC", (1, 0, 2)), ("metadata.`mlflow.user` ASC", None)):
        listed = mlflow.search_traces(order_by=[order], return_type="list", include_spans=False)
        assert len(listed) == 3
        assert places is None or [trace.info.trace_id for trace in listed] == [ids[place] for place in places]
    of, seen, token = [listed[0].info.experiment_id], [], None
    while True:
        page = client.search_traces(locations=of, max_results=2, page_token=token, include_spans=False)
        seen += [trace.info.trace_id for trace in page]
        if not (token := page.token):
            break
    assert seen == ids[::-1]
    found = client._tracking_client.store.calculate_trace_filter_correlation(of, "feedback.score > 0.5", "expectation.want = 'x'")
    assert (found.joint_count, found.total_count, found.npmi) == (1, 3, pytest.approx(1.0))
    mlflow.tracing.reset()


def test_what_is_told_twice_is_kept_once(http: httpx.Client, store: Ostinato) -> None:
    info = {
        "trace_id": "tr-" + "a" * 32, "request_time": "2026-01-01T00:00:00.123456789Z", "execution_duration": "1.5s", "state": "OK",
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}, "tags": {"a": "b"},
        "assessments": [{"assessment_name": "x", "feedback": {"value": 1}, "source": {"source_type": "CODE"}}],
    }  # fmt: skip
    for _ in range(2):
        answer = http.post(f"{A3}/traces", json={"trace": {"trace_info": info}})
        assert answer.status_code == 200, answer.text
    trace = store.traces.get(info["trace_id"])
    assert (trace.duration_ms, trace.started_at.isoformat(), len(trace.assessments)) == (1500, "2026-01-01T00:00:00.123457+00:00", 1)
    assert len(store.traces.search().items) == 1


def test_who_may_tell_judge_and_delete(http: httpx.Client, store: Ostinato) -> None:
    def bearer(*permissions: str) -> dict[str, str]:
        issued = store.access.issue_token("person:admin", permissions=list(permissions))
        return {"authorization": f"Bearer {issued.secret}"}

    def told(source: str) -> dict[str, object]:
        said = {"assessment_name": "x", "feedback": {"value": True}, "source": {"source_type": "HUMAN", "source_id": source}}
        info = {"trace_id": "tr-" + "b" * 32, "request_time": "2026-01-01T00:00:00Z", "assessments": [said] if source else []}
        return {"trace": {"trace_info": info}}

    id_ = "tr-" + "b" * 32
    assert http.post(f"{A3}/traces", json=told("guest"), headers=bearer("trace:write")).status_code == 403
    with pytest.raises(NotFound):
        store.traces.get(id_)
    assert http.post(f"{A3}/traces", json=told(""), headers=bearer("trace:write")).status_code == 200
    may = bearer("trace:write", "trace:assess")
    assert http.post(f"{A3}/traces", json=told("person:rita"), headers=may).status_code == 403
    assert store.traces.get(id_).assessments == []
    assert http.post(f"{A3}/traces", json=told("guest"), headers=may).status_code == 200
    assert [said.source_id for said in store.traces.get(id_).assessments] == ["guest"]
    gone = {"experiment_id": store.traces.get(id_).experiment_id, "request_ids": [id_]}
    for api in (A2, A3):
        assert http.post(f"{api}/traces/delete-traces", json=gone, headers=may).status_code == 403
    assert http.post(f"{A3}/traces/delete-traces", json=gone, headers=bearer("trace:purge")).json() == {"traces_deleted": 1}


def test_what_is_refused(refused: Callable[..., dict[str, str]]) -> None:
    def info(**more: object) -> dict[str, object]:
        return {"trace": {"trace_info": {"trace_id": "tr-1", "request_time": "2026-01-01T00:00:00Z"} | more}}

    for bad in (
        {"trace": {}}, {}, info(trace_id=""), info(trace_id="../x"), info(state="FINE"), info(request_time="yesterday"),
        info(execution_duration="1 hour"), info(tags={"a": "x" * 9_000}), info(tags={'a"b': "x"}), info(trace_metadata={"a": "\0"}),
    ):  # fmt: skip
        refused("POST", f"{A3}/traces", 400, json=bad)
    refused("POST", f"{A3}/traces", 404, json=info(trace_location={"mlflow_experiment": {"experiment_id": "404"}}))
    refused("GET", f"{A3}/traces/get", 404, params={"trace_id": "tr-missing"})
    refused("POST", f"{A3}/traces/search", 400, json={"locations": []})
    place = {"locations": [{"mlflow_experiment": {"experiment_id": "0"}}]}
    for bad in (
        {"max_results": 501},
        {"page_token": "x"},
        {"filter": "x"},
        {"order_by": ["feedback.x"]},
        {"order_by": ["timestamp_ms"] * 11},
    ):
        refused("POST", f"{A3}/traces/search", 400, json=place | bad)
    refused("POST", f"{A3}/traces/search", 400, json=place | {"filter": f"name LIKE '{'x' * 501}'"})


def test_what_is_said_of_a_step_may_come_before_it(client: MlflowClient, store: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.tracing.reset()
    mlflow.set_experiment("chat")
    trace = made(client)
    said = mlflow.log_feedback(trace_id=trace, name="q", value=1, span_id="00000000000000ff")
    assert (said.span_id, store.traces.get(trace).assessments[0].span) == ("00000000000000ff", "00000000000000ff")
    with pytest.raises(MlflowException, match=f"Assessment with ID 'a-none' not found for trace '{trace}'"):
        mlflow.update_assessment(trace, "a-none", mlflow.entities.Feedback(name="q", value=2))
    with pytest.raises(MlflowException, match="Missing value for required parameter 'trace_ids'"):
        client._tracking_client.store.link_traces_to_run([], "run")
