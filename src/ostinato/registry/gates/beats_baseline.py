"""Better than the baseline: on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.registry.gate import NO_EVALUATION, gain
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
        found = gain(self.metric, context.evaluation.report, context.baseline_evaluation.report)
        if found is None:
            return Verdict(passed=False, reason=f"{self.metric} was not measured for both", threshold=self.margin)
        reason = f"{found[1].format('the baseline')}; the gain must exceed {self.margin:.4g}"
        return Verdict(passed=found[0] > self.margin, reason=reason, measured=found[0], threshold=self.margin)
