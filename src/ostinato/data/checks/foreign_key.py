"""foreign_key: values occur in another dataset."""

from __future__ import annotations

from dataclasses import dataclass, field

from ostinato.data.types import Rule, Scope
from ostinato.kernel.errors import Invalid
from ostinato.storage.tables.sql import any_of, literal, name


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """Values occur in the column `to` ("airports.faa") of the latest version of another dataset, or in `also`; nulls pass."""

    to: str
    also: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        dataset, _, column = self.to.rpartition(".")
        if not dataset or not column:
            raise Invalid(f"foreign_key cannot follow {self.to!r}", hint='write to="dataset.column"', field="parameters")

    @property
    def dataset(self) -> str:
        """The dataset that is looked into."""
        return self.to.rpartition(".")[0]

    def rule(self, columns: list[str], scope: Scope, /) -> Rule:
        view, there = scope.views[self.dataset], name(self.to.rpartition(".")[2])
        bad = []
        for column in columns:
            here = f"d.{name(column)}"
            known = f"EXISTS (SELECT 1 FROM {view} r WHERE r.{there} = {here})"  # noqa: S608
            also = f" AND {here}::VARCHAR NOT IN ({', '.join(literal(v) for v in self.also)})" if self.also else ""
            bad.append(f"{here} IS NOT NULL{also} AND NOT {known}")
        return Rule(sql=any_of(bad))
