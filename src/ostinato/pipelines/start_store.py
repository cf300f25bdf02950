"""Tables of what starts or limits executions: schedules, triggers, what they have started, and concurrency limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Row, Table, Text, delete, insert, select, update

from ostinato.pipelines.types import Schedule, Trigger
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

schedules = Table(
    "pipeline_schedule",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("catch_up", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("next_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("scope", Json),
    Index("pipeline_schedule_due", "next_at"),
)

triggers = Table(
    "pipeline_trigger",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("on", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("stopped", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("scope", Json),
)

limits = Table(
    "pipeline_limit",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("slots", Integer, nullable=False),
)

fires = Table(
    "pipeline_fire",
    metadata,
    Column("project", Text, primary_key=True),
    Column("cause", Text, primary_key=True),
    Column("occasion", Text, primary_key=True),
    Column("execution", Text, nullable=False),
)
"""What was started for which occasion, once and for all: a nominal time of a schedule, or an event of a trigger."""

_LIMITS = select(limits).order_by(limits.c.project, limits.c.name)
_SCHEDULE = tuple(Schedule.__dataclass_fields__)
_TRIGGER = tuple(Trigger.__dataclass_fields__)


def schedule(tx: Tx, project: str, name: str) -> Row[Any] | None:
    """The schedule of that name."""
    return tx.first(select(schedules).where(schedules.c.project == project, schedules.c.name == name))


def all_schedules(tx: Tx, project: str) -> list[Schedule]:
    """The schedules of a project, by name."""
    return [schedule_of(r) for r in tx.all(select(schedules).where(schedules.c.project == project).order_by(schedules.c.name))]


def due(tx: Tx, now: datetime) -> Sequence[Row[Any]]:
    """The schedules of all projects whose time has come, the longest overdue first."""
    return tx.all(select(schedules).where(schedules.c.next_at <= now).order_by(schedules.c.next_at).limit(100))


def put(tx: Tx, table: Table, values: Mapping[str, Any]) -> None:
    """Write a schedule or trigger in the place of one of that name."""
    drop(tx, table, values["project"], values["name"])
    tx.execute(insert(table), dict(values))


def change(tx: Tx, table: Table, project: str, name: str, values: Mapping[str, Any]) -> None:
    """Change a schedule or trigger."""
    tx.execute(update(table).where(table.c.project == project, table.c.name == name).values(**values))


def drop(tx: Tx, table: Table, project: str, name: str) -> None:
    """Delete a schedule or trigger; the record of what it started stays."""
    tx.execute(delete(table).where(table.c.project == project, table.c.name == name))


def trigger(tx: Tx, project: str, name: str) -> Row[Any] | None:
    """The trigger of that name."""
    return tx.first(select(triggers).where(triggers.c.project == project, triggers.c.name == name))


def all_triggers(tx: Tx, project: str | None = None) -> Sequence[Row[Any]]:
    """The triggers of a project (None: of all), by name."""
    query = select(triggers).order_by(triggers.c.project, triggers.c.name)
    return tx.all(query if project is None else query.where(triggers.c.project == project))


def fire(tx: Tx, project: str, cause: str, occasion: str, execution: str) -> bool:
    """Note that `execution` is started for an occasion; False if one was before."""
    return tx.insert_missing(fires, {"project": project, "cause": cause, "occasion": occasion, "execution": execution})


def fired(tx: Tx, project: str, cause: str, occasion: str) -> str | None:
    """The execution that was started for an occasion."""
    c = fires.c
    row = tx.first(select(c.execution).where(c.project == project, c.cause == cause, c.occasion == occasion))
    return row and row[0]


def put_limit(tx: Tx, project: str, name: str, most: int | None) -> None:
    """Set a limit, or remove it."""
    tx.execute(delete(limits).where(limits.c.project == project, limits.c.name == name))
    if most is not None:
        tx.execute(insert(limits), {"project": project, "name": name, "slots": most})


def all_limits(tx: Tx, project: str | None = None) -> Sequence[Row[Any]]:
    """The limits of a project (None: of all), by name."""
    return tx.all(_LIMITS if project is None else _LIMITS.where(limits.c.project == project))


def schedule_of(row: Row[Any]) -> Schedule:
    """The schedule as it travels."""
    return Schedule(**{name: row._mapping[name] for name in _SCHEDULE})


def trigger_of(row: Row[Any]) -> Trigger:
    """The trigger as it travels."""
    return Trigger(**{name: row._mapping[name] for name in _TRIGGER})
