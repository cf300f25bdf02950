"""Lists: `python bench/lists.py [--runs 1000,10000,100000] [--keys 50]` lists runs as people do, in stores of growing length.

The stores are filled by SQL, not through the verbs, so that a hundred thousand runs with five million series take a minute. Each line is
the median of some calls, in wall time and in CPU time of this process, in which SQLite works as well.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ostinato.app import Ostinato
from ostinato.storage.rows.rows import Tx
from ostinato.storage.series.latest import latest
from ostinato.tracking.field_index import LAST, entry_table
from ostinato.tracking.store import run_table

_AT_ONCE = 2_000
_PARAMS = 20
GROWN = ("page by metric", "page by param", "page by start, where a param of few", "index by metric")
_START = datetime(2020, 1, 1, tzinfo=UTC)


def filled(app: Ostinato, runs: int, keys: int, params: int = _PARAMS) -> None:
    """So many runs, one in twenty of them in one of fifty small experiments, each with so many metrics and parameters."""
    chance = random.Random(runs)
    for name in ("large", *(f"small {number}" for number in range(50))):
        app.runs.create_experiment(name)
    ids = {experiment.name: experiment.id for experiment in app.runs.experiments()}
    for start in range(0, runs, _AT_ONCE):
        made = list(_runs(range(start, min(start + _AT_ONCE, runs)), ids, params, chance))
        series = [
            {
                "project": "default",
                "run": run["id"],
                "key": f"m{key}",
                "last": chance.random(),
                "step": 9,
                "at": 0,
                "min": chance.random() - 1,
                "max": 1 + chance.random(),
                "n": 10,
            }
            for run in made
            for key in range(keys)
        ]
        app.rows.write(lambda tx, made=made, series=series: _add(tx, made, series))  # type: ignore[misc]


def _runs(numbers: range, ids: dict[str, str], params: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    row = dict.fromkeys(run_table.c.keys()) | {
        "project": "default",
        "state": "finished",
        "inputs": [],
        "outputs": [],
        "error": "",
        "note": "",
    }
    row |= {
        "code": {"commit": "0" * 40, "dirty": False, "entry": "train.py", "arguments": [], "host": "bench"},
        "started_by": "person:admin",
    }
    for number in numbers:
        experiment = "large" if number % 20 else f"small {number // 20 % 50}"
        at = _START + timedelta(seconds=number)
        told = {"started_at": at, "recorded_at": at, "ended_at": at, "amendable": False, "wall_s": 1.0, "cpu_s": 1.0, "peak_rss_mb": 1.0}
        given = {f"p{key}": chance.randint(0, 9) for key in range(params)} | {"model": f"of kind {number % 97}", "seed": number}
        name = {"id": f"01K{number:023}", "name": f"run {number}", "experiment": experiment, "experiment_id": ids[experiment]}
        yield row | told | name | {"params": given, "tags": {"kind": "bench", "team": f"t{number % 7}"}}


def _add(tx: Tx, runs: list[dict[str, Any]], series: list[dict[str, Any]]) -> None:
    tx.execute(run_table.insert(), runs)
    tx.execute(entry_table.insert(), [entry for run in runs for entry in _entries(run)])
    if series:
        tx.execute(latest.insert(), series)


def _entries(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("params", "tags"):
        for key, value in run[kind].items():
            number, text = (LAST, value) if isinstance(value, str) else (float(value), "")
            yield {"project": "default", "field": f"{kind}.{key}", "number": number, "text": text, "run": run["id"]}


def lists(app: Ostinato) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    runs = app.runs

    def rows(*where: str, experiment: str = "large", order_by: str = "-metrics.m3") -> Callable[[], object]:
        return lambda: runs.rows(experiment, where=list(where), order_by=order_by, limit=50, columns=["metrics.m3", "params.p3"])

    return {
        "page by start": rows(order_by="-started_at"),
        "page by metric": rows(),
        "page by metric, small experiment": rows(experiment="small 1"),
        "page by metric, where metric and param": rows("metrics.m7 > 0.5 and params.p3 = 5"),
        "page by metric, where metric of few": rows("metrics.m7 > 0.999"),
        "page by start, where metric of few": rows("metrics.m7 > 0.999", order_by="-started_at"),
        "page by metric, where 3 params": rows("params.p3 = 5 and params.p4 = 5 and params.p5 = 5"),
        "page by start, where a param of few": rows("params.seed = 77", order_by="-started_at"),
        "page by start, where a param holds a text": rows("params.model ~ 'KIND 96'", order_by="-started_at"),
        "page by start, where a param is of none": rows("params.p3 > 100", order_by="-started_at"),
        "page by param": rows(order_by="-params.p3"),
        "page by tag": rows(order_by="tags.team"),
        "page by the least of a metric": rows(order_by="min(metrics.m3)"),
        "whole runs by metric": lambda: runs.search("large", order_by="-metrics.m3", limit=50),
        "index by metric": lambda: runs.index("large", order_by="-metrics.m3"),
        "index by param": lambda: runs.index("large", order_by="params.p3"),
        "index by start": lambda: runs.index("large"),
        "experiments": runs.experiments,
    }


def measured(call: Callable[[], object], times: int) -> dict[str, float]:
    """The median of some calls, in ms."""
    wall, cpu = [], []
    call()
    for _ in range(times):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - wall_s)
        cpu.append(time.process_time() - cpu_s)
    return {"wall_ms": round(1e3 * statistics.median(wall), 2), "cpu_ms": round(1e3 * statistics.median(cpu), 2)}


def main() -> None:
    """Fill, list, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default="1000,10000,100000")
    parser.add_argument("--keys", type=int, default=50)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="the lines that bench/growth.py draws")
    given = parser.parse_args()
    for runs in map(int, given.runs.split(",")):
        with tempfile.TemporaryDirectory() as folder, Ostinato.open(Path(folder) / "store") as app:
            began_s = time.perf_counter()
            filled(app, runs, given.keys)
            where = "postgresql" if os.environ.get("OSTINATO_DATABASE_URL") else "sqlite"
            if not given.json:
                print(f"{where}: {runs:,} runs with {given.keys} metrics each, filled in {time.perf_counter() - began_s:.0f} s")
            for name, call in lists(app).items():
                if given.json and name not in GROWN:
                    continue
                found = measured(call, given.times)
                line = {"name": f"at {runs:,}: {name}", **found}
                print(json.dumps(line) if given.json else f"  {name:42} {found['wall_ms']:9.2f} ms wall {found['cpu_ms']:9.2f} ms CPU")


if __name__ == "__main__":
    main()
