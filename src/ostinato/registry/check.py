"""Checking a version against the gates of its model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ostinato.kernel.errors import Conflict, GateFailed
from ostinato.registry.binding import plain
from ostinato.registry.gate import gate_of
from ostinato.registry.types import Check, GateContext, GateResult, GateSpec, ModelVersion

VALID_DAYS = 7
"""How long a check may be approved on: data ages, and so does what was measured on it."""


def run_gates(gates: Sequence[GateSpec], context: GateContext) -> list[GateResult]:
    """Run all gates, in order; returns their verdicts."""
    results = []
    for spec in gates:
        verdict = gate_of(spec).judge(context)
        results.append(GateResult(gate=spec.gate, parameters=dict(spec.parameters), **plain(verdict)))
    return results


def require_passed(check: Check | None, version: ModelVersion, champion: int | None, now: datetime) -> Check:
    """The check, if `version` can be approved on it.

    Raises:
        Conflict: there is no check, or what it was about has changed since.
        GateFailed: a gate said no; `evidence` has the numbers.
    """
    again = f"run models.check('{version.model}@{version.version}') and look at what it says"
    if check is None:
        raise Conflict(f"{version.ref} was never checked", hint=again)
    if check.binding != version.binding:
        raise Conflict(f"{version.ref} was checked under other gates, or before it was evaluated anew", hint=again)
    if check.champion != champion:
        raise Conflict(f"the champion has changed since {version.ref} was checked", hint=again)
    if now - check.at > timedelta(days=VALID_DAYS):
        raise Conflict(f"the check of {version.ref} is older than {VALID_DAYS} days", hint=again)
    if not check.passed:
        failed = [r for r in check.results if not r.passed]
        raise GateFailed(f"{version.ref} fails {failed[0].gate}: {failed[0].reason}", evidence=plain(check))
    return check
