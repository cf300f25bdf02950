"""Times of cron expressions across changes of the clocks, against a walk through every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ostinato.kernel.errors import Invalid
from ostinato.pipelines.cron import Cron

CHANGES = [
    ("Europe/Berlin", datetime(2013, 3, 31, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2013, 10, 27, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2013, 3, 10, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2013, 11, 3, 6, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2013, 10, 20, 3, tzinfo=UTC)),  # at midnight
    ("America/Sao_Paulo", datetime(2013, 2, 17, 2, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2013, 4, 6, 15, tzinfo=UTC)),  # by half an hour
    ("Australia/Lord_Howe", datetime(2013, 10, 5, 15, 30, tzinfo=UTC)),
    ("UTC", datetime(2013, 6, 1, tzinfo=UTC)),
]
MINUTE = timedelta(minutes=1)


def fits(field: str, value: int) -> bool:
    """Whether a value fits a field made of the forms below."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = (0, "", 59) if span == "*" else span.partition("-")
        last = int(high or low)
        if int(low) <= value <= last and (value - int(low)) % int(step or 1) == 0:
            return True
    return False


def walked(minute: str, hour: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """What must come in (start, end]: every minute is looked at; jobs at times of the day by the local times, each once."""
    by_the_clock = not minute.startswith("*") and not hour.startswith("*")
    tz, found, seen = ZoneInfo(zone), [], set()
    instant = start - timedelta(days=1)
    before = instant.astimezone(tz).replace(tzinfo=None)
    while instant <= end:
        local = instant.astimezone(tz).replace(tzinfo=None)
        skipped = [before + i * MINUTE for i in range(1, (local - before) // MINUTE)] if local > before and by_the_clock else []
        shown = [local] if not by_the_clock or local not in seen else []
        if any(fits(minute, at.minute) and fits(hour, at.hour) for at in (*skipped, *shown)):
            found.append(instant)
        seen.add(local)
        before, instant = local, instant + MINUTE
    return [at for at in found if at > start]


minutes = st.one_of(st.just("*"), st.just("*/20"), st.integers(0, 59).map(str), st.just("0,30"), st.just("10-40/15"))
hours = st.one_of(st.just("*"), st.just("*/2"), st.integers(0, 4).map(str), st.just("0-3"), st.just("1,2"), st.just("2,3"))


@settings(max_examples=150, deadline=None)
@given(minute=minutes, hour=hours, change=st.sampled_from(CHANGES), offset=st.integers(-600, 120))
@example("30", "2", CHANGES[0], -90)
@example("0,30", "2,3", CHANGES[0], -90)
@example("30", "2", CHANGES[1], -60)
@example("*", "0-3", CHANGES[4], -30)
def test_times_are_those_of_a_walk_through_every_minute(minute: str, hour: str, change: tuple[str, datetime], offset: int) -> None:
    zone, at = change
    start = at + offset * MINUTE
    end = start + timedelta(hours=14)
    cron = Cron(f"{minute} {hour} * * *", zone)
    expected = walked(minute, hour, zone, start, end)
    found = list(takewhile(lambda x: x <= end, cron.after(start)))
    assert found == expected
    if expected:
        assert cron.latest(end, start + MINUTE) == expected[-1]


def test_a_skipped_time_runs_once_and_a_doubled_one_once() -> None:
    spring = Cron("30 2 * * *", "Europe/Berlin").after(datetime(2013, 3, 30, 12, tzinfo=UTC))
    assert [at.isoformat() for at in islice(spring, 2)] == ["2013-03-31T01:00:00+00:00", "2013-04-01T00:30:00+00:00"]
    autumn = Cron("30 2 * * *", "Europe/Berlin").after(datetime(2013, 10, 26, 12, tzinfo=UTC))
    assert [at.isoformat() for at in islice(autumn, 2)] == ["2013-10-27T00:30:00+00:00", "2013-10-28T01:30:00+00:00"]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789*/,-LW# A", max_size=20) | st.text(max_size=20), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_any_text_is_a_cron_expression_or_invalid(text: str, zone: str) -> None:
    start = datetime(2013, 1, 1, tzinfo=UTC)
    try:
        cron = Cron(text, zone)
    except Invalid:
        return
    first = list(islice(cron.after(start), 3))
    assert first == sorted(set(first))
    assert all(at > start for at in first)


@pytest.mark.parametrize(
    ("text", "zone", "field"),
    [
        ("0 6 * *", "UTC", "cron"),
        ("0 0 6 * * *", "UTC", "cron"),
        ("0 25 * * *", "UTC", "cron"),
        ("0 0 30 2 *", "UTC", "cron"),
        ("0 6 * * *", "Mars/Base", "zone"),
        ("0 6 * * *", "../etc/passwd", "zone"),
        ("0 6 * * *", "", "zone"),
    ],
)
def test_what_is_wrong_is_named(text: str, zone: str, field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        Cron(text, zone)
    assert wrong.value.field == field
