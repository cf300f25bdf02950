"""The same story over HTTP, every actor with a token of their own."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import pytest

from ostinato.app import Ostinato
from ostinato.client.remote import connect
from ostinato.evaluation.report import evaluate_binary
from ostinato.evaluation.types import CostMatrix
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Denied, GateFailed, Invalid, NotFound
from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.registry.types import Field, GateSpec, Signature
from ostinato.testing.doors import served

GATE = GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.7})
ARTIFACT = Linear().dump(Logistic(intercept=-1.0, terms=[Term(weight=0.1)]))
SIGNATURE = Signature(inputs=[Field(name="delay")])


def secret_of(app: Ostinato, name: str, role: str) -> str:
    """A token that a new person issued: one that another issues approves nothing."""
    person = app.access.create_person(name, [role]).id
    with app.acting_as(person):
        return app.access.issue_token(person).secret


def test_r53_author_reviewer_and_deployer_over_http(app: Ostinato, clock: ReplayClock) -> None:
    with ExitStack() as doors:
        url = doors.enter_context(served(app))
        roles = {"ana": "scientist", "rita": "reviewer", "dan": "deployer"}
        tokens = {name: secret_of(app, name, role) for name, role in roles.items()}
        ana, rita, dan = (doors.enter_context(connect(url, tokens[name])) for name in roles)

        ana.models.create("late", "delays", gates=[GATE])
        run = ana.runs.start("flights", params={"depth": 3})
        report = evaluate_binary(
            [0, 1, 0, 1, 0], [0.2, 0.7, 0.3, 0.6, 0.5], cost=CostMatrix(fp=1, fn=5), groups={"origin": ["E", "J", "E", "J", "J"]}
        )
        evaluation = ana.evaluations.record(run.ref, data="rows", report=report)
        assert ana.evaluations.of(run.ref, data="rows")[0] == evaluation
        assert evaluation.report == report
        digest = ana.models.upload(ARTIFACT)
        made = ana.models.register("late", digest, "linear", SIGNATURE, run=run.ref, evaluation=evaluation.id)
        assert made.author == "person:ana"
        assert ana.models.artifact("late@1") == ARTIFACT

        assert ana.models.check("late@1").passed
        with pytest.raises(Denied):
            ana.models.approve("late@1", "mine")
        with pytest.raises(Denied):
            rita.models.promote("late@1")
        with pytest.raises(Conflict, match="not approved"):
            dan.models.promote("late@1")
        assert rita.models.approve("late@1", "fine").state == "approved"
        state = dan.models.promote("late@1", reason="first")
        clock.set(clock.now() + timedelta(days=3))
        assert ana.models.at("late", at=clock.now()) == state
        assert ana.models.at("late", at=state.since - timedelta(seconds=1)) is None
        assert (state.approved_by, state.promoted_by) == (["person:rita"], "person:dan")
        assert str(ana.models.resolve("late@champion")) == "model:late@1"
        assert "person:rita" in ana.models.card("late@1")
        assert [e.verb for e in ana.models.history("late")][-1] == "model.promoted"


def test_refusals_keep_their_class_and_their_evidence_over_http(app: Ostinato) -> None:
    token = (app.settings.data / "admin-token").read_text().strip()
    with served(app) as url, connect(url, token) as admin:
        admin.models.create("late", gates=[GATE])
        with pytest.raises(Invalid, match=r"posix\.system|not in the skops format"):
            admin.models.register("late", admin.models.upload(b"cposix\nsystem\n."), "sklearn", SIGNATURE)
        run = admin.runs.start("flights")
        poor = admin.evaluations.record(run.ref, "rows", evaluate_binary([0, 1, 0], [0.7, 0.6, 0.5]))
        admin.models.register("late", admin.models.upload(ARTIFACT), "linear", SIGNATURE, run=run.ref, evaluation=poor.id)
        admin.models.check("late@1")
        with pytest.raises(Denied, match="person:admin registered"):
            admin.models.approve("late@1", "I am the administrator")
        with connect(url, secret_of(app, "rita", "reviewer")) as rita, pytest.raises(GateFailed) as refused:
            rita.models.approve("late@1", "fine?")
        assert refused.value.evidence["results"][0]["measured"] == 0.5
        with pytest.raises(NotFound, match="'lat'"):
            admin.models.get("lat@1")
