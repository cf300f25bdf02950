"""Fresh data: the model has seen what happened lately."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.registry.types import GateContext, Verdict


@dataclass(frozen=True, slots=True)
class FreshData:
    """The newest dataset version that the model saw was delivered at most `max_age_days` ago."""

    max_age_days: float

    def judge(self, context: GateContext) -> Verdict:
        """Hold the age of the newest data against the limit."""
        if not context.data:
            reason = "the version names no dataset that it was trained on: register it with datasets=[…]"
            return Verdict(passed=False, reason=reason, threshold=self.max_age_days)
        newest = max(context.data, key=lambda d: d.delivered_at)
        days = (context.now - newest.delivered_at).total_seconds() / 86_400
        reason = f"{newest.dataset} was delivered {days:.1f} days ago; the limit is {self.max_age_days:.4g}"
        return Verdict(passed=days <= self.max_age_days, reason=reason, measured=days, threshold=self.max_age_days)
