"""in_set: values are among the listed ones."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.kernel.errors import Invalid
from ostinato.storage.tables.sql import any_of, literal, name


@dataclass(frozen=True, slots=True, kw_only=True)
class InSet:
    """Values are among `values`; nulls pass."""

    values: list[str | int | float]

    def __post_init__(self) -> None:
        if not self.values:
            raise Invalid("in_set needs values", hint="values=[…] with at least one", field="parameters")

    def rule(self, columns: list[str], _scope: Scope, /) -> Rule:
        allowed = ", ".join(literal(v) for v in self.values)
        return Rule(sql=any_of([f"d.{name(c)} NOT IN ({allowed})" for c in columns]))
