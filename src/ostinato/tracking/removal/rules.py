"""Retention rules: one row per rule, and when each was last applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from logging import Logger
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, Table, delete, insert, or_, select, update

from ostinato.kernel.caller import Caller, caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import NotFound, OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import Steps, on_behalf
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Rows, Tx

R = TypeVar("R")
_EVERY = timedelta(hours=1)
_DECLARED = ("declared_by", "declared_at", "applied_at")


class Rules(Generic[R]):
    """The rules of a table with the columns `project`, `name` and `applied_at`; `read` makes one of a row, whose column `conditions`
    is its field `where`. Events are called by the topic: `TOPIC.declared`."""

    def __init__(
        self, rows: Rows, ledger: Ledger, clock: Clock, table: Table, read: Callable[[Row[Any]], R], topic: str, log: Logger
    ) -> None:  # fmt: skip
        self._rows, self._ledger, self._clock = rows, ledger, clock
        self._table, self._read, self._topic, self._log = table, read, topic, log

    def declare(self, name: str, make: Callable[[Tx], R], told: Callable[[R], dict[str, Any]]) -> R:
        """Have a rule from now on, in the place of that of its name; one that says the same stays as it is."""
        project = caller().project

        def change(tx: Tx) -> R:
            made = make(tx)
            known = tx.first(self._find_rule(name))
            if known is not None and _rule_row(self._read(known)) == _rule_row(made):
                return self._read(known)
            row = asdict(made)  # type: ignore[call-overload]
            row |= {"project": project, "conditions": row.pop("where")}
            tx.execute(delete(self._table).where(*self._whose(name)))
            tx.execute(insert(self._table), row)
            self._ledger.append(tx, f"{self._topic}.declared", Ref("retention", name), data=told(made))
            return made

        return self._rows.write(change)

    def all(self) -> list[R]:
        """Those of the project, by name."""
        asked = select(self._table).where(self._table.c.project == caller().project).order_by(self._table.c.name)
        return [self._read(row) for row in self._rows.read(lambda tx: tx.all(asked))]

    def chosen(self, name: str | None) -> list[R]:
        """All of the project, or the one of that name.

        Raises:
            NotFound: there is none of that name.
        """
        named = {str(rule.name): rule for rule in self.all()}  # type: ignore[attr-defined]
        if name is not None and name not in named:
            raise NotFound.named("retention rule", name, list(named))
        return [rule for key, rule in named.items() if name in (None, key)]

    def drop(self, name: str) -> None:
        """Let a rule go.

        Raises:
            NotFound: there is none of that name.
        """

        def change(tx: Tx) -> None:
            if not tx.execute(delete(self._table).where(*self._whose(name))).rowcount:
                others = select(self._table.c.name).where(self._table.c.project == caller().project).order_by(self._table.c.name)
                raise NotFound.named("retention rule", name, [row.name for row in tx.all(others)])
            self._ledger.append(tx, f"{self._topic}.dropped", Ref("retention", name))

        self._rows.write(change)

    def applied(self, name: str, at: datetime) -> None:
        """Record that a rule was applied."""
        self._rows.write(lambda tx: tx.execute(update(self._table).where(*self._whose(name)).values(applied_at=at)))

    def apply_due(self, apply: Callable[[R], Steps[Any]]) -> Steps[None]:
        """Apply the rules of all projects that are due (hourly), each until it is dropped, replaced, or applied by another server."""
        actor, before, columns = caller().actor, self._clock.now() - _EVERY, self._table.c
        due = select(self._table).where(or_(columns.applied_at.is_(None), columns.applied_at < before))
        for row in self._rows.read(lambda tx: tx.all(due.order_by(columns.project, columns.name))):
            who, rule = Caller(actor=actor, project=row.project), self._read(row)
            stands = select(self._table).where(columns.project == row.project, columns.name == row.name)
            try:
                for _ in on_behalf(who, apply(rule)):
                    yield
                    now = self._rows.read(lambda tx, stands=stands: tx.first(stands))  # type: ignore[misc]
                    if now is None or self._read(now) != rule:
                        break
            except OstinatoError as error:  # the other rules have their turn
                self._log.warning("the %s rule %s of %s was not applied: %s", self._topic, row.name, row.project, error)

    def _whose(self, name: str) -> tuple[Any, Any]:
        return self._table.c.project == caller().project, self._table.c.name == name

    def _find_rule(self, name: str) -> Any:
        return select(self._table).where(*self._whose(name))


def _rule_row(rule: Any) -> dict[str, Any]:
    """What a rule says, whoever declared it when."""
    return {key: value for key, value in asdict(rule).items() if key not in _DECLARED}
