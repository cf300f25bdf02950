"""Binding: what a check and an approval are about, so that they are void once any of it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ostinato.kernel.digest import digest_of
from ostinato.registry.types import Decision, GateSpec, Signature, State

CHAMPION = "champion"
"""The alias whose version challengers are compared with."""


def rules_of(gates: Sequence[GateSpec], approvals: int) -> str:
    """The digest of the rules of a model: its gates and how many people must approve."""
    return digest_of({"gates": plain(list(gates)), "approvals": approvals})


def binding_of(artifact: str, signature: Signature, evaluation: str | None, rules: str) -> str:
    """The digest of everything that is approved when a version is: its bytes, inputs, evaluation, and the rules themselves."""
    return digest_of({"artifact": artifact, "signature": plain(signature), "evaluation": evaluation, "rules": rules})


def standing(decisions: Sequence[Decision], binding: str) -> list[Decision]:
    """The approvals that hold for `binding`."""
    return [d for d in decisions if d.kind == "approved" and d.binding == binding]


def state_of(decisions: Sequence[Decision], binding: str, needed: int) -> State:
    """The state that follows from the decisions; approvals count once for each person responsible."""
    kinds = {d.kind for d in decisions}
    if "retired" in kinds:
        return "retired"
    if "rejected" in kinds:
        return "rejected"
    return "approved" if len({d.responsible for d in standing(decisions, binding)}) >= needed else "registered"


def plain(value: Any) -> Any:
    """The value as JSON values; a Ref as its text."""
    return msgspec.to_builtins(value, enc_hook=str)
