"""matches: texts have a form."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.storage.tables.sql import any_of, literal, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The whole value matches the regular expression `pattern` (RE2 syntax, so that no pattern can run away); nulls pass."""

    pattern: str

    def rule(self, columns: list[str], _scope: Scope, /) -> Rule:
        return Rule(sql=any_of([f"NOT regexp_full_match(d.{name(c)}::VARCHAR, {literal(self.pattern)})" for c in columns]))
