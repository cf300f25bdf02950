"""Gate: the interface of the family `gates`."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from ostinato.evaluation.metric import METRICS
from ostinato.evaluation.types import Report
from ostinato.kernel.errors import Invalid
from ostinato.kernel.family import Family
from ostinato.registry.types import GateContext, GateSpec, Verdict


class Gate(Protocol):
    """A member: a dataclass whose fields are its parameters; pure, it sees the context and nothing else."""

    def judge(self, context: GateContext) -> Verdict:
        """Whether the version passes, with the number measured, the number required and one sentence."""
        ...


GATES: Family[Any] = Family("ostinato.registry.gates")


def gate_of(spec: GateSpec) -> Gate:
    """The gate that `spec` describes.

    Raises:
        NotFound: no gate has that name.
        Invalid: a parameter is unknown, missing or of another type.
    """
    gate: Gate = GATES.make(spec.gate, dict(spec.parameters))
    try:
        msgspec.convert(spec.parameters, type(gate))
    except msgspec.ValidationError as error:
        raise Invalid(f"{spec.gate}: {error}", field="gates") from error
    return gate


def gain(metric: str, ours: Report, theirs: Report) -> tuple[float, str] | None:
    """By how much `ours` is the better of two reports on the same rows, and their values as text; None if one was not measured."""
    mine, other = ours.value(metric), theirs.value(metric)
    if mine is None or other is None:
        return None
    return (mine - other if METRICS.get(metric).higher_is_better else other - mine), f"{metric} is {mine:.4f}, that of {{}} {other:.4f}"


NO_EVALUATION = Verdict(passed=False, reason="the version has no evaluation: register it with the id of one")
"""The verdict of every gate that looks at an evaluation, where there is none."""
