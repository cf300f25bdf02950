"""not_null: every cell is filled."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.storage.tables.sql import any_of, name


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNull:
    """No cell of the columns is null."""

    def rule(self, columns: list[str], _scope: Scope, /) -> Rule:
        return Rule(sql=any_of([f"d.{name(c)} IS NULL" for c in columns]))
