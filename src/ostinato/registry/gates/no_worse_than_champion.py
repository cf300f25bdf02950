"""No worse than the champion: on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.registry.gate import NO_EVALUATION, gain
from ostinato.registry.types import GateContext, Verdict


@dataclass(frozen=True, slots=True)
class NoWorseThanChampion:
    """A metric is at most `margin` worse than that of the champion, both evaluated on the same rows."""

    metric: str = "auc"
    margin: float = 0.005

    def judge(self, context: GateContext) -> Verdict:
        """Hold how much worse the version is against the margin; where there is no champion it passes."""
        if context.champion is None:
            return Verdict(passed=True, reason="there is no champion to compare with", threshold=self.margin)
        if context.evaluation is None:
            return NO_EVALUATION
        if context.champion_evaluation is None:
            reason = (
                f"{context.champion} has no evaluation on the rows {context.evaluation.data[:16]}: "
                f"score them with it and record the report, evaluations.record({context.champion}, data, report)"
            )
            return Verdict(passed=False, reason=reason, threshold=self.margin)
        found = gain(self.metric, context.evaluation.report, context.champion_evaluation.report)
        if found is None:
            return Verdict(passed=False, reason=f"{self.metric} was not measured for both", threshold=self.margin)
        worse = -found[0]
        reason = f"{found[1].format(context.champion)}; it may be {self.margin:.4g} worse"
        return Verdict(passed=worse <= self.margin, reason=reason, measured=worse, threshold=self.margin)
