"""Emergency: glass is broken by a person, alerted, reviewed by another, and when nobody does, that is said."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from tests.registry.conftest import Works, as_

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Denied
from ostinato.registry.flavors.linear import Linear, Logistic
from ostinato.registry.overview import may_review
from ostinato.registry.types import Signature


def broken(works: Works) -> str:
    works.models.create("late")
    works.version()
    with as_("ben"):
        return works.models.break_glass("late@1", "the champion answers NaN and nobody is awake").id


def test_glass_is_broken_by_a_person_and_reviewed_by_another(works: Works) -> None:
    id = broken(works)
    with as_("ben"):
        assert works.models.break_glass("late@1", "again").id == id
        with pytest.raises(Denied, match="cannot review what person:ben did"):
            works.models.review_emergency(id, "justified", "I was right")
    with as_("service:robot"), pytest.raises(Denied, match="not a person"):
        works.models.break_glass("late@1", "computed")
    found = works.models.get("late@champion")
    assert (found.version, found.state) == (1, "emergency")
    state = works.models.at("late")
    assert state is not None
    assert (state.how, state.approved_by, state.promoted_by) == ("broke_glass", [], "person:ben")
    with as_("rita"):
        done = works.models.review_emergency(id, "justified", "NaN it was")
        assert works.models.review_emergency(id, "justified", "again") == done
        with pytest.raises(Conflict, match="person:rita found it justified"):
            works.models.review_emergency(id, "unjustified", "on second thought")
    assert (done.reviewed_by, works.models.emergencies(open=True)) == ("person:rita", [])
    assert works.models.get("late@1").state == "emergency"
    assert [e.verb for e in works.models.history("late")][-3:] == ["model.broke_glass", "model.glass_broken", "model.emergency_reviewed"]


def test_only_who_may_approve_the_version_reviews_it(works: Works) -> None:
    works.models.declare_tier("low", 1, "the board", approvers=["person:ana", "person:ben", "person:zoe"])
    id = broken(works)
    made = works.models.emergencies()[0]
    for name, why in (("ana", "person:ana registered"), ("rita", "not among"), ("service:robot", "not a person")):
        with as_(name), pytest.raises(Denied, match=why):
            works.models.review_emergency(id, "justified", "all is well")
    asked = {"person:ana": False, "person:ben": False, "person:rita": False, "person:zoe": True}
    for actor, may in asked.items():
        assert works.models._rows.read(partial(may_review, made=made, actor=actor, now=works.clock.now())) is may
    with as_("zoe"):
        assert works.models.review_emergency(id, "justified", "NaN it was").reviewed_by == "person:zoe"


def test_what_was_not_justified_counts_no_more(works: Works) -> None:
    id = broken(works)
    then = works.later(hours=1)
    works.later(hours=1)
    with as_("rita"):
        works.models.review_emergency(id, "unjustified", "a rollback would have done")
    assert works.models.get("late@1").state == "registered"
    assert works.models.resolve("late@champion").version == "1", "what serves goes on"
    assert works.models.review("late@1", at=then).version.state == "emergency"


def test_what_is_approved_rejected_or_retired_needs_no_glass_broken(works: Works) -> None:
    works.models.create("late")
    works.approved()
    works.version(weight=2.0)
    works.models.reject("late@2", "no")
    with as_("ben"):
        with pytest.raises(Conflict, match="approved") as refused:
            works.models.break_glass("late@1", "hurry")
        assert "models.promote" in (refused.value.hint or "")
        with pytest.raises(Conflict, match="rejected by"):
            works.models.break_glass("late@2", "hurry")


def test_broken_glass_counts_for_a_time_justified_or_not(works: Works) -> None:
    works.models.declare_tier("low", 1, "the board", glass_hours=48)
    id = broken(works)
    made = works.models.emergencies()[0]
    assert made.ends_at == works.clock.now() + timedelta(hours=48)
    with as_("rita"):
        works.models.review_emergency(id, "justified", "NaN it was")
    works.models.declare_tier("low", 1, "longer from now on", glass_hours=96)
    at_noon = works.later(hours=47)
    assert works.models.get("late@champion").state == "emergency"
    works.later(hours=1)
    found = works.models.get("late@champion")
    assert (found.version, found.state) == (1, "expired")
    assert works.models.review("late@1", at=at_noon).version.state == "emergency"
    with pytest.raises(Conflict, match="the glass broken by person:ben expired on 2013-01-03"):
        works.models.promote("late@1", "spare")
    with as_("ben"):
        again = works.models.break_glass("late@1", "still NaN")
    assert (again.id != id, works.models.get("late@1").state) == (True, "emergency")


def test_a_real_approval_or_a_way_back_ends_it(works: Works) -> None:
    works.models.create("late")
    works.approved()
    works.models.promote("late@1")
    works.version(weight=2.0)
    with as_("ben"):
        works.models.break_glass("late@2", "the champion answers NaN")
    works.later(hours=1)
    works.models.rollback("late@2", "it is worse")
    assert works.models.get("late@2").state == "registered", "nobody may deploy it any more"
    with pytest.raises(Conflict, match="champion names model:late@1 now, and the glass that person:ben broke counts no more"):
        works.models.promote("late@2")
    with as_("ben"):
        works.models.break_glass("late@2", "once more")
    works.models.check("late@2")
    with as_("rita"):
        works.models.approve("late@2", "it is fine after all")
    works.later(days=30)
    works.models.escalate()
    assert works.models.get("late@champion").state == "approved"
    assert "model.glass_expired" not in [event.verb for event in works.models.history("late")]


def test_when_its_time_is_over_that_is_alerted_once_and_said_at_the_door_of_endpoints(app: Ostinato, clock: ReplayClock) -> None:
    app.models.create("late")
    app.models.register("late", app.models.upload(Linear().dump(Logistic(intercept=1.0, terms=[]))), "linear", Signature(inputs=[]))
    made = app.models.break_glass("late@1", "production is down")
    clock.set(made.ends_at)
    for _ in range(2):
        app.tick()
    texts = [alert.text for alert in app.monitors.alerts() if "is still champion without approval" in alert.text]
    assert len(texts) == 1, "once"
    assert texts[0].endswith("counted until 2013-01-08 00:00 UTC. Approve it, or roll it back.")
    assert [event.data["emergency"] for event in app.ledger.events(verb="model.glass_expired").items] == [made.id]
    assert app.models.resolve("late@champion").version == "1", "what serves goes on"
    with pytest.raises(Conflict, match="the glass broken by person:admin expired"):
        app.endpoints.deploy("late", "late@1")


def test_it_is_alerted_at_once_stands_in_inboxes_and_is_escalated_when_nobody_looks(app: Ostinato, clock: ReplayClock) -> None:
    rita = app.access.create_person("rita", ["reviewer"]).id
    app.models.create("late")
    app.models.register("late", app.models.upload(Linear().dump(Logistic(intercept=1.0, terms=[]))), "linear", Signature(inputs=[]))
    made = app.models.break_glass("late@1", "production is down")
    app.tick()
    assert [a.severity for a in app.monitors.alerts()] == ["critical"]
    assert "broke the glass: late@1 is champion without approval" in app.monitors.alerts()[0].text
    with app.acting_as(rita):
        item = next(i for i in app.insights.inbox().items if i.kind == "emergency")
    assert "to be reviewed by 2013-01-02" in item.detail
    assert not [i for i in app.insights.inbox().items if i.kind == "emergency"], "not to whoever broke it"
    clock.set(made.due_at)
    for _ in range(2):
        app.tick()
    told = app.ledger.events(verb="model.review_overdue").items
    assert [e.data["emergency"] for e in told] == [made.id]
    assert len(app.monitors.alerts()) == 2
    with app.acting_as(rita):
        assert "overdue" in next(i for i in app.insights.inbox().items if i.kind == "emergency").detail
        app.models.review_emergency(made.id, "justified", "it was")
        assert not [i for i in app.insights.inbox().items if i.kind == "emergency"]


def test_breaking_glass_is_a_permission_of_its_own(app: Ostinato) -> None:
    roles = {role.name: "model:break-glass" in role.permissions for role in app.access.roles()}
    assert {name for name, has in roles.items() if has} == {"project_admin", "admin"}
