"""Tracking, beside MLflow: `python bench/tracking.py [--rounds 3] [--seconds 3] [--runs 10000]`. A line is one operation on both.

`OSTINATO_BENCH_PEERS` names the Python of an environment that has mlflow. Its client works in turn with its own server, which has one
worker for it and none for jobs, and with ours; both keep SQLite on the same disk, filled by SQL with the same runs of 5 metrics,
3 parameters and 2 tags. Wall time is the client's, CPU that of all processes of the server; a ratio is that of two rounds which followed
one another, and what stands behind it in brackets the least and the greatest. `alone` is the wall time of the client before a listener that
answers at once and keeps nothing: no server can be faster.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from doors import PEERS, serving
from lists import filled

from ostinato.app import Ostinato

CLIENT = """
import json, sys, time
from mlflow import MlflowClient
from mlflow.entities import Metric
import mlflow
url, seconds, fresh = sys.argv[1], float(sys.argv[2]), sys.argv[3]
client = MlflowClient(url)
def told(name, wall, n): print(json.dumps({"name": name, "wall": wall / n, "n": n}), flush=True)
def often(name, call, times=1):
    begun, n = time.perf_counter(), 0
    while (wall := time.perf_counter() - begun) < seconds or n < 3: call(n); n += 1
    told(name, time.perf_counter() - begun, n * times)
there = client.get_experiment_by_name("large").experiment_id
if fresh == "list":
    client.search_experiments()
    print(json.dumps({"name": ""}), flush=True)
    by = ["metrics.m3 DESC"]
    often("order by a metric", lambda n: client.search_runs([there], order_by=by, max_results=100))
    often("filter", lambda n: client.search_runs([there], "metrics.m2 > 0.9", max_results=100))
    often("filter and order", lambda n: client.search_runs([there], "metrics.m2 > 0.9 and tags.team = 't3'", order_by=by, max_results=100))
    sys.exit()
made = client.create_experiment(fresh)
run = client.create_run(made).info.run_id
print(json.dumps({"name": ""}), flush=True)
often("create_run", lambda n: client.create_run(made))
often("log_metric", lambda n: client.log_metric(run, "loss", 0.5, step=n))
now = int(time.time() * 1000)
often("log_batch, a point", lambda n: client.log_batch(run, [Metric("batch", 0.5 + i, now + i, 1000 * n + i) for i in range(1000)]), 1000)
begun = time.perf_counter()
waiting = [client.log_metric(run, "late", 0.5, step=n, synchronous=False) for n in range(500)]
for one in waiting: one.wait()
told("asynchronous, a point", time.perf_counter() - begun, 500)
if fresh == "alone": sys.exit()
history = client.create_run(made).info.run_id
for n in range(100): client.log_batch(history, [Metric("long", 0.5 + i, now + 1000 * n + i, 1000 * n + i) for i in range(1000)])
print(json.dumps({"name": ""}), flush=True)
begun = time.perf_counter()
assert len(client.get_metric_history(history, "long")) == 100_000
told("history of 100,000 points", time.perf_counter() - begun, 1)
"""
Found = dict[str, tuple[float, float]]
"""Of each operation seconds of wall time and of the server's CPU."""


@contextmanager
def ours(home: Path, runs: int) -> Iterator[tuple[psutil.Process, str, dict[str, str]]]:
    """Our server over a store with runs, its address and what its clients need."""
    with Ostinato.open(home / "store") as app:
        filled(app, runs, 5, 1)
    token = (home / "store" / "admin-token").read_text().strip()
    with serving([sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(home / "store")]) as (process, port, _):
        yield process, f"http://127.0.0.1:{port}/mlflow/default", {"MLFLOW_TRACKING_TOKEN": token}


