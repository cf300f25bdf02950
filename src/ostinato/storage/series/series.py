"""Series: where the points of the runs are kept, and read as curves or by their latest values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, Table, Text, bindparam, delete, func, insert, select, text

from ostinato.kernel.errors import Conflict, Invalid
from ostinato.storage.blobs.blobs import blob_of
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx, metadata
from ostinato.storage.series.points import Points, by_key, joined, squeezed, unsqueezed

_CHUNK = 4096
_OPEN_MAX = 8
_TAIL_MAX = 64
_CLIENT_MAX = 200
_BEFORE_ALL = -(2**63)
_Serial = BigInteger().with_variant(Integer, "sqlite")

tail = Table(
    "series_tail",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("series_tail_run", "project", "run", "id"),
)
client = Table(
    "series_client",
    metadata,
    Column("project", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)
chunk = Table(
    "series_chunk",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("step_max", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("series_chunk_key", "project", "run", "key", "id"),
)
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
    Index("series_latest_key", "project", "key", "last"),
)
"""One row per series: the value at the highest step (the later, of equal ones) and the extremes; NULL stands for NaN.
Stores of slices may join it to order their rows by a measured value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One series in the order of its steps, equal steps in the order of arrival; `at` in microseconds after 1970."""

    step: NDArray[np.int64]
    at: NDArray[np.int64]
    value: NDArray[np.float64]

    def thinned(self, points: int) -> Curve:
        """About `points` of the points, with the same look: of each stretch the first, the lowest, the highest and the last."""
        stretches = max(1, points // 4)
        if len(self.value) <= 4 * stretches:
            return self
        edges = np.linspace(0, len(self.value), stretches + 1).astype(np.int64)
        lowest, highest = np.where(np.isnan(self.value), np.inf, self.value), np.where(np.isnan(self.value), -np.inf, self.value)
        chosen = [edges[:-1], edges[1:] - 1]
        for start, end in pairwise(edges):
            chosen.append(np.array([start + np.argmin(lowest[start:end]), start + np.argmax(highest[start:end])]))
        kept = np.unique(np.concatenate(chosen))
        return Curve(step=self.step[kept], at=self.at[kept], value=self.value[kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The value at the highest step, its step and time, the extremes apart from NaN (None if all are), and the count."""

    last: float
    step: int
    at: int
    min: float | None
    max: float | None
    n: int


def _of_run(table: Table) -> Any:
    return (table.c.project == bindparam("project")) & (table.c.run == bindparam("run"))


_known = Prepared(select(client.c.seq, client.c.digest).where(_of_run(client), client.c.client == bindparam("client")))
_remember = Prepared(
    text(
        "INSERT INTO series_client (project, run, client, seq, digest) VALUES (:project, :run, :client, :seq, :digest) "
        "ON CONFLICT (project, run, client) DO UPDATE SET seq = excluded.seq, digest = excluded.digest"
    )
)
_keep = Prepared(insert(tail), ("project", "run", "data"))
_renew = Prepared(
    text(
        "INSERT INTO series_latest (project, run, key, last, step, at, min, max, n) "
        "VALUES (:project, :run, :key, :last, :step, :at, :min, :max, :n) ON CONFLICT (project, run, key) DO UPDATE SET "
        "last = CASE WHEN excluded.step >= series_latest.step THEN excluded.last ELSE series_latest.last END, "
        "at = CASE WHEN excluded.step >= series_latest.step THEN excluded.at ELSE series_latest.at END, "
        "step = CASE WHEN excluded.step >= series_latest.step THEN excluded.step ELSE series_latest.step END, "
        "min = CASE WHEN excluded.min IS NULL OR series_latest.min <= excluded.min THEN series_latest.min ELSE excluded.min END, "
        "max = CASE WHEN excluded.max IS NULL OR series_latest.max >= excluded.max THEN series_latest.max ELSE excluded.max END, "
        "n = series_latest.n + excluded.n"
    )
)
_tail_size = Prepared(select(func.count()).select_from(tail).where(_of_run(tail)))
_tail = select(tail.c.id, tail.c.data).where(_of_run(tail)).order_by(tail.c.id)
_chunks = (
    select(chunk).where(_of_run(chunk), chunk.c.key == bindparam("key"), chunk.c.step_max >= bindparam("after_step")).order_by(chunk.c.id)
)
_open_chunks = select(chunk.c.id, chunk.c.key, chunk.c.n).where(_of_run(chunk), chunk.c.n < bindparam("full")).order_by(chunk.c.id)
_data = Prepared(select(chunk.c.data).where(chunk.c.project == bindparam("project"), chunk.c.id == bindparam("id")))
_latest = select(latest).where(_of_run(latest)).order_by(latest.c.key)
_drop_tail = Prepared(delete(tail).where(tail.c.project == bindparam("project"), tail.c.id == bindparam("id")))
_drop_chunk = Prepared(delete(chunk).where(chunk.c.project == bindparam("project"), chunk.c.id == bindparam("id")))
_add_chunk = Prepared(insert(chunk), ("project", "run", "key", "n", "step_max", "data"))


