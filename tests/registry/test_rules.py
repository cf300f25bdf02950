"""Rules: what a risk asks, how long an approval holds, and that any change of what was approved voids it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.registry.conftest import Works, as_

from ostinato.access.service import Access
from ostinato.kernel.errors import Conflict, Denied, Invalid, OstinatoError
from ostinato.registry.lifecycle import STAGES, TRANSITIONS
from ostinato.registry.types import GateSpec, State

FLOOR = GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.6})


def approve(works: Works, *people: str, version: int = 1) -> State:
    works.models.check(f"late@{version}")
    for name in people:
        with as_(name):
            works.models.approve(f"late@{version}", "looks right")
    return works.models.get(f"late@{version}").state


def test_r53_a_risk_asks_for_so_many_of_certain_people(works: Works) -> None:
    works.models.create("late", risk="high", approvals=1)
    assert works.models.model("late").approvals == 2, "a model may ask for more than its tier, never for less"
    works.models.declare_tier("high", 3, "the board said so", ["person:rita", "person:ben", "person:zoe", "person:ana"])
    works.models.declare_tier("low", 1, "no matter", valid_days=5)
    assert [t.approvals for t in works.models.tiers()] == [1, 1, 3]
    works.version()
    assert approve(works, "rita", "ben") == "registered"
    with as_("kim"), pytest.raises(Denied, match="not among those who approve models of high risk"):
        works.models.approve("late@1", "me too")
    assert approve(works, "zoe") == "approved"
    with pytest.raises(Invalid, match="4 of 2 people"):
        works.models.declare_tier("high", 4, "typo", ["person:rita", "person:ben"])


def test_approvers_may_be_a_role(works: Works) -> None:
    access = Access(rows=works.models._rows, clock=works.clock, record=works.ledger.append)
    access.create_project("default")
    access.create_person("rita", ["reviewer"])
    access.create_person("ben", ["deployer"])
    works.models.create("late")
    works.models.declare_tier("low", 1, "reviewers only", ["reviewer"])
    works.version()
    works.models.check("late@1")
    with as_("ben"), pytest.raises(Denied, match="not among"):
        works.models.approve("late@1", "ok")
    assert approve(works, "rita") == "approved"


def test_an_approval_expires_blocks_promotion_says_so_and_what_serves_goes_on(works: Works) -> None:
    works.models.create("late")
    works.models.declare_tier("low", 1, "quarterly", valid_days=90)
    works.version()
    approve(works, "rita")
    works.models.promote("late@1")
    works.later(days=90)
    assert works.models.get("late@champion").state == "expired"
    assert works.models.resolve("late@champion").version == "1"
    with pytest.raises(Conflict, match="expired on 2013-04-01"):
        works.models.promote("late@1", "challenger")
    assert approve(works, "rita") == "approved", "the same person may say so again"
    works.models.promote("late@1", "challenger")
    assert works.models.story("late").versions[0].state == "approved"


def test_a_new_evaluation_of_its_run_voids_what_was_approved(works: Works) -> None:
    works.models.create("late", gates=[FLOOR])
    first = works.version()
    before = works.clock.now()
    approve(works, "rita")
    works.later(days=1)
    assert first.run is not None
    works.evaluation(works.models.get("late@1").ref, 0.1)
    assert works.models.get("late@1").state == "approved", "what is measured of the version itself stands beside"
    worse = works.evaluation(first.run, quality=0.05, data="rows-2")
    now = works.models.get("late@1")
    assert (now.state, now.evaluation) == ("registered", worse.id)
    with pytest.raises(Conflict, match="evaluation have changed since person:rita approved"):
        works.models.promote("late@1")
    assert not works.models.check("late@1").passed, "the gates look at the new one"
    then = works.models.review("late@1", at=before).version
    assert (then.evaluation, then.state) == (first.evaluation, "approved")
    assert "model.reevaluated" in [e.verb for e in works.models.history("late")]


def test_gates_tier_or_policy_declared_anew_void_what_was_approved(works: Works) -> None:
    works.models.create("late", gates=[FLOOR])
    works.version()
    assert approve(works, "rita") == "approved"
    works.models.require("late", [], 1, "no gate")
    assert works.models.get("late@1").state == "registered"
    assert approve(works, "rita") == "approved"
    works.models.declare_tier("low", 1, "for a week", valid_days=7)
    assert works.models.get("late@1").state == "registered"

    with as_("rita"):
        works.models.declare_policy("late", ["person:ana"], "she is careful")
    works.models.approve_by_policy("late@1")
    assert works.models.get("late@1").state == "approved"
    works.later(hours=1)
    with as_("rita"):
        works.models.declare_policy("late", ["person:ana"], "she still is")
    assert works.models.get("late@1").state == "approved", "who says the same again takes nothing back"
    with as_("rita"):
        works.models.declare_policy("late", ["service:trainer"], "only the robot")
    gone = works.models.get("late@1")
    assert (gone.state, gone.decisions[-1].voided_because) == ("registered", "policy 3 was declared")
    with pytest.raises(Conflict, match="policy 3 was declared"):
        works.models.promote("late@1")


def test_tiers_are_told_as_of_then_and_repeats_change_nothing(works: Works) -> None:
    works.models.create("late")
    then = works.later(hours=1)
    works.later(hours=1)
    for _ in range(2):
        works.models.declare_tier("low", 2, "two heads")
    assert works.models.model("late").approvals == 2
    assert works.models.story("late", at=then).model.approvals == 1
    assert len(works.ledger.events(verb="model.tier_declared").items) == 1


def test_the_verbs_obey_the_table_of_states(works: Works) -> None:
    """Every state against every way that a person goes."""
    works.models.create("late")
    works.models.declare_tier("low", 1, "for a day", valid_days=1)
    names: dict[State, int] = {}
    for weight, state in enumerate(("expired", "registered", "approved", "emergency", "rejected", "retired"), 1):
        names[state] = works.version(weight=float(weight)).version  # type: ignore[index]
    approve(works, "rita", version=names["expired"])
    works.later(days=2)
    approve(works, "rita", version=names["approved"])
    with as_("ben"):
        works.models.break_glass(f"late@{names['emergency']}", "all else is down", alias="spare")
        works.models.reject(f"late@{names['rejected']}", "no")
        works.models.retire(f"late@{names['retired']}", "old")
    assert {state: works.models.get(f"late@{number}").state for state, number in names.items()} == {s: s for s in names}
    assert set(names) == {stage.state for stage in STAGES}
    acts = {
        "approve": lambda ref: works.models.approve(ref, "fine"),
        "promote": lambda ref: works.models.promote(ref, "other"),
        "break_glass": lambda ref: works.models.break_glass(ref, "fire", "other"),
        "reject": lambda ref: works.models.reject(ref, "no"),
        "retire": lambda ref: works.models.retire(ref, "old"),
    }
    for way in TRANSITIONS:
        for state, number in names.items():
            if way.by not in acts or (way.by, state) in (("reject", "rejected"), ("retire", "retired")):
                continue
            again = works.version(weight=100.0 + len(way.by) + number)  # so that no act spoils the next
            works.models.check(f"late@{number}")
            if state in way.of:
                continue  # that it may is shown by the other tests
            with as_("kim"), pytest.raises(OstinatoError):
                acts[way.by](f"late@{number}")
            assert works.models.get(f"late@{number}").state == state
            assert again.state == "registered"


def test_the_docs_show_the_table_of_states() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "registry.md").read_text()
    for stage in STAGES:
        assert f"| `{stage.state}` | {stage.means} | {'yes' if stage.serves else 'no'} |" in docs
    for way in TRANSITIONS:
        needs = f"`{way.needs}`" if way.needs else ""
        assert f"| `{way.by}` | {', '.join(way.of)} | {', '.join(way.to)} | {needs} |" in docs


def test_the_review_says_what_has_changed_since_the_approval(works: Works) -> None:
    works.models.create("late")
    run = works.version().run
    assert run is not None
    approve(works, "rita")
    assert works.models.review("late@1").lapse == ""
    with as_("kim"):
        works.models.require("late", [FLOOR], 1, "after the outage")
    said = "person:kim declared its gates and approvals anew on 2013-01-01 (after the outage), and what person:rita approved before is void"
    assert works.models.review("late@1").lapse == said
    approve(works, "rita")
    works.models.declare_tier("low", 1, "quarterly", valid_days=90)
    assert works.models.review("late@1").lapse.startswith("person:ana declared anew what its risk asks on 2013-01-01 (quarterly)")
    approve(works, "rita")
    works.evaluation(run, quality=0.9)
    assert "evaluated its run anew" in works.models.review("late@1").lapse
    approve(works, "rita")
    works.later(days=90)
    assert works.models.review("late@1").lapse == "the approval by person:rita expired on 2013-04-01"
