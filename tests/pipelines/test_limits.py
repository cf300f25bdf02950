"""Who goes first, who may take what, and how many at a time."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.pipelines.test_recovery import skip_ahead

from ostinato.kernel.errors import Invalid
from ostinato.pipelines.worker import work
from ostinato.storage.rows import lease


def start(app: SimpleNamespace, **more: Any) -> str:
    return app.pipelines.start("flows:train", {"n": 1}, **more).id


def test_priority_first_then_the_older(app: SimpleNamespace, flows: ModuleType) -> None:
    low, first, second, high = start(app, priority=-1), start(app), start(app), start(app, priority=5)
    assert [app.pipelines.claim().id for _ in range(4)] == [high, first, second, low]


def test_workers_take_from_their_queues_only(app: SimpleNamespace, flows: ModuleType) -> None:
    gpu, plain = start(app, queue="gpu"), start(app)
    assert app.pipelines.claim(["other"]) is None
    assert app.pipelines.claim().id == plain
    assert work(app, app.pipelines, threading.Event(), once=True) == 0
    assert work(app, app.pipelines, threading.Event(), once=True, queues=["gpu", "default"]) == 1
    assert app.pipelines.get(gpu).state == "finished"


def test_a_pipeline_says_where_it_runs(app: SimpleNamespace, project: Any) -> None:
    project.edit("@ost.pipeline\ndef train(", '@ost.pipeline(queue="gpu", priority=3, tags=["warehouse"])\ndef train(')
    found = app.pipelines.start("flows:train", {"n": 1}, tags=["customer:1"])
    assert (found.queue, found.priority, found.tags) == ("gpu", 3, ["warehouse", "customer:1"])


def test_a_limit_of_a_pipeline_and_of_a_tag(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.limit("pipeline:train", 2)
    app.pipelines.limit("warehouse", 1)
    tagged, also, plain, more = start(app, tags=["warehouse"]), start(app, tags=["warehouse"]), start(app), start(app)
    first, second = app.pipelines.claim(), app.pipelines.claim()
    assert [first.id, second.id] == [tagged, plain], "what is blocked does not block what comes after"
    assert app.pipelines.claim() is None
    assert {limit.name: (limit.held, limit.slots) for limit in app.pipelines.limits()} == {"pipeline:train": (2, 2), "warehouse": (1, 1)}
    app.pipelines.execute(second)
    assert app.pipelines.claim().id == more
    app.pipelines.execute(first)
    assert app.pipelines.claim().id == also
    app.pipelines.limit("pipeline:train", None)
    assert [limit.name for limit in app.pipelines.limits()] == ["warehouse"]


def test_a_limit_for_each_key(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.limit("customer:*", 1)
    one, again, two = (start(app, tags=[tag]) for tag in ("customer:1", "customer:1", "customer:2"))
    held = [app.pipelines.claim(), app.pipelines.claim()]
    assert [c.id for c in held] == [one, two]
    assert app.pipelines.claim() is None
    app.pipelines.execute(held[0])
    assert app.pipelines.claim().id == again


def test_none_starts_while_a_limit_is_0(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.limit("pipeline:train", 0)
    waiting = start(app)
    assert app.pipelines.claim() is None
    app.pipelines.limit("pipeline:train", 1)
    assert app.pipelines.claim().id == waiting


def test_a_slot_of_a_dead_worker_is_free(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    app.pipelines.limit("warehouse", 1)
    dead, waiting = start(app, tags=["warehouse"]), start(app, tags=["warehouse"], priority=1)
    held = app.pipelines.claim()
    assert held.id == waiting
    skip_ahead(monkeypatch, 100.0)
    assert app.pipelines.limits()[0].held == 0
    taken = app.pipelines.claim()
    assert (taken.id, taken.attempt) == (waiting, 2)
    assert app.pipelines.claim() is None
    app.pipelines.execute(taken)
    assert app.pipelines.claim().id == dead


def test_limits_and_names_are_checked(app: SimpleNamespace, flows: ModuleType) -> None:
    for name, slots in (("", 1), ("x", -1), ("customer:*", 0), ("x" * 200, 1)):
        with pytest.raises(Invalid):
            app.pipelines.limit(name, slots)
    for more in ({"queue": ""}, {"tags": [""]}, {"tags": ["x\n"]}):
        with pytest.raises(Invalid):
            start(app, **more)


def test_a_claim_of_many_that_are_blocked_is_quick(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.limit("warehouse", 1)
    wanted = app.pipelines._catalogue.wanted("flows:train", {"n": 1})
    row = wanted.row("person:ana", "default", app.clock.now()) | {"tags": ["warehouse"]}
    claimed = app.pipelines._claims
    app.rows.write(lambda tx: [claimed.ask(tx, row | {"id": f"{i:026}"}) for i in range(2000)])
    held = app.pipelines.claim()
    assert replace(held, deadline_s=0.0).id == "0" * 26
    before = lease.machine_s()
    assert app.pipelines.claim() is None
    assert lease.machine_s() - before < 1.0
