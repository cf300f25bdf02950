"""From the scores and labels of a rollout to its evidence, and from the evidence to the next action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ostinato.kernel.number import format_number
from ostinato.kernel.ref import Ref
from ostinato.serving.analysis import Floats, checkpoints, confidence_sequence, e_above, e_errors, e_shift, guard, quantiles
from ostinato.serving.types import Arm, Evidence, Point, Rollout, RolloutPlan, RolloutState

FIELDS = ("kind", "request_id", "at", "version", "rollout", "status", "score", "latency_ms")
"""The columns of the log that a look needs."""
_THEN = {
    "hold": "the stable version stays, as planned",
    "promote": "promoted, as planned for this case",
    "rollback": "taken back, as planned for this case",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision after a look at a rollout: another state or another weight, and why; neither means to wait."""

    reason: str = ""
    state: RolloutState = "running"
    weight: float | None = None


class Scored:
    """The requests of a rollout that both versions have scored or failed on, in the order of the log, by arm."""

    def __init__(self, log: pa.Table, rollout: Rollout) -> None:
        arms: dict[int, dict[str, tuple[bool, float | None, float]]] = {_number(rollout.stable): {}, _number(rollout.candidate): {}}
        asked: dict[str, float] = {}
        self.answered: set[str] = set()
        for row in log.filter(pc.equal(log["rollout"], rollout.id)).to_pylist():
            if row["version"] in arms:
                arms[row["version"]][row["request_id"]] = (row["status"] != "answered", row["score"], row["latency_ms"])
                asked.setdefault(row["request_id"], row["at"].timestamp())
                if row["kind"] == "answer" and row["status"] == "answered":
                    self.answered.add(row["request_id"])
        stable, candidate = arms.values()
        self.ids = [request_id for request_id in stable if request_id in candidate]
        self.asked_s = np.maximum.accumulate(np.array([asked[i] for i in self.ids]))
        self.stable = _columns([stable[i] for i in self.ids])
        self.candidate = _columns([candidate[i] for i in self.ids])

    def evidence(self, rollout: Rollout, labels: Sequence[tuple[str, float, datetime]]) -> Evidence:
        """The evidence so far, with the labels as of when they were known, in the order in which they landed."""
        place = {request_id: i for i, request_id in enumerate(self.ids)}
        pairs = [(place[r], y, at.timestamp()) for r, y, at in labels if r in place]
        pairs = [pair for pair in pairs if not (self.stable["failed"][pair[0]] or self.candidate["failed"][pair[0]])]
        index, truth = np.array([i for i, _, _ in pairs], int), np.array([y for _, y, _ in pairs], float)
        loss = {arm: (columns["score"][index] - truth) ** 2 for arm, columns in (("stable", self.stable), ("candidate", self.candidate))}
        shift = self.candidate["score"] - self.stable["score"]
        path = self._path(rollout.plan, loss["candidate"] - loss["stable"], shift, np.array([at for _, _, at in pairs]))
        last = path[-1] if path else Point(pairs=0, e_value=1.0, mean=None, low=-1.0, high=1.0)
        return Evidence(
            scored=len(self.ids),
            pairs=len(pairs),
            e_value=last.e_value,
            e_loss=last.e_loss,
            e_errors=last.e_errors,
            e_shift=last.e_shift,
            harm=last.mean,
            shift=float(np.nanmean(shift)) if not np.isnan(shift).all() else None,
            low=last.low,
            high=last.high,
            stable=_arm(rollout.stable, self.stable, loss["stable"]),
            candidate=_arm(rollout.candidate, self.candidate, loss["candidate"]),
            path=path,
            guard=guard(self.candidate, self.stable, rollout.plan.max_latency_ms),
        )

    def _path(self, plan: RolloutPlan, harm: Floats, shift: Floats, landed_s: Floats) -> list[Point]:
        """The evidence after some of the requests, with the labels that had landed by then; after the last one, with all."""
        known = np.searchsorted(np.maximum.accumulate(landed_s), self.asked_s, side="right")
        known[-1:] = len(harm)
        e_loss = np.concatenate([[1.0], e_above(harm, plan.margin)])[known]
        e_failed = e_errors(self.candidate["failed"], self.stable["failed"], plan.error_ratio)
        e_moved = e_shift(shift, plan.max_shift) if plan.max_shift is not None else np.ones(len(shift))
        sequence = confidence_sequence(harm, plan.alpha)
        low, high = np.concatenate([[-1.0], sequence.low])[known], np.concatenate([[1.0], sequence.high])[known]
        total = np.concatenate([[0.0], np.cumsum(harm)])[known]
        return [
            Point(
                scored=i + 1,
                pairs=int(known[i]),
                e_value=float(e_loss[i] + e_failed[i] + e_moved[i]) / 3,
                e_loss=float(e_loss[i]),
                e_errors=float(e_failed[i]),
                e_shift=float(e_moved[i]),
                mean=float(total[i] / known[i]) if known[i] else None,
                low=float(low[i]),
                high=float(high[i]),
            )
            for i in (n - 1 for n in checkpoints(len(self.ids)))
        ]


