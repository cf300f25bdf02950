"""The logging client: what `log` costs, beside a busy thread as well, and how fast points become durable over HTTP.

    python bench/tracking_client.py [--calls 200000] [--rounds 3]

`write` is the same record by one write() per call instead of the map: why the journal is mapped.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from doors import serving

from ostinato.app import Ostinato
from ostinato.client.remote import connect
from ostinato.tracking.logger import Logger

_ROW = struct.Struct("<Iqq5d")
_HEAD = struct.Struct("<II")


def timed(call: Callable[[int], object], calls: int) -> str:
    took, cpu_ns = [], time.thread_time_ns()
    for number in range(calls):
        begun = time.perf_counter_ns()
        call(number)
        took.append(time.perf_counter_ns() - begun)
    cpu_us = (time.thread_time_ns() - cpu_ns) / calls / 1000
    took.sort()
    p50, p99, p999, most = (took[min(int(calls * q), calls - 1)] / 1000 for q in (0.5, 0.99, 0.999, 1.0))
    return f"p50 {p50:6.2f} µs   p99 {p99:8.2f}   p99.9 {p999:8.2f}   max {most:9.1f}   CPU {cpu_us:5.2f} µs per call"


def writer(path: Path) -> Callable[[int], object]:
    fd, lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), threading.Lock()

    def log(step: int) -> None:
        with lock:
            body = _ROW.pack(16, step, time.time_ns() // 1000, 0.1, 0.2, 0.3, 0.4, 0.5)
            os.write(fd, _HEAD.pack(len(body), zlib.crc32(body)) + body)

    return log


def costs(home: Path, calls: int) -> None:
    offline = Logger.start(None, "bench", capture=False)
    five = timed(lambda step: offline.log(loss=0.1, auc=0.2, rate=0.3, norm=0.4, time=0.5, step=step), calls)
    print(f"log, 5 keys, offline      {five}")
    many = {f"key{n}": 0.1 for n in range(50)}
    print(f"log, 50 keys, offline     {timed(lambda step: offline.log(many, step=step), calls // 10)}")
    print(f"write() per call          {timed(writer(home / 'written'), calls)}")
    done = threading.Event()
    busy = threading.Thread(target=lambda: [sum(range(1000)) for _ in iter(done.is_set, True)])
    busy.start()
    print(
        f"log, beside a busy thread {timed(lambda step: offline.log(loss=0.1, auc=0.2, rate=0.3, norm=0.4, time=0.5, step=step), 20_000)}"
    )
    print(f"write(), beside one       {timed(writer(home / 'busy'), 2000)}")
    done.set()
    busy.join()
    offline.finish()


def starts(app: Ostinato) -> None:
    for capture in (False, True):
        took = []
        for _ in range(10):
            begun = time.perf_counter()
            run = app.run("bench", capture=capture)
            took.append(1000 * (time.perf_counter() - begun))
            run.finish()
        print(f"start, captures {capture!s:5}     p50 {sorted(took)[5]:6.1f} ms   max {max(took):6.1f}")


def shipping(store: Path, calls: int, rounds: int) -> None:
    """A training that logs as fast as it can, to a server that is a process of its own."""
    with serving([sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(store)]) as (server, port, _):
        token = (store / "admin-token").read_text().strip()
        with connect(f"http://127.0.0.1:{port}", token) as remote:
            for _ in range(rounds):
                run = remote.run("bench", capture=False)
                begun, cpu, of_server = time.perf_counter(), time.process_time(), server.cpu_times()
                costs = timed(lambda step, run=run: run.log(loss=0.1, auc=0.2, rate=0.3, norm=0.4, time=0.5, step=step), calls)
                logged = time.perf_counter() - begun
                run.flush()
                wall, cpu, now = time.perf_counter() - begun, time.process_time() - cpu, server.cpu_times()
                of_server_s = now.user + now.system - of_server.user - of_server.system
                shares = f"of the client {cpu / calls / 5 * 1e6:.2f}, of the server {of_server_s / calls / 5 * 1e6:.2f} µs of CPU a point"
                print(f"log, 5 keys, shipping     {costs}")
                print(
                    f"durable over HTTP         {5 * calls / wall:,.0f} points/s of {5 * calls:,} "
                    f"(logged in {logged:.2f} s, durable after {wall:.2f} s; {shares})"
                )
                run.finish()
                assert remote.runs.metrics(run.id)["loss"].n == calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OSTINATO_JOURNAL"] = str(Path(folder) / "journal")
        costs(Path(folder), given.calls)
        with Ostinato.open(Path(folder) / "store") as app:
            starts(app)
        shipping(Path(folder) / "store", given.calls, given.rounds)


if __name__ == "__main__":
    main()
