"""Keeping: which traces are kept how long, and which share of them at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.traces.test_traces import AT, span

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import TimeSliced
from ostinato.testing.fixtures import both  # noqa: F401
from ostinato.traces.api import OPS

LATER = datetime(2013, 3, 1, tzinfo=UTC)


def ids(app: Ostinato) -> set[str]:
    return {trace.id for trace in app.traces.search(limit=1000).items}


def test_rules_let_go_and_keep_what_counts(both: Ostinato, app: Ostinato, clock: ReplayClock) -> None:  # noqa: F811
    traces = both.traces
    for name in ("old", "assessed", "example", "held", "in-held-run"):
        traces.put([span(1, trace=f"tr-{name}", attributes={"x": name * 20})], "chat")
    traces.put([span(1, trace="tr-failed", state="error")], "chat")
    traces.put([span(1, trace="tr-other")], "other")
    traces.put([span(1, trace="tr-young", begin_ms=86_400_000 * 50)], "chat")
    traces.assess("tr-assessed", "good", True)
    questions = traces.create_evalset("questions")
    source = {"source_type": "TRACE", "source_data": {"trace_id": "tr-example"}}
    traces.merge_records(questions.id, [{"inputs": {"q": 1}, "source": source}])
    both.ledger.hold(Ref("trace", "tr-held"), "audit")
    both.runs.start("nights", id="r-1")
    traces.link(["tr-in-held-run"], "r-1")
    both.ledger.hold(Ref("run", "r-1"), "audit")
    rule = traces.retain("chats", 30, "chat", ["state != error"])
    assert (rule.experiment, traces.retention(), traces.retain("chats", 30, "chat", ["state != error"])) == (
        both.runs.experiment("chat").id, [rule], rule,
    )  # fmt: skip
    clock.set(LATER)
    (plan,) = traces.apply_retention()
    assert (plan.traces, plan.count, plan.spans, plan.held, plan.applied) == (["tr-old"], 1, 1, 2, False)
    assert plan.oldest == plan.newest == AT
    assert plan.size > 0
    assert len(ids(both)) == 8, "a dry run takes nothing"
    app.tick()
    assert ids(both) == {"tr-assessed", "tr-example", "tr-held", "tr-in-held-run", "tr-failed", "tr-other", "tr-young"}
    assert app.traces.retention()[0].applied_at == LATER
    (event,) = app.ledger.events(verb="trace.deleted").items
    assert event.data == {"traces": ["tr-old"], "rule": "chats"}
    traces.drop_records(questions.id, [record.id for record in traces.records(questions.id).items])
    traces.retain("all", 30, keep_assessed=False)
    (_, done) = sorted(traces.apply_retention(apply=True), key=lambda found: found.rule == "all")
    assert (done.count, done.held) == (4, 2)
    assert ids(both) == {"tr-held", "tr-in-held-run", "tr-young"}
    traces.drop_retention("all")
    with pytest.raises(NotFound):
        traces.drop_retention("all")
    with pytest.raises(NotFound):
        traces.apply_retention("all")


def test_a_rule_takes_a_bounded_number_at_a_time(app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimeSliced, "turn_s", 0.0)
    monkeypatch.setattr("ostinato.traces.retention._SPANS_AT_ONCE", 4)
    for n in range(6):
        app.traces.put([span(m, trace=f"tr-{n}") for m in range(1, 4 + 3 * (n == 2))], "chat")
    app.traces.retain("old", 1)
    clock.set(LATER)
    seen = [len(ids(app))]
    while app.traces.retention()[0].applied_at is None:
        app.traces.tick()
        seen.append(len(ids(app)))
        assert len(seen) < 30
    assert {6, 5, 4, 3, 2, 1, 0} <= set(seen), "three spans of one trace, or six: two do not fit"


def test_a_trace_that_is_assessed_meanwhile_stays(app: Ostinato, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch) -> None:
    app.traces.put([span(1), span(1, trace="tr-b")], "chat")
    app.traces.retain("old", 1)
    clock.set(LATER)
    write, left = app.rows.write, [True]

    def first(change):  # type: ignore[no-untyped-def]
        if left and "over" in getattr(change, "keywords", {}):
            left.pop()
            app.traces.assess("tr-a", "good", True)
        return write(change)

    monkeypatch.setattr(app.rows, "write", first)
    app.traces.apply_retention(apply=True)
    assert not left
    assert ids(app) == {"tr-a"}


@pytest.mark.parametrize(("days", "where"), [(-1, []), (1e9, []), (1, ["nonsense ="]), (1, ["span.nothing = 1"]), (1, ["weight > 1"])])
def test_rules_are_checked(app: Ostinato, days: float, where: list[str]) -> None:
    with pytest.raises(Invalid):
        app.traces.retain("x", days, where=where)
    with pytest.raises(NotFound):
        app.traces.retain("x", 1, "nowhere")


def test_a_share_is_kept_and_measured(both: Ostinato) -> None:  # noqa: F811
    traces = both.traces
    traces.put([span(1, trace="tr-known", took_ms=None)], "chat")
    rule = traces.sample(0.3, "chat")
    assert (rule.share, rule.seen, rule.keep_errors) == (0.3, 0, True)
    whole = [span(number, number - 1 or None, trace=f"tr-{n}") for n in range(100) for number in (1, 2)]
    taken = traces.put(whole, "chat")
    kept = taken.traces
    assert (taken.spans, taken.sampled_out, taken.refused) == (2 * len(kept), 200 - 2 * len(kept), {})
    assert 10 <= len(kept) <= 50, "binomial: four standard deviations are 18 of 100"
    assert ids(both) == {*kept, "tr-known"}
    again = traces.put([span(3, 1, trace=f"tr-{n}") for n in range(100)], "chat")
    assert sorted(again.traces) == sorted(kept), "late spans meet the fate of their trace"
    (measured,) = traces.sampling()
    assert (measured.seen, measured.kept) == (300, 3 * len(kept))
    lost = next(f"tr-{n}" for n in range(100) if f"tr-{n}" not in kept)
    assert traces.put([span(2, 1, trace=lost, state="error")], "chat").traces == [lost]
    assert traces.put([span(2, 1, trace="tr-known")], "chat").traces == ["tr-known"]
    assert traces.put([span(1, trace=f"tr-o{n}") for n in range(9)], "other").spans == 9
    traces.sample(0, keep_errors=False)
    assert traces.put([span(1, trace="tr-p", state="error")], "other").sampled_out == 1
    traces.sample(1)
    assert traces.put([span(1, trace="tr-p")], "other").spans == 1
    assert [one.experiment for one in traces.sampling()] == [both.runs.experiment("chat").id]
    for bad in (-0.1, 1.1):
        with pytest.raises(Invalid):
            traces.sample(bad)


def test_who_lets_traces_go_may_purge() -> None:
    needs = {op.verb.__name__: op.needs for op in OPS}
    for verb in ("retain", "drop_retention", "apply_retention", "sample", "delete", "delete_before", "delete_evalset"):
        assert needs[verb] == "trace:purge", verb
