"""The replay: the year 2013, month by month, against a real server; what `ostinato demo` runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ostinato.kernel.errors import Invalid
from ostinato_flights.cast import Cast
from ostinato_flights.journal import Journal
from ostinato_flights.month import Month
from ostinato_flights.progress import Progress
from ostinato_flights.release import Release
from ostinato_flights.server import Server
from ostinato_flights.source import Feed, start_of
from ostinato_flights.stage import set_up
from ostinato_flights.summary import Summary

FIRST_TRAINING = 3
"""The first model is trained when the third month is complete."""
CORRUPTED = 2
"""This month's delivery is corrupted on purpose."""
BAD_RELEASE = 8
"""In this month, or the last one of a shorter replay, a model with a units error is released on purpose."""


def main(data: Path, summary: Path | None = None, months: str = "1-12") -> None:
    """Replay `months` on the store in `data`, going on where an earlier replay stopped, and write the summary as JSON."""
    last = _last_month(months)
    first = min(FIRST_TRAINING, last - 1)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    progress = Progress()
    journal = Journal(data / "demo.json")
    with Server(data, start_of(1)) as server:
        progress.say(f"server at {server.url}, store in {data}")
        cast = Cast(server)
        feed = Feed(data / "inbox")
        journal.once("stage", lambda: set_up(cast, feed))
        release = Release(cast, journal, progress)
        for month in range(1, last + 1):
            with progress.month(month, last):
                Month(month, cast, feed, journal, release, progress).play(
                    serves=month > first,
                    trains=month == first,
                    corrupted=month == CORRUPTED,
                    bad_release=month == min(BAD_RELEASE, last),
                )
        result = Summary(cast, journal, last)
        if summary is not None:
            summary.parent.mkdir(parents=True, exist_ok=True)
            summary.write_text(json.dumps(result.as_json(), indent=2))
        result.show(progress)
        if sys.stdout.isatty():
            progress.keep_up(server.url, data)


def _last_month(months: str) -> int:
    first, _, last = months.partition("-")
    if first != "1" or not last.isdigit() or not 2 <= int(last) <= 12:
        raise Invalid(f"not a range of months: {months!r}", hint="1-12, or 1-4 for a shorter replay", field="months")
    return int(last)