def decide(rollout: Rollout, evidence: Evidence, weights: Sequence[float]) -> Decision:
    """The decision from the evidence: roll back for a broken guard or proven harm, one step on, or promoted."""
    plan = rollout.plan
    if evidence.guard:
        return Decision(f"hard limit: {evidence.guard}", "rolled_back")
    if evidence.e_value >= 1 / plan.alpha:
        return Decision(_cause(evidence), "rolled_back")
    count = plan.counted(evidence)
    if count - rollout.steps[-1].pairs >= plan.min_requests:
        if len(rollout.steps) < len(weights):
            return Decision(f"no harm shown in {count:,} pairs", weight=weights[len(rollout.steps)])
        if not plan.labels:
            return Decision(f"no harm shown in {count:,} requests; labels were not asked for", "promoted")
        if evidence.high <= plan.margin:
            proven = f"at most {evidence.high:g} worse" if evidence.high > 0 else f"at least {-evidence.high:g} better"
            return Decision(f"its squared error is {proven}, after {count:,} labelled pairs; the margin is {plan.margin:g}", "promoted")
    if count >= plan.max_requests:
        ends: dict[str, RolloutState] = {"hold": "inconclusive", "promote": "promoted", "rollback": "rolled_back"}
        return Decision(f"undecided after {count:,} pairs; {_THEN[plan.on_inconclusive]}", ends[plan.on_inconclusive])
    return Decision()


def _cause(evidence: Evidence) -> str:
    """What a rollback rests on, as a sentence."""
    proof = (
        f"e-value {format_number(evidence.e_value)} after {evidence.scored:,} requests scored by both, {evidence.pairs:,} of them labelled"
    )
    worst = max(evidence.e_loss, evidence.e_errors, evidence.e_shift)
    if worst == evidence.e_shift and evidence.shift is not None:
        return f"its scores are shifted by {evidence.shift:+.3f} against the stable version on the same requests: {proof}"
    if worst == evidence.e_loss and evidence.harm is not None:
        return f"its squared error is worse by {evidence.harm:.3f} on the same requests: {proof}"
    return f"it fails more often, {evidence.candidate.errors:,} times against {evidence.stable.errors:,}: {proof}"


def _columns(rows: list[tuple[bool, float | None, float]]) -> dict[str, Any]:
    return {
        "failed": np.array([failed for failed, _, _ in rows], bool),
        "score": np.array([np.nan if score is None else score for _, score, _ in rows], float),
        "latency_ms": np.array([latency for _, _, latency in rows], float),
    }


def _arm(version: Ref, columns: dict[str, Any], loss: np.ndarray[Any, np.dtype[np.float64]]) -> Arm:
    p50, p95, p99 = quantiles(columns["latency_ms"][~columns["failed"]])
    return Arm(
        version=version, requests=len(columns["failed"]), errors=int(columns["failed"].sum()), latency_p50_ms=p50, latency_p95_ms=p95,
        latency_p99_ms=p99, brier=float(loss.mean()) if len(loss) else None,
    )  # fmt: skip


def _number(version: Ref) -> int:
    return int(version.version or 0)
