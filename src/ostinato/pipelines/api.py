"""The operations of pipelines."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.pipelines.service import Pipelines

NAME = "pipelines"
SERVICE = Pipelines
OPS: list[Op] = [
    Op("GET", "/pipelines", Pipelines.all, "pipeline:read"),
    Op("PUT", "/pipelines/{name}", Pipelines.register, "pipeline:write"),
    Op("POST", "/executions", Pipelines.start, "pipeline:write", 201),
    Op("GET", "/executions", Pipelines.search, "pipeline:read"),
    Op("GET", "/executions/{execution}", Pipelines.get, "pipeline:read"),
    Op("GET", "/executions/{execution}/wait", Pipelines.wait, "pipeline:read"),
    Op("GET", "/executions/{execution}/steps", Pipelines.steps, "pipeline:read"),
    Op("GET", "/executions/{execution}/steps/{step}/why", Pipelines.why, "pipeline:read"),
    Op("GET", "/executions/{execution}/logs", Pipelines.logs, "pipeline:read"),
    Op("GET", "/executions/{execution}/output", Pipelines.output, "pipeline:read"),
    Op("POST", "/executions/{execution}/cancel", Pipelines.cancel, "pipeline:write"),
]
