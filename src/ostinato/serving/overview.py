"""Cheap queries on endpoints for overview pages; their cost does not grow with the number of predictions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np

from ostinato.kernel.frozen import frozen
from ostinato.serving import store
from ostinato.serving.request_stats import request_stats
from ostinato.serving.types import Endpoint, Release, Rollout
from ostinato.storage.rows.rows import Tx


@frozen
class EndpointSummary:
    """An endpoint, the release with which its stable version began to be that, and its newest rollout."""

    endpoint: Endpoint
    release: Release | None
    rollout: Rollout | None


@frozen
class Traffic:
    """Requests in a span of time, of these failed, in slots of equal length (oldest first); quantiles of the latencies of those
    that were asked one by one, in milliseconds."""

    requests: list[int]
    errors: list[int]
    p50_ms: float | None
    p95_ms: float | None


def endpoint_summaries(tx: Tx, project: str) -> list[EndpointSummary]:
    """Every endpoint of the project, by name."""
    found = [store.read_endpoint(row) for row in store.endpoints(tx, project)]
    return [
        EndpointSummary(
            endpoint=endpoint,
            release=store.standing_release(tx, project, endpoint.name),
            rollout=store.newest_rollout(tx, project, endpoint.name),
        )
        for endpoint in found
    ]


def traffic(log: Path, since: datetime, until: datetime, slots: int) -> Traffic:
    """The traffic in an endpoint's log with `since <= at < until`."""
    seen = request_stats(log, since, until)
    start, step = int(since.timestamp() * 1e6), (until - since).total_seconds() * 1e6 / slots
    slot = np.minimum((seen.at - start) // step, slots - 1).astype(np.int64)
    (latency,) = seen.quantiles(np.zeros(len(slot), np.int64), 1, (0.5, 0.95))
    p50, p95 = latency or (None, None)
    return Traffic(
        requests=np.bincount(slot, minlength=slots).tolist(),
        errors=np.bincount(slot[seen.failed], minlength=slots).tolist(),
        p50_ms=p50,
        p95_ms=p95,
    )
