"""What the engine costs: CPU milliseconds per trivial durable step, and per step that is remembered; and how that grows.

    python bench/pipelines.py [steps] [--peer PYTHON] [--profile]

CPU time of the whole process (body, lease thread, writer thread), the best of three; wall time beside it. First at the given
number of steps (1,000), then at ten times as many. With `--peer`, an interpreter that has Prefect runs the same chain and map
through it; without, or where it lacks Prefect, that part is left out.
"""

from __future__ import annotations

import cProfile
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


def measured(name: str, steps: int, call: Callable[[], object], times: int = 1) -> float:
    """Print the least CPU time of some calls, and return it in milliseconds per step."""
    found = []
    for _ in range(times):
        cpu, wall = time.process_time(), time.perf_counter()
        call()
        found.append((1000 * (time.process_time() - cpu) / steps, 1000 * (time.perf_counter() - wall) / steps))
    cpu_ms, wall_ms = min(found)
    spread = f"   {min(found)[0]:.3f} to {max(found)[0]:.3f}" if times > 1 else ""
    print(f"{name:32} {cpu_ms:8.3f} ms CPU/step {wall_ms:8.3f} ms wall/step{spread}", flush=True)
    return cpu_ms


@contextmanager
def opened() -> Iterator[Pipelines]:
    """The engine on a store of its own."""
    with tempfile.TemporaryDirectory() as folder, calling(Caller(actor="person:bench")):
        settings, clock = Settings.read(folder), SystemClock()
        rows, blobs = Sqlite(f"{folder}/rows.db"), Local(f"{folder}/blobs")
        ledger = Ledger(rows=rows, clock=clock, key_path=settings.data / "key")
        runs = Runs(rows=rows, blobs=blobs, series=Series(rows), ledger=ledger, clock=clock)
        tables = Tables(blobs, f"{folder}/cache")
        rows.create(metadata)
        yield Pipelines(rows=rows, blobs=blobs, tables=tables, ledger=ledger, clock=clock, runs=runs, settings=settings)
        rows.close()


def engine(steps: int, times: int) -> float:
    """The chain and the map at one size; returns the CPU of a step of the chain."""
    per_step = []
    for name, flow in (("chain", chain), ("map", fan)):
        remembered = []
        for _ in range(times):
            with opened() as pipelines:
                pipelines.run(flow, n=1)
                call = functools.partial(pipelines.run, flow, n=steps)
                per_step.append(measured(f"{name} of {steps}: ran", steps, call))
                remembered.append(measured(f"{name} of {steps}: remembered", steps, call))
        print(f"    best {min(per_step[-times:]):.3f} ms CPU/step; all {steps} remembered in {min(remembered) * steps / 1000:.3f} s CPU")
    return min(per_step[:times])


def main() -> None:
    steps = int(next((a for a in sys.argv[1:] if a.isdigit()), 1000))
    measured("plain call", steps, lambda: chain(steps))
    small = engine(steps, 3)
    large = engine(10 * steps, 1)
    print(f"a step of the chain costs {large / small:.2f} times as much at {10 * steps} steps as at {steps}")
    if "--peer" in sys.argv:
        peer(sys.argv[sys.argv.index("--peer") + 1])


PREFECT = """
import time
from prefect import flow, task
@task
def increment(x): return x + 1
@flow
def chain(n):
    x = 0
    for _ in range(n): x = increment(x)
    return x
chain(5)
cpu, wall = time.process_time(), time.perf_counter()
chain(100)
cpu, wall = 10 * (time.process_time() - cpu), 10 * (time.perf_counter() - wall)
print(f"prefect, chain of 100: {cpu:8.3f} ms CPU/step {wall:8.3f} ms wall/step, without its server")
"""


def peer(python: str) -> None:
    """The same through Prefect, if that interpreter has it."""
    quiet = os.environ | {"PREFECT_LOGGING_LEVEL": "ERROR"}
    ran = subprocess.run([python, "-c", PREFECT], env=quiet, capture_output=True, text=True, timeout=600, check=False)
    print(ran.stdout.strip() if ran.returncode == 0 else f"no peer: {ran.stderr.strip().rpartition(chr(10))[2]}")


if __name__ == "__main__":
    if "--profile" in sys.argv:
        cProfile.run("main()", sort="tottime")
    else:
        main()
