"""The verbs of tracking inside a running transaction, so that a Run and the row that it belongs to are written together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import MetaData

from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.rows.rows import Tx
from ostinato.storage.series.series import Series
from ostinato.tracking.service import Runs

T = TypeVar("T")


class Joined:
    """Rows whose reads and writes are part of one transaction: all of it is kept, or nothing."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def read(self, query: Callable[[Tx], T]) -> T:
        return query(self._tx)

    def write(self, change: Callable[[Tx], T]) -> T:
        return change(self._tx)

    def create(self, tables: MetaData) -> None:
        raise Conflict(f"{len(tables.tables)} tables cannot be made within a transaction")

    def close(self) -> None:
        """The transaction is ended by whoever began it."""


class Recorder:
    """Gives the Runs that belong to a transaction."""

    def __init__(self, blobs: Blobs, ledger: Ledger, clock: Clock) -> None:
        self._blobs = blobs
        self._ledger = ledger
        self._clock = clock

    def within(self, tx: Tx) -> Runs:
        """Runs that write in `tx`."""
        rows = Joined(tx)
        return Runs(rows=rows, blobs=self._blobs, series=Series(rows), ledger=self._ledger, clock=self._clock)
