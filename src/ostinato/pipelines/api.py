"""The operations of pipelines."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.pipelines.service import Pipelines

NAME = "pipelines"
SERVICE = Pipelines
IN_PROCESS = {"run": "pipeline:write", "value": "pipeline:read"}
"""What the verbs need that are called in process alone."""
OPS: list[Op] = [
    Op("GET", "/pipelines", Pipelines.all, "pipeline:read"),
    Op("GET", "/pipelines/overview", Pipelines.overview, "pipeline:read"),
    Op("GET", "/pipelines/{pipeline}/page", Pipelines.about, "pipeline:read"),
    Op("PUT", "/pipelines/{name}", Pipelines.register, "pipeline:write"),
    Op("POST", "/executions", Pipelines.start, "pipeline:write", 201),
    Op("GET", "/executions", Pipelines.search, "pipeline:read"),
    Op("GET", "/executions/{execution}", Pipelines.get, "pipeline:read"),
    Op("GET", "/executions/{execution}/page", Pipelines.page, "pipeline:read"),
    Op("GET", "/executions/{execution}/causes", Pipelines.causes, "pipeline:read"),
    Op("GET", "/executions/{execution}/wait", Pipelines.wait, "pipeline:read"),
    Op("GET", "/executions/{execution}/steps", Pipelines.steps, "pipeline:read"),
    Op("GET", "/executions/{execution}/steps/{step}/why", Pipelines.why, "pipeline:read"),
    Op("GET", "/executions/{execution}/logs", Pipelines.logs, "pipeline:read"),
    Op("GET", "/executions/{execution}/output", Pipelines.output, "pipeline:read"),
    Op("POST", "/executions/{execution}/cancel", Pipelines.cancel, "pipeline:write"),
    Op("POST", "/executions/{execution}/retry", Pipelines.retry, "pipeline:write"),
    Op("GET", "/schedules", Pipelines.schedules, "pipeline:read"),
    Op("PUT", "/schedules/{name}", Pipelines.schedule, "pipeline:write"),
    Op("GET", "/schedules/{schedule}/times", Pipelines.next_times, "pipeline:read"),
    Op("POST", "/schedules/{schedule}/pause", Pipelines.pause, "pipeline:write"),
    Op("POST", "/schedules/{schedule}/resume", Pipelines.resume, "pipeline:write"),
    Op("POST", "/schedules/{schedule}/backfill", Pipelines.backfill, "pipeline:write"),
    Op("DELETE", "/schedules/{schedule}", Pipelines.unschedule, "pipeline:write"),
    Op("GET", "/triggers", Pipelines.triggers, "pipeline:read"),
    Op("PUT", "/triggers/{name}", Pipelines.trigger, "pipeline:write"),
    Op("POST", "/triggers/{trigger}/pause", Pipelines.pause_trigger, "pipeline:write"),
    Op("POST", "/triggers/{trigger}/resume", Pipelines.resume_trigger, "pipeline:write"),
    Op("DELETE", "/triggers/{trigger}", Pipelines.untrigger, "pipeline:write"),
    Op("GET", "/limits", Pipelines.limits, "pipeline:read"),
    Op("PUT", "/limits/{name}", Pipelines.limit, "pipeline:write"),
]