@contextmanager
def theirs(home: Path, runs: int) -> Iterator[tuple[psutil.Process, str, dict[str, str]]]:
    """MLflow's server over a store with runs."""
    store = ["--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", str(home / "artifacts")]
    command, idle = [PEERS, "-m", "mlflow", "server", "--workers", "1", *store], {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with serving(command, idle, path="/health"):
        pass  # the first start makes the store
    seeded(home / "mlflow.db", runs)
    with serving(command, idle, path="/health") as (process, port, _):
        yield process, f"http://127.0.0.1:{port}", {}


@contextmanager
def nobody() -> Iterator[tuple[psutil.Process, str, dict[str, str]]]:
    """A listener that answers whatever is asked with one body, in which every message finds what it needs."""
    told = {
        "experiment_id": "1",
        "experiment": {"experiment_id": "1"},
        "run": {"info": {"run_id": "a" * 32, "experiment_id": "1"}, "data": {}},
    }
    body = json.dumps(told).encode()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    def talk(one: socket.socket) -> None:
        with one, one.makefile("rb") as asked:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while asked.readline():
                length = 0
                while (line := asked.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                asked.read(length)
                one.sendall(answer)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield psutil.Process(), f"http://127.0.0.1:{listener.getsockname()[1]}", {}


def seeded(path: Path, runs: int) -> None:
    """Fill a store of MLflow, as ours is filled."""
    chance = random.Random(runs)
    ids = [f"{number:032x}" for number in range(runs)]
    with sqlite3.connect(path) as db:
        db.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time) "
            "VALUES (77, 'large', 'mlflow-artifacts:/77', 'active', 0, 0)"
        )
        db.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, "
            "source_version, lifecycle_stage, artifact_uri, experiment_id) "
            "VALUES (?, ?, 'LOCAL', '', '', 'bench', 'FINISHED', ?, ?, '', 'active', ?, 77)",
            [(run, f"run {n}", n, n + 1, f"mlflow-artifacts:/77/{run}") for n, run in enumerate(ids)],
        )
        points = [(f"m{key}", chance.random(), 0, run, 9, False) for run in ids for key in range(5)]
        for table in ("metrics", "latest_metrics"):
            db.executemany(f"INSERT INTO {table} (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)", points)
        params = [(f"p{key}", str(chance.randint(0, 9)), run) for run in ids for key in range(3)]
        db.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", params)
        tags = [(key, value, run) for n, run in enumerate(ids) for key, value in (("kind", "bench"), ("team", f"t{n % 7}"))]
        db.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags)
    db.close()


def measured(server: tuple[psutil.Process, str, dict[str, str]], seconds: float, what: str) -> Found:
    """What the client tells of its work with a server."""
    process, url, more = server
    found: Found = {}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
    command = [PEERS, "-c", CLIENT, url, str(seconds), what]
    print(f"{what}, at {url}", file=sys.stderr, flush=True)
    with subprocess.Popen(command, env=os.environ | quiet | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        before = cpu_s(process)
        for line in client.stdout:
            told, now = json.loads(line), cpu_s(process)
            if told["name"]:
                wall_s, spent_s = found[told["name"]] = told["wall"], (now - before) / told["n"]
                print(f"  {told['name']}: {1e3 * wall_s:.3f} ms, {1e3 * spent_s:.3f} of CPU", file=sys.stderr, flush=True)
            before = now
        if client.wait():
            raise RuntimeError(client.stderr.read() if client.stderr else "the client failed")
    return found


def cpu_s(process: psutil.Process) -> float:
    """The processor time of a server, with its helpers."""
    spent = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
    return spent


def main() -> None:
    """Both servers, round after round; then a line per operation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--runs", type=int, default=10_000)
    given = parser.parse_args()
    if not PEERS:
        sys.exit("set OSTINATO_BENCH_PEERS to the Python of an environment that has mlflow")
    rounds: list[tuple[Found, Found]] = []
    with tempfile.TemporaryDirectory() as home, ours(Path(home), given.runs) as we, theirs(Path(home), given.runs) as they:
        for number in range(given.rounds):
            names = f"fresh {number}", "list"
            pair = [{**measured(server, given.seconds, names[0]), **measured(server, given.seconds, names[1])} for server in (they, we)]
            rounds.append((pair[0], pair[1]))
        with nobody() as listener:
            alone = measured(listener, given.seconds, "alone")
    print(f"{'with the client of MLflow':28} {'MLflow, ms':>12} {'CPU':>9} {'ours, ms':>12} {'CPU':>9}   ratio (spread), of CPU, alone, ms")
    for name in rounds[0][0]:
        (their_s, their_cpu_s), (our_s, our_cpu_s) = ([[pair[side][name][kind] for pair in rounds] for kind in (0, 1)] for side in (0, 1))
        shown = " ".join(
            f"{1e3 * statistics.median(wall):12.3f} {1e3 * statistics.median(cpu):9.3f}"
            for wall, cpu in ((their_s, their_cpu_s), (our_s, our_cpu_s))
        )
        least = f", {1e3 * alone[name][0]:.3f}" if name in alone else ""
        print(f"{name:28} {shown}   {ratio(their_s, our_s)}, {ratio(their_cpu_s, our_cpu_s)}{least}")


def ratio(theirs: list[float], ours: list[float]) -> str:
    """The median of the ratios, the least and the greatest."""
    values = [one / max(other, 1e-9) for one, other in zip(theirs, ours, strict=True)]
    return f"{statistics.median(values):6.1f} × ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
