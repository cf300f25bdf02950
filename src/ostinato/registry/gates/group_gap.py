"""Group gap: no group is served much worse than another."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.registry.gate import NO_EVALUATION
from ostinato.registry.types import GateContext, Verdict


@dataclass(frozen=True, slots=True)
class GroupGap:
    """Between the groups by the column `by` a metric differs by at most `max_gap`; groups below `min_rows` rows are left out."""

    metric: str
    max_gap: float
    by: str
    min_rows: int = 100

    def judge(self, context: GateContext) -> Verdict:
        """Hold the distance between the best and the worst group against the limit."""
        if context.evaluation is None:
            return NO_EVALUATION
        slices = [s for s in context.evaluation.report.groups if s.by == self.by]
        if not slices:
            return Verdict(passed=False, reason=f"the evaluation has no groups by {self.by}", threshold=self.max_gap)
        measured = [
            (s.metrics[self.metric].value or 0.0, s.value)
            for s in slices
            if s.rows >= self.min_rows and self.metric in s.metrics and s.metrics[self.metric].value is not None
        ]
        if len(measured) < 2:
            reason = f"{self.metric} was measured in {len(measured)} groups by {self.by} with {self.min_rows} rows or more; two are needed"
            return Verdict(passed=False, reason=reason, threshold=self.max_gap)
        (low, lowest), (high, highest) = min(measured), max(measured)
        reason = f"{self.metric} goes from {low:.4g} ({self.by} {lowest}) to {high:.4g} ({highest}); the gap may be {self.max_gap:.4g}"
        return Verdict(passed=high - low <= self.max_gap, reason=reason, measured=high - low, threshold=self.max_gap)
