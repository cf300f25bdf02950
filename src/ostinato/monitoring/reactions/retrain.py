"""Train again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ostinato.monitoring.reaction import Situation


@dataclass(frozen=True, slots=True)
class Retrain:
    """Starts `pipeline` with `parameters` and `until`, the end of the window; its model then meets the gates as any other."""

    pipeline: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def react(self, situation: Situation) -> str:
        """Start the pipeline, once for each window."""
        parameters = self.parameters | {"until": situation.window.end.isoformat()}
        started = situation.pipelines.start(self.pipeline, parameters, key=f"{situation.monitor.name}-{situation.window.key}")
        return f"execution:{started.id}"
