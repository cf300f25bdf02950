"""The verbs of Monitors that show what was measured: features by window, distributions, performance, findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal

import numpy as np

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.monitoring import paging, store
from ostinato.monitoring.alerts import found_or_raise
from ostinato.monitoring.compare import LABELLED_MIN
from ostinato.monitoring.proportions import Array, proportions
from ostinato.monitoring.status import MonitorState, MonitorStory, reacted, state_of
from ostinato.monitoring.types import (
    Distribution,
    Finding,
    FindingPage,
    HeatCell,
    HeatLine,
    HeatMap,
    Kind,
    Measurement,
    Monitor,
    PairShare,
    PerformanceLine,
    PerformancePoint,
    Severity,
    Window,
)
from ostinato.monitoring.window_mark import mark_of
from ostinato.monitoring.windows import Blocks, Grid, Reference
from ostinato.serving.service import Endpoints
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables

_WINDOWS_MAX = 400
_PAGE_MAX = 500
_RECENT = 12
_BINS_SHOWN = 32
_RISING = {"auc": -1.0, "brier": 1.0}
"""Where a loss of so much takes the measure: down for the area, up for the error."""


class Views:
    """A mixin of Monitors, which sets the attributes that are annotated here."""

    _rows: Rows
    _tables: Tables
    _endpoints: Endpoints
    _counted_reference: Callable[[str], Reference]

    def states(self) -> list[MonitorState]:
        """The state of every monitor, by name: its newest window and its open findings."""
        project = caller().project

        def look(tx: Tx) -> list[MonitorState]:
            known, waiting = store.all_monitors(tx, project), store.open_findings(tx, project)
            return [state_of(m, paging.newest_windows(tx, project, m.name, None, None, _RECENT), waiting) for m in known]

        return self._rows.read(look)

    def story(self, monitor: str, at: datetime | None = None, limit: int = 60) -> MonitorStory:
        """The state of a monitor, the reactions of its newest `limit` (1 to 400) windows, and its silences.

        As of `at` it knows the windows that were measured by then; open findings and silences are those of now.
        """
        known, newest = self._measured_windows(monitor, None, None, limit, at)
        project = caller().project
        return self._rows.read(
            lambda tx: MonitorStory(
                state=state_of(known, newest, store.open_findings(tx, project)),
                reactions=reacted(tx, project, newest),
                silences=sorted(store.silences_of(tx, project, known.name), key=lambda s: s.until, reverse=True),
            )
        )

    def heat(
        self,
        monitor: str,
        kind: Kind = "drift",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 60,
        at: datetime | None = None,
    ) -> HeatMap:
        """Every feature against the newest `limit` windows (1 to 400) that start with `since <= start < until`.

        Of windows of the same instants the last measured counts. A line is one test of one feature; those with the greatest effect
        against their tolerance come first. As of `at` it knows the windows that were measured by then.
        """
        known, windows = self._measured_windows(monitor, since, until, limit, at)
        names = list(dict.fromkeys((m.feature, m.test) for w in windows for m in w.measurements if m.kind == kind))
        lines = [_line(known, windows, kind, feature, test) for feature, test in names]
        if kind == "drift":
            seen = {feature for feature, _ in names}
            lines += [_line(known, windows, kind, feature, "") for feature in known.features if feature not in seen and windows]
        return HeatMap(monitor=known.name, kind=kind, windows=[mark_of(w) for w in windows], lines=sorted(lines, key=_worst))

    def distribution(self, window: str, feature: str) -> Distribution:
        """A feature, or `score`, in the reference that a window was measured against and in the window, in at most 32 bins.

        Raises:
            NotFound: there is no such window, or the monitor watches no such feature.
            Conflict: the predictions of the window hold no such column.
        """
        project = caller().project
        known = found_or_raise(self._rows.read(lambda tx: store.window(tx, project, window)), "window", window)
        monitor, counted = self._monitor(known.monitor)
        if feature not in (*monitor.features, "score"):
            raise NotFound.named("feature of this monitor", feature, [*monitor.features, "score"])
        values = self._endpoints.values(monitor.endpoint, feature, known.start, known.end)
        if values is None:
            raise Conflict(f"the predictions of this window hold no {feature}", hint="the endpoint served another model then")
        reference = self._reference(monitor, counted, known.reference, feature)
        grid, ours = reference.grids[feature], reference.counted[feature]
        theirs = reference.count(feature, values[feature], Blocks.chunks(values.num_rows, 1))
        states = [proportions(counted.state.sum(axis=0)) for counted in (ours, theirs)]
        return Distribution(
            window=mark_of(known), feature=feature, kind="numeric" if grid.kind == "numeric" else "category", rows_reference=reference.rows,
            rows_window=values.num_rows, bins=_bins(grid, ours.bins.sum(axis=0), theirs.bins.sum(axis=0)),
            missing_reference=float(states[0][2]), missing_window=float(states[1][2]), new_window=float(states[1][1]),
            measurements=[m for m in known.measurements if m.feature == feature],
        )  # fmt: skip

    def performance(
        self, monitor: str, since: datetime | None = None, until: datetime | None = None, limit: int = 60, at: datetime | None = None
    ) -> list[PerformanceLine]:
        """Each performance measure over the newest `limit` (1 to 400) windows, with intervals, beside its reference value.

        As of `at` it knows the windows that were measured by then.
        """
        _, windows = self._measured_windows(monitor, since, until, limit, at)
        tests = dict.fromkeys(m.test for w in windows for m in w.measurements if m.kind == "performance")
        return [
            PerformanceLine(test=test, higher_is_better=_RISING.get(test, 1.0) < 0, points=[_point(w, test) for w in windows])
            for test in tests
        ]

    def finding(self, finding: str) -> Finding:
        """One finding."""
        return found_or_raise(self._rows.read(lambda tx: store.finding(tx, caller().project, finding)), "finding", finding)

    def finding_page(
        self,
        endpoint: str | None = None,
        monitor: str | None = None,
        window: str | None = None,
        state: Literal["open", "acknowledged", "silenced"] | None = None,
        limit: int = 50,
        after: str | None = None,
        severity: Severity | None = None,
        kind: Kind | None = None,
    ) -> FindingPage:
        """Findings, those of the newest windows first and of a window the critical ones, `limit` (1 to 500) at once.

        `counts` are how many there are in each state.
        """
        if not 1 <= limit <= _PAGE_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_PAGE_MAX}", hint="follow `next` for more", field="limit")
        of = {"endpoint": endpoint, "monitor": monitor, "window": window, "severity": severity, "kind": kind}
        project = caller().project
        (items, following), counts = self._rows.read(
            lambda tx: (paging.finding_page(tx, project, of | {"state": state}, limit, after), paging.counts(tx, project, of))
        )
        return FindingPage(items=items, next=following, counts=counts)

    def _measured_windows(
        self, monitor: str, since: datetime | None, until: datetime | None, limit: int, at: datetime | None
    ) -> tuple[Monitor, list[Window]]:
        if not 1 <= limit <= _WINDOWS_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_WINDOWS_MAX}", field="limit")
        known, project = self._monitor(monitor)[0], caller().project
        return known, self._rows.read(lambda tx: paging.newest_windows(tx, project, known.name, since, until, limit, at))

    def _monitor(self, name: str) -> tuple[Monitor, str]:
        """A monitor and the digest of its counted reference."""

        project = caller().project
        found = self._rows.read(lambda tx: store.monitor(tx, project, name))
        if found is None:
            raise NotFound.named("monitor", name, [m.name for m in self._rows.read(lambda tx: store.all_monitors(tx, project))])
        return found[0], found[2]

    def _reference(self, monitor: Monitor, counted: str, digest: str, feature: str) -> Reference:
        """The reference with this digest: kept counted while it is the monitor's, counted anew for a feature once that has another."""
        if digest == monitor.reference:
            return self._counted_reference(counted)
        wanted = list(dict.fromkeys([feature, "score", "label", *([monitor.block] if monitor.block else [])]))
        return Reference.of(self._tables.read(digest, wanted), [feature] if feature != "score" else [], monitor.block)


