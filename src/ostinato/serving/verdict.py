"""The outcome of a rollout in one sentence, and the evidence at each look."""

from __future__ import annotations

import math
from datetime import datetime

from ostinato.kernel.number import format_number
from ostinato.serving.types import Evidence, Look, Rollout, RolloutStory

_LOOKS_MAX = 100
_WORDS = {
    "running": "Running",
    "paused": "Paused",
    "promoted": "Promoted",
    "rolled_back": "Rolled back",
    "inconclusive": "Ended without a decision",
    "aborted": "Aborted",
}


def looked(rollout: Rollout, evidence: Evidence, now: datetime) -> list[Look]:
    """The looks at a rollout with the present one; of too many, every second is dropped, so that they stay spread over its course."""
    present = Look(
        at=now, weight=rollout.steps[-1].weight, scored=evidence.scored, pairs=evidence.pairs, e_value=evidence.e_value,
        e_loss=evidence.e_loss, e_errors=evidence.e_errors, e_shift=evidence.e_shift, harm=evidence.harm, shift=evidence.shift,
        low=evidence.low, high=evidence.high, guard=evidence.guard,
        errors_stable=evidence.stable.errors, errors_candidate=evidence.candidate.errors,
        latency_p99_ms_stable=evidence.stable.latency_p99_ms, latency_p99_ms_candidate=evidence.candidate.latency_p99_ms,
    )  # fmt: skip
    before = rollout.looks
    if before and (before[-1].scored, before[-1].pairs) == (present.scored, present.pairs):
        before = before[:-1]
    if len(before) >= _LOOKS_MAX:
        before = before[::2]
    return [*before, present]


def story(rollout: Rollout) -> RolloutStory:
    """A rollout, and what its evidence comes to."""
    plan, seen = rollout.plan, rollout.evidence
    limit = 1 / plan.alpha
    return RolloutStory(
        rollout=rollout,
        sentence=_sentence(rollout),
        promote_below=plan.margin,
        roll_back_at=limit,
        to_promote=_share(1 - seen.high, 1 - plan.margin) if seen else 0.0,
        to_roll_back=_share(math.log(max(seen.e_value, 1.0)), math.log(limit)) if seen else 0.0,
        counted=plan.counted(seen),
        undecided_at=plan.max_requests,
    )


def _share(done: float, whole: float) -> float:
    return min(1.0, max(0.0, done / whole))


def _sentence(rollout: Rollout) -> str:
    """State, when, why, and the numbers that the reason stands on."""
    seen = rollout.evidence
    if rollout.state == "paused":
        return f"{_paused(rollout)}{_numbers(rollout, seen)}"
    when = "" if rollout.ended_at is None else f" on {rollout.ended_at:%Y-%m-%d} at {rollout.ended_at:%H:%M} UTC"
    told = f"{_WORDS[rollout.state]}{when}"
    if rollout.state == "running":
        told += f" at {rollout.steps[-1].weight:.0%} since {rollout.steps[-1].since:%Y-%m-%d %H:%M} UTC"
    if rollout.reason:
        told += f": {rollout.reason}"
    elif seen is not None and not seen.scored:
        told += ", nothing was scored by both versions yet"
    elif seen is not None:
        told += f", after {seen.scored:,} requests scored by both versions, {seen.pairs:,} of them labelled"
    return f"{told}.{_numbers(rollout, seen)}"


def _paused(rollout: Rollout) -> str:
    """By whom, since when and why, what goes on, and what is held back."""
    pause, seen, plan = rollout.pauses[-1], rollout.evidence, rollout.plan
    weight = f"{rollout.steps[-1].weight:.0%}"
    told = f"Paused at {weight} since {pause.since:%Y-%m-%d %H:%M} UTC by {pause.by.replace(':', ' ')}: {pause.reason.rstrip('.')}."
    if seen is not None and (seen.guard or seen.e_value >= 1 / plan.alpha):
        return f"{told} What was seen takes it back as soon as it goes on{': ' + seen.guard if seen.guard else ''}."
    return f"{told} Evidence is counted, nothing is decided."


def _numbers(rollout: Rollout, seen: Evidence | None) -> str:
    if seen is None:
        return ""
    harm = "not measured" if seen.harm is None else f"{seen.harm:+z.3f} [{seen.low:+z.3f}, {seen.high:+z.3f}]"
    return (
        f" Squared error against the stable version {harm}, margin {rollout.plan.margin:+g};"
        f" e-value {format_number(seen.e_value)}, limit {format_number(1 / rollout.plan.alpha)}."
    )
