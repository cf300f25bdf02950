"""Tell people."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.monitoring.reaction import Situation
from ostinato.monitoring.types import Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """Raises one alert for the window, with the sentence of every finding."""

    def react(self, situation: Situation) -> str:
        """Raise the alert."""
        severity: Severity = "critical" if any(f.severity == "critical" for f in situation.findings) else "warning"
        text = "\n".join(f.measurement.sentence for f in situation.findings)
        raised = situation.alert(f"endpoint:{situation.monitor.endpoint}", text, severity, f"window {situation.window.id}")
        return f"alert:{raised.id}"
