"""How models stand, what they were at an instant, and what a decision about a version rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.registry.conftest import Works, as_

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Denied, GateFailed, Invalid, NotFound, OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.registry.types import GateSpec
from ostinato.registry.views import Permit, Review

START = datetime(2013, 1, 1, tzinfo=UTC)
FLOOR = GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.6})


@pytest.fixture
def works(app: Ostinato, clock: ReplayClock) -> Works:
    """The same parts on whichever database the tests run on; Ana registers, Rita approves, Dan promotes."""
    for name, role in (("ana", "scientist"), ("rita", "reviewer"), ("dan", "deployer")):
        app.access.create_person(name, [role])
    return Works(app.models, app.evaluations, app.runs, app.datasets, app.ledger, clock)


@pytest.fixture
def three(works: Works) -> Works:
    """Versions 1 to 3 promoted a day apart, then 3 taken back, and 4 only registered."""
    works.models.create("late", gates=[FLOOR])
    for number in (1, 2, 3):
        works.approved(weight=float(number))
        with as_("dan"):
            works.models.promote(f"late@{number}", reason=f"month {number}")
        works.later(days=1)
    works.models.rollback("late@3", "too many false alarms")
    works.later(days=1)
    works.version(weight=4.0)
    return works


def test_the_states_of_models(three: Works) -> None:
    three.models.create("alone")
    alone, late = three.models.states()
    assert (alone.production, alone.newest, alone.ahead, alone.model.latest) == (None, None, 0, None)
    assert late.production is not None
    assert (late.production.version, late.production.since, late.production.how) == (2, START + timedelta(days=3), "rolled_back")
    assert late.newest is not None
    assert (late.newest.version, late.newest.state, late.ahead) == (4, "registered", 2)
    assert late.newest == three.models.get("late@4")
    assert three.models.all() == [alone.model, late.model]
    assert late.model == three.models.model("late")


def test_the_time_line_of_an_alias(three: Works) -> None:
    story = three.models.story("late")
    spans = [(m.version, m.since - START, m.until and m.until - START, m.by, m.how) for m in story.moves]
    day = timedelta(days=1)
    assert spans == [
        (1, 0 * day, 1 * day, "person:dan", "promoted"),
        (2, 1 * day, 2 * day, "person:dan", "promoted"),
        (3, 2 * day, 3 * day, "person:dan", "promoted"),
        (2, 3 * day, None, "person:admin", "rolled_back"),
    ]
    assert story.moves[0].approved_by == ["person:rita"]
    assert [(v.version, v.state, v.aliases) for v in story.versions] == [
        (4, "registered", []),
        (3, "approved", []),
        (2, "approved", ["champion"]),
        (1, "approved", []),
    ]
    three_checked = story.versions[1]
    assert three_checked.check is not None
    assert [r.gate for r in three_checked.check.results] == ["metric_floor"]
    assert three_checked.metrics["auc"].low is not None
    assert story.versions[0].check is None
    short = three.models.story("late", limit=1)
    assert ([v.version for v in short.versions], short.earlier) == ([4], 3)


def test_r54_a_story_as_of_an_instant_knows_nothing_of_what_came_later(three: Works) -> None:
    then = three.models.story("late", at=START + timedelta(days=1, hours=1))
    assert then.model.aliases == {"champion": 2}
    assert (then.model.latest, [v.version for v in then.versions], len(then.moves)) == (2, [2, 1], 2)
    assert then.moves[-1].until is None
    assert then.versions[0].aliases == ["champion"]
    with pytest.raises(NotFound, match="there was no model late"):
        three.models.story("late", at=START - timedelta(days=1))
    with pytest.raises(Invalid):
        three.models.story("late", limit=0)


def test_rules_that_were_changed_later_do_not_reach_back(three: Works) -> None:
    before = three.clock.now()
    three.later(days=1)
    three.models.require("late", [FLOOR, GateSpec(gate="calibration", parameters={"max_ece": 0.1})], 2, "stricter from now on")
    three.later(days=1)
    now, then = three.models.story("late"), three.models.story("late", at=before)
    assert (len(now.model.gates), now.model.approvals) == (2, 2)
    assert (then.model.gates, then.model.approvals) == ([FLOOR], 1)
    assert {v.state for v in now.versions} == {"registered"}
    assert [v.state for v in then.versions] == ["registered", "approved", "approved", "approved"]
    later = three.models.story("late", at=three.clock.now())
    assert (later.model, later.versions) == (now.model, now.versions)


def may(review: Review) -> dict[str, Permit]:
    return {permit.verb: permit for permit in review.may}


def test_a_review_lays_the_challenger_beside_the_champion(three: Works) -> None:
    review = three.models.review("late@4")
    assert (review.champion, review.same_rows) == (Ref("model", "late", "2"), True)
    auc = next(row for row in review.metrics if row.metric == "auc")
    assert auc.higher_is_better
    assert auc.ours is not None
    assert auc.ours == auc.champion
    assert auc.baseline is None
    assert review.problem == "model:late@4 was never checked"
    three.evaluation(Ref("baseline", "late"), quality=0.1)
    later = three.models.review("late@4")
    worse = next(row for row in later.metrics if row.metric == "auc").baseline
    assert worse is not None
    assert worse.value < auc.ours.value  # type: ignore[operator]
    of_champion = three.models.review("late@champion")
    assert (of_champion.champion, of_champion.same_rows) == (None, False)


def test_r54_a_version_as_of_an_instant_is_as_it_was_reviewed_then(three: Works) -> None:
    """Everything that changes about a version changes after `then`; the page of `then` is, but for the verbs, what it was."""
    models, ref = three.models, "late@4"
    models.check(ref)
    with as_("rita"):
        models.card_note("late", "Limitations", "only in summer")
        was, card, then = models.review(ref), models.card(ref), three.clock.now()
        three.later(days=1)
        models.check(ref)
        models.approve(ref, "fine")
        models.card_note("late", "Limitations", "in winter, too")
    three.evaluation(Ref("baseline", "late"), quality=0.1)
    three.evaluation(Ref("model", "late", "2"), quality=0.5)
    models.promote(ref)
    three.later(days=1)
    models.require("late", [], 2, "looser, by more people")
    past = models.review(ref, at=then)
    assert replace(past, may=[]) == replace(was, may=[])
    assert {(permit.allowed, permit.hint) for permit in past.may} == {(False, "go back to the present")}
    assert {permit.verb for permit in past.may} == {permit.verb for permit in was.may}
    assert models.card(ref, at=then) == card
    assert "only in summer" in card
    assert models.review("late@champion", at=then).version.ref == Ref("model", "late", "2")
    now = models.review(ref)
    assert (now.version.state, now.model.approvals, now.champion) == ("registered", 2, None)
    assert "in winter, too" in models.card(ref)


def test_a_version_was_not_there_before_it_was_registered(three: Works) -> None:
    with pytest.raises(NotFound, match="there was no version 4 of late at 2013-01-01") as absent:
        three.models.review("late@4", at=START + timedelta(hours=1))
    assert absent.value.hint == "the latest then was 1"
    with pytest.raises(NotFound, match="there was no model late"):
        three.models.card("late@1", at=START - timedelta(days=1))
    with pytest.raises(NotFound, match="no alias of late"):
        three.models.review("late@rival", at=START)


def test_what_can_be_taken_back_is_what_rollback_takes(three: Works) -> None:
    with as_("dan"):
        assert may(three.models.review("late@2"))["rollback"].allowed
        assert may(three.models.review("late@3"))["rollback"].reason == "no alias names model:late@3"
        three.models.rollback("late@2", "worse than the first")
        stuck = may(three.models.review("late@1"))["rollback"]
        assert not stuck.allowed
        with pytest.raises(Conflict) as refused:
            three.models.rollback("late@1", "no")
        assert stuck.reason == refused.value.message


def test_a_champion_on_other_rows_is_shown_but_does_not_compare(works: Works) -> None:
    works.models.create("late")
    works.approved()
    works.models.promote("late@1")
    with as_("ana"):
        run = works.runs.start("flights", "other rows").ref
        other = works.evaluation(run, data="rows-2")
        from_other = works.models.register(
            "late", works.artifact(2.0), "linear", works.models.get("late@1").signature, run=run, evaluation=other.id
        )
    review = works.models.review(str(from_other.ref))
    assert not review.same_rows
    assert review.champion_evaluation is not None
    assert review.champion_evaluation.data == "rows-1"


def test_what_the_caller_may_is_what_the_verbs_allow(three: Works) -> None:
    """Every permit is held against its verb: who may, does; who may not, is refused with the very words."""
    models = three.models
    with as_("rita"):
        assert may(models.review("late@4"))["approve"].reason == "model:late@4 was never checked"
        with pytest.raises(Conflict, match="model:late@4 was never checked"):
            models.approve("late@4", "fine")
    with as_("ana"):
        own = may(models.review("late@4"))
        assert (own["check"].allowed, own["approve"].reason) == (True, "you lack the permission model:approve")
        models.check("late@4")
    with as_("rita"):
        now = may(models.review("late@4"))
        assert (now["approve"].allowed, now["approve"].reason, now["reject"].allowed) == (True, "", True)
        assert now["promote"].reason == "you lack the permission model:promote"
        models.approve("late@4", "fine")
        assert may(models.review("late@4"))["approve"].reason == "you have approved model:late@4 already"
    with as_("dan"):
        assert may(models.review("late@3"))["promote"].allowed
        assert may(models.review("late@4"))["promote"].allowed
        models.promote("late@4")
        assert may(models.review("late@4"))["promote"].reason == "model:late@4 is champion already"
    with as_("rita"):
        named = may(models.review("late@4"))["reject"]
        assert (named.allowed, named.reason) == (False, "model:late@4 is champion")
        with pytest.raises(Conflict, match="model:late@4 is champion"):
            models.reject("late@4", "no")


def raised(verb: object, *given: str) -> str:
    try:
        verb(*given)  # type: ignore[operator]
    except OstinatoError as error:
        return error.message
    return ""


def test_the_author_the_failed_gate_and_the_rejected_one(works: Works) -> None:
    works.models.create("late", gates=[GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.99})])
    works.version(author="admin")
    works.models.check("late@1")
    own = may(works.models.review("late@1"))["approve"]
    assert own.reason == raised(works.models.approve, "late@1", "fine") == "person:admin registered model:late@1 and cannot approve it"
    with as_("rita"):
        review = works.models.review("late@1")
        assert may(review)["approve"].reason == review.problem == raised(works.models.approve, "late@1", "fine")
        assert "fails metric_floor" in review.problem
        assert may(review)["promote"].allowed is False
        works.models.reject("late@1", "not good enough")
        after = may(works.models.review("late@1"))
        assert after["reject"].reason == "model:late@1 is rejected already"
        assert "was rejected by person:rita" in after["approve"].reason
        with pytest.raises((Denied, Conflict, GateFailed)):
            works.models.approve("late@1", "fine after all")
