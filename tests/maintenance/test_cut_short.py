"""kill -9 in the midst of a purge and of an import: the next try goes on, nothing is half there, nothing is doubled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import NotFound
from ostinato.maintenance.export import export
from ostinato.storage.rows.rows import metadata
from ostinato.tracking.types import MetricFrame

SCRIPT = """
import os, signal, sys
from pathlib import Path
from ostinato.app import Ostinato
from ostinato.maintenance.importer import take_in
from ostinato.kernel.errors import NotFound
from ostinato.storage.series import removal

# Kills itself before its n-th write, if it has so many.
act, data, file, at = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
removal._CHUNKS_MAX = removal.ROWS_MAX = 5
removal._OF_RUN = tuple((table, key, 5) for table, key, _ in removal._OF_RUN)
app, seen = Ostinato.open(data), 0
write = app.rows.write

def count(change):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(change)

app.rows.write = count
try:
    app.runs.purge("one") if act == "purge" else take_in(app, file)
except NotFound:
    app.runs.tick()
app.close()
"""


def filled(app: Ostinato, runs: int) -> None:
    for number in range(runs):
        run = "one" if number == 0 else f"run-{number}"
        app.runs.start("night", id=run)
        for seq in range(3):
            points = [(f"key-{k}", step, step, float(step)) for k in range(6) for step in range(seq * 5000, seq * 5000 + 5000)]
            app.runs.log(run, "c", seq, MetricFrame.of(points))
        for name in range(12):
            app.runs.put_artifact(run, f"file-{name}", f"{run} {name}".encode())
        app.runs.finish(run)


def attempt(act: str, data: Path, file: Path, at: int) -> bool:
    """Whether it came to an end before its n-th write."""
    command = [sys.executable, "-c", SCRIPT, act, str(data), str(file), str(at)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert ran.returncode in (0, -9), ran.stderr
    return ran.returncode == 0


def rows_of(app: Ostinato, but: tuple[str, ...]) -> dict[str, int]:
    def count(tx: Any) -> dict[str, int]:
        tables = [table for table in metadata.sorted_tables if not table.name.startswith(but)]
        return {table.name: int(tx.all(select(func.count()).select_from(table))[0][0]) for table in tables}

    return {name: n for name, n in app.rows.read(count).items() if n}


def test_a_purge_that_was_killed_goes_on(tmp_path: Path, clock: ReplayClock, database_url: str) -> None:
    data = tmp_path / "store"
    with Ostinato.open(data, clock=clock) as app:
        filled(app, 1)
        app.runs.delete("one")
    tries = 0
    while not attempt("purge", data, tmp_path, at=2 + tries * 6):
        tries += 1
        with Ostinato.open(data, clock=clock) as app:
            try:
                assert len(app.runs.artifacts("one")) == 12, "as long as the run is there, all of it is"
            except NotFound:
                assert len(app.ledger.events(verb="run.purged").items) == 1
    assert tries >= 2, "it was killed on its way"
    with Ostinato.open(data, clock=clock) as app:
        app.runs.tick()
        assert len(app.ledger.events(verb="run.purged").items) == 1
        assert rows_of(app, ("ledger_", "blob_owner", "access_", "store_", "note", "typed")).keys() == {"tracking_experiment"}
        assert app.ledger.verify().ok


def test_an_import_that_was_killed_goes_on(tmp_path: Path, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    data, file = tmp_path / "new", tmp_path / "night.ostinato"
    with monkeypatch.context() as patched:
        patched.delenv("OSTINATO_DATABASE_URL", raising=False)
        with Ostinato.open(tmp_path / "store", clock=clock) as app:
            filled(app, 3)
            export(app, file, experiments=["night"])
            told = {
                run.id: (app.runs.metrics(run.id), app.runs.frame(run.id), len(app.runs.artifacts(run.id)))
                for run in app.runs.search().items
            }
            expected = rows_of(app, ("ledger_", "blob_", "access_", "store_", "note", "typed", "series_client", "series_chunk"))
    tries = 0
    while not attempt("import", data, file, at=4 + tries * 25):
        tries += 1
    assert tries >= 2, "it was killed on its way"
    with Ostinato.open(data, clock=clock) as app:
        found = {
            run.id: (app.runs.metrics(run.id), app.runs.frame(run.id), len(app.runs.artifacts(run.id))) for run in app.runs.search().items
        }
        assert found == told
        there = rows_of(app, ("ledger_", "blob_", "access_", "store_", "note", "typed", "series_client", "series_chunk"))
        assert there == expected | {"tracking_adoption": 3}, "nothing is doubled"
        assert len(app.ledger.events(verb="run.adopted").items) == 3
