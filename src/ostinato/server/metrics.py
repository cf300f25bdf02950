"""Metrics of the server itself, in Prometheus' text format."""

from __future__ import annotations

import resource
import threading
import time
from bisect import bisect_left

BOUNDS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """Counts of requests and histograms of their durations, by method, route and status."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        self._started = time.time()

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        with self._lock:
            key = (method, route, status)
            self._counts[key] = self._counts.get(key, 0) + 1
            self._buckets.setdefault(route, [0] * (len(BOUNDS_S) + 1))[bisect_left(BOUNDS_S, seconds)] += 1
            self._sums[route] = self._sums.get(route, 0.0) + seconds

    def text(self) -> str:
        """Everything, as a scrape wants it."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        lines = [
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self._started:.3f}",
            "# TYPE process_cpu_seconds_total counter",
            f"process_cpu_seconds_total {usage.ru_utime + usage.ru_stime:.3f}",
            "# TYPE process_max_resident_memory_bytes gauge",
            f"process_max_resident_memory_bytes {usage.ru_maxrss * 1024}",
            "# TYPE ostinato_requests_total counter",
        ]
        with self._lock:
            lines += [
                f'ostinato_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
                for (method, route, status), count in sorted(self._counts.items())
            ]
            lines.append("# TYPE ostinato_request_seconds histogram")
            for route, buckets in sorted(self._buckets.items()):
                lines += _histogram(route, buckets, self._sums[route])
        return "\n".join(lines) + "\n"


def _histogram(route: str, buckets: list[int], total: float) -> list[str]:
    lines, seen = [], 0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), buckets, strict=True):
        seen += count
        lines.append(f'ostinato_request_seconds_bucket{{route="{route}",le="{bound}"}} {seen}')
    return [
        *lines,
        f'ostinato_request_seconds_sum{{route="{route}"}} {total:.6f}',
        f'ostinato_request_seconds_count{{route="{route}"}} {seen}',
    ]
