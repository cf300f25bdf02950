"""Go back."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.monitoring.reaction import Situation


@dataclass(frozen=True, slots=True)
class Rollback:
    """Takes the endpoint back to the version before, if the one that gave most answers of the window still serves."""

    def react(self, situation: Situation) -> str:
        """Roll back, unless somebody has done so already."""
        name, window = situation.monitor.endpoint, situation.window
        serving = situation.endpoints.get(name).version
        blamed = max(window.versions, key=lambda v: (window.versions[v], v))
        if str(serving.version) != blamed:
            return str(serving)
        reason = f"monitor {situation.monitor.name}: {situation.findings[0].measurement.sentence}"
        return str(situation.endpoints.rollback(name, reason).version)
