"""unique: no two rows have the same values."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.storage.tables.sql import name


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """The columns together differ in all rows, also from the rows of earlier deliveries; rows with a null among them pass."""

    def rule(self, columns: list[str], scope: Scope, /) -> Rule:
        filled = " AND ".join(f"d.{name(c)} IS NOT NULL" for c in columns)
        bad = f"count(*) OVER (PARTITION BY {', '.join(f'd.{name(c)}' for c in columns)}) > 1"
        if scope.accepted:
            same = " AND ".join(f"a.{name(c)} = d.{name(c)}" for c in columns)
            bad += f" OR EXISTS (SELECT 1 FROM accepted a WHERE {same})"  # noqa: S608
        return Rule(sql=f"({filled}) AND ({bad})")
