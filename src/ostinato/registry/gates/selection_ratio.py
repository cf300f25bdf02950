"""Selection ratio: the four-fifths rule."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.registry.gate import NO_EVALUATION
from ostinato.registry.types import GateContext, Verdict


@dataclass(frozen=True, slots=True)
class SelectionRatio:
    """The least selected group by `by` is selected at least `floor` times as often as the most selected one (29 CFR 1607.4 D)."""

    by: str
    floor: float = 0.8
    min_rows: int = 100

    def judge(self, context: GateContext) -> Verdict:
        """Hold the ratio of the lowest to the highest selection rate against the floor."""
        if context.evaluation is None:
            return NO_EVALUATION
        groups = [
            s for s in context.evaluation.report.groups if s.by == self.by and s.rows >= self.min_rows and "selection_rate" in s.metrics
        ]
        rates = [(s.metrics["selection_rate"].value or 0.0, s.value) for s in groups]
        if len(rates) < 2:
            reason = f"selection was measured in {len(rates)} groups by {self.by} with {self.min_rows} rows or more; two are needed"
            return Verdict(passed=False, reason=reason, threshold=self.floor)
        (low, lowest), (high, highest) = min(rates), max(rates)
        if high == 0:
            return Verdict(passed=True, reason="no row of any group is selected", threshold=self.floor)
        reason = f"{self.by} {lowest} is selected {low / high:.3f} times as often as {highest}; it must be {self.floor:.4g} or more"
        return Verdict(passed=low / high >= self.floor, reason=reason, measured=low / high, threshold=self.floor)
