"""Series: where the points of the runs are kept, and read as curves, as outlines or by their latest values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text, bindparam, delete, func, insert, select, text

from ostinato.kernel.errors import Conflict, Exhausted, Invalid
from ostinato.storage.blobs.blobs import blob_of
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Rows, Tx, metadata
from ostinato.storage.series import latest, outline
from ostinato.storage.series.chunks import ALONG, SERIAL, chunk
from ostinato.storage.series.curve import Curve
from ostinato.storage.series.latest import Latest
from ostinato.storage.series.outline import CELL, Cells, Outline
from ostinato.storage.series.points import Axis, Points, joined, squeezed, unsqueezed

_CHUNK = 4096
_BATCH = 1024
_OPEN_MAX = 8
_TAIL_MAX = 64
_UNSETTLED_MAX = 16
_CLIENT_MAX = 200
_COUNTED_MAX = 100_000
_ONCE_MAX = 10_000
_ONCE_ENDED_MAX = 1_000
_SETTLED_AT_ONCE = 10
ONCE = "once:"
"""With this begins what a client is called that sends one batch and no other: by what it holds. A run remembers the newest of these."""
_LEAST, _MOST = -(2**63), 2**63 - 1

tail = Table(
    "series_tail",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("series_tail_run", "project", "run", "id"),
    sqlite_autoincrement=True,
)
settled = Table(
    "series_settled",
    metadata,
    Column("project", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("tail", BigInteger, nullable=False),
)
"""Up to which row of its tail `series_latest` speaks for a run; no row while it speaks for none of them."""
client = Table(
    "series_client",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Index("series_client_run", "project", "run", "client", unique=True),
)
"""The last batch of each client; `id` is in the order in which clients came."""


def _of_run(table: Table) -> Any:
    return (table.c.project == bindparam("project")) & (table.c.run == bindparam("run"))


_known = Prepared(select(client.c.seq, client.c.digest).where(_of_run(client), client.c.client == bindparam("client")))
_remember = Prepared(
    text(
        "INSERT INTO series_client (project, run, client, seq, digest) VALUES (:project, :run, :client, :seq, :digest) "
        "ON CONFLICT (project, run, client) DO UPDATE SET seq = excluded.seq, digest = excluded.digest"
    )
)
_once = _of_run(client) & (func.substr(client.c.client, 1, len(ONCE)) == ONCE)
_count_once = Prepared(select(func.count()).select_from(client).where(_once))
_known_once = Prepared(select(client.c.id).where(_once))
_forget_once = Prepared(delete(client).where(_once, client.c.id <= bindparam("until")))
_keep = Prepared(insert(tail), ("project", "run", "data"))
_tail_size = Prepared(select(func.count()).select_from(tail).where(_of_run(tail)))
_tail = Prepared(
    select(tail.c.id, tail.c.data).where(_of_run(tail), tail.c.id > bindparam("after"), tail.c.id <= bindparam("until")).order_by(tail.c.id)
)
_drop_tail = Prepared(delete(tail).where(tail.c.project == bindparam("project"), tail.c.id == bindparam("id")))

_mark = Prepared(select(settled.c.tail).where(_of_run(settled)))
_set_mark = Prepared(
    text(
        "INSERT INTO series_settled (project, run, tail) VALUES (:project, :run, :tail) "
        "ON CONFLICT (project, run) DO UPDATE SET tail = excluded.tail"
    )
)
_drop_mark = Prepared(delete(settled).where(_of_run(settled), settled.c.tail == bindparam("tail")))
_unsettled = (
    select(tail.c.run)
    .distinct()
    .select_from(tail.outerjoin(settled, (settled.c.project == tail.c.project) & (settled.c.run == tail.c.run)))
    .where(tail.c.project == bindparam("project"), tail.c.id > func.coalesce(settled.c.tail, 0))
)

_open_chunks = Prepared(select(chunk.c.id, chunk.c.key, chunk.c.n).where(_of_run(chunk), chunk.c.step_shift.is_(None)).order_by(chunk.c.id))
_data = Prepared(select(chunk.c.data).where(chunk.c.project == bindparam("project"), chunk.c.id == bindparam("id")))
_drop_chunk = Prepared(delete(chunk).where(chunk.c.project == bindparam("project"), chunk.c.id == bindparam("id")))
_add_chunk = Prepared(insert(chunk), tuple(name for name in chunk.c.keys() if name != "id"))  # noqa: SIM118 — not a dict


class Series:
    """Points by project, run and key. A batch is one row when it arrives; chunks of one key each are made of them later.

    Batches are durable when `append` returns, and read from then on. What `series_latest` says is brought up to date for many of them
    at once: `settle`.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._waiting: dict[tuple[str, str], int] = {}

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
        kept = of | {"data": squeezed(data)}

        def change(tx: Tx) -> None:
            known = tx.fetch(_known, of | {"client": client})
            if _repeats(known[0] if known else None, seq, digest):
                return
            guard(tx)
            tx.run(_remember, of | {"client": client, "seq": seq, "digest": digest})
            if len(points):
                tx.run(_keep, kept)

        self._rows.write(change)
        more = 1 + len(points) // _BATCH
        waiting = self._counted(project, run, more)
        if waiting >= _TAIL_MAX + hash(run) % _TAIL_MAX:  # runs that began together are not compacted together
            self.compact(project, run)
        elif waiting % _UNSETTLED_MAX < more:
            self.settle(project, run)

    def read(self, project: str, run: str, key: str, after_step: int | None = None, limit: int = 100_000) -> Curve:
        """The points of a key beyond `after_step`, about `limit` of them: all points of a step come together."""
        found = self.stretch(project, run, key, "step", _LEAST if after_step is None else after_step, limit)
        begin = 0 if after_step is None else int(np.searchsorted(found.step, after_step, side="right"))
        end = len(found.step)
        if 0 < limit < end - begin:
            end = int(np.searchsorted(found.step, found.step[begin + limit - 1], side="right"))
        return Curve(step=found.step[begin:end], at=found.at[begin:end], value=found.value[begin:end])

    def stretch(self, project: str, run: str, key: str, x: Axis, low: int, limit: int, grain: int = 1) -> Curve:
        """The points of a key from a step or a time on, in that order: at least `limit` if there are so many, else (or with 0) all.

        All points come together of which the step or the time, divided by `grain`, is the same.
        """
        of = {"project": project, "run": run}
        points = self._rows.read(lambda tx: _stretch(tx, of, key, x, low, limit, grain))
        order = np.argsort(points.along(x), kind="stable")
        return Curve(step=points.step[order], at=points.at[order], value=points.value[order])

    def outline(
        self, project: str, run: str, key: str, x: Axis = "step", low: int | None = None, high: int | None = None, points: int = 1000
    ) -> Outline:
        """About `points` stretches of a key, from the one with `low` to the one with `high`: steps, or times in µs after 1970."""
        of = {"project": project, "run": run}
        low, high = _LEAST if low is None else low, _MOST if high is None else high
        cells, shift = self._rows.read(lambda tx: _cells(tx, of, key, x, low, high, points))
        return Outline.of(outline.gathered(cells, shift), shift)

    def latest(self, project: str, run: str) -> dict[str, Latest]:
        """The latest value of every key of a run, by key."""
        found = self._rows.read(lambda tx: _now(tx, {"project": project, "run": run})[0])
        return dict(sorted(found.items()))

    def latest_of(self, project: str, runs: Sequence[str]) -> dict[str, dict[str, Latest]]:
        """The latest values of many runs, as far as they are settled, by run and key."""
        return self._rows.read(lambda tx: {run: latest.kept(tx, {"project": project, "run": run}) for run in runs})

    def settle(self, project: str, run: str | None = None) -> None:
        """Let `series_latest` speak for all batches of a run, or of all runs of the project.

        On a full disk it does not, and speaks for those of before: nothing more arrives then either.
        """
        runs = [run] if run is not None else [row.run for row in self._rows.read(lambda tx: tx.all(_unsettled, {"project": project}))]
        for start in range(0, len(runs), _SETTLED_AT_ONCE):
            with suppress(Exhausted):
                self._rows.write(partial(_settle, project, runs[start : start + _SETTLED_AT_ONCE]))

    def compact(self, project: str, run: str, *, ended: bool = False) -> None:
        """Turn the tail of a run into chunks. Losing a race against another compaction is no error.

        What arrived of a key becomes a chunk; once it and the open ones before it fill one of 4096 points, or are too many, they are
        merged. So a point is written a few times, however slowly it comes. Of the clients that send once, the newest 10,000 stay known,
        and 1,000 once the run has ended: what is sent again comes within minutes, and after the end next to nothing comes.
        """
        of = {"project": project, "run": run}
        self._forget(of, _ONCE_ENDED_MAX if ended else _ONCE_MAX)
        if not self._rows.read(lambda tx: tx.fetch(_tail_size, of))[0][0]:
            return
        self.settle(project, run)
        found = self._rows.read(lambda tx: _compaction(tx, of))
        made = [of | row for key, points in found.parts.items() for row in _chunked(key, points)]

        def change(tx: Tx) -> None:
            for statement, ids in ((_drop_tail, found.waiting), (_drop_chunk, found.merged)):
                if ids and tx.run(statement, [{"project": project, "id": id_} for id_ in ids]) != len(ids):
                    raise _Overtaken("another compaction was faster")
            tx.run(_drop_mark, of | {"tail": found.until})
            tx.run(_add_chunk, made)

        if made:
            with suppress(_Overtaken):
                self._rows.write(change)
        self._waiting.pop((project, run), None)

    def _forget(self, of: dict[str, str], most: int) -> None:
        if self._rows.read(lambda tx: tx.fetch(_count_once, of))[0][0] <= most + most // 4:
            return  # a few more are no harm, and to look at each of them whenever some points came would be
        ids = sorted(id_ for (id_,) in self._rows.read(lambda tx: tx.fetch(_known_once, of)))
        if len(ids) > most:
            with suppress(Exhausted):
                self._rows.write(lambda tx: tx.run(_forget_once, of | {"until": ids[-most - 1]}))

    def _counted(self, project: str, run: str, more: int) -> int:
        """About how many batches wait in the tail of a run, a large one counted for several."""
        of = (project, run)
        known = self._waiting.get(of)
        if known is None:
            if len(self._waiting) >= _COUNTED_MAX:
                self._waiting.clear()
            known = self._rows.read(lambda tx: tx.fetch(_tail_size, {"project": project, "run": run}))[0][0] - 1
        self._waiting[of] = known + more
        return known + more


