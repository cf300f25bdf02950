"""The verbs of Endpoints on traffic over time: requests, latency and errors, by version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.serving import store
from ostinato.serving.lookup import find_endpoint
from ostinato.serving.reconcile import PlaneReconciler
from ostinato.serving.request_stats import Array, RequestStats, request_stats
from ostinato.serving.types import Answered, Endpoint, EndpointState, Traffic, TrafficBin
from ostinato.storage.rows.rows import Rows, Tx

_BINS_MAX = 1_000
_SPARK = 48
_WIDTHS_S = (1, 10, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 28 * 86_400, 364 * 86_400)
_QUANTILES = (0.5, 0.95, 0.99)


class Traffics:
    """A mixin of Endpoints, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock
    _planes: PlaneReconciler

    def states(self, hours: float = 24.0) -> list[EndpointState]:
        """Every endpoint with its stable version since when, and its traffic of the last `hours`.

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
        """Traffic by version with `since <= at < until` (default: the last seven days), in at most `bins` (1 to 1,000) bins.

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
        seen = request_stats(self._planes.log(endpoint), first, last)
        versions, of_version = np.unique(seen.version, return_inverse=True)
        places, of_place = np.unique(seen.at // (width * 1_000_000), return_inverse=True)
        cells, of_cell = np.unique(of_place * len(versions) + of_version, return_inverse=True)
        named = [Ref("model", model, str(version)) for version in versions]
        return Traffic(
            endpoint=endpoint,
            since=first,
            until=last,
            bin_s=width,
            versions=_answered(seen, of_version, named),
            bins=[
                TrafficBin(start=_start(int(places[cell // len(versions)]), width), answered=answered)
                for cell, answered in zip(cells, _answered(seen, of_cell, [named[cell % len(versions)] for cell in cells]), strict=True)
            ],
        )

    def _state(self, endpoint: Endpoint, since: datetime | None, first: datetime, last: datetime) -> EndpointState:
        width = max(1, round((last - first).total_seconds() / _SPARK))
        seen = request_stats(self._planes.log(endpoint.name), first, last + timedelta(microseconds=1))
        start = int(first.timestamp()) // width
        slots = int(last.timestamp()) // width - start + 1
        (latency,) = seen.quantiles(np.zeros(len(seen.at), np.int64), 1, (0.95,))
        return EndpointState(
            endpoint=endpoint, since=since, requests=len(seen.at), errors=int(seen.failed.sum()),
            latency_p95_ms=latency[0] if latency else None,
            last_at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seen.at.max())) if len(seen.at) else None,
            spark=np.bincount(seen.at // (width * 1_000_000) - start, minlength=slots).tolist(),
        )  # fmt: skip


def _answered(seen: RequestStats, group: Array, versions: list[Ref]) -> list[Answered]:
    """What each group of requests was, one for each of `versions`."""
    count = len(versions)
    requests, errors, batch = (np.bincount(group, weights, count).astype(int).tolist() for weights in (None, seen.failed, seen.batch))
    latency = [found or (None, None, None) for found in seen.quantiles(group, count, _QUANTILES)]
    return [
        Answered(
            version=version, requests=requests[i], errors=errors[i], batch=batch[i],
            latency_p50_ms=latency[i][0], latency_p95_ms=latency[i][1], latency_p99_ms=latency[i][2],
        )
        for i, version in enumerate(versions)
    ]  # fmt: skip


def _start(place: int, width_s: int) -> datetime:
    return datetime.fromtimestamp(place * width_s, UTC)
