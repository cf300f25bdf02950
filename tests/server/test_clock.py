"""The clock that all processes of a store share."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ostinato.kernel.errors import Invalid
from ostinato.server.clock import SharedClock, clock_of

START = datetime(2013, 1, 1, tzinfo=UTC)


def test_of_many_who_set_it_at_once_the_latest_instant_stands_in_the_file(tmp_path: Path) -> None:
    clock, failures = SharedClock(tmp_path, START), []

    def turn(first: int) -> None:
        for minute in range(first, 800, 8):
            try:
                clock.set(START + timedelta(minutes=minute))
            except Invalid:
                pass  # somebody was further
            except OSError as error:
                failures.append(error)

    threads = [threading.Thread(target=turn, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert clock_of(tmp_path).now() == clock.now() == START + timedelta(minutes=799)
