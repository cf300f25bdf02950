"""Removal: let the points of runs go, a bounded number of rows at a time, so that no writer waits long."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, Table, delete, func, select, tuple_

from ostinato.kernel.steps import Steps
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series.chunks import chunk
from ostinato.storage.series.latest import latest
from ostinato.storage.series.series import client, settled, tail

ROWS_MAX = 1_000
"""So many small rows go at once."""
_CHUNKS_MAX = 50  # of up to 36 KB each
_OF_RUN: tuple[tuple[Table, str, int], ...] = (
    (tail, "id", _CHUNKS_MAX), (chunk, "id", _CHUNKS_MAX), (latest, "key", ROWS_MAX), (settled, "run", ROWS_MAX), (client, "id", ROWS_MAX),
)  # fmt: skip
"""The tail first: what is there of it would be settled and compacted anew."""


def drop(rows: Rows, project: str, runs: Collection[str]) -> Steps[None]:
    """Delete all points of some runs. A repeat goes on where a kill has ended it."""
    for table, key, most in _OF_RUN:
        yield from sweep(rows, table, (table.c.run, table.c[key]), most, project, runs)


def sweep(rows: Rows, table: Table, key: tuple[Column[Any], Column[Any]], most: int, project: str, holders: Collection[str]) -> Steps[None]:
    """Delete the rows of a table that some hold, about `most` at once: told apart by who holds them, the first of `key`, and the second."""
    mine = (table.c.project == project, key[0].in_(holders))
    some = select(*key).where(*mine).limit(most)

    def part(tx: Tx) -> int:
        return int(tx.execute(delete(table).where(*mine, tuple_(*key).in_(some))).rowcount)

    while holders and rows.read(lambda tx: tx.first(some)) is not None:  # what there is none of costs no write
        rows.write(part)
        yield


def points_of(tx: Tx, project: str, runs: Collection[str]) -> dict[str, int]:
    """How many points each of these runs has, as far as they are settled; those without any are left out."""
    c = latest.c
    counted = select(c.run, func.sum(c.n).label("n")).where(c.project == project, c.run.in_(runs)).group_by(c.run)
    return {row.run: int(row.n) for row in tx.all(counted)}
