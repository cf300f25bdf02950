"""The states of a version and their transitions, as data: used by the verbs, the docs and the pages.

A state is not kept but follows from what was decided and from what holds now, see `binding.state_of`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from ostinato.kernel.errors import Conflict
from ostinato.kernel.frozen import frozen
from ostinato.registry.types import ModelVersion, State

Act = Literal["approve", "reject", "retire", "promote", "break_glass", "review_emergency", "change", "time"]


@frozen
class Stage:
    """A state: what it means, and whether a version in it may be put behind an alias or an endpoint."""

    state: State
    means: str
    serves: bool


@frozen
class Transition:
    """A transition between states; `needs` is its permission, empty for automatic ones."""

    by: Act
    of: list[State]
    to: list[State]
    needs: str
    means: str


@frozen
class Lifecycle:
    """All states and all ways between them."""

    stages: list[Stage]
    transitions: list[Transition]


STAGES = [
    Stage(state="registered", means="nobody has decided, or what was decided is void", serves=False),
    Stage(state="approved", means="as many people as are needed have approved what it is now", serves=True),
    Stage(
        state="expired",
        means="its approvals, or the glass broken for it, were for a time, which is over; what serves goes on",
        serves=False,
    ),
    Stage(state="emergency", means="somebody broke the glass for it, for a time", serves=True),
    Stage(state="rejected", means="somebody said no, for good", serves=False),
    Stage(state="retired", means="out of use, for good", serves=False),
]
_OPEN: list[State] = ["registered", "approved", "expired", "emergency"]
TRANSITIONS = [
    Transition(
        by="approve", of=_OPEN, to=_OPEN, needs="model:approve",
        means="a person other than the author approves, on a check that passed; the last one that is needed makes it approved",
    ),
    Transition(by="reject", of=_OPEN, to=["rejected"], needs="model:approve", means="nothing may name it then"),
    Transition(by="retire", of=[*_OPEN, "rejected"], to=["retired"], needs="model:approve", means="nothing may name it then"),
    Transition(by="promote", of=["approved"], to=["approved"], needs="model:promote", means="an alias names it"),
    Transition(
        by="break_glass", of=["registered", "expired"], to=["emergency"], needs="model:break-glass",
        means="an alias names it although too few have approved, for a time; alerted, and reviewed by somebody else",
    ),
    Transition(
        by="review_emergency", of=["emergency"], to=["emergency", "registered", "expired"], needs="model:approve",
        means="somebody else says whether it was justified; if not, it counts no more",
    ),
    Transition(
        by="change", of=["approved", "expired", "emergency"], to=["registered"], needs="",
        means="its run is evaluated anew, or gates, tier or the policy that approved it are declared anew: approvals are void; "
        "or the alias for which the glass was broken was taken from it",
    ),
    Transition(by="time", of=["approved", "emergency"], to=["expired"], needs="", means="its approvals, or the broken glass, expire"),
]  # fmt: skip
_WAYS = {way.by: way for way in TRANSITIONS}


def allow(act: Act, version: ModelVersion) -> None:
    """Refuse an act that the state of a version does not allow.

    Raises:
        Conflict: it does not; the sentence says who decided, or what it would take.
    """
    if version.state in _WAYS[act].of:
        return
    last = next((d for d in reversed(version.decisions) if d.kind == version.state), None)
    if last is not None:
        raise Conflict(f"{version.ref} was {version.state} by {last.by}: {last.reason}", hint=_HINTS.get(version.state, ""))
    raise Conflict(f"{version.ref} is {version.state}", hint=f"{act} is for what is {_either(_WAYS[act].of)}")


_HINTS: dict[State, str] = {
    "rejected": "register a new version", "retired": "register a new version", "approved": "models.promote lets an alias name it"
}  # fmt: skip


def _either(states: Collection[State]) -> str:
    return " or ".join(states)