class _Overtaken(Conflict):
    """What was to be compacted has been compacted already."""


class _Compaction(NamedTuple):
    """Rows of the tail up to `until`, the open chunks that they complete, and the points of both by key."""

    until: int
    waiting: list[int]
    merged: list[int]
    parts: dict[str, Points]


def _compaction(tx: Tx, of: dict[str, str]) -> _Compaction:
    """What is to be compacted of a run: what is settled."""
    until = _marked(tx, of)
    waiting = _waiting(tx, of, until=until)
    open_chunks: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for id_, key, n in tx.fetch(_open_chunks, of):
        open_chunks[key].append((id_, n))
    merged: list[int] = []
    parts = joined([_decoded(data) for _, data in waiting]).parted()
    for key, arrived in parts.items():
        before = open_chunks[key]
        if len(before) >= _OPEN_MAX or sum(n for _, n in before) + len(arrived) >= _CHUNK:
            kept = [Points.unpack(key, n, tx.fetch(_data, {"project": of["project"], "id": id_})[0][0]) for id_, n in before]
            parts[key] = joined([*kept, arrived])
            merged += [id_ for id_, _ in before]
    return _Compaction(until, [id_ for id_, _ in waiting], merged, parts)


def _stretch(tx: Tx, of: dict[str, str], key: str, x: Axis, low: int, limit: int, grain: int) -> Points:
    """The points from a place on, in the order of their arrival, up to where enough chunks are known to end."""
    asked, along, high, enough = of | {"key": key, "low": low}, ALONG[x], _MOST, 0
    for n, first, last in tx.fetch(along.spans, asked) if limit > 0 else ():
        enough += n if first > low else 0
        if enough >= limit:
            high = min(_MOST, (last // grain + 1) * grain - 1)
            break
    kept = [Points.unpack(key, n, data) for n, data in tx.fetch(along.held, asked | {"high": high})]
    points = joined([*kept, *(_decoded(data).only(key) for _, data in _waiting(tx, of))])
    return points.where((points.along(x) >= low) & (points.along(x) <= high))


def _cells(tx: Tx, of: dict[str, str], key: str, x: Axis, low: int, high: int, points: int) -> tuple[Cells, int]:
    """The cells of a series between two places, in no order, and by which shift to gather them to about `points` whole ones."""
    of_key, along = of | {"key": key}, ALONG[x]
    late = joined([_decoded(data).only(key) for _, data in _waiting(tx, of)])
    seen = late.along(x)[(late.along(x) >= low) & (late.along(x) <= high)]
    extents = [tx.fetch(along.extent, {**of_key, "low": low, "high": high})[0]]
    if len(seen):
        extents.append((len(seen), int(seen.min()), int(seen.max())))
    if not (extents := [extent for extent in extents if extent[0]]):
        return np.empty(0, CELL), 0
    first, last = max(low, min(least for _, least, _ in extents)), min(high, max(most for *_, most in extents))
    shift = 0 if sum(int(n) for n, *_ in extents) <= points else outline.shift_of(last - first, points)
    low, high = low >> shift << shift, ((high >> shift) + 1 << shift) - 1
    asked = {**of_key, "low": low, "high": high, "shift": shift}
    open_ = [*(Points.unpack(key, n, data) for n, data in tx.fetch(along.points, asked)), late]
    kept = np.frombuffer(b"".join(held for (held,) in tx.fetch(along.cells, asked)), CELL)
    cells = np.concatenate([kept, *(outline.raw(part.along(x), part.value) for part in open_)])
    return cells[(cells["x"] >= low) & (cells["x"] <= high)], shift


def _settle(project: str, runs: Sequence[str], tx: Tx) -> None:
    for run in runs:
        of = {"project": project, "run": run}
        said, arrived, top = _now(tx, of)
        if arrived:
            latest.keep(tx, of, {key: said[key] for key in arrived})
            tx.run(_set_mark, of | {"tail": top})


def _now(tx: Tx, of: dict[str, str]) -> tuple[dict[str, Latest], set[str], int]:
    """What is to be said of the series of a run, of which `series_latest` does not say so yet, and up to where the tail was read."""
    waiting = _waiting(tx, of, after=_marked(tx, of))
    said = latest.kept(tx, of)
    arrived = latest.of_points(joined([_decoded(data) for _, data in waiting]))
    for key, new in arrived.items():
        said[key] = latest.newer(said.get(key), new)
    return said, set(arrived), waiting[-1][0] if waiting else 0


def _marked(tx: Tx, of: dict[str, str]) -> int:
    found = tx.fetch(_mark, of)
    return int(found[0][0]) if found else 0


def _waiting(tx: Tx, of: dict[str, str], after: int = 0, until: int = _MOST) -> list[tuple[Any, ...]]:
    return tx.fetch(_tail, of | {"after": after, "until": until})


def _decoded(data: bytes) -> Points:
    return Points.decode(unsqueezed(data))


def _repeats(known: tuple[Any, ...] | None, seq: int, digest: str) -> bool:
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
    return bool(seq <= last)


def _chunked(key: str, points: Points) -> list[dict[str, Any]]:
    rows = []
    for part in points.cut(_CHUNK):
        row: dict[str, Any] = {"key": key, "n": len(part), "data": part.pack()}
        for axis in ALONG:
            x = part.along(axis)
            shift, held = outline.kept(x, part.value) if len(part) == _CHUNK else (None, None)
            row |= {f"{axis}_min": int(x.min()), f"{axis}_max": int(x.max()), f"{axis}_shift": shift, f"{axis}_cells": held}
        rows.append(row)
    return rows