class Series:
    """Points by project, run and key. A batch is one row when it arrives; chunks of one key each are made of them later."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def append(self, project: str, run: str, client: str, seq: int, points: Points, guard: Callable[[Tx], None]) -> None:
        """Keep a batch, durably. A client counts its batches of a run from 0 without gaps; a repeat changes nothing.

        `guard` runs in the same transaction before anything new is kept, and may refuse by raising.

        Raises:
            Conflict: `seq` leaves a gap, or was used for other points.
        """
        if not client or len(client) > _CLIENT_MAX or not client.isprintable():
            raise Invalid("a client is called by 1 to 200 printable characters", field="client")
        data = points.encode()
        digest = blob_of(data).digest
        of = {"project": project, "run": run}
        renewed, kept = _summaries(of, points), of | {"data": squeezed(data)}

        def change(tx: Tx) -> int:
            known = tx.fetch(_known, of | {"client": client})
            if _repeats(known[0] if known else None, seq, digest):
                return 0
            guard(tx)
            tx.run(_remember, of | {"client": client, "seq": seq, "digest": digest})
            if renewed:
                tx.run(_keep, kept)
                tx.run(_renew, renewed)
            return int(tx.fetch(_tail_size, of)[0][0])

        if self._rows.write(change) >= _TAIL_MAX + hash(run) % _TAIL_MAX:  # runs that began together are not compacted together
            self.compact(project, run)

    def read(self, project: str, run: str, key: str, after_step: int | None = None, limit: int = 100_000) -> Curve:
        """The points of a key beyond `after_step`, about `limit` of them: all points of a step come together."""
        asked = {"project": project, "run": run, "key": key, "after_step": _BEFORE_ALL if after_step is None else after_step}

        def query(tx: Tx) -> list[Points]:
            kept = [Points.unpack(key, row.n, row.data) for row in tx.all(_chunks, asked)]
            return kept + [Points.decode(unsqueezed(row.data)).only(key) for row in tx.all(_tail, {"project": project, "run": run})]

        points = joined(key, self._rows.read(query))
        order = np.argsort(points.step, kind="stable")
        if after_step is not None:
            order = order[np.searchsorted(points.step[order], after_step, side="right") :]
        if 0 < limit < len(order):
            order = order[: np.searchsorted(points.step[order], points.step[order][limit - 1], side="right")]
        return Curve(step=points.step[order], at=points.at[order], value=points.value[order])

    def latest(self, project: str, run: str) -> dict[str, Latest]:
        """The latest value of every key of a run, by key."""
        found = self._rows.read(lambda tx: tx.all(_latest, {"project": project, "run": run}))
        return {
            r.key: Latest(last=float("nan") if r.last is None else r.last, step=r.step, at=r.at, min=r.min, max=r.max, n=r.n) for r in found
        }

    def compact(self, project: str, run: str) -> None:
        """Turn the tail of a run into chunks. Losing a race against another compaction is no error.

        What arrived of a key becomes a chunk; once it and the open ones before it fill one of 4096 points, or are too many, they are
        merged. So a point is written a few times, however slowly it comes.
        """
        of = {"project": project, "run": run}

        def query(tx: Tx) -> tuple[list[int], dict[str, list[Points]], list[int]]:
            if not tx.fetch(_tail_size, of)[0][0]:
                return [], {}, []
            waiting = tx.all(_tail, of)
            arrived = by_key([Points.decode(unsqueezed(row.data)) for row in waiting])
            growing: dict[str, list[Any]] = {key: [] for key in arrived}
            for row in tx.all(_open_chunks, of | {"full": _CHUNK}):
                if row.key in growing:
                    growing[row.key].append(row)
            parts = {key: [new] for key, new in arrived.items()}
            merged: list[int] = []
            for key, rows in growing.items():
                if len(rows) >= _OPEN_MAX or sum(row.n for row in rows) + len(arrived[key]) >= _CHUNK:
                    found = [Points.unpack(key, row.n, tx.fetch(_data, {"project": project, "id": row.id})[0][0]) for row in rows]
                    parts[key], merged = [*found, *parts[key]], [*merged, *(row.id for row in rows)]
            return [row.id for row in waiting], parts, merged

        waiting, parts, merged = self._rows.read(query)
        made = [of | row for key, some in parts.items() for row in _chunked(key, joined(key, some))]

        def change(tx: Tx) -> None:
            for statement, ids in ((_drop_tail, waiting), (_drop_chunk, merged)):
                if ids and tx.run(statement, [{"project": project, "id": id_} for id_ in ids]) != len(ids):
                    raise _Overtaken("another compaction was faster")
            if made:
                tx.run(_add_chunk, made)

        if waiting:
            try:
                self._rows.write(change)
            except _Overtaken:
                return


class _Overtaken(Conflict):
    """What was to be compacted has been compacted already."""


def _repeats(known: tuple[int, str] | None, seq: int, digest: str) -> bool:
    """Whether this batch is kept already."""
    if seq < 0:
        raise Invalid("a batch has a negative number", field="seq")
    last, before = known or (-1, "")
    if seq > last + 1:
        raise Conflict(
            f"batch {seq} follows batch {last}: one is missing", hint="send batches in order, each again until it is acknowledged"
        )
    if seq == last and before != digest:
        raise Conflict(f"batch {seq} was other points before", hint="use a new client id for each process that logs")
    return seq <= last


def _summaries(of: dict[str, str], points: Points) -> list[dict[str, Any]]:
    """What each key of a batch has to say to `latest`."""
    if not len(points):
        return []
    order = np.lexsort((points.step, points.key))  # stable: of equal steps, the later stays the later
    key, value = points.key[order], points.value[order]
    ends = np.append(np.flatnonzero(key[1:] != key[:-1]), len(key) - 1)
    starts = np.append(0, ends[:-1] + 1)
    top = order[ends]
    columns = zip(
        key[ends].tolist(), _numbers(value[ends]), points.step[top].tolist(), points.at[top].tolist(),
        _numbers(np.fmin.reduceat(value, starts)), _numbers(np.fmax.reduceat(value, starts)), (ends - starts + 1).tolist(),
        strict=True,
    )  # fmt: skip
    return [
        {**of, "key": points.keys[k], "last": last, "step": step, "at": at, "min": low, "max": high, "n": n}
        for k, last, step, at, low, high, n in columns
    ]


def _numbers(column: NDArray[np.float64]) -> list[float | None]:
    absent = np.isnan(column)
    return [None if no else value for no, value in zip(absent.tolist(), column.tolist(), strict=True)] if absent.any() else column.tolist()


def _chunked(key: str, points: Points) -> list[dict[str, Any]]:
    rows = []
    for start in range(0, len(points), _CHUNK):
        part = Points(
            keys=[key],
            key=points.key[start : start + _CHUNK],
            step=points.step[start : start + _CHUNK],
            at=points.at[start : start + _CHUNK],
            value=points.value[start : start + _CHUNK],
        )
        rows.append({"key": key, "n": len(part), "step_max": int(part.step.max()), "data": part.pack()})
    return rows
