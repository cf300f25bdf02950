"""Cheap queries on executions for overview pages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from ostinato.kernel.frozen import frozen
from ostinato.pipelines.store import executions
from ostinato.storage.rows.lease import LeaseClock, at, silent
from ostinato.storage.rows.rows import Tx


@frozen
class Failure:
    """An execution that failed at the instant `at`, and the last line of its error."""

    id: str
    pipeline: str
    error: str
    at: datetime


@frozen
class LostExecution:
    """An execution whose lease, held by `owner`, has expired."""

    id: str
    pipeline: str
    owner: str


def lost(tx: Tx) -> list[LostExecution]:
    """The claimed executions of all projects whose lease has expired."""
    e = executions.c
    taken = select(e.id, e.pipeline, e.owner).where(e.state == "running", silent(e))
    return [LostExecution(id=row.id, pipeline=row.pipeline, owner=row.owner) for row in tx.all(taken, at(LeaseClock().now(tx)))]


def waiting(tx: Tx) -> int:
    """The number of unclaimed executions of all projects."""
    row = tx.first(select(func.count()).select_from(executions).where(executions.c.state == "queued"))
    return int(row[0]) if row else 0


def failed(tx: Tx, project: str, actor: str, since: datetime, limit: int) -> list[Failure]:
    """The failed executions that an actor has requested since then, newest first."""
    e = executions.c
    query = select(e.id, e.pipeline, e.error, e.created_at, e.ended_at)
    query = query.where(e.project == project, e.state == "failed", e.actor == actor, e.created_at >= since)
    rows = tx.all(query.order_by(e.created_at.desc(), e.id.desc()).limit(limit))
    return [Failure(id=row.id, pipeline=row.pipeline, error=row.error, at=row.ended_at or row.created_at) for row in rows]
