"""Storage: `python bench/storage.py [--quick] [--seconds 5] [--json FILE]`; rows on SQLite, or where OSTINATO_DATABASE_URL says.

Prints one line per measurement, `ms` of wall time and of this process's CPU for each operation, with what it is measured beside. CPU is the
steadier of the two on a shared machine. Growth: the same operations with 1 k, 10 k, 100 k and 1 M rows there (`--quick`: to 10 k).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, func, insert, select

from ostinato.kernel.caller import Caller, set_process_caller
from ostinato.kernel.clock import SystemClock
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.keys import Keys
from ostinato.storage.blobs.local import Local
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.blobs.s3 import S3
from ostinato.storage.blobs.sealed import Sealed
from ostinato.storage.rows.chosen import rows_of
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx, metadata
from ostinato.storage.series import series as kept
from ostinato.storage.series.points import Points
from ostinato.storage.series.series import Series
from ostinato.testing.bucket import CREDENTIALS, BucketServer
from ostinato.tracking.service import Runs
from ostinato.tracking.store import run_table

CALLERS = 32
note = Table(
    "bench_note", metadata, Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True), Column("body", LargeBinary)
)
_note = Prepared(insert(note), ("body",))
_count = select(func.count()).select_from(note)
BODY = b"x" * 300
found: list[dict[str, Any]] = []


def report(name: str, **values: float | str) -> None:
    """One line of the table, kept for `--json` too."""
    found.append({"name": name, **values})
    said = "  ".join(f"{k} {v:,.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
    print(f"{name:46} {said}", flush=True)


def each(count: int, call: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of CPU and of wall time per operation of a call that does `count` of them."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return {"cpu_ms": 1e3 * (time.process_time() - cpu) / count, "wall_ms": 1e3 * (time.perf_counter() - wall) / count}


def at_once(callers: int, seconds: float, act: Callable[[int], object]) -> tuple[int, list[float]]:
    """How often threads did something together, and how long each time took, in seconds."""
    took: list[list[float]] = [[] for _ in range(callers)]
    stop = time.monotonic() + seconds

    def work(number: int) -> None:
        while (started := time.monotonic()) < stop:
            act(number)
            took[number].append(time.monotonic() - started)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = sorted(t for some in took for t in some)
    return len(every), every


def small_writes(rows: Rows, folder: Path, seconds: float) -> None:
    """Durable writes of one caller and of 32 in groups, beside a commit for each on the same disk; shares of four processes."""
    database = sqlite3.connect(folder / "ungrouped.db", isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)"):
        database.execute(statement)
    lock = threading.Lock()

    flushes: list[float] = []

    def alone(_: int) -> None:
        with lock:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO t (body) VALUES (?)", (BODY,))
            started = time.monotonic()
            database.execute("COMMIT")
            flushes.append(time.monotonic() - started)

    single, _ = at_once(CALLERS, seconds / 2, alone)
    database.close()
    flushes.sort()
    handed, _ = at_once(CALLERS, seconds / 2, lambda _: rows.write(lambda _: None))  # to the writer and back, for nothing
    cpu = time.process_time()
    grouped, took = at_once(CALLERS, seconds, lambda _: rows.write(lambda tx: tx.run(_note, {"body": BODY})))
    cpu = time.process_time() - cpu
    report(
        "small writes, 32 callers", per_s=grouped / seconds, ungrouped_per_s=2 * single / seconds, ratio=grouped / (2 * single),
        handed_per_s=2 * handed / seconds,
        flush_p50_ms=1e3 * flushes[len(flushes) // 2], flush_p99_ms=1e3 * flushes[int(len(flushes) * 0.99)],
        p50_ms=1e3 * took[len(took) // 2], p99_ms=1e3 * took[int(len(took) * 0.99)], cpu_ms=1e3 * cpu / grouped,
    )  # fmt: skip
    cpu = time.process_time()
    handed, _ = at_once(1, seconds / 4, lambda _: rows.write(lambda _: None))
    between = time.process_time()
    lone, took = at_once(1, seconds / 4, lambda _: rows.write(lambda tx: tx.run(_note, {"body": BODY})))
    report(
        "small writes, one caller", per_s=4 * lone / seconds, p50_ms=1e3 * took[len(took) // 2],
        cpu_ms=1e3 * (time.process_time() - between) / lone, nothing_cpu_ms=1e3 * (between - cpu) / handed,
    )  # fmt: skip
    command = [sys.executable, __file__, "--share", str(folder), "--seconds", str(seconds)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    shares = [int(process.communicate()[0]) for process in processes]
    report("four processes on one store", least=float(min(shares)), most=float(max(shares)), per_s=sum(shares) / seconds)


def share(folder: str, seconds: float) -> None:
    """One of the four: how many writes it got done."""
    rows = rows_of(Settings.read(folder))
    print(at_once(8, seconds, lambda _: rows.write(lambda tx: tx.run(_note, {"body": BODY})))[0])
    rows.close()


def frame(seq: int, keys: list[str], points: int, chance: np.random.Generator) -> Points:
    """A batch: some points of every key."""
    n = len(keys) * points
    step = np.tile(np.arange(seq * points, (seq + 1) * points, dtype=np.int64), len(keys))
    key = np.repeat(np.arange(len(keys), dtype=np.uint32), points)
    return Points(keys=keys, key=key, step=step, at=np.full(n, 1_700_000_000_000_000 + seq), value=chance.normal(size=n))


def _open(_: Tx) -> None:
    """A run that takes points."""


def ingest(rows: Rows, seconds: float) -> None:
    """100 runs, 50 keys, 10 points each in a batch; compaction as it comes, and a reader."""
    series, feeders, keys = Series(rows), 25, [f"metric/{i}" for i in range(50)]
    chance = [np.random.default_rng(i) for i in range(feeders)]
    seqs, reads, stop = [0] * feeders, [0], threading.Event()

    def feed(number: int) -> None:
        for run in range(100 // feeders):
            batch = frame(seqs[number], keys, 10, chance[number])
            series.append("bench", f"{number}-{run}", "client", seqs[number], batch, _open)
        seqs[number] += 1

    def read() -> None:
        while not stop.wait(0.02):
            run = f"{random.randrange(feeders)}-0"
            series.read("bench", run, "metric/7")
            series.latest("bench", run)
            reads[0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    backlog = []
    for _ in range(3):
        cpu = time.process_time()
        batches = 4 * at_once(feeders, seconds / 3, feed)[0]
        cpu = time.process_time() - cpu
        backlog.append(rows.read(lambda tx: int(tx.all(select(func.count()).select_from(kept.tail))[0][0])))
        points = batches * 500
        report(
            "series ingest, 100 runs x 50 keys x 10 points", points_per_s=3 * points / seconds, cpu_us_per_point=1e6 * cpu / points,
            backlog_batches=float(backlog[-1]), reads=float(reads[0]),
        )  # fmt: skip
    stop.set()
    reader.join()


def drawing(rows: Rows, batch: int = 50_000) -> None:
    """A million points of one series, drawn as a thousand; the first time by a process that has read none of them."""
    series, chance = Series(rows), np.random.default_rng(0)
    for seq in range(1_000_000 // batch):
        series.append("bench", "drawn", "client", seq, frame(seq, ["loss"], batch, chance), _open)
    series.compact("bench", "drawn")
    report("1 M points drawn as 1,000, first", **each(1, lambda: Series(rows).outline("bench", "drawn", "loss")))
    report("1 M points drawn as 1,000, again", **each(50, lambda: [series.outline("bench", "drawn", "loss") for _ in range(50)]))
    report("1 M points read", **each(1, lambda: series.read("bench", "drawn", "loss", limit=0)))


def many_blobs(rows: Rows, folder: Path, count: int) -> None:
    """Small blobs in and out, packed: in files, encrypted, and in a bucket beside boto3.

    For each range that is read, moto loads the whole object: of S3, the CPU of this side is what can be compared.
    """
    contents = [random.Random(i).randbytes(1000 + i % 7000) for i in range(count)]
    in_and_out(rows, "local", Local(folder / "blobs"), contents)
    in_and_out(rows, "encrypted", Sealed(Local(folder / "sealed"), Keys(folder / "blob-keys")), contents)
    if importlib.util.find_spec("moto") and importlib.util.find_spec("obstore"):
        os.environ |= CREDENTIALS
        with closing(BucketServer()) as server:
            inner = S3(server.bucket(), spool=folder)
            inner.put(b"warm")
            in_and_out(rows, "S3", inner, contents, out=count // 20)
            if importlib.util.find_spec("boto3"):
                by_boto3(
                    importlib.import_module("boto3").client("s3", endpoint_url=server.url, region_name="us-east-1"), contents[: count // 20]
                )


def in_and_out(rows: Rows, name: str, inner: Blobs, contents: list[bytes], out: int | None = None) -> None:
    """All of them together, then one by one, as somebody reads who did not write them."""
    made: list[str] = []
    set_process_caller(Caller(actor="person:bench", project=name))  # what another one has stored is not there
    report(
        f"{len(contents)} small blobs in, {name}",
        **each(len(contents), lambda: made.extend(b.digest for b in Owned(inner, rows).put_many(contents))),
    )
    asked, reader = made[:out], Owned(inner, rows)
    report(f"{len(asked)} small blobs out, {name}", **each(len(asked), lambda: [reader.open(digest) for digest in asked]))
    single = [b"." + content for content in contents[: len(contents) // 50]]
    report(f"{len(single)} blobs in one by one, {name}", **each(len(single), lambda: [inner.put(content) for content in single]))


def by_boto3(client: Any, contents: list[bytes]) -> None:
    """The peer."""
    keys = [f"b/{i}" for i in range(len(contents))]
    client.create_bucket(Bucket="bench")
    client.put_object(Bucket="bench", Key="warm", Body=b"")
    report(
        f"{len(keys)} small objects in, boto3",
        **each(len(keys), lambda: [client.put_object(Bucket="bench", Key=k, Body=c) for k, c in zip(keys, contents, strict=True)]),
    )
    report(
        f"{len(keys)} small objects out, boto3",
        **each(len(keys), lambda: [client.get_object(Bucket="bench", Key=k)["Body"].read() for k in keys]),
    )


def growth(rows: Rows, folder: Path, sizes: list[int]) -> None:
    """Operations that everyone does, with more and more there already."""
    set_process_caller(Caller(actor="person:bench", project="bench"))
    clock = SystemClock()
    ledger = Ledger(rows=rows, clock=clock, key_path=folder / "key")
    runs = Runs(rows=rows, blobs=Local(folder / "blobs"), series=Series(rows), ledger=ledger, clock=clock)
    template = runs.start("bench", id="template")
    (plain,) = rows.read(lambda tx: tx.all(select(run_table).where(run_table.c.id == template.id)))
    add, start, there = Prepared(insert(run_table)), datetime(2020, 1, 1, tzinfo=UTC), 1
    for size in sizes:
        for first in range(there, size, 10_000):
            numbers = range(first, min(size, first + 10_000))
            made = [{**plain._mapping, "id": f"r{i}", "started_at": start + timedelta(seconds=i)} for i in numbers]
            rows.write(partial(_add, add, made))
        there = size
        measured(runs, f"at {size:>9,}", size)


def _add(add: Prepared, made: list[dict[str, Any]], tx: Tx) -> None:
    tx.run(add, made)


def measured(runs: Runs, label: str, size: int, times: int = 200) -> None:
    """The same three operations, whatever is there."""
    report(f"{label}: newest 50 runs", **each(times, lambda: [runs.search(limit=50) for _ in range(times)]))
    report(f"{label}: one run", **each(times, lambda: [runs.get(f"r{random.randrange(1, size)}") for _ in range(times)]))
    report(f"{label}: a run starts, with its event", **each(times // 4, lambda: [runs.start("bench") for _ in range(times // 4)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement over time")
    parser.add_argument("--json", type=Path, help="a file to write the lines to as well")
    parser.add_argument("--share", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.share:
        share(given.share, given.seconds)
        return
    seconds, count = (1.0, 1000) if given.quick else (given.seconds, 10_000)
    with tempfile.TemporaryDirectory() as name:
        set_process_caller(Caller(actor="person:bench", project="bench"))
        folder = Path(name)
        rows = rows_of(replace(Settings.read(folder), data=folder))
        rows.create(metadata)
        small_writes(rows, folder, seconds)
        ingest(rows, 2 * seconds)
        drawing(rows)
        many_blobs(rows, folder, count)
        growth(rows, folder, [1_000, 10_000] if given.quick else [1_000, 10_000, 100_000, 1_000_000])
        rows.close()
    if given.json:
        given.json.write_text("\n".join(json.dumps(line) for line in found) + "\n")


if __name__ == "__main__":
    main()
