"""The state of monitors, for overviews and the page of a monitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ostinato.kernel.frozen import frozen
from ostinato.monitoring import store
from ostinato.monitoring.types import Kind, Measurement, Monitor, Rate, Reaction, Silence, Window, WindowMark
from ostinato.monitoring.window_mark import mark_of
from ostinato.storage.rows.rows import Tx

_KINDS: tuple[Kind, ...] = ("performance", "drift", "quality", "coverage")


@frozen
class KindState:
    """The tests of a kind in one window: how many ran, how many alarmed, the one furthest beyond (or nearest to) its tolerance.

    `any_false_alarm` is how often at least one of them alarms on unchanged data.
    """

    kind: Kind
    tests: int
    alarms: int
    worst: Measurement
    any_false_alarm: Rate | None


@frozen
class MonitorState:
    """A monitor, its newest window by kinds of tests, the newest windows (oldest first), and the findings that wait for somebody."""

    monitor: Monitor
    last: WindowMark | None
    measured_at: datetime | None
    kinds: list[KindState]
    recent: list[WindowMark]
    open_findings: int
    open_since: datetime | None


@frozen
class Reacted:
    """A reaction, and the window that set it off."""

    window: WindowMark
    reaction: Reaction


@frozen
class MonitorStory:
    """A monitor, what its windows set off (newest first), and its silences, the one that lasts longest first."""

    state: MonitorState
    reactions: list[Reacted]
    silences: list[Silence]


def state_of(monitor: Monitor, newest: Sequence[Window], waiting: Mapping[str, tuple[int, datetime]]) -> MonitorState:
    """A monitor whose newest windows, oldest first, are these; `waiting` by monitor is how many findings are open and since when."""
    count, since = waiting.get(monitor.name, (0, None))
    last = newest[-1] if newest else None
    return MonitorState(
        monitor=monitor,
        last=mark_of(last) if last else None,
        measured_at=last.measured_at if last else None,
        kinds=[kind for kind in (_kind(last, name) for name in _KINDS) if kind] if last else [],
        recent=[mark_of(window) for window in newest],
        open_findings=count,
        open_since=since,
    )


def reacted(tx: Tx, project: str, newest: Sequence[Window]) -> list[Reacted]:
    """The reactions of windows, newest first."""
    by_window = {window.id: window for window in newest}
    found = store.reactions_of_windows(tx, project, list(by_window))
    told = [Reacted(window=mark_of(by_window[reaction.window]), reaction=reaction) for reaction in found]
    return sorted(told, key=lambda r: (-r.window.start.timestamp(), r.reaction.position))


def _kind(window: Window, kind: Kind) -> KindState | None:
    measured = [m for m in window.measurements if m.kind == kind]
    if not measured:
        return None
    return KindState(
        kind=kind,
        tests=len(measured),
        alarms=sum(m.alarm for m in measured),
        worst=max(measured, key=lambda m: (m.alarm, m.effect / m.tolerance if m.tolerance else m.effect)),
        any_false_alarm=window.any_false_alarm.get(kind),
    )
