"""Glance: the little of endpoints that overviews read, the same effort however much they have answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from ostinato.serving import store
from ostinato.serving.plane.log import between
from ostinato.serving.types import Endpoint, Release, Rollout
from ostinato.storage.rows.rows import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An endpoint, the release with which its stable version began to be that, and its newest rollout."""

    endpoint: Endpoint
    release: Release | None
    rollout: Rollout | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Requests in a span of time, of these failed, in slots of equal length (oldest first); quantiles of the latencies of those
    that were asked one by one, in milliseconds."""

    requests: list[int]
    errors: list[int]
    p50_ms: float | None
    p95_ms: float | None


def standings(tx: Tx, project: str) -> list[Standing]:
    """Every endpoint of the project, by name."""
    found = [store.read_endpoint(row) for row in store.endpoints(tx, project)]
    return [
        Standing(
            endpoint=endpoint,
            release=store.standing_release(tx, project, endpoint.name),
            rollout=store.newest_rollout(tx, project, endpoint.name),
        )
        for endpoint in found
    ]


def traffic(log: Path, since: datetime, until: datetime, slots: int) -> Traffic:
    """What the log of an endpoint tells about `since <= at < until`."""
    found = between(log, since, until, ("kind", "request", "status", "role", "latency_ms", "at"))
    found = found.filter(pc.equal(found["kind"], "answer"))
    asked = found.group_by("request").aggregate([("at", "min"), ("status", "min"), ("role", "min"), ("latency_ms", "max")])
    at = asked["at_min"].to_numpy().astype("datetime64[us]").astype(np.int64)
    start, step = int(since.timestamp() * 1e6), (until - since).total_seconds() * 1e6 / slots
    slot = np.minimum((at - start) // step, slots - 1).astype(np.int64)
    failed = pc.not_equal(asked["status_min"], "answered").to_numpy()
    latency = asked.filter(pc.and_(pc.not_equal(asked["role_min"], "batch"), pc.equal(asked["status_min"], "answered")))["latency_ms_max"]
    p50, p95 = (float(q) for q in np.quantile(latency.to_numpy(), (0.5, 0.95))) if len(latency) else (None, None)
    return Traffic(
        requests=np.bincount(slot, minlength=slots).tolist(),
        errors=np.bincount(slot[failed], minlength=slots).tolist(),
        p50_ms=p50,
        p95_ms=p95,
    )
