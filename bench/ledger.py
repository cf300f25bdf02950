"""Ledger: `python bench/ledger.py [--quick] [--json FILE]`; what an event costs to append, seal, verify and prove as the ledger grows.

CPU of this process, per event or per proof, at 1 k, 10 k, 100 k and 1 M events (`--quick`: to 10 k), three refs each. Beside an append:
the bare statements of sqlite3 that put the same rows into the same tables.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy.dialects import sqlite

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import SystemClock
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger import store
from ostinato.ledger.body import Body, pack
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.file import copy
from ostinato.storage.rows.rows import Tx, metadata
from ostinato.storage.rows.sqlite import _PRAGMAS, _WRITER, Sqlite

_GROUP = 1_000
_PROOFS = 200
_INPUT, _OUTPUT = Ref.parse("dataset:flights@4"), Ref.parse("model:late@7")


def cpu_us(call: Callable[[], object], count: int) -> float:
    """Microseconds of CPU for each of the `count` things that a call does."""
    before = time.process_time()
    call()
    return 1e6 * (time.process_time() - before) / count


def grow(ledger: Ledger, rows: Sqlite, count: int) -> None:
    """Append `count` events, a group to a transaction."""
    for start in range(0, count, _GROUP):

        def change(tx: Tx, start: int = start) -> None:
            for number in range(start, min(start + _GROUP, count)):
                subject = Ref("run", f"r{number % 997}")
                ledger.append(tx, "run.finished", subject, inputs=(_INPUT,), outputs=(_OUTPUT,), data={"state": "finished", "n": number})

        rows.write(change)


def floor_us(rows_db: Path, copied: Path, count: int = 20_000) -> float:
    """The same rows put by bare statements of sqlite3, with nothing around them, into a copy of the database."""
    copy(rows_db, copied)
    event, ref = (statement.form(sqlite.dialect()).sql for statement in (store._insert_event, store._insert_ref))
    body = b"x" * len(
        pack(Body(1, new_id(), 0, "person:bench", "run.finished", "run:r1", [str(_INPUT)], [str(_OUTPUT)], "default", {}, {}))
    )
    with closing(sqlite3.connect(copied, isolation_level=None)) as database:
        for pragma in (*_PRAGMAS, *_WRITER):
            database.execute(f"PRAGMA {pragma}")

        def put(start: int) -> None:
            database.execute("BEGIN IMMEDIATE")
            for number in range(start, start + _GROUP):
                row = (new_id(), number, "default", "person:bench", "run.finished", body)
                place = database.execute(event, row).fetchall()[0][0] * store.REFS_MAX
                refs = ((f"run:r{number % 997}", "s"), (str(_INPUT), "i"), (str(_OUTPUT), "o"))
                database.executemany(ref, [(place + at, "default", *told) for at, told in enumerate(refs)])
            database.execute("COMMIT")

        put(0)
        return cpu_us(lambda: [put(start) for start in range(0, count, _GROUP)], count)


def proofs_us(ledger: Ledger, ids: list[str]) -> list[float]:
    return [cpu_us(lambda event=event: ledger.proof(event), 1) for event in ids]  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    measured = []
    with tempfile.TemporaryDirectory() as folder, calling(Caller(actor="person:bench")):
        rows = Sqlite(f"{folder}/rows.db")
        ledger = Ledger(rows, SystemClock(), Path(folder) / "ledger-key")
        rows.create(metadata)
        events = 0
        for size in (1_000, 10_000) if given.quick else (1_000, 10_000, 100_000, 1_000_000):
            append = cpu_us(lambda more=size - events: grow(ledger, rows, more), size - events)  # type: ignore[misc]
            seal = cpu_us(ledger.seal, size - events)
            events = size
            found: list[bool] = []
            verify = cpu_us(lambda found=found: found.append(ledger.verify().ok), size)  # type: ignore[misc]
            assert found == [True]
            ids = [event.id for event in ledger.events(limit=_PROOFS).items]
            proofs = proofs_us(ledger, ids)
            floor = floor_us(Path(folder) / "rows.db", Path(folder) / f"floor-{size}.db")
            line = {
                "name": "ledger", "rows": size, "append_us": append, "floor_us": floor, "seal_us": seal, "verify_us": verify,
                "verify_all_s": verify * size / 1e6, "proof_us": statistics.median(proofs),
                "proof_p95_us": sorted(proofs)[-len(proofs) // 20],
            }  # fmt: skip
            measured.append(line)
            print("  ".join(f"{k} {v:,.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in line.items()), flush=True)
        rows.close()
    if given.json:
        given.json.write_text("\n".join(map(json.dumps, measured)) + "\n")


if __name__ == "__main__":
    main()
