"""kill -9 of a process that writes: nothing acknowledged is lost, nothing is doubled, and nobody waits for the dead."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ostinato.testing.processes import until
from ostinato.testing.rows import add, note, opened, spawn


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_kill_9_loses_nothing_acknowledged_and_frees_the_turn(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = str(tmp_path / "rows.db") if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    acknowledged: list[str] = []
    for round_ in range(4):
        outs = [tmp_path / f"out{round_}{name}" for name in "ab"]
        both = [spawn(place, f"{round_}{name}", out) for name, out in zip("ab", outs, strict=True)]
        try:
            for out in outs:
                until(lambda out=out: out.read_bytes().count(b"\n") > 50)
        finally:
            for process in both:
                process.send_signal(signal.SIGKILL)
                process.wait(10)
        acknowledged += [line for out in outs for line in out.read_text().split("\n")[:-1] if line]
    rows = opened(place)
    stored = [f"{row.writer} {row.seq}" for row in rows.read(lambda tx: tx.all(select(note.c.writer, note.c.seq)))]
    assert len(acknowledged) >= 400
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    if kind == "sqlite":
        assert rows.read(lambda tx: tx.execute(text("PRAGMA integrity_check")).scalar_one()) == "ok"
    started = time.monotonic()
    rows.write(add("after"))
    assert time.monotonic() - started < 5
    rows.close()
