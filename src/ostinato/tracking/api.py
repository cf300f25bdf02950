"""The operations of tracking."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.tracking.service import Runs

NAME = "runs"
SERVICE = Runs
OPS: list[Op] = [
    Op("GET", "/experiments", Runs.experiments, "run:read"),
    Op("POST", "/runs", Runs.start, "run:write", 201),
    Op("GET", "/runs", Runs.search, "run:read"),
    Op("POST", "/runs/compare", Runs.compare, "run:read"),
    Op("GET", "/run-index", Runs.index, "run:read"),
    Op("GET", "/run-rows", Runs.rows, "run:read"),
    Op("GET", "/run-comparison", Runs.comparison, "run:read"),
    Op("GET", "/runs/{run}", Runs.get, "run:read"),
    Op("GET", "/runs/{run}/story", Runs.story, "run:read"),
    Op("POST", "/runs/{run}/points", Runs.log, "run:write"),
    Op("POST", "/runs/{run}/params", Runs.params, "run:write"),
    Op("POST", "/runs/{run}/tags", Runs.tag, "run:write"),
    Op("POST", "/runs/{run}/links", Runs.link, "run:write"),
    Op("POST", "/runs/{run}/beat", Runs.beat, "run:write"),
    Op("POST", "/runs/{run}/finish", Runs.finish, "run:write"),
    Op("GET", "/runs/{run}/metrics", Runs.metrics, "run:read"),
    Op("GET", "/runs/{run}/metrics/{key:path}", Runs.curve, "run:read"),
    Op("GET", "/runs/{run}/outlines/{key:path}", Runs.outline, "run:read"),
    Op("GET", "/runs/{run}/artifacts", Runs.artifacts, "run:read"),
    Op("PUT", "/runs/{run}/artifacts/{path:path}", Runs.put_artifact, "run:write"),
    Op("GET", "/runs/{run}/artifacts/{path:path}", Runs.artifact, "run:read"),
    Op("PUT", "/artifact-uploads/{upload}/{start:int}", Runs.send_part, "run:write"),
    Op("GET", "/artifact-uploads/{upload}", Runs.received, "run:write"),
    Op("POST", "/runs/{run}/sent-artifacts", Runs.put_artifact_sent, "run:write"),
]
