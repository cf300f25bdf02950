"""Traffic: the verbs of Endpoints that say what was answered, how fast, and by which version, over the time of the business."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.serving import store
from ostinato.serving.find import find_endpoint
from ostinato.serving.front import Front
from ostinato.serving.plane.log import between
from ostinato.serving.types import Answered, Endpoint, EndpointState, Traffic, TrafficBin
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables

_COLUMNS = ("kind", "request_id", "request", "at", "version", "role", "status", "latency_ms")
_BINS_MAX = 1_000
_SPARK = 48
_WIDTHS_S = (1, 10, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 28 * 86_400, 364 * 86_400)
_SQL = """
WITH asked AS (
    SELECT version, log.at AS answered_at, epoch_us(log.at) // ? AS bin, latency_ms AS ms,
           status <> 'answered' AS failed, role = 'batch' AS batch
    FROM log WHERE kind = 'answer' AND (request_id = request OR request_id = request || '/0')
)
SELECT version, bin, count(*) AS requests, count(*) FILTER (WHERE failed) AS errors, count(*) FILTER (WHERE batch) AS batch,
       quantile_cont(ms, [0.5, 0.95, 0.99]) FILTER (WHERE NOT failed AND NOT batch) AS latency, max(answered_at) AS last_at
FROM asked GROUP BY GROUPING SETS ((), (version), (version, bin)) ORDER BY bin NULLS FIRST, version NULLS FIRST
"""
"""One row for each request, whatever rows it had: the first of them."""


class Traffics:
    """The part of Endpoints that counts what was answered; Endpoints gives it its parts."""

    _rows: Rows
    _tables: Tables
    _clock: Clock
    _front: Front

    def states(self, hours: float = 24.0) -> list[EndpointState]:
        """Every endpoint with since when its stable version answers, and what was asked of it in the last `hours`.

        Raises:
            Invalid: `hours` is not above 0.
        """
        if not hours > 0:
            raise Invalid(f"{hours:g} hours are no span of time", field="hours")
        project, now = caller().project, self._clock.now()

        def query(tx: Tx) -> list[tuple[Endpoint, datetime | None]]:
            found = [store.read_endpoint(row) for row in store.endpoints(tx, project)]
            releases = [store.standing_release(tx, project, endpoint.name) for endpoint in found]
            return [(endpoint, release.since if release else None) for endpoint, release in zip(found, releases, strict=True)]

        return [self._state(endpoint, since, now - timedelta(hours=hours), now) for endpoint, since in self._rows.read(query)]

    def traffic(self, endpoint: str, since: datetime | None = None, until: datetime | None = None, bins: int = 60) -> Traffic:
        """What was answered with `since <= at < until` (default: the last seven days), by version, in at most `bins` bins (1 to 1,000).

        Raises:
            Invalid: the instants are not in order, or there are too many bins.
        """
        last = until or self._clock.now() + timedelta(microseconds=1)
        first = since or last - timedelta(days=7)
        if not first < last:
            raise Invalid("a window goes from one instant up to a later one", field="since")
        if not 1 <= bins <= _BINS_MAX:
            raise Invalid(f"1 to {_BINS_MAX} bins, not {bins}", field="bins")
        model = Ref.parse(self._rows.read(lambda tx: find_endpoint(tx, endpoint)).version).name
        span = (last - first).total_seconds()
        width = next((w for w in _WIDTHS_S if span / w <= bins), _WIDTHS_S[-1])
        counted = self._counted(endpoint, first, last, width)
        return Traffic(
            endpoint=endpoint,
            since=first,
            until=last,
            bin_s=width,
            versions=[_answered(model, row) for row in counted if row["version"] is not None and row["bin"] is None],
            bins=[TrafficBin(start=_start(row["bin"], width), answered=_answered(model, row)) for row in counted if row["bin"] is not None],
        )

    def _state(self, endpoint: Endpoint, since: datetime | None, first: datetime, last: datetime) -> EndpointState:
        width = max(1, round((last - first).total_seconds() / _SPARK))
        whole, *parts = self._counted(endpoint.name, first, last + timedelta(microseconds=1), width)
        latency, start = whole["latency"], int(first.timestamp()) // width
        spark = [0] * (int(last.timestamp()) // width - start + 1)
        for part in parts:
            if part["bin"] is not None:
                spark[part["bin"] - start] += part["requests"]
        return EndpointState(
            endpoint=endpoint, since=since, requests=whole["requests"], errors=whole["errors"],
            latency_p95_ms=latency[1] if latency else None, last_at=whole["last_at"], spark=spark,
        )  # fmt: skip

    def _counted(self, endpoint: str, since: datetime, until: datetime, width_s: int) -> list[dict[str, Any]]:
        """Rows of all together, then by version, then by version and bin."""
        log: pa.Table = between(self._front.log(endpoint), since, until, _COLUMNS)
        found: list[dict[str, Any]] = self._tables.query(_SQL, (width_s * 1_000_000,), log=log).to_pylist()
        return found


def _answered(model: str, row: dict[str, Any]) -> Answered:
    p50, p95, p99 = row["latency"] or (None, None, None)
    return Answered(
        version=Ref("model", model, str(row["version"])), requests=row["requests"], errors=row["errors"], batch=row["batch"],
        latency_p50_ms=p50, latency_p95_ms=p95, latency_p99_ms=p99,
    )  # fmt: skip


def _start(place: int, width_s: int) -> datetime:
    return datetime.fromtimestamp(place * width_s, UTC)
