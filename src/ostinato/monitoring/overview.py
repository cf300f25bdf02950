"""Cheap queries on monitors for overview pages; their cost does not grow with the number of windows."""

from __future__ import annotations

from datetime import datetime, timedelta

from ostinato.kernel.frozen import frozen
from ostinato.monitoring import store
from ostinato.monitoring.types import Finding, Monitor, Window
from ostinato.storage.rows.rows import Tx

_WINDOW_MAX = timedelta(days=92)
"""How long before its end a window begins at most, to be found by its beginning."""


@frozen
class MonitorSummary:
    """A monitor, its newest windows (newest first), how many of its findings are open, and since when the oldest of them is."""

    monitor: Monitor
    windows: list[Window]
    open_findings: int
    open_since: datetime | None


def monitor_summaries(tx: Tx, project: str, windows: int = 5) -> list[MonitorSummary]:
    """Every monitor with its newest windows."""
    unseen = store.open_findings(tx, project)
    found = []
    for monitor in store.all_monitors(tx, project):
        count, since = unseen.get(monitor.name, (0, None))
        newest = store.newest_windows(tx, project, monitor.name, windows)
        found.append(MonitorSummary(monitor=monitor, windows=newest, open_findings=count, open_since=since))
    return found


def open_findings(tx: Tx, project: str, since: datetime, limit: int) -> list[Finding]:
    """The open findings of windows that ended since then, newest first."""
    return [f for f in store.newest_findings(tx, project, "open", since - _WINDOW_MAX, limit) if f.end >= since]
