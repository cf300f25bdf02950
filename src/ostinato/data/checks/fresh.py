"""fresh: the newest row is recent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ostinato.data.types import Rule, Scope
from ostinato.storage.tables.sql import any_of, literal, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The greatest instant of the column is at most `max_age_hours` older than the delivery."""

    max_age_hours: float

    def rule(self, columns: list[str], scope: Scope, /) -> Rule:
        oldest = literal(scope.now - timedelta(hours=self.max_age_hours))
        return Rule(sql=any_of([f"coalesce(max({name(c)}) < {oldest}, TRUE)" for c in columns]), whole=True)
