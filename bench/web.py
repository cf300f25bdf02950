"""The pages in a real Chromium: first paint, the next paint after an act, scrolling, drawing, rest, many tabs.

`python bench/web.py [--runs 100000] [--rounds 3] [--data DIR]`. Makes a store with so many runs of a sweep, each with parameters and a
metric with its interval, and one run of a million points; opens the pages of a demo's store besides; serves it, and lets
`web/journeys/measure.mjs` look. Needs `make web chromium`. Times are wall time in the browser's own clocks; rest is the browser's CPU,
by its own account.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx
from ostinato.storage.series.latest import latest
from ostinato.storage.series.points import Points
from ostinato.tracking.store import run_table

WEB = Path(__file__).parents[1] / "web"
POINTS = 1_000_000
_RUNS, _MEASURED = Prepared(insert(run_table)), Prepared(insert(latest))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="the store of a demo, whose pages are opened too; it is changed only by sign-ins")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "store"
        long = seed(data, given.runs)
        with serving(data) as url:
            measure(url, data, given.rounds, "--long", long, "--runs", str(given.runs))
    if given.data:
        with serving(given.data, "--clock", "replay") as url:
            measure(url, given.data, given.rounds, "--demo")


def seed(data: Path, count: int) -> str:
    """A store with so many runs, and the id of one with a million points."""
    with Ostinato.open(data) as app, calling(Caller(actor="person:admin", project="default")):
        app.access.bootstrap(data)
        template = app.runs.start("sweep", "try 0")
        app.runs.finish(template.id)
        (one,) = app.rows.read(lambda tx: tx.all(select(run_table).where(run_table.c.id == template.id)))
        for first in range(1, count, 10_000):
            app.rows.write(partial(_add, dict(one._mapping), range(first, min(count, first + 10_000))))
        long = app.runs.start("long", name="a million points")
        step, chance = np.arange(POINTS, dtype=np.int64), np.random.default_rng(0)
        for seq, part in enumerate(np.array_split(step, 20)):
            value = np.sin(part / 50_000) + chance.normal(size=len(part)) / 10
            key, at = np.zeros(len(part), dtype=np.uint32), 1_600_000_000_000_000 + part * 1000
            app.series.append("default", long.id, "bench", seq, Points(keys=["loss"], key=key, step=part, at=at, value=value), _open)
        app.series.compact("default", long.id)
        app.runs.finish(long.id)
    return long.id


def _add(one: dict[str, Any], numbers: range, tx: Tx) -> None:
    """Runs like `one`, each with parameters and what it measured: the rows that logging it would have left."""
    began, chance = datetime(2020, 1, 1, tzinfo=UTC), np.random.default_rng(numbers.start)
    depth, rate, auc = chance.integers(2, 12, len(numbers)), chance.uniform(0.01, 0.3, len(numbers)), chance.beta(40, 15, len(numbers))
    runs, measured = [], []
    for i, number in enumerate(numbers):
        run, at = f"r{number:06d}", began + timedelta(minutes=number)
        params = {"depth": int(depth[i]), "rate": round(float(rate[i]), 4), "seed": number}
        runs.append({**one, "id": run, "name": f"try {number}", "params": params, "started_at": at, "ended_at": at + timedelta(seconds=50)})
        for key, value in (("auc", auc[i]), ("auc_low", auc[i] - 0.01), ("auc_high", auc[i] + 0.01), ("loss", 1 - auc[i])):
            same = {"last": float(value), "min": float(value), "max": float(value)}
            measured.append({"project": one["project"], "run": run, "key": key, "step": 0, "at": 0, "n": 1, **same})
    tx.run(_RUNS, runs)
    tx.run(_MEASURED, measured)


def _open(_: Tx) -> None:
    """A run that takes points."""


@contextmanager
def serving(data: Path, *more: str) -> Iterator[str]:
    """A server on a store; its address."""
    told = data / "server.json"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(data), "--port", "0", *more]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if told.exists():
                break
            time.sleep(0.05)
        yield str(json.loads(told.read_text())["url"])
    finally:
        process.terminate()
        process.wait(60)


def measure(url: str, data: Path, rounds: int, *more: str) -> None:
    env = os.environ | {"OSTINATO_URL": url, "OSTINATO_DATA": str(data)}
    subprocess.run(["node", "journeys/measure.mjs", "--rounds", str(rounds), *more], cwd=WEB, env=env, check=True, timeout=900)


if __name__ == "__main__":
    main()
