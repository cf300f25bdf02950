"""The pipeline that measures a window, so that it survives the death of its process and leaves a run."""

from __future__ import annotations

from datetime import datetime

from ostinato.pipelines.context import current
from ostinato.pipelines.definition import pipeline, step


@step(cache=False)
def assess(monitor: str, start: str, end: str, key: str) -> dict[str, float]:
    """Measure the window and react to it; the answer counts what was found."""
    here = current()
    window = here.app.monitors.assess(monitor, datetime.fromisoformat(start), datetime.fromisoformat(end), key)
    alarms = sum(m.alarm for m in window.measurements)
    found = {
        "rows": float(window.rows),
        "labelled": float(window.labelled),
        "measurements": float(len(window.measurements)),
        "alarms": float(alarms),
    }
    here.run.log(found)
    return found


@pipeline(name="measure")
def measure(monitor: str, start: str, end: str, key: str) -> dict[str, float]:
    """Measure the predictions of an endpoint from `start` up to `end`."""
    return assess(monitor, start, end, key)  # type: ignore[no-any-return]
