"""Aliases: only what is approved, the way back, and who was it on 3 May."""

from __future__ import annotations

import pytest
from tests.registry.conftest import Works, as_

from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref


@pytest.fixture
def three(works: Works) -> Works:
    """Three versions, promoted in turn, a day apart."""
    works.models.create("late")
    for number in (1, 2, 3):
        works.approved(weight=float(number))
        works.later(days=1)
        with as_("dan"):
            works.models.promote(f"late@{number}", reason=f"month {number}")
    return works


def test_r54_what_was_in_production_when_and_who_approved(three: Works) -> None:
    models, start = three.models, three.clock.now()
    first = models.moves("late")[0]
    assert (first.version, first.promoted_by, first.approved_by, first.reason) == (1, "person:dan", ["person:rita"], "month 1")
    assert first.evidence is not None
    assert first.evidence.id == first.approvals[0].check
    three.later(days=5)
    models.require("late", [], 2, "stricter from now on")
    models.rollback("late@3", "too many false alarms")
    assert models.at("late") == models.moves("late")[-1]
    assert models.at("late", at=start) == models.moves("late")[2]
    assert models.at("late", at=first.since) == first
    before = models.at("late", at=first.since.replace(year=2012))
    assert before is None
    assert models.resolve("late@champion") == Ref("model", "late", "2")
    verbs = [e.verb for e in models.history("late")]
    assert verbs[-1] == "model.rolled_back"
    assert verbs.count("model.promoted") == 3


def test_promotion_needs_approval_and_a_repeat_changes_nothing(three: Works) -> None:
    three.version(weight=9.0)
    with pytest.raises(Conflict, match="registered, not approved") as refused:
        three.models.promote("late@4")
    assert "0 of 1" in refused.value.hint
    state = three.models.promote("late@3", reason="again")
    assert state.reason == "month 3"
    assert len(three.models.moves("late")) == 3
    with pytest.raises(Invalid, match="not an alias"):
        three.models.promote("late@3", alias="7")
    with pytest.raises(NotFound, match="'chalenger'"):
        three.models.get("late@chalenger")
    three.models.promote("late@1", alias="challenger")
    assert three.models.model("late").aliases == {"champion": 3, "challenger": 1}


def test_r50_a_rollback_goes_back_step_by_step_and_its_repeat_does_not(three: Works) -> None:
    models = three.models
    back = models.rollback("late@3", "wrong")
    assert (back.version, back.how) == (2, "rolled_back")
    assert models.rollback("late@3", "wrong") == back
    assert models.rollback("late@2", "also wrong").version == 1
    with pytest.raises(Conflict, match="no earlier version"):
        models.rollback("late@1", "all wrong")
    with pytest.raises(Conflict, match="names model:late@1, not model:late@3"):
        models.rollback("late@3", "late to the party")
    models.promote("late@3")
    assert models.rollback("late@3", "no").version == 1


def test_a_rollback_passes_over_what_was_rejected_since(three: Works) -> None:
    three.models.reject("late@2", "leaked the label")
    assert three.models.rollback("late@3", "wrong").version == 1


def test_promoting_an_old_version_anew_and_rolling_that_back(three: Works) -> None:
    three.models.promote("late@1")
    assert three.models.rollback("late@1", "no").version == 3
    assert three.models.rollback("late@3", "no").version == 2
