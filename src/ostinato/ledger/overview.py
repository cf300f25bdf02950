"""Cheap queries on the ledger, for maintenance."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from ostinato.kernel.instant import instant_of
from ostinato.ledger.store import event_table
from ostinato.storage.rows.rows import Tx


def newest_at(tx: Tx) -> datetime | None:
    """The latest instant at which anything happened, in any project."""
    row = tx.first(select(func.max(event_table.c.at_us)))
    return None if row is None or row[0] is None else instant_of(row[0])
