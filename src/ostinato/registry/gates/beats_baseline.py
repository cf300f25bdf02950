"""Better than the baseline: on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.evaluation.metric import METRICS
from ostinato.registry.gate import NO_EVALUATION
from ostinato.registry.types import GateContext, Verdict


@dataclass(frozen=True, slots=True)
class BeatsBaseline:
    """A metric is better than that of the baseline by more than `margin`, both evaluated on the same rows."""

    metric: str = "auc"
    margin: float = 0.0

    def judge(self, context: GateContext) -> Verdict:
        """Hold the gain over the baseline against the margin; without an evaluation of the baseline it fails."""
        if context.evaluation is None:
            return NO_EVALUATION
        if context.baseline_evaluation is None:
            reason = (
                f"there is no baseline on the rows {context.evaluation.data[:16]}: score them with a simple rule and record the report, "
                f"evaluations.record(Ref('baseline', '{context.version.model}'), data, report)"
            )
            return Verdict(passed=False, reason=reason, threshold=self.margin)
        ours, simple = context.evaluation.report.value(self.metric), context.baseline_evaluation.report.value(self.metric)
        if ours is None or simple is None:
            return Verdict(passed=False, reason=f"{self.metric} was not measured for both", threshold=self.margin)
        gain = ours - simple if METRICS.get(self.metric).higher_is_better else simple - ours
        reason = f"{self.metric} is {ours:.4f}, that of the baseline {simple:.4f}; the gain must exceed {self.margin:.4g}"
        return Verdict(passed=gain > self.margin, reason=reason, measured=gain, threshold=self.margin)
