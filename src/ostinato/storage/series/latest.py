"""Latest: of each series the value at its highest step, the extremes and the count, without reading its points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Column, Float, Index, Table, Text, bindparam, select, text

from ostinato.kernel.frozen import frozen
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx, metadata
from ostinato.storage.series.points import Points

latest = Table(
    "series_latest",
    metadata,
    Column("project", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("last", Float),
    Column("step", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("min", Float),
    Column("max", Float),
    Column("n", BigInteger, nullable=False),
    Index("series_latest_key", "project", "key", "last", "run"),
    Index("series_latest_min", "project", "key", "min", "run"),
    Index("series_latest_max", "project", "key", "max", "run"),
    sqlite_with_rowid=False,
)
"""One row per series: what `Latest` says, of the points that are settled; NULL stands for NaN.
Stores of slices may join it to order their rows by a measured value, once `Series.settle` has been called."""

_kept = Prepared(
    select(latest.c.key, latest.c.last, latest.c.step, latest.c.at, latest.c.min, latest.c.max, latest.c.n)
    .where(latest.c.project == bindparam("project"), latest.c.run == bindparam("run"))
    .order_by(latest.c.key)
)
_renew = Prepared(
    text(
        "INSERT INTO series_latest (project, run, key, last, step, at, min, max, n) "
        "VALUES (:project, :run, :key, :last, :step, :at, :min, :max, :n) ON CONFLICT (project, run, key) DO UPDATE SET "
        "last = excluded.last, step = excluded.step, at = excluded.at, min = excluded.min, max = excluded.max, n = excluded.n"
    )
)


@frozen
class Latest:
    """At the highest step (of equal ones the latest, then the highest) the value, step and time; the extremes but for NaN, and n."""

    last: float
    step: int
    at: int
    min: float | None
    max: float | None
    n: int


def kept(tx: Tx, of: Mapping[str, str]) -> dict[str, Latest]:
    """What the rows say of each series of a run, by key."""
    return {
        key: Latest(last=math.nan if last is None else last, step=step, at=at, min=low, max=high, n=n)
        for key, last, step, at, low, high, n in tx.fetch(_kept, of)
    }


def keep(tx: Tx, of: Mapping[str, str], said: Mapping[str, Latest]) -> None:
    """Say this of these series of a run from now on."""
    rows = [
        {**of, "key": key, "last": _or_null(new.last), "step": new.step, "at": new.at, "min": new.min, "max": new.max, "n": new.n}
        for key, new in said.items()
    ]
    if rows:
        tx.run(_renew, rows)


def of_points(points: Points) -> dict[str, Latest]:
    """What points have to say of their series."""
    if not len(points):
        return {}
    order = np.lexsort((np.where(np.isnan(points.value), -np.inf, points.value), points.at, points.step, points.key))
    key, value = points.key[order], points.value[order]
    ends = np.append(np.flatnonzero(key[1:] != key[:-1]), len(key) - 1)
    starts = np.append(0, ends[:-1] + 1)
    top = order[ends]
    columns: Iterable[tuple[Any, ...]] = zip(
        key[ends].tolist(), value[ends].tolist(), points.step[top].tolist(), points.at[top].tolist(),
        np.fmin.reduceat(value, starts).tolist(), np.fmax.reduceat(value, starts).tolist(), (ends - starts + 1).tolist(),
        strict=True,
    )  # fmt: skip
    return {
        points.keys[k]: Latest(last=last, step=step, at=at, min=_or_null(low), max=_or_null(high), n=n)
        for k, last, step, at, low, high, n in columns
    }


def newer(before: Latest | None, arrived: Latest) -> Latest:
    """What is to be said of a series once more of it has arrived."""
    if before is None:
        return arrived
    top = max(before, arrived, key=lambda said: (said.step, said.at, -math.inf if math.isnan(said.last) else said.last))
    lows, highs = ([x for x in pair if x is not None] for pair in ((before.min, arrived.min), (before.max, arrived.max)))
    return Latest(
        last=top.last, step=top.step, at=top.at, min=min(lows, default=None), max=max(highs, default=None), n=before.n + arrived.n
    )


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value
