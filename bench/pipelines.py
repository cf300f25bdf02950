"""What the engine costs: CPU milliseconds per trivial step, and per step that is remembered.

    python bench/pipelines.py [steps] [--profile]

CPU time of the whole process (body, lease thread, writer thread) beyond that of the plain calls; wall time beside it.
"""

from __future__ import annotations

import cProfile
import sys
import tempfile
import time
from collections.abc import Callable

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import SystemClock
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.pipelines.definition import pipeline, step
from ostinato.pipelines.service import Pipelines
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.sqlite import Sqlite
from ostinato.storage.series.series import Series
from ostinato.storage.tables.tables import Tables
from ostinato.tracking.service import Runs


@step
def increment(x: int) -> int:
    return x + 1


@pipeline
def chain(n: int) -> int:
    x = 0
    for _ in range(n):
        x = increment(x)
    return x


@pipeline
def fan(n: int) -> int:
    return len(increment.map(range(10**6, 10**6 + n)))


def measured(name: str, steps: int, call: Callable[[], object]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{name:24} {1000 * cpu / steps:8.3f} ms CPU/step {1000 * wall / steps:8.3f} ms wall/step")


def main() -> None:
    steps = int(next((a for a in sys.argv[1:] if a.isdigit()), 1000))
    with tempfile.TemporaryDirectory() as folder, calling(Caller(actor="person:bench")):
        settings, clock = Settings.read(folder), SystemClock()
        rows, blobs = Sqlite(f"{folder}/rows.db"), Local(f"{folder}/blobs")
        ledger = Ledger(rows=rows, clock=clock, key_path=settings.data / "key")
        runs = Runs(rows=rows, blobs=blobs, series=Series(rows), ledger=ledger, clock=clock)
        tables = Tables(blobs, f"{folder}/cache")
        pipelines = Pipelines(rows=rows, blobs=blobs, tables=tables, ledger=ledger, clock=clock, runs=runs, settings=settings)
        rows.create(metadata)
        pipelines.run(chain, n=1)
        measured("plain call", steps, lambda: chain(steps))
        for name, flow in (("chain", chain), ("map", fan)):
            measured(f"{name}: ran", steps, lambda flow=flow: pipelines.run(flow, n=steps))
            measured(f"{name}: remembered", steps, lambda flow=flow: pipelines.run(flow, n=steps))
        rows.close()


if __name__ == "__main__":
    if "--profile" in sys.argv:
        cProfile.run("main()", sort="tottime")
    else:
        main()
