"""Points: `python bench/points.py [--points 1000,10000,100000] [--json]` asks the same of one metric of one run as it grows.

Each line is the median of some calls at that length, in wall time and in CPU time of this process, in which SQLite works as well.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from lists import measured

from ostinato.app import Ostinato
from ostinato.storage.series.points import Points

_BATCH = 50_000
_LENGTHS = "1000,10000,100000,1000000,10000000"


def batch(start: int, count: int) -> Points:
    """So many points of one metric, a step and a second apart."""
    step = np.arange(start, start + count, dtype=np.int64)
    value = np.random.default_rng(start).normal(size=count)
    return Points(keys=["loss"], key=np.zeros(count, np.uint32), step=step, at=step * 1_000_000, value=value)


class Growing:
    """A run that measures more and more."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app
        self._run = app.runs.start("bench").id
        self._seq = itertools.count()
        self.length = 0

    def add(self, count: int) -> None:
        """Measure so many points more."""
        points = batch(self.length, count)
        self._app.series.append("default", self._run, "bench", next(self._seq), points, lambda _: None)
        self.length += count

    def reach(self, length: int) -> None:
        """Measure up to so many points, and let them settle as at the end of a run."""
        while self.length < length:
            self.add(min(_BATCH, length - self.length))
        self._app.series.compact("default", self._run)

    def asked(self) -> dict[str, Callable[[], object]]:
        """What is measured, by name."""
        runs, run, middle = self._app.runs, self._run, self.length // 2
        return {
            "draw 1,000 stretches of a metric": lambda: runs.outline(run, "loss", points=1000),
            "1,000 points from the middle": lambda: self._app.series.read("default", run, "loss", middle, 1000),
            "append 1,000 points, durably": lambda: self.add(1000),
        }


def main() -> None:
    """Grow, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", default=_LENGTHS)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Ostinato.open(Path(folder) / "store") as app:
        growing = Growing(app)
        for length in map(int, given.points.split(",")):
            growing.reach(length)
            for name, call in growing.asked().items():
                found = measured(call, given.times)
                line = {"name": f"at {length:,}: {name}", **found}
                shown = f"{length:12,} points: {name:40} {found['wall_ms']:9.2f} ms wall {found['cpu_ms']:9.2f} ms CPU"
                print(json.dumps(line) if given.json else shown, flush=True)


if __name__ == "__main__":
    main()
