"""The operations of serving: every verb of Endpoints that is called from outside."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.serving.service import Endpoints

NAME = "endpoints"
SERVICE = Endpoints
IN_PROCESS = {"frame": "endpoint:read", "values": "endpoint:read"}
"""What the verbs need that are called in process alone."""
OPS: list[Op] = [
    Op("GET", "/endpoints", Endpoints.all, "endpoint:read"),
    Op("GET", "/endpoint-states", Endpoints.states, "endpoint:read"),
    Op("POST", "/endpoints/{endpoint}/deploy", Endpoints.deploy, "endpoint:deploy"),
    Op("GET", "/endpoints/{endpoint}", Endpoints.get, "endpoint:read"),
    Op("GET", "/endpoints/{endpoint}/url", Endpoints.url, "endpoint:read"),
    Op("POST", "/endpoints/{endpoint}/key", Endpoints.key, "endpoint:invoke"),
    Op("GET", "/endpoints/{endpoint}/keys", Endpoints.keys, "endpoint:read"),
    Op("DELETE", "/endpoints/{endpoint}/keys/{key:path}", Endpoints.revoke_key, "endpoint:deploy"),
    Op("POST", "/endpoints/{endpoint}/rollback", Endpoints.rollback, "endpoint:deploy"),
    Op("GET", "/endpoints/{endpoint}/production", Endpoints.production, "endpoint:read"),
    Op("POST", "/endpoints/{endpoint}/rollout", Endpoints.rollout, "endpoint:deploy"),
    Op("GET", "/endpoints/{endpoint}/rollouts", Endpoints.rollouts, "endpoint:read"),
    Op("GET", "/endpoints/{endpoint}/rollouts/{rollout}", Endpoints.rollout_story, "endpoint:read"),
    Op("GET", "/rollouts/{rollout}", Endpoints.find_rollout, "endpoint:read"),
    Op("POST", "/endpoints/{endpoint}/advance", Endpoints.advance, "endpoint:deploy"),
    Op("POST", "/endpoints/{endpoint}/pause", Endpoints.pause, "endpoint:deploy"),
    Op("POST", "/endpoints/{endpoint}/resume", Endpoints.resume, "endpoint:deploy"),
    Op("POST", "/endpoints/{endpoint}/abort", Endpoints.abort, "endpoint:deploy"),
    Op("GET", "/endpoints/{endpoint}/traffic", Endpoints.traffic, "endpoint:read"),
    Op("GET", "/endpoints/{endpoint}/form", Endpoints.form, "endpoint:read"),
    Op("POST", "/endpoints/{endpoint}/try", Endpoints.try_out, "endpoint:invoke"),
    Op("GET", "/endpoints/{endpoint}/predictions", Endpoints.predictions, "endpoint:read"),
    Op("GET", "/endpoints/{endpoint}/predictions/{request_id:path}", Endpoints.prediction, "endpoint:read"),
    Op("GET", "/endpoints/{endpoint}/lineage/{request_id:path}", Endpoints.lineage_of, "endpoint:read"),
    Op("POST", "/endpoints/{endpoint}/labels", Endpoints.label, "endpoint:label"),
    Op("POST", "/endpoints/{endpoint}/labels/from", Endpoints.label_from, "endpoint:label"),
    Op("POST", "/endpoints/{endpoint}/batch", Endpoints.batch, "endpoint:invoke"),
]
