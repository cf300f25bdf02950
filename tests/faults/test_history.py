"""What several processes saw of one thing could have happened one after another; a lease has one holder at a time."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

import ostinato as ost
from ostinato.app import Ostinato
from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.testing import crowd
from ostinato.testing.history import linearizable, register, told
from ostinato.testing.scene import ENV, kill

pytestmark = pytest.mark.timeout(300)
RUNS = 2
LEASE_S = 1


@pytest.fixture(params=["sqlite", "postgres"])
def env(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = {**ENV, "OSTINATO_LEASE_S": str(LEASE_S)}
    if request.param == "postgres":
        found["OSTINATO_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def prepare(app: Ostinato) -> None:
    for number in range(RUNS):
        app.runs.start("shared", id=f"r{number}")
        app.runs.tag(f"r{number}", {"x": "first"})
    app.access.create_person("ben", roles=["reviewer"])
    app.models.create("late")
    for number in range(3):
        artifact = app.models.upload(Linear().dump(Logistic(intercept=0.5, terms=[Term(weight=float(number))])))
        version = app.models.register("late", artifact, "linear", ost.Signature(inputs=[ost.Field(name="distance")]))
        app.models.check(version.ref)
        with app.acting_as("person:ben"):
            app.models.approve(str(version.ref), reason="looks right")
    app.models.promote("late@1")


def test_registers_and_aliases_are_linearizable_while_processes_die(
    env: dict[str, str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    data, rounds, seed = tmp_path / "store", round(60 * scale), str(chance.random())
    with Ostinato.open(data) as app:
        prepare(app)
    acting = [crowd.fork(crowd.registrar, f"p{n}", data, tmp_path, seed, RUNS, rounds, env=env) for n in range(4)]
    try:
        while not (tmp_path / "p0.acts").exists() and acting[0].is_alive():
            time.sleep(0.01)
        time.sleep(chance.uniform(0.05, 0.3))  # any moment
        kill(acting[0])
        for process in acting[1:]:
            process.join(120)
            assert process.exitcode == 0
    finally:
        for process in acting:
            kill(process)
    found = told(tmp_path.glob("*.acts"))
    assert set(found) == {"late@champion", "r0", "r1"}
    for thing, acts in found.items():
        assert len(acts) > 10
        assert linearizable(acts, 1 if "@" in thing else "first", register), f"{thing}: {acts}"


def taken(folder: Path) -> list[int]:
    """The fences that were won so far."""
    lines = [json.loads(line) for path in folder.glob("*.acts") for line in path.read_text().splitlines() if line.endswith("}")]
    return [line["seen"][1] for line in lines if line["verb"] == "claim" and line["seen"]]


def test_an_execution_has_one_holder_at_a_time_and_every_fence_one_winner(
    env: dict[str, str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    data, stop = tmp_path / "store", tmp_path / "stop"
    with Ostinato.open(data) as app:
        for number in range(4):
            app.pipelines.start("ostinato.testing.crowd:trace", {"folder": "", "key": str(number)}, key=str(number))
    acting = [crowd.fork(crowd.claimer, f"p{n}", data, tmp_path, stop, env=env) for n in range(4)]
    try:
        until = time.monotonic() + 60
        while sum(fence > 1 for fence in taken(tmp_path)) < 4 * scale and all(process.is_alive() for process in acting):
            assert time.monotonic() < until, "no lease ran out"
            time.sleep(0.05)
        stopped_s = time.monotonic()  # from now on holders end, and who has ended holds nothing
        stop.touch()
        for process in acting:
            process.join(60)
            assert process.exitcode == 0
    finally:
        for process in acting:
            kill(process)
    acts = sorted(told(tmp_path.glob("*.acts"))["work"], key=lambda act: act.ended_s)
    claims, beats = defaultdict(list), defaultdict(list)
    for act in (act for act in acts if act.ended_s < stopped_s):
        if act.verb == "claim" and act.seen:
            claims[act.seen[0]].append(act)
        elif act.verb == "beat" and act.seen and act.seen[2]:
            beats[act.seen[0], act.seen[1]].append(act)
    assert len(claims) == 4
    for execution, held in claims.items():
        fences = [act.seen[1] for act in held]
        assert fences == sorted(set(fences)), "a fence was won twice, or went back"
        for before, after in pairwise(held):
            renewed = [act.began_s for act in beats[execution, before.seen[1]]]
            assert after.ended_s >= max([before.began_s, *renewed]) + LEASE_S - 0.01, "two held it at a time"
