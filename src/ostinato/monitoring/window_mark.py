"""A window in short form."""

from __future__ import annotations

from ostinato.monitoring.types import Window, WindowMark


def mark_of(window: Window) -> WindowMark:
    """A window in short, and the number of its alarms."""
    return WindowMark(
        id=window.id,
        key=window.key,
        start=window.start,
        end=window.end,
        rows=window.rows,
        labelled=window.labelled,
        alarms=sum(m.alarm for m in window.measurements),
    )
