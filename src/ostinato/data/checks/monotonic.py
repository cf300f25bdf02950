"""monotonic: values never fall."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.storage.tables.sql import any_of, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Monotonic:
    """In the order of the delivery, no value is smaller than the one before it."""

    def rule(self, columns: list[str], _scope: Scope, /) -> Rule:
        return Rule(sql=any_of([f"d.{name(c)} < lag(d.{name(c)}) OVER (ORDER BY d._row)" for c in columns]))
