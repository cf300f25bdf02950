"""Points: histories of metrics there, taken over once, however often they are read."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from blake3 import blake3

from ostinato.gateways.mlflow_import.source import A2, Source
from ostinato.storage.series.series import ONCE
from ostinato.tracking.service import Runs
from ostinato.tracking.types import MetricFrame

PART = 25_000
"""So many points are read and kept at a time."""
_ZERO = struct.pack("<d", 0.0)


class Point(NamedTuple):
    """A point, its value as its 8 bytes, so that a NaN equals itself."""

    key: str
    step: int
    at_us: int
    value: bytes

    @classmethod
    def of(cls, said: dict[str, Any]) -> Point:
        """A point as MLflow writes it."""
        return cls(said["key"], int(said.get("step", 0)), int(said["timestamp"]) * 1000, _bytes(said.get("value", 0.0)))

    @property
    def without_nan(self) -> Point:
        """The point as MLflow tells it of a logged model: it has 0 where nothing could be measured."""
        return self._replace(value=_ZERO) if math.isnan(struct.unpack("<d", self.value)[0]) else self


class About(NamedTuple):
    """Of which logged model points were measured, on which data."""

    candidate: str
    dataset_name: str
    dataset_digest: str


NONE = About("", "", "")


def history(source: Source, run: str, key: str) -> Iterator[Point]:
    """All points of a metric of a run there."""
    for page in source.pages("GET", f"{A2}/metrics/get-history", "metrics", run_id=run, metric_key=key, max_results=PART):
        yield from map(Point.of, page)


def kept(runs: Runs, run: str, keys: Iterable[str]) -> set[Point]:
    """The points of some metrics that a run has here."""
    known = runs.metrics(run)
    found: set[Point] = set()
    for key in keys:
        if key in known:
            curve = runs.curve(run, key, limit=0)
            found.update(Point(key, *point[:2], _bytes(point[2])) for point in zip(curve.steps, curve.times_us, curve.values, strict=True))
    return found


def keep(runs: Runs, run: str, about: About, points: Sequence[Point]) -> None:
    """Keep points. The batch is called by what it holds."""
    frame = MetricFrame.of([(key, step, at, struct.unpack("<d", value)[0]) for key, step, at, value in points])
    held = blake3(repr((about, frame.keys)).encode() + frame.key + frame.steps + frame.times_us + frame.values)
    runs.log(run, f"{ONCE}{held.hexdigest(length=16)}", 0, replace(frame, **about._asdict()))


def _bytes(value: float | str) -> bytes:
    return struct.pack("<d", float(value))
