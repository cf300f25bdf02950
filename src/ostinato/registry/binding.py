"""Binding: the digest of what a check or an approval is about; both are void once any of it changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ostinato.kernel.digest import digest_of
from ostinato.registry.types import Decision, Model, Signature, State

CHAMPION = "champion"
"""The alias whose version challengers are compared with."""


def rules_of(model: Model) -> str:
    """The digest of the rules of a model: its gates, how many people must approve, who counts, and how long.

    What is not asked for is not said: where nothing changes, what was approved stands.
    """
    told: dict[str, Any] = {"gates": plain(model.gates), "approvals": model.approvals}
    if model.tier and model.approvals:
        told |= {"approvers": model.tier.approvers} if model.tier.approvers else {}
        told |= {"valid_days": model.tier.valid_days} if model.tier.valid_days else {}
    return digest_of(told)


def binding_of(artifact: str, signature: Signature, evaluation: str | None, rules: str) -> str:
    """The digest of everything that is approved when a version is: its bytes, inputs, evaluation, and the rules themselves."""
    return digest_of({"artifact": artifact, "signature": plain(signature), "evaluation": evaluation, "rules": rules})


def valid_approvals(decisions: Sequence[Decision], binding: str, now: datetime) -> list[Decision]:
    """The approvals that hold for `binding`."""
    return _unexpired(_valid_decisions("approved", decisions, binding, now), now)


def state_of(decisions: Sequence[Decision], binding: str, needed: int, now: datetime) -> State:
    """The state that follows from the decisions; approvals count once for each person responsible."""
    kinds = {d.kind for d in decisions}
    if "retired" in kinds:
        return "retired"
    if "rejected" in kinds:
        return "rejected"
    if _people(valid_approvals(decisions, binding, now)) >= needed:
        return "approved"
    broken = _valid_decisions("broke_glass", decisions, binding, now)
    if _unexpired(broken, now):
        return "emergency"
    return "expired" if broken or _people(_valid_decisions("approved", decisions, binding, now)) >= needed else "registered"


def _valid_decisions(kind: str, decisions: Sequence[Decision], binding: str, now: datetime) -> list[Decision]:
    return [d for d in decisions if d.kind == kind and d.binding == binding and (d.voided_at is None or d.voided_at > now)]


def _unexpired(decisions: Sequence[Decision], now: datetime) -> list[Decision]:
    return [d for d in decisions if d.expires_at is None or d.expires_at > now]


def _people(decisions: Sequence[Decision]) -> int:
    return len({d.responsible for d in decisions})


def plain(value: Any) -> Any:
    """The value as JSON values; a Ref as its text."""
    return msgspec.to_builtins(value, enc_hook=str)
