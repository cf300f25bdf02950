"""Four eyes: nobody approves their own, approvals hold for what they were given for, policies stand in for persons."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.registry.conftest import Works, as_

import ostinato as ost
from ostinato.access.service import Access
from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, Denied, GateFailed, Invalid
from ostinato.registry.flavors.linear import Linear, Logistic
from ostinato.registry.types import GateSpec

FLOOR = GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.8})
HIGH = GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.999})


def test_r53_the_author_cannot_approve_a_second_person_can(works: Works) -> None:
    works.models.create("late", gates=[FLOOR])
    works.version()
    works.models.check("late@1")
    with pytest.raises(Denied, match="person:ana registered"):
        works.models.approve("late@1", "trust me")
    with as_("service:robot"), pytest.raises(Denied, match="not a person"):
        works.models.approve("late@1", "computed")
    with as_("rita"):
        with pytest.raises(Invalid, match="reason"):
            works.models.approve("late@1", "  ")
        done = works.models.approve("late@1", "AUC is fine")
        assert works.models.approve("late@1", "again") == done
    assert done.state == "approved"
    assert [(d.by, d.reason) for d in done.decisions] == [("person:rita", "AUC is fine")]
    assert [e.verb for e in works.ledger.history(done.ref)].count("model.approved") == 1


@ost.pipeline
def train(weight: float) -> str:
    """Registers a version from inside an execution."""
    models = ost.current().app.models
    digest = models.upload(Linear().dump(Logistic(intercept=weight, terms=[])))
    return str(models.register("late", digest, "linear", ost.Signature(inputs=[])).ref)


def test_the_author_inside_an_execution_is_who_started_it(app: Ostinato) -> None:
    with as_("ana"):
        app.models.create("late")
        app.pipelines.attach(app)
        app.pipelines.run(train, weight=1.0)
        app.models.check("late@1")
        with pytest.raises(Denied, match="person:ana registered"):
            app.models.approve("late@1", "my pipeline did it, not me")


def test_nothing_is_approved_without_its_evidence(works: Works) -> None:
    works.models.create("late", gates=[FLOOR, HIGH])
    works.version()
    with as_("rita"):
        with pytest.raises(Conflict, match="never checked"):
            works.models.approve("late@1", "blind")
        check = works.models.check("late@1")
        assert [r.passed for r in check.results] == [True, False]
        with pytest.raises(GateFailed, match="auc is") as refused:
            works.models.approve("late@1", "still")
    assert refused.value.evidence["results"][1]["threshold"] == 0.999
    assert works.models.get("late@1").state == "registered"


def test_a_check_is_void_when_gates_champion_or_the_week_have_changed(works: Works) -> None:
    works.models.create("late", gates=[FLOOR])
    works.version()
    works.models.check("late@1")
    works.models.require("late", [], 1, "no gate")
    with as_("rita"):
        with pytest.raises(Conflict, match="other gates"):
            works.models.approve("late@1", "ok")
        works.models.check("late@1")
        works.later(days=8)
        with pytest.raises(Conflict, match="older than 7 days"):
            works.models.approve("late@1", "ok")
        works.models.check("late@1")
        works.approved(weight=3.0)
        works.models.promote("late@2")
        with pytest.raises(Conflict, match="champion has changed"):
            works.models.approve("late@1", "ok")
        works.models.check("late@1")
        assert works.models.approve("late@1", "ok").state == "approved"


def test_changed_gates_void_approvals_until_someone_looks_again(works: Works) -> None:
    works.models.create("late", gates=[FLOOR])
    works.approved()
    works.models.require("late", [FLOOR, GateSpec(gate="calibration", parameters={"max_ece": 0.5})], 1, "also calibrated")
    assert works.models.get("late@1").state == "registered"
    with pytest.raises(Conflict, match="not approved"):
        works.models.promote("late@1")
    with as_("rita"):
        works.models.check("late@1")
        assert works.models.approve("late@1", "still fine").state == "approved"
    works.models.promote("late@1")


def test_two_of_two_must_be_two_people(works: Works) -> None:
    works.models.create("late", risk="high")
    works.version()
    works.models.check("late@1")
    with as_("rita"):
        works.models.declare_policy("late", ["person:ana"], "ana's retrainings")
        assert works.models.approve_by_policy("late@1").state == "registered"
        assert works.models.approve("late@1", "and me").state == "registered", "the declarer of the policy is one person"
    with as_("bob"):
        assert works.models.approve("late@1", "second").state == "approved"


def test_a_policy_approves_for_the_person_who_declared_it(works: Works) -> None:
    works.models.create("late", gates=[FLOOR])
    works.version(author="service:trainer")
    with as_("service:trainer"):
        with pytest.raises(Denied, match="none is declared"):
            works.models.approve_by_policy("late@1")
        with pytest.raises(Denied):
            works.models.declare_policy("late", ["service:other"], "robots for robots")
    with as_("rita"):
        with pytest.raises(Denied, match="in advance"):
            works.models.declare_policy("late", ["person:rita"], "me")
        policy = works.models.declare_policy("late", ["service:trainer"], "nightly retraining", days=90)
        assert works.models.declare_policy("late", ["service:trainer"], "nightly retraining", days=90) == policy
    with as_("service:trainer"):
        done = works.models.approve_by_policy("late@1")
        assert works.models.approve_by_policy("late@1") == done
    assert done.state == "approved"
    decision = done.decisions[0]
    assert (decision.by, decision.responsible, decision.reason) == ("policy:late@1", "person:rita", "nightly retraining")
    assert works.ledger.history(done.ref)[-1].actor == "service:trainer"


@pytest.mark.parametrize("how", ["disabled", "revoked"])
def test_a_policy_ends_with_the_rights_of_who_declared_it(works: Works, tmp_path: Path, how: str) -> None:
    access = Access(rows=works.models._rows, clock=works.clock, record=works.ledger.append)
    access.bootstrap(tmp_path)
    access.create_person("rita", ["reviewer"])
    works.models.create("late")
    works.version(author="service:trainer")
    works.version(author="service:trainer", weight=2.0)
    with as_("rita"):
        works.models.declare_policy("late", ["service:trainer"], "nightly retraining")
    assert works.models.approve_by_policy("late@1").state == "approved"
    if how == "disabled":
        access.disable("person:rita")
    else:
        access.revoke("person:rita", "reviewer")
    with pytest.raises(Denied, match="person:rita may not model:approve"):
        works.models.approve_by_policy("late@2")
    assert works.models.get("late@2").state == "registered"
    with as_("bob"):
        works.models.declare_policy("late", ["service:trainer"], "nightly retraining")
    assert works.models.approve_by_policy("late@2").state == "approved", "somebody who may has set it anew"


def test_a_policy_covers_its_authors_its_gates_its_time_and_no_failure(works: Works) -> None:
    works.models.create("late", gates=[FLOOR])
    works.version(author="service:trainer", quality=0.1)
    works.version(author="ana", weight=2.0)
    with as_("rita"):
        works.models.declare_policy("late", ["service:trainer"], "nightly", days=30)
    with pytest.raises(GateFailed, match="auc"):
        works.models.approve_by_policy("late@1")
    with pytest.raises(Denied, match="does not name person:ana"):
        works.models.approve_by_policy("late@2")
    works.version(author="service:trainer", weight=3.0)
    works.later(days=31)
    with pytest.raises(Denied, match="expired"):
        works.models.approve_by_policy("late@3")
    works.models.require("late", [], 1, "fewer gates")
    with pytest.raises(Denied, match="other gates"):
        works.models.approve_by_policy("late@3")


def test_rejected_is_for_good_and_what_serves_cannot_be_retired(works: Works) -> None:
    works.models.create("late")
    works.version()
    rejected = works.models.reject("late@1", "leaks the arrival time")
    assert works.models.reject("late@1", "again") == rejected
    works.models.check("late@1")
    with as_("rita"), pytest.raises(Conflict, match="leaks the arrival time"):
        works.models.approve("late@1", "I like it")
    works.approved(weight=2.0)
    works.models.promote("late@2")
    with pytest.raises(Conflict, match="champion"):
        works.models.retire("late@2", "old")
