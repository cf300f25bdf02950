"""Verification of the ledger in a database file."""

from __future__ import annotations

from pathlib import Path

from ostinato.kernel.clock import SystemClock
from ostinato.ledger.service import Ledger
from ostinato.ledger.types import Verification
from ostinato.storage.rows.sqlite import Sqlite


def verified(database: Path, key: Path, head: str | None = None) -> tuple[Verification, str | None]:
    """Verify the whole ledger, also against the note `head`; returns the result and the note of the last head."""
    rows = Sqlite(database)
    try:
        ledger = Ledger(rows=rows, clock=SystemClock(), key_path=key)
        heads = ledger.heads()
        return ledger.verify(head), heads[-1].note if heads else None
    finally:
        rows.close()
