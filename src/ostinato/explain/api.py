"""The operations on explanations."""

from __future__ import annotations

from ostinato.explain.service import Explanations
from ostinato.kernel.operation import Op

NAME = "explanations"
SERVICE = Explanations

OPS: list[Op] = [
    Op("POST", "/explanations/global", Explanations.explain_global, "explanation:write"),
    Op("POST", "/explanations/local", Explanations.explain_local, "explanation:write"),
    Op("GET", "/explanations", Explanations.of, "explanation:read"),
    Op("GET", "/explanations/local", Explanations.of_answers, "explanation:read"),
    Op("GET", "/explanations/{explanation}", Explanations.get, "explanation:read"),
    Op("GET", "/explanations/{explanation}/kept", Explanations.kept, "explanation:read"),
    Op("GET", "/explanations/local/{explanation}", Explanations.get_local, "explanation:read"),
]
