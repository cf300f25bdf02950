"""Deletion of the logs of executions that ended long ago, in all projects."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, delete, func, select

from ostinato.pipelines.step_store import logs
from ostinato.pipelines.store import executions
from ostinato.storage.rows.rows import Tx


def count(tx: Tx, before: datetime) -> int:
    """How many lines there are of executions that ended before."""
    row = tx.first(select(func.count()).select_from(logs).where(logs.c.execution.in_(_ended(before))))
    return int(row[0]) if row else 0


def drop(tx: Tx, before: datetime, most: int) -> int:
    """Delete at most so many of them; returns how many it were."""
    old = select(logs.c.seq).where(logs.c.execution.in_(_ended(before))).limit(most)
    return tx.execute(delete(logs).where(logs.c.seq.in_(old))).rowcount


def _ended(before: datetime) -> Select[tuple[str]]:
    return select(executions.c.id).where(executions.c.ended_at < before)
