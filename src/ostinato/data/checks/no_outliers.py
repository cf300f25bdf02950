"""no_outliers: no value lies absurdly far from the others."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.storage.tables.sql import any_of, literal, name


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOutliers:
    """Numbers lie within `spreads` interquartile ranges of the quartiles of the delivery (Tukey 1977); what is no number passes."""

    spreads: float = 10.0

    def rule(self, columns: list[str], _scope: Scope, /) -> Rule:
        bad = []
        for column in columns:
            number = f"TRY_CAST(d.{name(column)} AS DOUBLE)"
            low, high = (f"quantile_cont({number}, {q}) OVER ()" for q in (0.25, 0.75))
            reach = f"{literal(float(self.spreads))} * ({high} - {low})"
            bad.append(f"{number} < {low} - {reach} OR {number} > {high} + {reach}")
        return Rule(sql=any_of(bad))
