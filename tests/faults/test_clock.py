"""A clock that jumps an hour, either way: a lease is neither lost nor shared, a schedule fires once for each of its times."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.testing.scene import ENV

HOUR = timedelta(hours=1)


class Jumping:
    """A clock that somebody sets, back and forth."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime(2013, 5, 3, 12, 30, tzinfo=UTC) + self.ahead


@pytest.fixture(params=["sqlite", "postgres"])
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "postgres":
        monkeypatch.setenv("OSTINATO_DATABASE_URL", request.getfixturevalue("postgres_url"))
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "store"


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_lease_is_neither_lost_nor_shared_when_the_clock_jumps(data: Path, jump: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    steady, jumping = Jumping(), Jumping()
    with Ostinato.open(data, clock=steady) as one, Ostinato.open(data, clock=jumping) as other:
        started = one.pipelines.start("ostinato.testing.crowd:trace", {"folder": "", "key": "a"}, key="a")
        held = one.pipelines.claim()
        assert held is not None
        wall_s = time.time
        monkeypatch.setattr(time, "time", lambda: wall_s() + jump.total_seconds())
        jumping.ahead = steady.ahead = jump
        assert other.pipelines.claim() is None, "shared"
        assert one.pipelines.heartbeat(held), "lost"
        assert one.pipelines.get(started.id).state == "running"
        assert other.pipelines.get(started.id).state == "running"
        until = time.monotonic() + 20
        while (taken := other.pipelines.claim()) is None:
            assert time.monotonic() < until, "a silent holder keeps it for ever"
            time.sleep(0.05)
        assert (taken.id, taken.fence) == (held.id, held.fence + 1)
        assert not one.pipelines.heartbeat(held)


def test_a_schedule_fires_once_for_each_time_however_the_clock_jumps(data: Path) -> None:
    clock = Jumping()
    with Ostinato.open(data, clock=clock) as one, Ostinato.open(data, clock=clock) as other:
        one.pipelines.schedule("hourly", "ostinato.testing.crowd:trace", "0 * * * *", parameters={"folder": "", "key": "${nominal}"})
        for ahead in (0, 1, 0, 1, -1, 2, 1, 2, 3, -1, 3):
            clock.ahead = ahead * HOUR
            for app in (one, other):
                app.tick()
        fired = Counter(execution.nominal for execution in one.pipelines.search().items)
        assert fired == Counter(datetime(2013, 5, 3, hour, tzinfo=UTC) for hour in (13, 14, 15))
