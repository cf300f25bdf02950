"""Chunks: where the points of a series are kept for long, and what is asked of them along an axis."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, bindparam, func, select

from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import metadata
from ostinato.storage.series.points import Axis

SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""The type of a key that counts up."""
chunk = Table(
    "series_chunk",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("step_min", BigInteger, nullable=False),
    Column("step_max", BigInteger, nullable=False),
    Column("time_min", BigInteger, nullable=False),
    Column("time_max", BigInteger, nullable=False),
    Column("step_shift", Integer),
    Column("time_shift", Integer),
    Column("step_cells", LargeBinary),
    Column("time_cells", LargeBinary),
    Column("data", LargeBinary, nullable=False),
    Index("series_chunk_key", "project", "run", "key", "id"),
    sqlite_autoincrement=True,
)
"""Points of one series; a full chunk has cells of both axes too. `data` is the last column: what stands before it is read without it."""
Index("series_chunk_open", chunk.c.project, chunk.c.run, chunk.c.id, sqlite_where=chunk.c.step_shift.is_(None))

_of_key = (chunk.c.project == bindparam("project")) & (chunk.c.run == bindparam("run")) & (chunk.c.key == bindparam("key"))


class Along:
    """What is asked of chunks along an axis: how far they reach, their cells, and the points of those whose cells are too wide."""

    def __init__(self, axis: Axis) -> None:
        low, high, shift, held = (chunk.c[f"{axis}_{column}"] for column in ("min", "max", "shift", "cells"))
        within = _of_key & (high >= bindparam("low")) & (low <= bindparam("high"))
        self.spans = Prepared(select(chunk.c.n, low, high).where(_of_key & (high >= bindparam("low"))).order_by(high))
        self.held = Prepared(select(chunk.c.n, chunk.c.data).where(within).order_by(chunk.c.id))
        self.extent = Prepared(select(func.sum(chunk.c.n), func.min(low), func.max(high)).where(within))
        self.cells = Prepared(select(held).where(within, shift <= bindparam("shift")))
        self.points = Prepared(select(chunk.c.n, chunk.c.data).where(within, (shift > bindparam("shift")) | shift.is_(None)))


ALONG: dict[Axis, Along] = {"step": Along("step"), "time": Along("time")}
