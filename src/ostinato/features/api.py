"""The public operations on features."""

from __future__ import annotations

from ostinato.features.service import Features
from ostinato.kernel.operation import Op

NAME = "features"
SERVICE = Features
IN_PROCESS = {"training_set": "feature:read"}
"""What the verbs need that are called in process alone."""
OPS: list[Op] = [
    Op("POST", "/features", Features.define, "feature:write"),
    Op("GET", "/features", Features.all, "feature:read"),
    Op("POST", "/features/names", Features.vector_names, "feature:read"),
    Op("POST", "/features/online", Features.online, "feature:read"),
    Op("POST", "/features/online/many", Features.online_many, "feature:read"),
    Op("GET", "/feature-states", Features.states, "feature:read"),
    Op("GET", "/features/{view}/state", Features.state, "feature:read"),
    Op("GET", "/features/{view}", Features.get, "feature:read"),
    Op("POST", "/features/{view}/rows", Features.push, "feature:write"),
    Op("POST", "/features/{view}/loads", Features.materialize, "feature:write"),
    Op("GET", "/features/{view}/freshness", Features.freshness, "feature:read"),
]