def _line(monitor: Monitor, windows: Sequence[Window], kind: Kind, feature: str, test: str) -> HeatLine:
    measured = [_measurement_of(w.measurements, kind, test, feature) for w in windows]
    tolerance = next((m.tolerance for m in reversed(measured) if m), None)
    cells = [_cell(w, m, feature, monitor.alpha) for w, m in zip(windows, measured, strict=True)]
    return HeatLine(feature=feature, test=test, tolerance=tolerance, cells=cells)


def _measurement_of(measurements: Iterable[Measurement], kind: Kind, test: str, feature: str) -> Measurement | None:
    return next((m for m in measurements if (m.kind, m.test, m.feature) == (kind, test, feature)), None)


def _cell(window: Window, measured: Measurement | None, feature: str, alpha: float) -> HeatCell:
    if measured is None:
        return HeatCell(state="none", sentence=_why(window, feature))
    return HeatCell(
        state="few" if window.rows < LABELLED_MIN else "measured",
        effect=measured.effect,
        low=measured.low,
        high=measured.high,
        corrected_p=measured.corrected_p,
        significant=measured.corrected_p < alpha,
        alarm=measured.alarm,
        sentence=measured.sentence,
    )


def _why(window: Window, about: str) -> str:
    """The reason that the window records for a missing measurement."""
    told = [said for said in window.undecided if said.startswith(f"{about}:")] or [said for said in window.undecided if ":" not in said]
    return told[0] if told else "not measured in this window"


