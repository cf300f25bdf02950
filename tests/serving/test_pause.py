"""A rollout that waits: weights stay, evidence is counted, nothing is decided, whoever looks and whatever dies meanwhile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.serving.conftest import Shop, ask, model
from tests.serving.test_endpoints import serve_days

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.ref import Ref
from ostinato.serving.analysis import e_above
from ostinato.serving.decide import Decision
from ostinato.serving.types import RolloutPlan


@pytest.fixture
def rolling(shop: Shop) -> Shop:
    """`late@2`, which is wrong, on its way to replace `late@1`."""
    shop.version(model(1.0))
    shop.version(model(-1.0))
    shop.models.promote("late@1")
    shop.endpoints.deploy("late", "late@1")
    shop.endpoints.rollout("late", "late@2", RolloutPlan(weights=[0.5]))
    return shop


def verbs(shop: Shop) -> list[str]:
    return [e.verb for e in shop.ledger.history(Ref("endpoint", "late")) if e.verb.startswith("rollout.")]


def test_a_paused_rollout_counts_and_decides_nothing_until_it_goes_on(rolling: Shop) -> None:
    endpoints = rolling.endpoints
    held = endpoints.pause("late", "a load test is running")
    assert (held.state, held.pauses[0].by, held.pauses[0].reason, held.pauses[0].scored) == (
        "paused", "person:ana", "a load test is running", 0,
    )  # fmt: skip
    assert endpoints.pause("late", "a load test is running") == held
    found = serve_days(rolling, rolling.client(), days=1, per_day=140)
    assert found is not None
    assert found.evidence is not None
    assert (found.state, found.evidence.scored, found.evidence.pairs) == ("paused", 140, 140)
    assert found.evidence.e_value >= 100
    assert found.looks[-1].scored == 140
    endpoint = endpoints.get("late")
    assert (endpoint.paused, [share.weight for share in endpoint.shares]) == (True, [0.5, 0.5])
    frame = endpoints.frame("late")
    assert set(frame["version"].to_pylist()) == {1, 2}  # both still answer
    told = endpoints.rollout_story("late", held.id)
    assert "a load test is running. What was seen takes it back as soon as it goes on." in told.sentence
    assert endpoints.production("late").rollout == held.id
    went_on = endpoints.resume("late", "it is over")
    assert (went_on.state, went_on.pauses[0].until_scored, went_on.pauses[0].ended_by) == ("rolled_back", 140, "person:ana")
    assert went_on.pauses[0].note == "it is over"
    assert endpoints.resume("late", "it is over") == went_on  # the same again, by who was told nothing
    assert verbs(rolling) == ["rollout.started", "rollout.paused", "rollout.resumed", "rollout.rolled_back"]
    assert not endpoints.get("late").paused


def test_a_pause_outlives_its_server_and_the_next_one_goes_on_from_it(rolling: Shop) -> None:
    serve_days(rolling, rolling.client(), days=1, per_day=20)
    rolling.endpoints.pause("late", "who is on call?")
    ask(rolling.client(), "after", distance=1.0)
    again = Shop(rolling.home, rolling.clock, rolling.place)  # what the rows know is all that is left
    try:
        for _ in range(3):
            again.endpoints.tick()
        assert again.endpoints.get("late").paused
        assert again.endpoints.rollouts("late").items[0].state == "paused"
        assert again.endpoints.resume("late").state == "running"
        assert verbs(again)[-2:] == ["rollout.paused", "rollout.resumed"]
    finally:
        again.close()


def test_what_was_decided_just_before_a_pause_is_not_done_in_it(rolling: Shop) -> None:
    running = rolling.endpoints.rollouts("late").items[0]
    rolling.endpoints.pause("late", "wait")
    for decision in (Decision("proven", "promoted"), Decision("harm", "rolled_back"), Decision("on", weight=0.9)):
        kept = rolling.rows.write(lambda tx, d=decision: rolling.endpoints._apply(tx, running.id, d, None))
        assert (kept.state, [step.weight for step in kept.steps]) == ("paused", [0.5])
    assert rolling.models.resolve("late@champion") == Ref("model", "late", "1")
    assert verbs(rolling) == ["rollout.started", "rollout.paused"]


def test_whoever_looked_longer_ago_takes_nothing_back(rolling: Shop) -> None:
    endpoints, rows = rolling.endpoints, rolling.rows
    running = serve_days(rolling, rolling.client(), days=1, per_day=20)
    assert running is not None
    assert running.evidence is not None
    rows.write(lambda tx: endpoints._apply(tx, running.id, Decision("on", weight=0.9), running.evidence))
    older = replace(running.evidence, scored=3, pairs=3)
    kept = rows.write(lambda tx: endpoints._apply(tx, running.id, Decision("on", weight=0.7), older))
    assert ([step.weight for step in kept.steps], kept.evidence) == ([0.5, 0.9], running.evidence)


def test_back_twice_for_one_reason_is_one_step_back_and_a_deployment_for_it_is_none(rolling: Shop) -> None:
    endpoints = rolling.endpoints
    endpoints.rollback("late", "incident 42")  # ends the rollout
    assert str(endpoints.rollback("late", "incident 42").version) == "model:late@1"
    endpoints.deploy("late", "late@2", "incident 43")
    assert str(endpoints.rollback("late", "incident 43").version) == "model:late@1"


def test_who_may_not_what_is_refused_and_how_a_pause_ends(rolling: Shop) -> None:
    endpoints = rolling.endpoints
    with pytest.raises(Invalid, match="needs a reason"):
        endpoints.pause("late", " ")
    with pytest.raises(Conflict, match="is paused"):
        endpoints.resume("late")
    endpoints.pause("late", "lunch")
    with calling(Caller(actor="person:rita")), pytest.raises(Conflict, match="person:ana has paused it: lunch"):
        endpoints.pause("late", "dinner")
    with pytest.raises(Conflict, match="running"):
        endpoints.deploy("late", "late@2")
    ended = endpoints.abort("late", "not today")
    assert (ended.state, ended.pauses[0].ended_by, ended.pauses[0].note) == ("aborted", "person:ana", "not today")
    with pytest.raises(Conflict, match="no rollout of late is running"):
        endpoints.pause("late", "lunch")


def test_whoever_pauses_by_what_the_evidence_says_gets_no_more_false_rollbacks() -> None:
    """A person who looks away when it gets dangerous: the e-value may be looked at, or not, at any time."""
    rng, alpha, runs, rolled_back = np.random.default_rng(11), 0.05, 400, 0
    for _ in range(runs):
        path, paused = e_above(rng.choice([-0.3, 0.34], size=600), 0.02), False
        for e_value in path:
            paused = e_value > 5 if not paused else e_value > 1.5 and rng.random() > 0.02
            if not paused and e_value >= 1 / alpha:
                rolled_back += 1
                break
    assert rolled_back / runs <= alpha
