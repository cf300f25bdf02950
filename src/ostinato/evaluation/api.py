"""The operations on evaluations."""

from __future__ import annotations

from ostinato.evaluation.service import Evaluations
from ostinato.kernel.operation import Op

NAME = "evaluations"
SERVICE = Evaluations

OPS: list[Op] = [
    Op("POST", "/evaluations", Evaluations.record, "evaluation:write"),
    Op("GET", "/evaluations", Evaluations.of, "evaluation:read"),
    Op("GET", "/evaluations/{evaluation}", Evaluations.get, "evaluation:read"),
    Op("GET", "/evaluations/{evaluation}/figures", Evaluations.figures, "evaluation:read"),
]
