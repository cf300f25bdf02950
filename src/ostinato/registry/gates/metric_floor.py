"""Metric floor: good enough, in absolute terms."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.evaluation.metric import METRICS
from ostinato.evaluation.types import Estimate
from ostinato.registry.gate import NO_EVALUATION
from ostinato.registry.types import GateContext, Verdict


@dataclass(frozen=True, slots=True)
class MetricFloor:
    """A metric is at least `value`, or at most where lower is better; with `sure`, so is the worse end of its 95 % interval."""

    metric: str
    value: float
    sure: bool = False

    def judge(self, context: GateContext) -> Verdict:
        """Hold the metric of the evaluation against the value."""
        if context.evaluation is None:
            return NO_EVALUATION
        higher = METRICS.get(self.metric).higher_is_better
        estimate = context.evaluation.report.metrics.get(self.metric, Estimate(value=None))
        worse = estimate.low if higher else estimate.high
        end = worse if self.sure else estimate.value
        what = f"{self.metric}{' for sure' if self.sure else ''}"
        if end is None:
            return Verdict(passed=False, reason=f"{what} was not measured", threshold=self.value)
        passed = end >= self.value if higher else end <= self.value
        needs = f"{'at least' if higher else 'at most'} {self.value:.4g}"
        return Verdict(passed=passed, reason=f"{what} is {end:.4g}; it must be {needs}", measured=end, threshold=self.value)