def _worst(line: HeatLine) -> tuple[float, str, str]:
    reached = [c.effect / line.tolerance if line.tolerance else c.effect for c in line.cells if c.effect is not None]
    return (-max(reached, default=-1.0), line.feature, line.test)


def _bins(grid: Grid, reference: Array, window: Array) -> list[PairShare]:
    """The bins of a grid, neighbours put together to about equal shares of the reference; of categories the rare ones are one."""
    pair = np.stack([proportions(reference), proportions(window)])
    if grid.kind != "numeric":
        names = [*grid.categories[: grid.bins - 1], "others"]
        kept = [i for i in range(grid.bins) if i < grid.bins - 1 or pair[:, i].any()]
        return [PairShare(label=names[i], low=None, high=None, reference=float(pair[0, i]), window=float(pair[1, i])) for i in kept]
    bounds = [grid.low, *grid.edges, grid.high]
    middle = np.arange(1, grid.bins - 1)
    place = ((np.cumsum(pair[0, middle]) - pair[0, middle] / 2) * _BINS_SHOWN).astype(int)
    groups = np.split(middle, np.flatnonzero(np.diff(place)) + 1)
    inner = [(bounds[group[0] - 1], bounds[group[-1]], group) for group in groups]
    ends = [(None, grid.low, np.array([0])), *inner, (grid.high, None, np.array([grid.bins - 1]))]
    return [
        PairShare(label=_label(low, high), low=low, high=high, reference=float(pair[0, group].sum()), window=float(pair[1, group].sum()))
        for low, high, group in ends
        if (low is not None and high is not None) or pair[:, group].any()
    ]


def _label(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"below {high:.4g}" if low is None else f"above {low:.4g}"
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _point(window: Window, test: str) -> PerformancePoint:
    found = _measurement_of(window.measurements, "performance", test, "label")
    if found is None or found.expected is None or found.observed is None:
        return PerformancePoint(
            window=mark_of(window), value=None, low=None, high=None, reference=None, tolerance=None, alarm=False,
            reason=_why(window, "performance"),
        )  # fmt: skip
    ends = sorted(found.expected + _RISING.get(test, 1.0) * loss for loss in (found.low, found.high))
    return PerformancePoint(
        window=mark_of(window), value=found.observed, low=ends[0], high=ends[1], reference=found.expected, tolerance=found.tolerance,
        alarm=found.alarm, reason="",
    )  # fmt: skip
