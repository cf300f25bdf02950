"""Statistics of logged requests: time, version, latency, errors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ostinato.kernel.cache import cached
from ostinato.kernel.frozen import frozen
from ostinato.kernel.instant import micros_of
from ostinato.serving.plane.log import VERIFIED, overlaps, parts_of, read_consistently

Array = np.ndarray[Any, Any]
_COLUMNS = ["kind", "request_id", "request", "at", "version", "role", "status", "latency_ms"]
_NUMBERS = np.dtype([("at", "i8"), ("ms", "f8"), ("version", "i4"), ("failed", "?"), ("batch", "?")])


@frozen
class RequestStats:
    """Requests, whatever rows each had: their instants in µs, versions, whether they failed, were part of a batch, and milliseconds."""

    at: Array
    version: Array
    failed: Array
    batch: Array
    ms: Array

    def quantiles(self, group: Array, groups: int, shares: tuple[float, ...]) -> list[tuple[float, ...] | None]:
        """Of each group, quantiles of the latencies of what was asked one by one and answered; None where there was nothing."""
        timed = ~(self.failed | self.batch)
        ms, group = self.ms[timed], group[timed]
        ordered = ms[np.lexsort((ms, group))]
        counts = np.bincount(group, minlength=groups)
        starts = np.cumsum(counts) - counts
        place = starts[:, None] + (counts[:, None] - 1) * np.array(shares)
        some = np.flatnonzero(counts)
        low = np.floor(place[some]).astype(np.int64)
        high = np.minimum(low + 1, (starts + counts - 1)[some][:, None])
        values = ordered[low] + (place[some] - low) * (ordered[high] - ordered[low])
        found: list[tuple[float, ...] | None] = [None] * groups
        for at, row in zip(some.tolist(), values.tolist(), strict=True):
            found[at] = tuple(row)
        return found


def request_stats(log: Path, since: datetime, until: datetime) -> RequestStats:
    """The requests with `since <= at < until`: of each its first row. Of a segment the numbers are kept, not read again."""

    def look() -> list[Array]:
        segments, lines = parts_of(log)
        return [*(_of_segment(segment) for segment in segments if overlaps(segment, since, until)), _numbers(lines)]

    first, last = (micros_of(instant) for instant in (since, until))
    parts = [part[(part["at"] >= first) & (part["at"] < last)] for part in read_consistently(log, look)]
    found = np.concatenate(parts)
    return RequestStats(at=found["at"], version=found["version"], failed=found["failed"], batch=found["batch"], ms=found["ms"])


@cached(64 << 20)
def _of_segment(segment: Path) -> Array:
    return _numbers(pq.read_table(segment, columns=_COLUMNS, **VERIFIED))


def _numbers(rows: pa.Table) -> Array:
    first = pc.or_(pc.equal(rows["request_id"], rows["request"]), pc.equal(rows["request_id"], _first_of(rows["request"])))
    rows = rows.filter(pc.and_(pc.equal(rows["kind"], "answer"), first))
    found = np.empty(rows.num_rows, _NUMBERS)
    found["at"] = rows["at"].cast(pa.int64()).to_numpy()
    found["version"] = rows["version"].to_numpy()
    found["failed"] = pc.not_equal(rows["status"], "answered").to_numpy()
    found["batch"] = pc.equal(rows["role"], "batch").to_numpy()
    found["ms"] = rows["latency_ms"].to_numpy()
    return found


def _first_of(request: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(request, "0", "/")
