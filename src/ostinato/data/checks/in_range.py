"""in_range: numbers lie between bounds."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.kernel.errors import Invalid
from ostinato.storage.tables.sql import any_of, literal, name


@dataclass(frozen=True, slots=True, kw_only=True)
class InRange:
    """Values are numbers in [minimum, maximum]; either bound may be left out; nulls pass."""

    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        if self.minimum is None and self.maximum is None:
            raise Invalid("in_range needs a bound", hint="give minimum, maximum or both", field="parameters")

    def rule(self, columns: list[str], _scope: Scope, /) -> Rule:
        bad = []
        for column in columns:
            number = f"TRY_CAST(d.{name(column)} AS DOUBLE)"
            bad.append(f"d.{name(column)} IS NOT NULL AND {number} IS NULL")
            if self.minimum is not None:
                bad.append(f"{number} < {literal(self.minimum)}")
            if self.maximum is not None:
                bad.append(f"{number} > {literal(self.maximum)}")
        return Rule(sql=any_of(bad))
