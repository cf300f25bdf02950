"""Endpoints through their verbs: deploy, ask, label, roll out, go back, and say what was in production."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pyarrow as pa
import pytest
from tests.serving.conftest import SIGNATURE, Shop, ask, model

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from ostinato.kernel.ref import Ref
from ostinato.serving.plane.plan import read_state
from ostinato.serving.service import Endpoints
from ostinato.serving.supervise import alive
from ostinato.serving.types import Rollout, RolloutPlan

DAY = timedelta(days=1)


def truth(request_id: str, weight: float, distance: float) -> int:
    """What comes true: by chance as the model with this weight says, the same for the same request."""
    chance = 1 / (1 + np.exp(-(weight * distance + 0.5)))
    return int(int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:4], "big") / 2**32 < chance)


def serve_days(shop: Shop, client: httpx.Client, days: int, per_day: int, weight: float = 1.0, prefix: str = "") -> Rollout | None:
    """Requests day by day, labelled at its end, and a look at the rollout each day, as a replay does it."""
    rng = np.random.default_rng(7)
    found = None
    for day in range(days):
        rows = {f"{prefix}{day}-{i}": float(rng.normal(0, 1.5)) for i in range(per_day)}
        for request_id, distance in rows.items():
            ask(client, request_id, distance=distance, at=shop.clock.now().isoformat())
        shop.clock.set(shop.clock.now() + DAY)
        shop.endpoints.label("late", {r: truth(r, weight, d) for r, d in rows.items()})
        found = shop.endpoints.advance("late")
        if found is not None and found.state != "running":
            return found
    return found


def test_only_approved_versions_serve_and_a_repeat_changes_nothing(shop: Shop) -> None:
    shop.version(model(), approved=False)
    with pytest.raises(Conflict, match="not approved"):
        shop.endpoints.deploy("late", "late@1")
    shop.version(model(2.0))
    first = shop.endpoints.deploy("late", "late@2")
    assert shop.endpoints.deploy("late", "late@2") == first
    assert [e.verb for e in shop.ledger.history(Ref("endpoint", "late"))] == ["endpoint.deployed"]
    with pytest.raises(NotFound, match="lat2"):
        shop.endpoints.get("lat2")


def test_what_serves_is_neither_removed_nor_renamed(shop: Shop) -> None:
    shop.models.create_open("late")
    for weight in (1.0, 2.0, 3.0):
        made = shop.models.register("late", shop.models.upload(model(weight)), "linear", SIGNATURE)
        with calling(Caller(actor="person:rita")):
            shop.models.check(f"late@{made.version}")
            shop.models.approve(f"late@{made.version}", "looks right")
    shop.endpoints.deploy("late", "late@1")
    shop.endpoints.rollout("late", "late@2")
    shop.endpoints.pause("late", "a look first")
    acts: list[Callable[[], object]] = [
        lambda: shop.models.remove("late@1"),
        lambda: shop.models.remove("late@2"),
        lambda: shop.models.remove("late"),
        lambda: shop.models.rename("late", "later"),
    ]
    for act in acts:
        with pytest.raises(Conflict, match="late serves late"):
            act()
    shop.models.remove("late@3")
    shop.endpoints.abort("late", "seen enough")
    shop.models.remove("late@2")
    assert shop.endpoints.get("late").version == Ref("model", "late", "1")
    assert ask(shop.client(), "after")["model_version"] == "1"
    with calling(Caller(actor="person:rita", project="other")):
        shop.models.create_open("late")
        shop.models.rename("late", "later")


def test_what_is_removed_while_it_is_deployed_does_not_serve(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.models.create_open("late")
    shop.models.register("late", shop.models.upload(model()), "linear", SIGNATURE)
    with calling(Caller(actor="person:rita")):
        shop.models.check("late@1")
        seen = shop.models.approve("late@1", "looks right")
    monkeypatch.setattr(shop.models, "get", lambda ref: seen)
    shop.models.remove("late@1")
    with pytest.raises(NotFound, match="no version 1"):
        shop.endpoints.deploy("late", "late@1")
    assert shop.endpoints.all() == []


def test_answers_labels_and_the_frame_belong_together(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    client = shop.client()
    start = shop.clock.now()
    for i in range(4):
        ask(client, f"r{i}", distance=float(i), carrier=None if i == 3 else "UA", at=(start + i * DAY).isoformat(), key=f"k{i}")
    shop.clock.set(start + 9 * DAY)
    done = shop.endpoints.label("late", {"r0": 1, "r2": 0, "never": 1})
    assert (done.added, done.repeated, done.unknown) == (2, 0, ["never"])
    assert shop.endpoints.label("late", {"r0": 1, "r1": 1}).repeated == 1
    with pytest.raises(Conflict, match="r2"):
        shop.endpoints.label("late", {"r2": 1, "r3": 1})
    with pytest.raises(Invalid):
        shop.endpoints.label("late", {"r3": 0.5})
    found = shop.endpoints.predictions("late", since=start + DAY, until=start + 3 * DAY)
    assert [(p.request_id, p.label, p.at) for p in found] == [("r1", 1.0, start + DAY), ("r2", 0.0, start + 2 * DAY)]
    frame = shop.endpoints.frame("late")
    assert frame["distance"].to_pylist() == [0.0, 1.0, 2.0, 3.0]
    assert frame["carrier"].to_pylist() == ["UA", "UA", "UA", None]
    assert frame["label"].to_pylist() == [1.0, 1.0, 0.0, None]
    one = shop.endpoints.prediction("late", "r3")
    assert (one.features, one.key, one.version, one.labelled_at) == (
        {"carrier": None, "distance": 3.0, "month": 1},
        "k3",
        Ref("model", "late", "1"),
        None,
    )
    with pytest.raises(NotFound):
        shop.endpoints.prediction("late", "r9")


def test_an_old_key_no_longer_opens(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    old = shop.client()
    ask(old, "a")
    new = shop.client()
    ask(new, "b")
    assert old.get("/v2/models/late").status_code == 401


def test_r63_a_good_candidate_is_promoted_step_by_step_with_its_evidence(shop: Shop) -> None:
    shop.version(model(0.8))
    shop.version(model(1.0))
    shop.models.promote("late@1")
    shop.endpoints.deploy("late", "late@champion")
    started = shop.endpoints.rollout("late", "late@2")
    assert shop.endpoints.rollout("late", "late@2").id == started.id
    with pytest.raises(Conflict, match="running"):
        shop.endpoints.deploy("late", "late@2")
    ended = serve_days(shop, shop.client(), days=30, per_day=20)
    assert ended is not None
    assert (ended.state, [s.weight for s in ended.steps]) == ("promoted", [0.1, 0.5])
    seen = ended.evidence
    assert seen is not None
    assert seen.high <= 0.02
    assert seen.e_value < 100
    assert seen.pairs == seen.scored == seen.path[-1].pairs
    assert seen.candidate.errors == 0
    assert seen.candidate.latency_p95_ms is not None
    frame = shop.endpoints.frame("late")
    by_candidate = sum(version == 2 for version in frame["version"].to_pylist())
    assert 0 < by_candidate < frame.num_rows / 2
    assert shop.models.resolve("late@champion") == Ref("model", "late", "2")
    assert ask(shop.client(), "after")["model_version"] == "2"
    assert shop.endpoints.rollout("late", "late@2") == ended
    assert [e.verb for e in shop.ledger.history(Ref("endpoint", "late")) if e.verb.startswith("rollout")] == [
        "rollout.started",
        "rollout.advanced",
        "rollout.promoted",
    ]


def test_r67_a_candidate_fed_in_wrong_units_is_rolled_back_without_a_person(shop: Shop) -> None:
    shop.version(model(1.0))
    shop.version(model(-1.0))
    shop.models.promote("late@1")
    shop.endpoints.deploy("late", "late@1")
    shop.endpoints.rollout("late", "late@2")
    ended = serve_days(shop, shop.client(), days=20, per_day=20)
    assert ended is not None
    assert (ended.state, ended.evidence is not None and ended.evidence.e_value >= 100) == ("rolled_back", True)
    assert "squared error" in ended.reason
    assert shop.models.resolve("late@champion") == Ref("model", "late", "1")
    assert ask(shop.client(), "after")["model_version"] == "1"
    assert shop.endpoints.get("late").rollout is None


def test_r64_a_shadow_answers_nothing_and_the_tick_looks_by_itself(shop: Shop) -> None:
    shop.version(model(1.0))
    shop.version(b'{"intercept":0.0,"terms":[{"weight":0.0},{"weight":0.0},{}],"format":"ostinato.linear/1"}')
    shop.endpoints.deploy("late", "late@1")
    shop.endpoints.rollout("late", "late@2", RolloutPlan(strategy="shadow", labels=False, min_requests=500))
    client = shop.client()
    for i in range(60):
        assert ask(client, f"s{i}", distance=i / 10)["model_version"] == "1"
    until = time.monotonic() + 10
    while shop.endpoints.get("late").rollout is not None and time.monotonic() < until:
        shop.endpoints.tick()
        time.sleep(0.05)
    ended = shop.endpoints.rollouts("late").items[0]
    assert (ended.state, ended.reason.partition(":")[0]) == ("rolled_back", "hard limit")


def test_a_rollout_is_aborted_and_undecided_ones_end_as_their_plan_says(shop: Shop) -> None:
    shop.version(model(1.0))
    shop.version(model(1.0, intercept=0.01))
    shop.endpoints.deploy("late", "late@1")
    shop.endpoints.rollout("late", "late@2")
    assert shop.endpoints.abort("late", "a hunch").state == "aborted"
    assert shop.endpoints.abort("late", "a hunch").state == "aborted"
    with pytest.raises(Conflict):
        shop.endpoints.abort("late", "again")
    plan = RolloutPlan(strategy="blue_green", min_requests=10, max_requests=20)
    shop.endpoints.rollout("late", "late@2", plan)
    client = shop.client()
    assert ask(client, "first")["model_version"] == "2"
    ended = serve_days(shop, client, days=2, per_day=15)
    assert ended is not None
    assert ended.state == "inconclusive"
    assert ask(client, "last")["model_version"] == "1"
    for wrong in (RolloutPlan(weights=[0.5, 0.1]), RolloutPlan(alpha=0.9), RolloutPlan(strategy="canari")):
        with pytest.raises((Invalid, NotFound)):
            shop.endpoints.rollout("late", "late@2", wrong)


def test_r54_what_was_in_production_then_and_who_had_approved_it(shop: Shop) -> None:
    shop.version(model(1.0))
    shop.version(model(2.0))
    start = shop.clock.now()
    shop.endpoints.deploy("late", "late@1", "the first")
    shop.clock.set(start + 10 * DAY)
    shop.endpoints.deploy("late", "late@2", "the second")
    with pytest.raises(NotFound):
        shop.endpoints.production("late", start - DAY)
    then, now = shop.endpoints.production("late", start + 5 * DAY), shop.endpoints.production("late")
    assert (str(then.versions[0].version), then.reason, then.by, then.since) == ("model:late@1", "the first", "person:ana", start)
    assert then.versions[0].approved_by == ["person:rita"]
    assert then.versions[0].reasons == ["looks right"]
    assert str(now.versions[0].version) == "model:late@2"


def test_r50_back_to_the_version_before_in_one_act(shop: Shop) -> None:
    shop.version(model(1.0))
    shop.version(model(2.0))
    for number in (1, 2):
        shop.models.promote(f"late@{number}")
        shop.endpoints.deploy("late", f"late@{number}")
    client = shop.client()
    assert ask(client, "a")["model_version"] == "2"
    started = time.monotonic()
    assert str(shop.endpoints.rollback("late", "worse in the field").version) == "model:late@1"
    assert time.monotonic() - started < 10
    assert ask(client, "b")["model_version"] == "1"
    assert shop.models.resolve("late@champion") == Ref("model", "late", "1")
    assert str(shop.endpoints.rollback("late", "worse in the field").version) == "model:late@1", "a repeat"
    with pytest.raises(Conflict):
        shop.endpoints.rollback("late", "further")
    assert shop.endpoints.production("late").back_to is None
    for number in (2, 1):  # an older one that is deployed anew is no way back
        shop.models.promote(f"late@{number}")
        shop.endpoints.deploy("late", f"late@{number}")
    assert shop.endpoints.production("late").back_to == Ref("model", "late", "2")
    assert str(shop.endpoints.rollback("late", "once more").version) == "model:late@2"


def test_a_killed_plane_comes_back_at_the_same_address(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    client, folder = shop.client(), shop.home / "endpoints" / "default" / "late"
    ask(client, "a")
    state = read_state(folder)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        shop.endpoints.tick()
        try:
            assert ask(client, "b")["model_version"] == "1"
            break
        except httpx.HTTPError:
            time.sleep(0.05)
    assert [p.request_id for p in shop.endpoints.predictions("late")] == ["a", "b"]


def test_a_plane_outlives_its_server_and_is_adopted_by_the_next(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    folder = shop.home / "endpoints" / "default" / "late"
    before = read_state(folder)
    parts = {
        "rows": shop.rows, "tables": shop.tables, "ledger": shop.ledger, "clock": shop.clock, "models": shop.models,
        "datasets": shop.datasets, "pipelines": shop.pipelines, "home": shop.home / "endpoints",
    }  # fmt: skip
    reader = Endpoints(**parts)  # type: ignore[arg-type]
    assert reader.url("late") == shop.endpoints.url("late")
    assert reader.key("late", "reader").secret
    reader.close()
    assert alive(folder), "who never ticked ends nobody's plane"
    following = Endpoints(**parts)  # type: ignore[arg-type]
    following.tick()
    after = read_state(folder)
    assert before is not None
    assert after is not None
    assert after.pid == before.pid, "adopted, not started anew"
    following.close()
    assert not alive(folder)


def test_lineage_leads_from_an_answer_to_its_model(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    ask(shop.client(), "flight 17/JFK")
    graph = shop.endpoints.lineage_of("late", "flight 17/JFK")
    assert graph.nodes[0].kind == "prediction"
    assert Ref("model", "late", "1") in graph.nodes
    assert any(e.target == graph.nodes[0] and e.source == Ref("model", "late", "1") for e in graph.edges)


def test_projects_do_not_see_each_other(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    with calling(Caller(actor="person:eve", project="other")), pytest.raises(NotFound):
        shop.endpoints.predictions("late")


def test_labels_come_from_a_table(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    client = shop.client()
    for i in range(3):
        ask(client, f"r{i}")
    outcomes = pa.table({"id": ["r0", "r1", "r2"], "late": [1, None, 0]})
    monkeypatch.setattr(shop.datasets, "table", lambda ref, columns=None: outcomes.select(columns))
    assert shop.endpoints.label_from("late", "outcomes@1", "id", "late") == 2
    assert {p.request_id: p.label for p in shop.endpoints.predictions("late")} == {"r0": 1.0, "r1": None, "r2": 0.0}
    assert shop.endpoints.predictions("late", until=datetime(2000, 1, 1, tzinfo=UTC)) == []


def test_who_still_waits_for_a_plane_does_not_start_it_behind_the_end(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    home = shop.endpoints.log_folder("late").parent
    shop.endpoints.close()
    shop.endpoints.tick()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        shop.endpoints.url("late")
    assert time.monotonic() - began < 5
    assert not alive(home)


def test_a_key_is_ones_own_and_opens_until_it_is_replaced_or_revoked(shop: Shop) -> None:
    shop.version(model())
    shop.endpoints.deploy("late", "late@1")
    shop.endpoints.tick()
    ana = shop.client()
    ask(ana, "a")
    with calling(Caller(actor="person:mallory")):
        mallory = shop.client()
    ask(mallory, "m")
    ask(ana, "b")
    assert shop.endpoints.keys("late") == ["person:ana/default", "person:mallory/default"]
    ask(shop.client(), "c")
    assert refused(ana)
    shop.endpoints.revoke_key("late", "person:mallory/default")
    assert refused(mallory)
    with pytest.raises(NotFound, match="person:mallory/default"):
        shop.endpoints.revoke_key("late", "person:mallory/default")
    ask(shop.clients[-1], "d")


def refused(client: httpx.Client) -> bool:
    """Whether the endpoint, once it follows the newest plan, no longer answers this client."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if client.get("/v2/models/late").status_code == 401:
            return True
        time.sleep(0.02)
    return False
