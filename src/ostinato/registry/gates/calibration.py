"""Calibration: scores mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.registry.gate import NO_EVALUATION
from ostinato.registry.types import GateContext, Verdict


@dataclass(frozen=True, slots=True)
class Calibration:
    """The expected calibration error is at most `max_ece`."""

    max_ece: float = 0.05

    def judge(self, context: GateContext) -> Verdict:
        """Hold the calibration error of the evaluation against the limit."""
        if context.evaluation is None:
            return NO_EVALUATION
        ece = context.evaluation.report.value("ece")
        if ece is None:
            return Verdict(passed=False, reason="the calibration error was not measured", threshold=self.max_ece)
        reason = f"the calibration error is {ece:.4f}; it must be at most {self.max_ece:.4g}"
        return Verdict(passed=ece <= self.max_ece, reason=reason, measured=ece, threshold=self.max_ece)
