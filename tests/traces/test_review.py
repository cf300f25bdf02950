"""Review of traces: what is found wrong, what people are asked, and what judges, through both doors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound, TooLarge
from ostinato.kernel.instant import micros_of
from ostinato.kernel.ref import Ref
from ostinato.testing.fixtures import both  # noqa: F401
from ostinato.traces.review_types import Answer
from ostinato.traces.types import Span

START = micros_of(datetime(2013, 1, 1, 12, tzinfo=UTC)) * 1000
YES_NO = Answer(kind="pass_fail", options=["good", "bad"])


def traced(app: Ostinato, *ids: str, experiment: str = "chat") -> str:
    """Keep traces of one span each; the id of their experiment."""
    app.traces.put([Span(trace=id_, id=f"{1:016x}", name="s", start_ns=START, end_ns=START + 1) for id_ in ids], experiment)
    return app.runs.experiment(experiment).id


def test_an_issue_and_the_traces_that_show_it(both: Ostinato) -> None:  # noqa: F811
    traces, experiment = both.traces, traced(both, "tr-a", "tr-b")
    slow = traces.report_issue("chat", "slow", "answers take minutes", severity="low", causes=["tools"], categories=["speed"])
    wrong = traces.report_issue(experiment, "wrong", "", severity="high", found_by="a judge")
    vague = traces.report_issue(experiment, "vague", "")
    assert (slow.experiment, slow.state, slow.causes, slow.traces, wrong.found_by) == (experiment, "pending", ["tools"], 0, "a judge")
    for trace in ("tr-a", "tr-b"):
        said = traces.assess(trace, slow.id, kind="issue", source="code")
    traces.assess("tr-b", slow.id, kind="issue", source="llm_judge", source_id="judge")
    assert [(one.name, one.traces) for one in traces.issues()] == [("wrong", 0), ("slow", 2), ("vague", 0)]
    assert [one.name for one in traces.issues("chat", trace="tr-a")] == ["slow"]
    assert {one.id for one in traces.search([f"issue = '{slow.id}'"]).items} == {"tr-a", "tr-b"}
    assert traces.search([f"issue = '{wrong.id}'"]).items == []
    with pytest.raises(Invalid, match="any number"):
        traces.search(order_by="issue")
    traces.drop_assessment("tr-b", said.id)
    assert traces.issue(slow.id).traces == 2, "the judge says so still"
    changed = traces.change_issue(slow.id, state="resolved", severity="medium")
    assert (changed.state, changed.severity, changed.description, changed.traces) == ("resolved", "medium", "answers take minutes", 2)
    assert [one.id for one in traces.issues(state="resolved")] == [slow.id]
    assert [one.name for one in traces.issues()] == ["wrong", "vague", "slow"], "open ones come first"
    assert vague in traces.issues(state="pending")
    with pytest.raises(NotFound, match="not found"):
        traces.assess("tr-a", "iss-none", kind="issue")
    with pytest.raises(NotFound):
        traces.report_issue("nowhere", "x", "")
    with pytest.raises(NotFound, match="no run"):
        traces.report_issue("chat", "x", "", run="none")


def test_what_an_issue_comes_from_is_told_once(app: Ostinato) -> None:
    experiment = traced(app, "tr-a")
    run = app.runs.start("chat").id
    first = app.traces.report_issue(experiment, "slow", "secret words", run=run, id="iss-1")
    assert app.traces.report_issue(experiment, "other", "", id="iss-1") == first
    (event,) = app.ledger.events(subject=first.ref).items
    assert (event.verb, event.inputs) == ("issue.reported", (Ref("run", run),))
    assert "secret words" not in str(event.data)
    with calling(Caller(actor="person:ben", project="default")), pytest.raises(Denied):
        app.traces.report_issue(experiment, "slow", "", found_by="person:ana")
    with pytest.raises(Invalid):
        app.traces.report_issue(experiment, "slow", "x" * 100_001)


def test_a_question_and_what_answers_it(both: Ostinato) -> None:  # noqa: F811
    traces, experiment = both.traces, traced(both, "tr-a")
    asked = traces.create_question("chat", "is it good?", YES_NO, instruction="read it all", comment=True)
    traces.create_question(experiment, "topics", Answer(kind="choice", options=["delay", "gate"], several=True))
    traces.create_question(experiment, "stars", Answer(kind="number", least=1, most=5))
    traces.create_question(experiment, "why", Answer(kind="text", signs_max=3), kind="expectation")
    assert [one.name for one in traces.questions("chat")] == ["why", "stars", "topics", "is it good?", "Feedback"]
    assert traces.question(asked.id) == asked
    for name, value in (("is it good?", "good"), ("is it good?", True), ("topics", ["gate"]), ("topics", "delay"), ("stars", 4.5)):
        assert traces.assess("tr-a", name, value).value == value
    wrong: list[tuple[str, Any]] = [
        ("is it good?", "fine"),
        ("topics", ["sky"]),
        ("topics", 3),
        ("stars", 9),
        ("stars", True),
        ("stars", "4"),
    ]
    for name, value in wrong:
        with pytest.raises(Invalid, match="does not answer"):
            traces.assess("tr-a", name, value)
    with pytest.raises(Invalid, match="up to 3 signs"):
        traces.assess("tr-a", "why", "long", kind="expectation")
    assert traces.assess("tr-a", "why", "long").value == "long", "nobody asks for feedback of this name"
    assert traces.assess("tr-a", "stars", 9, source="code", source_id="judge").value == 9, "code is asked nothing"
    given = traces.assess("tr-a", "stars", 3)
    with pytest.raises(Invalid, match="from 1 to 5"):
        traces.reassess("tr-a", given.id, value=0)
    changed = traces.change_question(asked.id, name="good?", answer=Answer(kind="pass_fail", options=["yes!", "no!"]), comment=False)
    assert (changed.name, changed.answer.options, changed.comment, changed.instruction) == ("good?", ["yes!", "no!"], False, "read it all")
    traces.drop_question(asked.id)
    traces.drop_question(asked.id)
    with pytest.raises(NotFound):
        traces.question(asked.id)


def test_the_default_question_stays(app: Ostinato) -> None:
    experiment = traced(app, "tr-a")
    (default,) = app.traces.questions(experiment)
    assert (default.default, app.traces.question(default.id)) == (True, default)
    for refused in (lambda: app.traces.drop_question(default.id), lambda: app.traces.change_question(default.id, name="x")):
        with pytest.raises(Invalid, match="default question cannot be"):
            refused()
    with pytest.raises(Invalid, match="reserved"):
        app.traces.create_question(experiment, " feedback", YES_NO)
    assert app.traces.assess("tr-a", "Feedback", {"any": "thing"}).value == {"any": "thing"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(kind="pass_fail", options=["a"]),
        Answer(kind="pass_fail", options=["a", "a"]),
        Answer(kind="choice"),
        Answer(kind="choice", options=["a"] * 2),
        Answer(kind="choice", options=[str(n) for n in range(11)]),
        Answer(kind="choice", options=["x" * 65]),
        Answer(kind="number", least=2, most=2),
        Answer(kind="number", least=float("inf")),
        Answer(kind="text", signs_max=0),
        Answer(kind="text", least=1),
        Answer(kind="number", options=["a"]),
        Answer(kind="text", several=True),
    ],
)
def test_an_answer_that_nobody_can_give_is_not_asked_for(app: Ostinato, answer: Answer) -> None:
    traced(app, "tr-a")
    with pytest.raises(Invalid):
        app.traces.create_question("chat", "q", answer)


def test_a_question_keeps_its_kind_and_its_name_is_its_own(app: Ostinato) -> None:
    traced(app, "tr-a")
    asked, other = (app.traces.create_question("chat", name, YES_NO) for name in ("q", "r"))
    with pytest.raises(Conflict, match="already"):
        app.traces.create_question("chat", "q", YES_NO)
    with pytest.raises(Conflict, match="already"):
        app.traces.change_question(other.id, name="q")
    with pytest.raises(Invalid, match="kind of answer"):
        app.traces.change_question(asked.id, answer=Answer(kind="text"))
    assert app.traces.create_question("chat", "other words", YES_NO, id=asked.id) == asked
    app.runs.delete_experiment("chat")
    with pytest.raises(Conflict):
        app.traces.create_question("chat", "s", YES_NO)


def test_versions_of_a_scorer(both: Ostinato) -> None:  # noqa: F811
    traces, experiment = both.traces, traced(both, "tr-a")
    first = traces.register_scorer("chat", "is/it safe", '{"instructions": "Ō"}')
    second = traces.register_scorer(experiment, "is/it safe", '{"instructions": "b"}')
    traces.register_scorer(experiment, "a", "{}")
    assert (first.version, second.version, second.id, first.definition) == (1, 2, first.id, '{"instructions": "Ō"}')
    assert [(one.name, one.version) for one in traces.scorers("chat")] == [("a", 1), ("is/it safe", 2)]
    assert traces.scorer(experiment, "is/it safe") == second
    assert traces.scorer("chat", "is/it safe", 1) == first
    again = traces.register_scorer(experiment, "is/it safe", '{"instructions": "b"}', version=2)
    assert again == second, "sent again"
    with pytest.raises(Conflict):
        traces.register_scorer(experiment, "is/it safe", '{"instructions": "c"}', version=2)
    traces.drop_scorer(experiment, "is/it safe", 2)
    assert [one.version for one in traces.scorer_versions(experiment, "is/it safe")] == [1]
    assert traces.register_scorer(experiment, "is/it safe", "{}").version == 3, "a number is not given again"
    traces.drop_scorer(experiment, "is/it safe")
    with pytest.raises(NotFound):
        traces.scorer(experiment, "is/it safe")
    for bad, error in (("[]", Invalid), ("no", Invalid), ('{"x": "' + "x" * (1 << 20) + '"}', TooLarge)):
        with pytest.raises(error):
            traces.register_scorer(experiment, "b", bad)


def test_with_its_experiment_all_of_it_goes(app: Ostinato) -> None:
    experiment, other = traced(app, "tr-a"), traced(app, "tr-b", experiment="other")
    for of in (experiment, other):
        app.traces.report_issue(of, "slow", "")
        app.traces.create_question(of, "q", YES_NO)
        app.traces.register_scorer(of, "s", "{}")
    app.runs.purge_experiment("chat", deleted_only=False)
    app.tick()
    assert [one.experiment for one in app.traces.issues()] == [other]
    assert len(app.traces.questions(other)) == 2
    assert len(app.traces.scorers(other)) == 1
    with pytest.raises(NotFound):
        app.traces.questions(experiment)


def test_projects_do_not_see_one_another(app: Ostinato) -> None:
    experiment = traced(app, "tr-a")
    made = app.traces.report_issue(experiment, "slow", "")
    asked, _ = app.traces.create_question(experiment, "q", YES_NO), app.traces.register_scorer(experiment, "s", "{}")
    app.access.create_project("else")
    with calling(Caller(actor="person:admin", project="else")):
        assert app.traces.issues() == []
        for refused in (lambda: app.traces.issue(made.id), lambda: app.traces.question(asked.id), lambda: app.traces.scorers(experiment)):
            with pytest.raises(NotFound):
                refused()
        app.traces.drop_question(asked.id)
    assert app.traces.question(asked.id) == asked
