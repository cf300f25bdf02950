"""The same verbs through HTTP: what serving answers travels whole."""

from __future__ import annotations

from dataclasses import replace

import httpx
from tests.serving.conftest import SIGNATURE, ask, model

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.page import Page
from ostinato.serving.types import RolloutPlan
from ostinato.testing.fixtures import both

__all__ = ["both"]


def test_endpoints_embedded_and_remote(both: Ostinato, app: Ostinato) -> None:
    with calling(Caller(actor="service:trainer")):
        app.models.create("late")
        for weight in (1.0, 1.1):
            app.models.register("late", app.models.upload(model(weight)), "linear", SIGNATURE)
    with calling(Caller(actor="person:rita")):
        for number in (1, 2):
            app.models.check(f"late@{number}")
            app.models.approve(f"late@{number}", "reviewed")
    endpoints = both.endpoints
    assert str(endpoints.deploy("late", "late@1").version) == "model:late@1"
    secret = endpoints.key("late").secret
    started = endpoints.rollout("late", "late@2", RolloutPlan(weights=[0.5]))
    with httpx.Client(base_url=endpoints.url("late"), headers={"Authorization": f"Bearer {secret}"}) as client:
        for i in range(12):
            ask(client, f"r/{i}", distance=i / 4, at="2013-01-01T06:00:00+00:00")
    assert endpoints.label("late", {f"r/{i}": i % 2 for i in range(12)}).added == 12
    looked = endpoints.advance("late")
    assert looked is not None
    assert looked.evidence is not None
    assert (looked.id, looked.evidence.pairs, len(looked.evidence.path)) == (started.id, 12, 12)
    short = replace(looked, looks=[], evidence=replace(looked.evidence, path=[]))
    assert endpoints.rollouts("late") == Page(items=[short])
    assert endpoints.prediction("late", "r/3").label == 1.0
    assert len(endpoints.predictions("late", limit=5)) == 5
    assert [str(v.version) for v in endpoints.production("late").versions] == ["model:late@1", "model:late@2"]
    assert str(endpoints.lineage_of("late", "r/3").nodes[1]).startswith("model:late@")
    assert endpoints.abort("late", "enough").state == "aborted"
