"""The verbs of Runs on metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series import paging
from ostinato.storage.series.latest import Latest
from ostinato.storage.series.points import Points
from ostinato.storage.series.series import Series
from ostinato.tracking.lookup import find_run, require_active
from ostinato.tracking.types import Curve, Metric, MetricFrame, number
from ostinato.tracking.verbs.candidates import keep_measures

_DRAWN_MAX = 100_000
_LEAST = -(2**63)
_FRAME_MAX = 1_000_000


class Curves:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _series: Series

    def log(self, run: str, client: str, seq: int, frame: MetricFrame) -> None:
        """Store metric points. Each client numbers its batches of a run from 0; a repeated batch changes nothing.

        Raises:
            Conflict: the run has ended, or a batch is missing before this one.
            NotFound: there is no such run, or no such candidate.
            Invalid: the columns of the frame do not fit together.
        """
        points = _points(frame)

        def check(tx: Tx) -> None:
            require_active(tx, run)
            if frame.candidate:
                keep_measures(tx, run, frame, points)

        self._series.append(caller().project, run, client, seq, points, check)

    def metrics(self, run: str) -> dict[str, Metric]:
        """The latest value, minimum and maximum of every metric of a run."""
        return _metrics(self._series.latest(*self._run_key(run)))

    def metrics_of(self, runs: list[str]) -> dict[str, dict[str, Metric]]:
        """The same of many runs in one reading, by run. In process only."""
        self._series.settle(caller().project)
        return {run: _metrics(found) for run, found in self._series.latest_of(caller().project, runs).items()}

    def curve(self, run: str, key: str, after_step: int | None = None, limit: int = 100_000, points: int = 0) -> Curve:
        """The points of one metric after `after_step`, in order of steps; with `points`, thinned to about so many of the same shape.

        All points of a step come together, so `after_step=curve.steps[-1]` goes on without a gap. An unknown key is empty.
        """
        found = self._series.read(*self._run_key(run), key, after_step, limit)
        found = found.thinned(points) if points > 0 else found
        values = [number(value) for value in found.value.tolist()]
        return Curve(key=key, steps=found.step.tolist(), times_us=found.at.tolist(), values=values)

    def frame(self, run: str, key: str | None = None, after_step: int | None = None, limit: int = 100_000) -> MetricFrame:
        """Metric points exactly as logged: of all metrics, or about `limit` points of one after `after_step`, in order of steps.

        `after_step` with the last step of a page goes on without a gap, for all points of a step come together. An unknown key is empty.

        Raises:
            TooLarge: all metrics together have more than `limit` points: ask for one after the other.
            Invalid: `limit` is not between 1 and 1,000,000.
        """
        if not 1 <= limit <= _FRAME_MAX:
            raise Invalid(f"a frame of {limit} points", hint=f"1 to {_FRAME_MAX}", field="limit")
        of = self._run_key(run)
        if key is None:
            self._series.settle(*of)
            points = paging.whole(self._rows, *of, limit)
        else:
            found = self._series.stretch(*of, key, "step", _LEAST if after_step is None else after_step, limit)
            begin = 0 if after_step is None else int(np.searchsorted(found.step, after_step, side="right"))
            step, at, value = found.step[begin:], found.at[begin:], found.value[begin:]
            points = Points(keys=[key][: len(step)], key=np.zeros(len(step), np.uint32), step=step, at=at, value=value)
        return MetricFrame(
            keys=points.keys, key=points.key.astype("<u4").tobytes(), steps=points.step.astype("<i8").tobytes(),
            times_us=points.at.astype("<i8").tobytes(), values=points.value.astype("<f8").tobytes(),
        )  # fmt: skip

    def outline(
        self,
        run: str,
        key: str,
        x: Literal["step", "time"] = "step",
        low: int | None = None,
        high: int | None = None,
        points: int = 1000,
    ) -> bytes:
        """One metric as a plot draws it, from `low` to `high`: four columns of 8-byte IEEE floats, little-endian, one after the other.

        The columns are x, lowest, highest and mean; each row is a stretch in which there are points, about `points` of them. Stretches are
        a power of two wide and begin at its multiples, and those at the ends are whole; x is the least step in one, or the least time in µs
        after 1970. NaN are passed over, and a stretch of nothing else is NaN; one without any point is left out, never filled. Where there
        are no more than `points`, each step is a row of its own. An unknown key is empty.

        Raises:
            Invalid: `low` is beyond `high`, or `points` is not between 2 and 100,000.
        """
        if not 2 <= points <= _DRAWN_MAX:
            raise Invalid(f"{points} points cannot be drawn", hint=f"2 to {_DRAWN_MAX}; as many as the plot has pixels", field="points")
        if low is not None and high is not None and low > high:
            raise Invalid(f"nothing lies between {low} and {high}", field="low")
        found = self._series.outline(*self._run_key(run), key, x, low, high, points)
        return np.concatenate([found.x, found.low, found.high, found.mean]).astype("<f8").tobytes()

    def _run_key(self, run: str) -> tuple[str, str]:
        """The project and the id of a run that is there."""
        return caller().project, self._rows.read(lambda tx: find_run(tx, run)).id


def _metrics(found: dict[str, Latest]) -> dict[str, Metric]:
    return {
        key: Metric(
            last=number(value.last),
            step=value.step,
            at=datetime.fromtimestamp(value.at / 1e6, UTC),
            min=None if value.min is None else number(value.min),
            max=None if value.max is None else number(value.max),
            n=value.n,
        )
        for key, value in found.items()
    }


def _points(frame: MetricFrame) -> Points:
    def column(data: bytes, kind: Literal["<u4", "<i8", "<f8"], name: str) -> Any:
        try:
            return np.frombuffer(data, kind)
        except ValueError as error:
            raise Invalid(f"the column is cut: {error}", field=f"frame.{name}") from error

    if any(not key or len(key) > 250 or not key.isprintable() for key in frame.keys):
        raise Invalid("a metric is called by 1 to 250 printable characters", field="frame.keys")
    return Points(
        keys=frame.keys,
        key=column(frame.key, "<u4", "key"),
        step=column(frame.steps, "<i8", "steps"),
        at=column(frame.times_us, "<i8", "times_us"),
        value=column(frame.values, "<f8", "values"),
    )
