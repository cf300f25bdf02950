"""The verbs of monitors: what is found, what is set off, and that a repeat changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.monitoring.conftest import Answers, table

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.monitoring.service import Monitors
from ostinato.monitoring.types import Measurement, ReactionSpec, TestSpec, Window

MARCH, APRIL = datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 4, 1, tzinfo=UTC)


def one(window: Window, kind: str, feature: str, test: str | None = None) -> Measurement:
    """The measurement of a feature."""
    return next(m for m in window.measurements if (m.kind, m.feature) == (kind, feature) and test in (None, m.test))


def watch(monitors: Monitors, reference: str, **more: Any) -> None:
    monitors.create("late", "late", reference, ["delay", "carrier"], **more)


def test_r75_a_shift_is_found_on_its_feature_and_unshifted_answers_stay_quiet(monitors: Monitors, answers: Answers, reference: str) -> None:
    watch(monitors, reference)
    answers.given = pa.concat_tables([table(2, month=2), table(3, month=3, shift=0.6)])
    quiet = monitors.assess("late", datetime(2013, 2, 1, tzinfo=UTC), MARCH)
    assert quiet.rows == quiet.labelled == 3000
    assert not [m.sentence for m in quiet.measurements if m.alarm]
    loud = monitors.assess("late", MARCH, APRIL)
    assert [(m.kind, m.feature) for m in loud.measurements if m.alarm] == [("drift", "delay")]
    found = one(loud, "drift", "delay")
    assert found.low > found.tolerance
    assert found.corrected_p < 0.05
    assert found.false_alarm.draws >= 500
    assert found.false_alarm.high < 0.05
    assert "went from" in found.sentence
    assert [f.measurement for f in monitors.findings(endpoint="late")] == [found]
    assert monitors.windows("late") == [quiet, loud]
    assert loud.versions == {"1": 3000}


def test_r76_a_changed_concept_is_a_finding_of_its_own(monitors: Monitors, answers: Answers, reference: str) -> None:
    watch(monitors, reference)
    answers.given = table(4, month=3, slope=0.3)
    window = monitors.assess("late", MARCH, APRIL)
    alarms = {(m.kind, m.test) for m in window.measurements if m.alarm}
    assert alarms == {("performance", "auc"), ("performance", "brier")}
    area = one(window, "performance", "label", "auc")
    assert area.expected is not None
    assert area.observed is not None
    assert area.expected - area.observed == pytest.approx(area.effect)
    assert {f.severity for f in monitors.findings()} == {"critical"}


def test_r78_missing_values_new_categories_and_labels_that_do_not_come(monitors: Monitors, answers: Answers, reference: str) -> None:
    watch(monitors, reference)
    given = table(5, month=3, nulls=0.2)
    carrier = ["??" if i % 10 == 0 else c for i, c in enumerate(given["carrier"].to_pylist())]
    late = pa.array([None if i % 2 else y for i, y in enumerate(given["label"].to_pylist())], pa.float64())
    answers.given = given.set_column(given.column_names.index("carrier"), "carrier", [carrier]).set_column(
        given.column_names.index("label"), "label", late
    )
    window = monitors.assess("late", MARCH, APRIL)
    assert one(window, "quality", "delay", "null_share").alarm
    assert one(window, "quality", "delay", "null_share").observed == pytest.approx(0.2, abs=0.03)
    assert one(window, "quality", "carrier", "unseen").observed == pytest.approx(0.1, abs=0.01)
    assert one(window, "quality", "carrier", "unseen").alarm
    assert one(window, "coverage", "label").alarm
    assert window.labelled == 1500
    assert not one(window, "quality", "delay", "unseen").alarm


def test_what_cannot_be_measured_is_said(monitors: Monitors, answers: Answers, reference: str) -> None:
    watch(monitors, reference)
    given = table(6, rows=200, month=3).drop_columns(["carrier"])
    nothing = pa.nulls(200, pa.float64())
    answers.given = given.set_column(given.column_names.index("label"), "label", nothing)
    window = monitors.assess("late", MARCH, APRIL)
    assert len(window.undecided) == 2
    assert "carrier" in window.undecided[0]
    assert "0 labelled rows" in window.undecided[1]
    empty = monitors.assess("late", APRIL, datetime(2013, 5, 1, tzinfo=UTC))
    assert (empty.rows, empty.measurements, empty.undecided) == (0, [], ["no predictions in this window"])


def test_a_feature_that_vanishes_or_changes_its_type_does_not_stop_the_others(monitors: Monitors, answers: Answers, reference: str) -> None:
    watch(monitors, reference)
    given = table(6, month=3)
    place = given.column_names.index("delay")
    answers.given = given.set_column(place, "delay", pa.nulls(3000, pa.float64()))
    gone = monitors.assess("late", MARCH, APRIL, "nulls")
    assert not [m for m in gone.measurements if (m.kind, m.feature) == ("drift", "delay")]
    assert one(gone, "quality", "delay", "null_share").alarm
    answers.given = given.set_column(place, "delay", pa.array(["late"] * 3000))
    text = monitors.assess("late", MARCH, APRIL, "text")
    assert text.undecided == ["delay: expected numbers, got string"]
    assert not one(text, "drift", "carrier").alarm


def test_categories_too_rare_to_judge_raise_nothing(store: Ostinato, monitors: Monitors, answers: Answers) -> None:
    """Of a reference of few rows and many categories nobody knows which others there are."""

    def with_codes(seed: int, rows: int, month: int) -> pa.Table:
        codes = [f"c{i}" for i in np.random.default_rng(seed).integers(0, 500, rows)]
        return table(seed, rows, month=month).append_column("code", pa.array(codes))

    monitors.create("late", "late", store.tables.write(with_codes(0, 60, 1)).digest, ["code"])
    answers.given = with_codes(1, 3000, 3)
    assert not [m for m in monitors.assess("late", MARCH, APRIL).measurements if m.alarm]


def test_r82_drift_retrains_once_and_the_trace_leads_there(store: Ostinato, monitors: Monitors, answers: Answers, reference: str) -> None:
    again = ReactionSpec(reaction="retrain", parameters={"pipeline": "retraining:again", "parameters": {"trees": 20}})
    watch(monitors, reference, reactions=[ReactionSpec(reaction="alert"), again])
    answers.given = table(7, month=3, shift=1.0)
    window = monitors.assess("late", MARCH, APRIL, "2013-03")
    assert monitors.assess("late", MARCH, APRIL, "2013-03") == window
    assert [(r.reaction, r.state) for r in monitors.reactions(window.id)] == [("alert", "done"), ("retrain", "done")]
    started = store.pipelines.search().items
    assert [e.parameters for e in started] == [{"until": APRIL.isoformat(), "trees": 20}]
    assert [a.severity for a in monitors.alerts()] == ["critical"]
    graph = store.ledger.lineage(Ref("execution", started[0].id), "up")
    assert Ref("window", window.id) in {getattr(n, "ref", n) for n in graph.nodes}


def test_a_reaction_that_died_half_way_is_carried_out_once(store: Ostinato, monitors: Monitors, answers: Answers, reference: str) -> None:
    """The process dies after the window was kept and after each effect, before it was written down: nothing is done twice."""
    again = ReactionSpec(reaction="retrain", parameters={"pipeline": "retraining:again"})
    watch(monitors, reference, reactions=[again, ReactionSpec(reaction="rollback")])
    answers.given, answers.serving = table(7, month=3, shift=1.0), 1
    settle = monitors._settle

    def dying(*_: Any) -> None:
        raise KeyboardInterrupt

    for _ in range(3):
        monitors._settle = dying  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            monitors.assess("late", MARCH, APRIL)
    monitors._settle = settle  # type: ignore[method-assign]
    window = monitors.assess("late", MARCH, APRIL)
    monitors.assess("late", MARCH, APRIL)
    assert [r.state for r in monitors.reactions(window.id)] == ["done", "done"]
    assert len(store.pipelines.search().items) == 1
    assert len(answers.rollbacks) == 1
    assert answers.serving == 0


@pytest.mark.parametrize(
    ("raised", "problem"),
    [
        (Conflict("no version has answered before"), "no version has answered before"),
        (KeyError("what a member from outside may raise"), "KeyError: 'what a member from outside may raise'"),
    ],
)
def test_a_reaction_that_fails_is_kept_and_tried_again_and_the_others_go_on(
    monitors: Monitors, answers: Answers, reference: str, raised: Exception, problem: str
) -> None:
    watch(monitors, reference, reactions=[ReactionSpec(reaction="rollback"), ReactionSpec(reaction="alert")])
    answers.given = table(7, month=3, shift=1.0)

    def refusing(endpoint: str, reason: str) -> Answers:
        raise raised

    rollback = answers.rollback
    answers.rollback = refusing  # type: ignore[method-assign]
    window = monitors.assess("late", MARCH, APRIL)
    failed, alerted = monitors.reactions(window.id)
    assert (failed.state, failed.problem, alerted.state) == ("failed", problem, "done")
    answers.rollback = rollback  # type: ignore[method-assign]
    monitors.assess("late", MARCH, APRIL)
    assert monitors.reactions(window.id)[0].state == "done"


def test_r80_findings_are_silenced_and_acknowledged(store: Ostinato, monitors: Monitors, answers: Answers, reference: str) -> None:
    watch(monitors, reference, reactions=[ReactionSpec(reaction="alert")])
    monitors.silence("late", APRIL, "the airline has changed its timetable", "delay")
    monitors.silence("late", APRIL, "the airline has changed its timetable", "delay")
    answers.given = pa.concat_tables([table(7, month=3, shift=1.0), table(8, month=4, shift=1.0)])
    silent = monitors.assess("late", MARCH, APRIL)
    assert monitors.reactions(silent.id) == []
    assert {f.state for f in monitors.findings()} == {"silenced"}
    monitors.assess("late", APRIL, datetime(2013, 5, 1, tzinfo=UTC))
    open_ = monitors.findings(state="open")
    assert open_
    assert len(monitors.alerts("open")) == 1
    done = monitors.acknowledge(open_[0].id, "known")
    assert monitors.acknowledge(open_[0].id, "known") == done
    assert (done.state, done.handled_by) == ("acknowledged", "person:admin")
    with pytest.raises(Conflict):
        monitors.acknowledge(open_[0].id, "something else")
    taken = monitors.acknowledge_alert(monitors.alerts()[0].id, "on it")
    assert monitors.acknowledge_alert(taken.id, "me too") == taken
    assert monitors.alerts("open") == []
    assert sum(e.verb == "monitor.silenced" for e in store.ledger.events(limit=1000).items) == 1


def test_create_is_repeatable_and_rebase_changes_the_reference(
    store: Ostinato, monitors: Monitors, answers: Answers, reference: str
) -> None:
    watch(monitors, reference)
    other = store.tables.write(table(9, month=2, shift=1.0)).digest
    answers.given = table(7, month=3, shift=1.0)
    assert any(m.alarm for m in monitors.assess("late", MARCH, APRIL, "before").measurements)
    assert monitors.rebase("late", other, "retrained") == monitors.rebase("late", other, "retrained")
    watch(monitors, reference)
    after = monitors.assess("late", MARCH, APRIL, "after")
    assert after.reference == other == monitors.get("late").reference
    assert not any(m.alarm for m in after.measurements)
    with pytest.raises(Conflict):
        watch(monitors, reference, alpha=0.01)
    with pytest.raises(Conflict):
        monitors.assess("late", MARCH, datetime(2013, 3, 9, tzinfo=UTC), "after")
    assert monitors.all() == [monitors.get("late")]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"endpoint": "lete"}, NotFound, "lete"),
        ({"features": ["dely"]}, Invalid, "dely"),
        ({"features": ["request_id"]}, Invalid, "request_id"),
        ({"tests": [TestSpec(kind="drift", test="kss")]}, NotFound, "kss"),
        ({"reactions": [ReactionSpec(reaction="retrain")]}, Invalid, "pipeline"),
        ({"block": "day"}, Invalid, "day"),
        ({"alpha": 1.0}, Invalid, "alpha"),
        ({"name": "a b"}, Invalid, "a b"),
    ],
)
def test_what_cannot_be_watched_is_refused(
    monitors: Monitors, reference: str, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        monitors.create(**{"name": "late", "endpoint": "late", "reference": reference, "features": ["delay"]} | change)
    assert monitors.all() == []


def test_own_tests_replace_the_standard_ones(monitors: Monitors, answers: Answers, reference: str) -> None:
    tests = [
        TestSpec(kind="drift", test="wasserstein", tolerance=0.5),
        TestSpec(kind="drift", test="chi_square"),
        TestSpec(kind="quality", test="null_share", features=["delay"], tolerance=0.5),
        TestSpec(kind="performance", test="auc", tolerance=0.9),
    ]
    watch(monitors, reference, tests=tests)
    answers.given = table(5, month=3, nulls=0.2, slope=0.1)
    window = monitors.assess("late", MARCH, APRIL)
    assert {m.test for m in window.measurements if m.kind == "drift" and m.feature == "carrier"} == {"chi_square"}
    assert {m.test for m in window.measurements if m.kind == "drift" and m.feature == "delay"} == {"wasserstein", "chi_square"}
    assert not one(window, "quality", "delay", "null_share").alarm
    assert one(window, "quality", "carrier", "null_share").tolerance == 0.02
    assert not one(window, "performance", "label", "auc").alarm


def test_measuring_is_a_pipeline_of_its_own(store: Ostinato, monitors: Monitors, answers: Answers, reference: str) -> None:
    watch(monitors, reference)
    answers.given = table(7, month=3, shift=1.0)
    asked = monitors.measure("late", MARCH, APRIL)
    assert monitors.measure("late", MARCH, APRIL).id == asked.id
    claim = store.pipelines.claim()
    assert claim is not None
    store.pipelines.execute(claim, app=store)
    done = store.pipelines.get(asked.id)
    assert (done.state, done.error) == ("finished", "")
    assert store.pipelines.output(asked.id)["alarms"] >= 1
    assert monitors.windows("late")[0].rows == 3000


def test_a_quarantined_delivery_raises_one_alert(store: Ostinato, monitors: Monitors) -> None:
    def told(verb: str) -> Any:
        return store.rows.write(
            lambda tx: store.ledger.append(tx, verb, Ref("dataset", "flights"), data={"key": "2013-03", "violations": 12})
        )

    event = told("dataset.quarantined")
    monitors.on_event(event)
    monitors.on_event(event)
    monitors.on_event(replace(event, id="another"))
    monitors.on_event(told("dataset.delivered"))
    alerts = monitors.alerts()
    assert len(alerts) == 2
    assert "2013-03" in alerts[0].text
    assert monitors.raise_alert("dataset:flights", "x") == monitors.raise_alert("dataset:flights", "x")
