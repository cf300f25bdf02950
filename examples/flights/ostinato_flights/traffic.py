"""Traffic: the sampled flights of a month, asked for one by one two hours before their departure; labels as they land."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ostinato_flights.cast import Cast
from ostinato_flights.definitions import CATEGORIES, ENDPOINT, KEYS, KNOWN_AHEAD, VIEW_NAMES, VIEWS
from ostinato_flights.plane import Plane
from ostinato_flights.release import Release
from ostinato_flights.source import Feed, start_of

FIRST_DAY = 2
"""Requests of a month begin when the data of the month before has been delivered."""
PER_DAY = 18
PER_DAY_DENSE = 40


class Traffic:
    """The requests of one month.

    Day n is the 24 hours from n-1 days after the month's first instant at New York. `dense` days carry more requests.
    """

    def __init__(self, month: int, cast: Cast, feed: Feed, release: Release, *, dense: bool) -> None:
        self._cast = cast
        self._release = release
        self._start = start_of(month)
        self._flights = feed.table("flights", month)
        self._weather = feed.table("weather", month)
        self._sample = self._draw(month, PER_DAY_DENSE if dense else PER_DAY)
        self.days = sorted(self._sample)

    def play(self, day: int) -> dict[str, int]:
        """The requests of a day: the feed streams in, every flight is asked for, and what has landed by midnight is labelled."""
        begin, end = self._start + timedelta(days=day - 1), self._start + timedelta(days=day)
        self._cast.set_clock(begin)
        self._stream(begin if day > FIRST_DAY else self._start, end)
        plane, online = Plane(*self._release.door()), self._cast.loop.features.online
        failures = 0
        for flight in self._sample[day]:
            vector = online(VIEW_NAMES, {name: flight[name] for name in CATEGORIES}, at=flight["predict_at"])
            row = {name: flight[name] for name in CATEGORIES} | {name: float(flight[name]) for name in KNOWN_AHEAD} | vector
            status, _ = plane.score(flight["flight_id"], flight["predict_at"], row)
            failures += status != 200
        self._cast.set_clock(end)
        self._label(begin, end)
        return {"requests": len(self._sample[day]), "failures": failures}

    def _draw(self, month: int, per_day: int) -> dict[int, list[dict[str, Any]]]:
        """Flights drawn evenly from each day, ordered by the instant at which they are asked for."""
        by_day: dict[int, list[dict[str, Any]]] = defaultdict(list)
        wanted = ["flight_id", "predict_at", "landed_at", "late", *CATEGORIES, *KNOWN_AHEAD]
        for flight in self._flights.select(wanted).to_pylist():
            flight["predict_at"] = flight["predict_at"].replace(tzinfo=UTC)
            day = (flight["predict_at"] - self._start).days + 1
            if day >= FIRST_DAY:
                by_day[day].append(flight)
        chance = random.Random(month)
        drawn = {day: chance.sample(flights, min(per_day, len(flights))) for day, flights in by_day.items()}
        return {day: sorted(flights, key=lambda f: (f["predict_at"], f["flight_id"])) for day, flights in drawn.items()}

    def _stream(self, begin: datetime, end: datetime) -> None:
        """Push what is observed and what lands within the day; a lookup sees only what lies before its own instant."""
        for view in VIEWS:
            table = self._weather if view.dataset == "weather" else self._flights
            wanted = dict.fromkeys([KEYS[view.dataset], view.timestamp, *view.entity, *view.columns])
            rows = _between(table, view.timestamp, begin, end).select(list(wanted))
            self._cast.loop.features.push(view.name, {name: _plain(rows[name].to_pylist()) for name in rows.column_names})

    def _label(self, begin: datetime, end: datetime) -> None:
        asked = [f for day, flights in self._sample.items() for f in flights if self._start + timedelta(days=day - 1) <= begin]
        landed = {
            f["flight_id"]: f["late"] for f in asked if f["landed_at"] is not None and begin <= f["landed_at"].replace(tzinfo=UTC) < end
        }
        if landed:
            self._cast.loop.endpoints.label(ENDPOINT, landed, at=end)


def _between(table: pa.Table, column: str, since: datetime, until: datetime) -> pa.Table:
    low, high = (pa.scalar(instant.replace(tzinfo=None), table.schema.field(column).type) for instant in (since, until))
    return table.filter(pc.and_(pc.greater_equal(table[column], low), pc.less(table[column], high)))


def _plain(values: list[Any]) -> list[Any]:
    """Values as they travel: instants as ISO 8601 text with their zone."""
    return [v.replace(tzinfo=UTC).isoformat() if isinstance(v, datetime) else v for v in values]
