"""Traces: kept in any order, found by what they say, judged, priced and deleted, through both doors."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound, TooLarge
from ostinato.kernel.instant import micros_of
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import BLOB, metadata
from ostinato.testing.fixtures import both  # noqa: F401
from ostinato.traces import intake, store
from ostinato.traces.conventions import meaning
from ostinato.traces.store import Node
from ostinato.traces.totals import total
from ostinato.traces.types import Span, SpanEvent, TraceTold, Usage

AT = datetime(2013, 1, 1, 12, tzinfo=UTC)
START = micros_of(AT) * 1000


def span(
    number: int, parent: int | None = None, trace: str = "tr-a", begin_ms: float = 0, took_ms: float | None = 10, **more: object
) -> Span:
    """A span of a trace."""
    start = START + int(begin_ms * 1e6)
    end = None if took_ms is None else start + int(took_ms * 1e6)
    given = {"name": f"step {number}"} | more
    return Span(trace=trace, id=f"{number:016x}", parent=None if parent is None else f"{parent:016x}", start_ns=start, end_ns=end, **given)  # type: ignore[arg-type]


def chat(into: int, out: int, model: str = "tiny-1") -> dict[str, object]:
    """What a call of a model says of itself."""
    return {"gen_ai.request.model": model, "gen_ai.usage.input_tokens": into, "gen_ai.usage.output_tokens": out}


def test_a_trace_through_both_doors(both: Ostinato) -> None:  # noqa: F811
    traces = both.traces
    traces.set_price("tiny-*", 2.0, 10.0)
    root = span(
        1, took_ms=100, attributes={"mlflow.spanInputs": {"q": "Ōsaka?"}, "session.id": "s1"}, events=[SpanEvent(name="e", at_ns=5)]
    )
    taken = traces.put([span(2, 1, begin_ms=10, attributes=chat(1_000, 100)), root], "chat")
    assert (taken.spans, taken.traces, taken.refused) == (2, ["tr-a"], {})
    trace = traces.get("tr-a")
    assert (trace.name, trace.state, trace.experiment, trace.duration_ms, trace.session) == ("step 1", "ok", "chat", 100, "s1")
    assert trace.usage == Usage(input_tokens=1_000, output_tokens=100, total_tokens=1_100, cost=0.003)
    whole, call = traces.spans("tr-a")
    assert (whole.events, call.model, call.offset_ms, call.duration_ms) == ([SpanEvent(name="e", at_ns=5)], "tiny-1", 10, 10)
    assert whole.inputs == {"q": "Ōsaka?"}
    said = traces.assess("tr-a", "correct", False, rationale="no", source_id="ana")
    assert traces.get("tr-a").assessments == [said]
    assert [found.id for found in traces.search(["feedback.correct = false and text ~ ōsaka"]).items] in ([], ["tr-a"])
    assert [found.id for found in traces.search(["span.content ~ Ōsaka"]).items] == ["tr-a"]
    (moment,) = traces.moments(since=AT - timedelta(hours=1), until=AT + timedelta(hours=1), parts=2)
    assert (moment.traces, moment.errors, moment.p50_ms, moment.total_tokens) == (1, 0, 100, 1_100)
    assert traces.delete(["tr-a", "tr-none"]) == 1
    with pytest.raises(NotFound):
        traces.get("tr-a")


def test_every_order_of_arrival_comes_to_the_same(app: Ostinato) -> None:
    told = [span(1, took_ms=50), *(span(n, n // 2, begin_ms=n, attributes=chat(n, 1)) for n in range(2, 9))]
    for seed in range(6):
        chance, trace = random.Random(seed), f"tr-{seed}"
        sent = [replace(one, trace=trace) for one in [*told, *chance.choices(told, k=4)]]
        chance.shuffle(sent)
        while sent:
            some, sent = sent[: (many := chance.randint(1, 3))], sent[many:]
            app.traces.put(some, "chat")
        found = app.traces.get(trace)
        assert (found.spans, found.name, found.state, found.duration_ms, found.usage.total_tokens) == (8, "step 1", "ok", 50, 7)


def test_what_a_step_says_of_all_below_it_counts_once() -> None:
    def node(id_: str, parent: str | None, tokens: int | None = None, cost: float | None = None) -> Node:
        return Node(id_, parent, Usage(total_tokens=tokens, cost=cost))

    assert total([]) == Usage()
    assert total([node("a", None, 5), node("b", "a", 3), node("c", "b", 2)]).total_tokens == 5
    assert total([node("a", None), node("b", "a", 3), node("c", "a", 2), node("d", "c", 9)]).total_tokens == 5
    assert total([node("a", None, None, 1.0), node("b", "a", 3, 0.5)]) == Usage(total_tokens=3, cost=1.0)
    assert total([node("a", "b", 1), node("b", "a", None)]).total_tokens == 1, "a ring of parents ends"


def test_attributes_are_kept_exactly(app: Ostinato) -> None:
    odd = {
        "nan": math.nan, "inf": -math.inf, "bytes": b"\0\xff", "int": 2**63, "float": 1.0, "nothing": None, "long": "é" * 60_000,
        "nul\0": "a\0b", 'quote"': 1, "deep": {"a": [1, {"b": [True]}]}, "": "empty",
    }  # fmt: skip
    big = {f"k{n}": random.Random(n).randbytes(2_000).hex() for n in range(60)}
    app.traces.put([span(1, attributes=odd), span(2, 1, attributes=big)], "chat")
    first, second = app.traces.spans("tr-a")
    assert math.isnan(first.attributes.pop("nan"))
    odd.pop("nan")
    assert (first.attributes, second.attributes) == (odd, big)
    rows = app.rows.read(lambda tx: store.spans(tx, "default", "tr-a"))
    assert [bool(row.payload) for row in rows] == [False, True], "what is large lies among the blobs"
    for where in ("span.content ~ éé", "span.attributes.float = 1", "span.attributes.int > 5", "span.attributes.k3 is not null"):
        assert len(app.traces.search([where]).items) == 1, where


@pytest.mark.parametrize(
    "bad",
    [
        span(0), span(1, 1), span(1, trace=""), span(1, trace="../x"), span(1, trace="x" * 101),
        span(1, begin_ms=-1e15), span(1, begin_ms=1e16),
        span(1, attributes={str(n): n for n in range(1_001)}), span(1, attributes={"n": 2**70}), span(1, attributes={"s": "\ud800"}),
        span(1, attributes={"x": object()}), span(1, events=[SpanEvent(name="x", at_ns=0)] * 10_001),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_alone(app: Ostinato, bad: Span) -> None:
    taken = app.traces.put([span(2), bad], "chat")
    assert (taken.spans, list(taken.refused)) == (1, ["1"])
    assert taken.refused["1"]
    assert app.traces.get("tr-a").spans == 1


def test_tokens_and_cost_may_be_said_in_different_words() -> None:
    said = meaning(span(1, attributes=chat(3, 2) | {"mlflow.llm.cost": '{"total_cost": 0.5}'})).usage
    assert said == Usage(input_tokens=3, output_tokens=2, total_tokens=5, cost=0.5)
    told = {"mlflow.chat.tokenUsage": '{"input_tokens": 7, "output_tokens": 1}', "gen_ai.usage.cost": 0.25}
    assert meaning(span(1, attributes=chat(3, 2) | told)).usage == Usage(input_tokens=7, output_tokens=1, total_tokens=8, cost=0.25)
    for odd in (True, "x", -1, math.nan, math.inf, 2**60, [1]):
        assert meaning(span(1, attributes={"gen_ai.usage.input_tokens": odd, "llm.cost.total": odd})).usage.total_tokens is None


def test_bounds(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SPANS_MAX", 5)
    with pytest.raises(TooLarge):
        app.traces.put([span(n) for n in range(1, 7)], "chat")
    monkeypatch.setattr(intake, "SPAN_BYTES_MAX", 1_000)
    taken = app.traces.put([span(1, attributes={"x": random.Random(1).randbytes(2_000)})], "chat")
    assert "MiB" in taken.refused["0"]
    for labels in ({"": "x"}, {"a": "x" * 8_001}, {'a"': "x"}, {"a": "\0"}, {str(n): "x" for n in range(201)}):
        with pytest.raises(Invalid):
            app.traces.record(TraceTold(id="tr-b", experiment="chat", state="ok", started_at=AT, tags=labels))
    with pytest.raises(NotFound):
        app.traces.get("tr-b")


def test_what_is_told_of_the_whole_counts_more_than_its_spans(app: Ostinato) -> None:
    app.traces.put([span(1, took_ms=10), span(2, 1)], "chat")
    told = TraceTold(id="tr-a", experiment="chat", state="error", started_at=AT, duration_ms=99.5, name="whole", tags={"a": "b"})
    app.traces.record(told)
    app.traces.put([span(3, 1, begin_ms=500)], "chat")
    found = app.traces.get("tr-a")
    assert (found.state, found.duration_ms, found.name, found.tags, found.spans) == ("error", 99.5, "whole", {"a": "b"}, 3)
    assert app.traces.record(told) == app.traces.get("tr-a")


def filled(app: Ostinato) -> None:
    """Thirty traces, one a minute."""
    for n in range(30):
        attributes = chat(n, 1) | {"colour": "blue" if n % 3 else "red", "session.id": f"s{n % 5}"}
        state = "error" if n % 10 == 0 else "ok"
        app.traces.put([span(1, trace=f"tr-{n:02}", begin_ms=n * 60_000, took_ms=10 * (n + 1), attributes=attributes, state=state)], "chat")


def test_searches_and_pages(app: Ostinato) -> None:
    filled(app)
    app.traces.set_price("tiny-1", 1.0, 1.0)
    app.traces.put([span(1, trace="tr-x", begin_ms=-1, attributes=chat(500_000, 0))], "priced")
    app.traces.assess("tr-03", "score", 0.9)
    app.traces.assess("tr-04", "score", 0.1, source="llm_judge")
    app.traces.tag("tr-03", {"team": "Night ünit"})
    counts = {
        "state = error": 3, "duration_ms > 200": 10, "duration_ms <= 10 and experiment = chat": 1, "session = s2": 6, "cost > 0.4": 1,
        "experiment = priced": 1, "started_at >= 2013-01-01T12:10:00Z": 20, "ended_at < 2013-01-01T12:00:00.5Z": 2, "total_tokens = 3": 1,
        "tags.team ~ ünit": 1, "tags.team is null": 30, "feedback.score > 0.5": 1, "feedback.score is not null": 2,
        "not feedback.score > 0.5": 30,
        "expectation.score is null": 31, "span.attributes.colour = red": 10, "span.model = tiny-1": 31, "span.duration_ms > 250": 5,
        "span.state = error or feedback.score = 0.1": 4, "span.total_tokens >= 29": 3, "run is null": 31, "name ~ STEP": 31,
        "spans = 1": 31,
        "id in (tr-01, tr-02, none)": 2, "text ~ step": 31, "metadata.x = y": 0,
    }  # fmt: skip
    for where, count in counts.items():
        assert len(app.traces.search([where]).items) == count, where
    for order in ("-started_at", "duration_ms", "-cost", "name, -started_at", "tags.team", "-ended_at", "state, duration_ms"):
        whole = [trace.id for trace in app.traces.search(order_by=order).items]
        seen, after = [], None
        while True:
            page = app.traces.search(order_by=order, limit=7, after=after)
            seen += [trace.id for trace in page.items]
            if (after := page.next) is None:
                break
        assert seen == whole, order
        assert len(set(seen)) == 31
    for bad in ("nothing = 1", "span.nothing = 1", "duration_ms ~ x", "feedback. = 1", "state ="):
        with pytest.raises(Invalid):
            app.traces.search([bad])
    for order in ("run", "span.name", "feedback.score", "nothing"):
        with pytest.raises(Invalid):
            app.traces.search(order_by=order)


def test_percentiles_over_time(app: Ostinato) -> None:
    filled(app)
    moments = app.traces.moments(["state = ok"], AT, AT + timedelta(minutes=30), parts=3)
    assert [(m.at, m.traces, m.errors) for m in moments] == [(AT + timedelta(minutes=10 * n), 9, 0) for n in range(3)]
    durations = [10.0 * (n + 1) for n in range(1, 10)]
    assert [moments[0].p50_ms, moments[0].p90_ms, moments[0].p99_ms] == [durations[4], durations[8], durations[8]]
    assert sum(m.errors for m in app.traces.moments(since=AT, until=AT + timedelta(minutes=30), parts=1)) == 3
    assert app.traces.moments(since=AT - timedelta(days=9), until=AT - timedelta(days=8)) == []
    app.traces.put([span(1, trace="tr-open", took_ms=None)], "chat")
    (only,) = app.traces.moments(["id = tr-open"], AT, AT + timedelta(minutes=1), parts=1)
    assert (only.traces, only.p50_ms) == (1, None)
    for wrong in ({"parts": 0}, {"parts": 501}, {"since": AT, "until": AT}):
        with pytest.raises(Invalid):
            app.traces.moments(**wrong)  # type: ignore[arg-type]


def test_assessments(app: Ostinato) -> None:
    app.traces.put([span(1)], "chat")
    first = app.traces.assess("tr-a", "correct", True, id="a1")
    assert app.traces.assess("tr-a", "correct", False, id="a1") == first, "told again"
    second = app.traces.assess("tr-a", "correct", False, overrides="a1", span=f"{1:016x}")
    assert {said.id: said.valid for said in app.traces.get("tr-a").assessments} == {"a1": False, second.id: True}
    assert app.traces.search(["feedback.correct = true"]).items == []
    app.traces.drop_assessment("tr-a", second.id)
    app.traces.drop_assessment("tr-a", second.id)
    assert app.traces.assessment("tr-a", "a1").valid
    changed = app.traces.reassess("tr-a", "a1", error={"error_message": "no"}, metadata={"k": "v"})
    assert (changed.value, changed.error, changed.metadata) == (None, {"error_message": "no"}, {"k": "v"})
    wrong: list[dict[str, object]] = [
        {"name": ""}, {"span": ""}, {"value": None}, {"value": math.inf}, {"value": "x" * 100_001}, {"rationale": "x" * 100_001},
        {"metadata": {"": "x"}},
    ]  # fmt: skip
    for more in wrong:
        with pytest.raises(Invalid):
            app.traces.assess(**({"trace": "tr-a", "name": "x", "value": 1} | more))  # type: ignore[arg-type]
    for more in ({"trace": "tr-none"}, {"overrides": "none"}):
        with pytest.raises(NotFound):
            app.traces.assess(**({"trace": "tr-a", "name": "x", "value": 1} | more))  # type: ignore[arg-type]
    verbs = [event.verb for event in app.ledger.events().items if event.verb.startswith("trace.")]
    assert verbs == ["trace.assessed", "trace.assessed", "trace.assessment_dropped", "trace.reassessed"]
    assert "True" not in str([event.data for event in app.ledger.events(verb="trace.assessed").items]), "what was said can be changed"


def test_prices(both: Ostinato) -> None:  # noqa: F811
    traces = both.traces
    traces.set_price("tiny*", 1.0, 1.0)
    traces.set_price("tiny-1", 2.0, 0.0)
    traces.put([span(1, attributes=chat(1_000_000, 0)), span(2, trace="tr-b", attributes=chat(1_000_000, 0, "tiny-2"))], "chat")
    traces.put(
        [span(3, trace="tr-c", attributes=chat(5, 5, "vast")), span(4, trace="tr-d", attributes={**chat(5, 5), "llm.cost.total": 7.0})],
        "chat",
    )
    assert [traces.get(f"tr-{x}").usage.cost for x in "abcd"] == [2.0, 1.0, None, 7.0]
    traces.drop_price("tiny-1")
    assert [price.model for price in traces.prices()] == ["tiny*"]
    with pytest.raises(NotFound):
        traces.drop_price("tiny-1")
    for wrong in (("", 1.0, 1.0), ("a*b", 1.0, 1.0), ("x", -1.0, 1.0)):
        with pytest.raises(Invalid):
            traces.set_price(*wrong)
    assert [event.verb for event in both.ledger.events().items if event.verb.startswith("price")] == ["price.set"] * 2 + ["price.dropped"]


def test_runs_experiments_and_projects(app: Ostinato) -> None:
    run = app.runs.start("trials")
    app.traces.put([span(1), span(1, trace="tr-b")], "trials", run.id, {"service.name": "shop"})
    assert app.traces.get("tr-a").metadata == {"service.name": "shop"}
    assert {trace.id for trace in app.traces.search([f"run = {run.id}"]).items} == {"tr-a", "tr-b"}
    other = app.runs.start("trials").id
    app.traces.link(["tr-a"], other)
    app.traces.link(["tr-a"], other)
    assert [trace.id for trace in app.traces.search([f"run = {other}"]).items] == ["tr-a"]
    for wrong in ((["tr-none"], other), (["tr-a"], "none")):
        with pytest.raises(NotFound):
            app.traces.link(*wrong)
    app.access.create_project("two")
    with calling(Caller(actor="person:admin", project="two")):
        assert app.traces.search().items == []
        for act in (lambda: app.traces.get("tr-a"), lambda: app.traces.spans("tr-a"), lambda: app.traces.assess("tr-a", "x", 1)):
            with pytest.raises(NotFound):
                act()
        app.traces.put([span(1, name="another")], "trials")
        assert app.traces.delete(["tr-a", "tr-b"]) == 1
    assert app.traces.get("tr-a").name == "step 1"
    app.runs.delete_experiment("trials")
    with pytest.raises(Conflict):
        app.traces.put([span(1, trace="tr-c")], "trials")


def test_deletion_by_age(app: Ostinato) -> None:
    filled(app)
    assert app.traces.delete_before("chat", AT + timedelta(minutes=9), most=4) == 4
    assert app.traces.delete_before("chat", AT + timedelta(minutes=9)) == 6
    assert app.traces.search(order_by="started_at", limit=1).items[0].id == "tr-10"
    events = app.ledger.events(verb="trace.deleted").items
    assert [len(event.data["traces"]) for event in events] == [4, 6]
    for wrong in (0, 1_001):
        with pytest.raises(Invalid):
            app.traces.delete_before("chat", AT, most=wrong)
    with pytest.raises(NotFound):
        app.traces.delete_before("none", AT)
    left = app.rows.read(lambda tx: [len(tx.all(table.select())) for table in (store.trace_table, store.span_table)])
    assert left == [20, 20]


def test_what_is_purged_takes_its_traces_along(app: Ostinato, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.traces.retention._AT_ONCE", 2)
    monkeypatch.setattr("ostinato.traces.service._ROUND_S", 0.0)
    for experiment in ("old", "kept"):
        for number in range(5):
            app.traces.put([span(1, trace=f"tr-{experiment}-{number}")], experiment)
    app.runs.delete_experiment("old")
    app.runs.purge_experiment("old")
    left = []
    for _ in range(4):
        app.tick()
        left.append(app.rows.read(lambda tx: len(tx.all(store.trace_table.select()))))
    assert left == [8, 6, 5, 5], "a round takes some of them, the next goes on"
    assert {trace.experiment for trace in app.traces.search().items} == {"kept"}
    assert "experiment.purged" not in {event.verb for event in app.ledger.after("traces")}


def test_evaluation_sets(both: Ostinato) -> None:  # noqa: F811
    traces = both.traces
    made = traces.create_evalset("questions", ["e1"], {"team": "a"})
    assert traces.create_evalset("questions", id=made.id).id == made.id
    merged = traces.merge_records(made.id, [{"inputs": {"q": n}, "expectations": {"a": n}} for n in range(25)])
    assert (merged.inserted, merged.updated) == (25, 0)
    more = {"inputs": {"q": 3}, "expectations": {"b": 1}, "tags": {"x": "y"}, "outputs": {"o": 1}, "source": {"source_type": "TRACE"}}
    merged = traces.merge_records(made.id, [more])
    assert (merged.inserted, merged.updated) == (0, 1)
    seen, after = [], None
    while True:
        page = traces.records(made.id, 10, after)
        seen += page.items
        if (after := page.next) is None:
            break
    (third,) = (record for record in seen if record.inputs == {"q": 3})
    assert (third.expectations, third.tags, third.outputs) == ({"a": 3, "b": 1}, {"x": "y"}, {"o": 1})
    assert traces.drop_records(made.id, [third.id, "none"]) == 1
    changed = traces.change_evalset(made.id, tags={"team": None, "new": "b"}, experiments=["e2"])
    assert (changed.records, changed.tags, changed.experiments) == (24, {"new": "b"}, ["e2"])
    assert changed.digest != made.digest
    for wrong in ({}, {"inputs": {}}, {"inputs": 1}, {"inputs": {"a": 1}, "tags": 1}):
        with pytest.raises(Invalid):
            traces.merge_records(made.id, [wrong])
    traces.delete_evalset(made.id)
    traces.delete_evalset(made.id)
    with pytest.raises(NotFound):
        traces.records(made.id)


def test_large_bodies_are_named_where_collections_look(app: Ostinato) -> None:
    columns = {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns if column.info == BLOB}
    assert {"traces_span.payload", "traces_file.digest"} <= columns


def nested(depth: int) -> list[object]:
    """A list in a list, and so on."""
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_deep_values_are_refused_by_every_door(both: Ostinato) -> None:  # noqa: F811
    good, bad = nested(32), nested(34)
    told = [
        span(1, attributes={"a": good}), span(2, attributes={"a": bad}), span(3, attributes={"a": {"b": bad}}),
        span(4, events=[SpanEvent(name="e", at_ns=0, attributes={"a": bad})]),
    ]  # fmt: skip
    taken = both.traces.put(told, "chat")
    assert sorted(taken.refused) == ["1", "2", "3"]
    assert all("deep" in why for why in taken.refused.values())
    assert both.traces.spans("tr-a")[0].attributes == {"a": good}
    with pytest.raises(Invalid, match="deep"):
        both.traces.assess("tr-a", "x", bad)


def test_labels_are_bounded_in_sum(app: Ostinato) -> None:
    def told(**labels: dict[str, str]) -> TraceTold:
        return TraceTold(id="tr-a", experiment="chat", state="ok", started_at=AT, **labels)

    for n in range(5):
        app.traces.put([span(n + 1)], "chat", about={f"k{n}.{m}": "x" for m in range(50)})
    found = app.traces.get("tr-a")
    assert (len(found.metadata), "k0.0" in found.metadata, found.spans) == (200, True, 5)
    app.traces.record(told(metadata={"k0.0": "y"}, tags={f"a{n}": "x" for n in range(200)}))
    for more in ({"metadata": {"one": "more"}}, {"tags": {"one": "more"}}):
        with pytest.raises(Invalid, match="201"):
            app.traces.record(told(**more))
    found = app.traces.get("tr-a")
    assert (found.metadata["k0.0"], len(found.metadata), len(found.tags)) == ("y", 200, 200)


def test_nobody_changes_what_another_said(app: Ostinato) -> None:
    app.access.create_person("ana", ["reviewer"])
    app.access.create_person("ben", ["scientist"])
    app.traces.put([span(1)], "chat")
    with app.acting_as("person:ana"):
        said = app.traces.assess("tr-a", "correct", False, id="a1")
        assert app.traces.reassess("tr-a", "a1", rationale="It waited.").rationale == "It waited."
    with app.acting_as("person:ben"):
        for act in (lambda: app.traces.reassess("tr-a", "a1", value=True), lambda: app.traces.drop_assessment("tr-a", "a1")):
            with pytest.raises(Denied, match="person:ana said so"):
                act()
        for forged in ("person:ana", "service:judge"):
            with pytest.raises(Denied, match="does not speak for"):
                app.traces.assess("tr-a", "correct", True, source_id=forged)
        assert app.traces.assess("tr-a", "correct", True, source_id="person:ben").source_id == "person:ben"
        app.traces.assess("tr-a", "correct", True, overrides="a1", source_id="guest 7")
    found = app.traces.assessment("tr-a", "a1")
    assert (found.value, found.valid, found.source_id) == (False, False, said.source_id)
    with app.acting_as("person:ana"):
        app.traces.drop_assessment("tr-a", "a1")


def test_what_is_held_is_not_deleted(app: Ostinato) -> None:
    run, part = app.runs.start("trials"), app.runs.start("elsewhere")
    for trace, experiment in (("tr-a", "trials"), ("tr-b", "trials"), ("tr-c", "chat"), ("tr-d", "chat")):
        app.traces.put([span(1, trace=trace)], experiment, run.id if trace == "tr-a" else None)
    app.traces.link(["tr-c"], part.id)
    for ref, kept in (
        (Ref("experiment", "trials"), ["tr-a", "tr-b"]), (run.ref, ["tr-a"]), (part.ref, ["tr-c"]), (Ref("trace", "tr-d"), ["tr-d"]),
    ):  # fmt: skip
        held = app.ledger.hold(ref, "Case 12")
        for trace in kept:
            with pytest.raises(Conflict, match=r"is held: person:admin, .*Case 12"):
                app.traces.delete([trace])
        with pytest.raises(Conflict, match="Case 12"):
            app.traces.delete_before("trials" if "tr-a" in kept else "chat", AT + timedelta(days=1))
        app.ledger.release(held.id, "settled")
    assert len(app.traces.search().items) == 4, "none of them went"
    with pytest.raises(NotFound):
        app.ledger.hold(Ref("trace", "tr-none"), "Case 12")
    assert app.traces.delete_before("trials", AT + timedelta(days=1)) == 2


def test_an_experiment_is_not_purged_under_a_trace_that_is_held(app: Ostinato) -> None:
    other = app.runs.start("other")
    app.traces.put([span(1)], "chat", other.id)
    own = app.runs.start("chat")
    app.runs.delete_experiment("chat")
    for ref in (app.traces.get("tr-a").ref, other.ref, own.ref, Ref("experiment", "chat")):
        held = app.ledger.hold(ref, "Case 12")
        with pytest.raises(Conflict, match="Case 12"):
            app.runs.purge_experiment("chat")
        app.tick()
        assert (app.runs.get(own.id).id, app.traces.get("tr-a").spans) == (own.id, 1), "as a whole or not at all"
        app.ledger.release(held.id, "settled")
    app.runs.purge_experiment("chat")
    app.tick()
    assert app.traces.search().items == []
