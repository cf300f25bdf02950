"""row_count: a delivery has a plausible length."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.data.types import Rule, Scope
from ostinato.storage.tables.sql import any_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """The delivery has between `minimum` and `maximum` rows."""

    minimum: int = 1
    maximum: int | None = None

    def rule(self, _columns: list[str], _scope: Scope, /) -> Rule:
        most = [f"count(*) > {int(self.maximum)}"] if self.maximum is not None else []
        return Rule(sql=any_of([f"count(*) < {int(self.minimum)}", *most]), whole=True)
