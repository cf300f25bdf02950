"""Schedules: each time starts one execution, whatever restarts, races or jumps of the clock there are."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.pipelines.conftest import services

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.pipelines.worker import work

SIX = "0 6 * * *"


class LooseClock:
    """A clock that can be put anywhere."""

    def __init__(self, now: datetime) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at


def day(n: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2013, 1, 1, tzinfo=UTC) + timedelta(days=n - 1, hours=hour, minutes=minute)


def nominals(app: SimpleNamespace) -> list[datetime]:
    return sorted(e.nominal for e in app.pipelines.search(limit=1000).items)


def test_a_schedule_starts_its_pipeline_at_its_times(app: SimpleNamespace, flows: ModuleType) -> None:
    made = app.pipelines.schedule(
        "daily", "flows:train", SIX, "Europe/Berlin", {"n": 2, "source": "from ${previous} to ${nominal}, ${date}"}
    )
    assert (made.next_at, made.created_by) == (day(1, 5), "person:ana")
    assert app.pipelines.next_times("daily", 2) == [day(1, 5), day(2, 5)]
    app.clock.set(day(1, 4, 59))
    app.pipelines.tick()
    assert nominals(app) == []
    app.clock.set(day(1, 5))
    for _ in range(3):
        app.pipelines.tick()
    (execution,) = app.pipelines.search().items
    assert (execution.nominal, execution.cause, execution.actor) == (day(1, 5), "schedule:daily", "person:ana")
    assert execution.parameters["source"] == "from 2012-12-31T05:00:00+00:00 to 2013-01-01T05:00:00+00:00, 2013-01-01"
    assert work(app, app.pipelines, threading.Event(), once=True) == 1
    assert app.pipelines.get(execution.id).state == "finished"
    requested = app.ledger.events(verb="execution.requested").items[0]
    assert requested.data["cause"] == "schedule:daily"


def test_the_nominal_time_arrives_as_the_annotated_type(app: SimpleNamespace, project: Any) -> None:
    project.edit("import os\nimport time\n", "import os\nimport time\nfrom datetime import date, datetime\n")
    project.edit(
        "@ost.pipeline\ndef broken(x: int) -> int:\n    return boom(x)",
        "@ost.pipeline\ndef broken(day: date, at: datetime) -> list:\n    return [type(day).__name__, at.hour]",
    )
    app.pipelines.schedule("daily", "flows:broken", SIX, parameters={"day": "${date}", "at": "${nominal}"})
    app.clock.set(day(1, 6))
    app.pipelines.tick()
    work(app, app.pipelines, threading.Event(), once=True)
    (execution,) = app.pipelines.search().items
    assert app.pipelines.output(execution.id) == [date.__name__, 6]


@pytest.mark.parametrize(("catch_up", "expected"), [("latest", [3]), ("all", [1, 2, 3]), ("none", [])])
def test_times_that_passed_while_nobody_looked(app: SimpleNamespace, flows: ModuleType, catch_up: Any, expected: list[int]) -> None:
    app.pipelines.schedule("daily", "flows:train", SIX, parameters={"n": 1}, catch_up=catch_up)
    app.clock.set(day(3, 20))
    app.pipelines.tick()
    assert nominals(app) == [day(n, 6) for n in expected]
    assert bool(app.ledger.events(verb="schedule.missed").items) == (catch_up != "all"), "what is left out is said"
    app.clock.set(day(4, 6))
    app.pipelines.tick()
    assert nominals(app) == [day(n, 6) for n in (*expected, 4)]


def test_a_year_of_minutes_is_caught_up_in_a_moment(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.schedule("minutes", "flows:train", "* * * * *", parameters={"n": 1})
    app.pipelines.schedule("all", "flows:train", "* * * * *", parameters={"n": 1}, catch_up="all")
    app.clock.set(day(300))
    app.pipelines.tick()
    assert [e.nominal for e in app.pipelines.search(limit=1000).items if e.cause == "schedule:minutes"] == [day(300)]
    assert sum(e.cause == "schedule:all" for e in app.pipelines.search(limit=1000).items) == 100, "some in each round"
    app.pipelines.tick()
    assert sum(e.cause == "schedule:all" for e in app.pipelines.search(limit=1000).items) == 200


def test_two_servers_and_restarts_start_nothing_twice(tmp_path: Path, flows: ModuleType) -> None:
    clock = LooseClock(day(1))
    servers = [services(tmp_path / "store", clock=clock) for _ in range(2)]
    with calling(Caller(actor="person:ana")):
        servers[0].pipelines.schedule("daily", "flows:train", SIX, parameters={"n": 1}, catch_up="all")
        for n in range(2, 12):
            clock.at = day(n)
            threads = [threading.Thread(target=server.pipelines.tick) for server in servers for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        again = services(tmp_path / "store", clock=clock)
        again.pipelines.tick()
        assert nominals(again) == [day(n, 6) for n in range(1, 11)]
    for server in (*servers, again):
        server.rows.close()


def test_a_clock_that_steps_back_starts_nothing_again(tmp_path: Path, flows: ModuleType) -> None:
    clock = LooseClock(day(1, 5))
    app = services(tmp_path / "store", clock=clock)
    with calling(Caller(actor="person:ana")):
        app.pipelines.schedule("hourly", "flows:train", "0 * * * *", parameters={"n": 1})
        for at in (day(1, 6), day(1, 5), day(1, 6), day(1, 6, 30), day(1, 4), day(1, 7)):
            clock.at = at
            app.pipelines.tick()
        assert nominals(app) == [day(1, 6), day(1, 7)]
        clock.at = day(1, 6)  # even by a schedule that is made anew
        app.pipelines.unschedule("hourly")
        app.pipelines.schedule("hourly", "flows:train", "30 * * * *", parameters={"n": 1})
        app.pipelines.schedule("hourly", "flows:train", "0 * * * *", parameters={"n": 1})
        clock.at = day(1, 7)
        app.pipelines.tick()
        assert nominals(app) == [day(1, 6), day(1, 7)]
    app.rows.close()


def test_pause_resume_and_delete(app: SimpleNamespace, flows: ModuleType) -> None:
    app.pipelines.schedule("daily", "flows:train", SIX, parameters={"n": 1})
    assert app.pipelines.pause("daily").next_at is None
    app.clock.set(day(3))
    app.pipelines.tick()
    resumed = app.pipelines.resume("daily")
    assert (resumed.paused, resumed.next_at) == (False, day(3, 6))
    app.clock.set(day(3, 6))
    app.pipelines.tick()
    assert nominals(app) == [day(3, 6)]
    assert [s.name for s in app.pipelines.schedules()] == ["daily"]
    app.pipelines.unschedule("daily")
    assert app.pipelines.schedules() == []
    with pytest.raises(NotFound):
        app.pipelines.pause("daily")
    verbs = [e.verb for e in app.ledger.events(verb="schedule.*").items]
    assert verbs == ["schedule.set", "schedule.paused", "schedule.resumed", "schedule.deleted"]


def test_what_a_schedule_is_made_of_is_checked_at_once(app: SimpleNamespace, flows: ModuleType) -> None:
    wrong: list[dict[str, Any]] = [
        {"cron": "never"},
        {"zone": "Nowhere"},
        {"parameters": {}},
        {"parameters": {"n": "${date}"}},
        {"parameters": {"n": 1, "source": "${unknown}"}},
        {"name": "a/b"},
    ]
    for part in wrong:
        with pytest.raises(Invalid):
            app.pipelines.schedule(**{"name": "x", "pipeline": "flows:train", "cron": SIX, "parameters": {"n": 1}} | part)
    with pytest.raises(NotFound):
        app.pipelines.schedule("x", "os:system", SIX)
    same = {"name": "x", "pipeline": "flows:train", "cron": SIX, "parameters": {"n": 1}}
    assert app.pipelines.schedule(**same) == app.pipelines.schedule(**same)
    assert len(app.ledger.events(verb="schedule.set").items) == 1


def test_one_that_cannot_start_does_not_hold_up_the_others(app: SimpleNamespace, project: Any) -> None:
    flows: ModuleType = project.load()
    app.pipelines.schedule("gone", flows.broken.target, "0 5 * * *", parameters={"x": 1})
    app.pipelines.schedule("daily", flows.train.target, SIX, parameters={"n": 1})
    project.edit("def broken(x: int)", "def renamed(x: int)")
    app.clock.set(day(1, 6))
    app.pipelines.tick()
    assert nominals(app) == [day(1, 6)]
    (failed,) = app.ledger.events(verb="schedule.failed").items
    assert "broken" in failed.data["error"]
    assert app.pipelines.schedules()[1].next_at == day(2, 5)


def test_backfill(app: SimpleNamespace, flows: ModuleType) -> None:
    app.clock.set(day(10))
    app.pipelines.schedule("daily", "flows:train", SIX, parameters={"n": 1, "source": "${date}"})
    app.clock.set(day(10, 6))
    app.pipelines.tick()
    done = app.pipelines.backfill("daily", day(1), day(11), concurrency=2)
    assert (done.asked, done.known, len(set(done.executions))) == (9, 1, 10)
    again = app.pipelines.backfill("daily", day(5), day(12), concurrency=2)
    assert (again.asked, again.known, again.executions[:5]) == (1, 6, done.executions[4:9])
    assert nominals(app) == [day(n, 6) for n in range(1, 12)]
    first = app.pipelines.claim()
    assert app.pipelines.get(first.id).nominal == day(10, 6), "the present goes before the past"
    held = [app.pipelines.claim(), app.pipelines.claim()]
    assert [app.pipelines.get(c.id).nominal for c in held] == [day(1, 6), day(2, 6)]
    assert app.pipelines.claim() is None, "two at a time"
    app.pipelines.execute(held[0])
    assert app.pipelines.get(app.pipelines.claim().id).nominal == day(3, 6)
    for since, until in ((datetime(2013, 1, 1), day(2)), (day(1), day(40_000))):  # noqa: DTZ001
        with pytest.raises(Invalid):
            app.pipelines.backfill("daily", since, until)
