"""Tombstones: names of deleted things whose rows are not all gone yet, so that no new thing takes the name."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, bindparam, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Unavailable
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Tx, metadata

purge_table = Table(
    "tracking_purge", metadata, Column("project", Text, primary_key=True), Column("holder", Text, primary_key=True), sqlite_with_rowid=False
)
"""The holder is a run or a candidate."""
_p = purge_table.c
_buried = Prepared(select(_p.holder).where(_p.project == bindparam("project"), _p.holder == bindparam("holder")))


def buried(tx: Tx, holder: str) -> bool:
    """Whether rows of what is gone are left."""
    return bool(tx.fetch(_buried, {"project": caller().project, "holder": holder}))


def check_tombstone(tx: Tx, holder: str) -> None:
    """Refuse an id of which rows are still being removed.

    Raises:
        Unavailable: it is free soon.
    """
    if buried(tx, holder):
        raise Unavailable(f"{holder} is just being purged", hint="try again when that is done, or use another id")
