"""Term: what servers on one database agree on, whose store it is and which of them does the duties that one must do."""

from __future__ import annotations

import secrets

from sqlalchemy import BigInteger, Column, Table, Text, bindparam, select

from ostinato.kernel.errors import Conflict
from ostinato.storage.rows.lease import LeaseClock, Watch, machine_s
from ostinato.storage.rows.rows import Rows, Tx, metadata

_term = Table(
    "store_term",
    metadata,
    Column("duty", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("beat", BigInteger, nullable=False),
)
_identity = Table("store_identity", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

_found = select(_term.c.owner, _term.c.beat).where(_term.c.duty == bindparam("wanted"))
_TERM_S = 6.0
_EVERY_S = 1.0


class Term:
    """The right to do a duty, held by one process at a time for six seconds, and renewed each second.

    When its holder dies, another takes it within eight seconds; when it closes, within one. With `alone`, nobody else is there to ask.
    """

    def __init__(self, rows: Rows, duty: str, *, alone: bool) -> None:
        self._rows = rows
        self._duty = duty
        self._alone = alone
        self._owner = secrets.token_hex(8)
        self._watch = Watch(LeaseClock())
        self._until_s = self._ask_s = 0.0

    def held(self) -> bool:
        """Whether the duty is this process's now."""
        if self._alone:
            return True
        asked_s = machine_s()
        if asked_s >= self._ask_s:
            self._ask_s = asked_s + _EVERY_S
            self._until_s = asked_s + _TERM_S if self._rows.read(self._free) and self._rows.write(self._take) else 0.0
        return machine_s() < self._until_s

    def close(self) -> None:
        """Leave the duty to whoever wants it."""
        if machine_s() < self._until_s:
            self._until_s = 0.0
            mine = (_term.c.duty == self._duty, _term.c.owner == self._owner)
            self._rows.write(lambda tx: tx.execute(_term.delete().where(*mine)))

    def _free(self, tx: Tx) -> bool:
        row = tx.first(_found, {"wanted": self._duty})
        return row is None or row.owner == self._owner or self._watch.still_s(self._duty, tuple(row)) >= _TERM_S

    def _take(self, tx: Tx) -> bool:
        if not self._free(tx):
            return False
        if tx.first(_found, {"wanted": self._duty}) is None:
            tx.execute(_term.insert().values(duty=self._duty, owner=self._owner, beat=0))
        else:
            tx.execute(_term.update().where(_term.c.duty == self._duty).values(owner=self._owner, beat=_term.c.beat + 1))
        return True


def belong(rows: Rows, name: str, value: str) -> None:
    """Note a fact that all servers of a store must agree on, such as its key; whoever comes first says it.

    Raises:
        Conflict: another one is noted.
    """
    noted = select(_identity.c.value).where(_identity.c.name == name)

    def note(tx: Tx) -> str:
        tx.insert_missing(_identity, {"name": name, "value": value})
        return str(tx.execute(noted).scalar_one())

    known = rows.read(lambda tx: tx.first(noted))
    if (known.value if known else rows.write(note)) != value:
        raise Conflict(
            f"the database belongs to a store with another {name}",
            hint=f"put {name} back from a backup; a further server begins with copies of ledger-key, admin-token and blob-keys",
        )
