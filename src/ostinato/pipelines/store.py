"""Tables of pipelines and executions with their leases. Steps are in `step_store`, schedules and triggers in `start_store`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from ostinato.pipelines.types import Definition, Execution, ExecutionState
from ostinato.storage.rows.lease import Moment
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import PACKED, Instant, Json, Tx, metadata

definitions = Table(
    "pipeline_definition",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
)

executions = Table(
    "pipeline_execution",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("key", Text),
    Column("actor", Text, nullable=False),
    Column("scope", Json),
    Column("state", Text, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("era", Text, nullable=False),
    Column("beat_s", Float, nullable=False),
    Column("lease_s", Float, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("claimed_s", Float),
    Column("wall_s", Float),
    Column("error", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    Column("output", Text, info=PACKED),
    Column("queue", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("tags", Json, nullable=False),
    Column("cause", Text, nullable=False),
    Column("nominal", Instant),
    Column("trace", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("cpu_s", Float, nullable=False),
    Column("peak_rss_mb", Float, nullable=False),
    Column("price", Float, nullable=False),
    UniqueConstraint("project", "pipeline", "key"),
    Index("pipeline_execution_due", "state", "queue", "priority", "created_at", "id"),
    Index("pipeline_execution_listing", "project", "created_at", "id"),
    Index("pipeline_execution_pipeline", "project", "pipeline", "created_at", "id"),
)

slots = Table(
    "pipeline_slot",
    metadata,
    Column("project", Text, primary_key=True),
    Column("execution", Text, primary_key=True),
    Column("tag", Text, primary_key=True),
)

_HELD = (executions.c.id == bindparam("execution"), executions.c.fence == bindparam("held"), executions.c.state == "running")
_BEAT = Prepared(update(executions).where(*_HELD).values(beat_s=bindparam("now_s")))
_DELIVERED = Prepared(
    update(executions)
    .where(*_HELD, executions.c.delivered < bindparam("number"))
    .values(
        beat_s=bindparam("now_s"),
        delivered=bindparam("number"),
        cpu_s=executions.c.cpu_s + bindparam("spent_s"),
        peak_rss_mb=case((executions.c.peak_rss_mb < bindparam("peak_mb"), bindparam("peak_mb")), else_=executions.c.peak_rss_mb),
    )
)
_CANCELLING = select(executions.c.cancelling).where(executions.c.id == bindparam("execution"))
_FRESH: dict[str, Any] = {
    "key": None, "state": "queued", "cancelling": False, "attempt": 0, "owner": "", "fence": 0, "era": "", "beat_s": 0.0, "lease_s": 0.0,
    "delivered": 0, "error": "", "traceback": "", "cause": "", "nominal": None, "trace": "",
    "depth": 0, "cpu_s": 0.0, "peak_rss_mb": 0.0, "price": 0.0,
}  # fmt: skip
_TAKEN = ("id", "project", "pipeline", "tags", "owner", "fence", "era", "beat_s", "lease_s")
_RUNNING = select(*(executions.c[name] for name in _TAKEN)).where(executions.c.state == "running")


def _next(*ready: ColumnElement[bool]) -> Select[Any]:
    c = executions.c
    query = select(executions).where(*ready, c.queue.in_(bindparam("queues", expanding=True)))
    return query.order_by(c.priority.desc(), c.created_at, c.id).limit(1)


_WAITING = _next(executions.c.state == "queued")
OF_PIPELINE = "pipeline:"
"""How the name of a limit begins that is one of a pipeline, not of a tag."""


def define(tx: Tx, project: str, definition: Definition) -> None:
    """Write a definition in the place of an earlier one of that name."""
    tx.execute(delete(definitions).where(definitions.c.project == project, definitions.c.name == definition.name))
    tx.execute(insert(definitions), {"project": project} | _fields(definition))


def definition(tx: Tx, project: str, name: str) -> Definition | None:
    """The definition of that name."""
    row = tx.first(select(definitions).where(definitions.c.project == project, definitions.c.name == name))
    return _definition(row) if row else None


def all_definitions(tx: Tx, project: str) -> list[Definition]:
    """All definitions by name."""
    return [_definition(r) for r in tx.all(select(definitions).where(definitions.c.project == project).order_by(definitions.c.name))]


def add(tx: Tx, values: Mapping[str, Any]) -> None:
    """Insert an execution, and its tags where limits count them."""
    tx.execute(insert(executions), _FRESH | dict(values))
    if values["tags"]:
        tx.execute(insert(slots), [{"project": values["project"], "execution": values["id"], "tag": tag} for tag in values["tags"]])


def execution(tx: Tx, project: str, id: str) -> Row[Any] | None:
    """The row of an execution."""
    return tx.first(select(executions).where(executions.c.project == project, executions.c.id == id))


def execution_by_key(tx: Tx, project: str, pipeline: str, key: str) -> Row[Any] | None:
    """The execution that was started under a key."""
    c = executions.c
    return tx.first(select(executions).where(c.project == project, c.pipeline == pipeline, c.key == key))


def search(
    tx: Tx, project: str, pipeline: str | None, states: Sequence[str], after: tuple[datetime, str] | None, limit: int
) -> Sequence[Row[Any]]:
    """Executions, newest first."""
    c = executions.c
    query = select(executions).where(c.project == project).order_by(c.created_at.desc(), c.id.desc()).limit(limit)
    if pipeline is not None:
        query = query.where(c.pipeline == pipeline)
    if states:
        query = query.where(c.state.in_(states))
    if after is not None:
        query = query.where(or_(c.created_at < after[0], and_(c.created_at == after[0], c.id < after[1])))
    return tx.all(query)


def started_names(tx: Tx, project: str) -> list[str]:
    """The names of all pipelines that have executions: by steps from one to the next, so that thousands of each cost nothing."""
    c, found = executions.c, [""]
    while row := tx.first(select(func.min(c.pipeline)).where(c.project == project, c.pipeline > found[-1])):
        if row[0] is None:
            break
        found.append(row[0])
    return found[1:]


def count_triggered(tx: Tx, project: str, cause: str, depth: int, since: datetime) -> int:
    """The number of executions of a cause since then that were triggered by others, in chains of `depth` or more."""
    c = executions.c
    late = and_(c.project == project, c.cause == cause, c.depth >= depth, c.created_at > since)
    return int(tx.execute(select(func.count()).where(late)).scalar_one())


def running(tx: Tx) -> Sequence[Row[Any]]:
    """The executions that a worker has taken, of all projects: each with its holder and what it counts for."""
    return tx.all(_RUNNING)


def due(tx: Tx, queues: Sequence[str], lost: Sequence[str], full: Sequence[tuple[str, str]]) -> Row[Any] | None:
    """The next execution of these queues, of any project, that waits or is one of the `lost`: higher priority first, then older.

    None comes whose pipeline or one of whose tags is among the `full`, as (project, name).
    """
    if not lost and not full:
        return tx.first(_WAITING, {"queues": queues})  # what idle workers ask all the time
    c = executions.c
    ready = [or_(c.state == "queued", c.id.in_(lost)) if lost else c.state == "queued"]
    if pipelines := [(project, name.removeprefix(OF_PIPELINE)) for project, name in full if name.startswith(OF_PIPELINE)]:
        ready.append(tuple_(c.project, c.pipeline).not_in(pipelines))
    if tags := [(project, name) for project, name in full if not name.startswith(OF_PIPELINE)]:
        held = select(slots.c.tag).where(slots.c.project == c.project, slots.c.execution == c.id)
        ready.append(~held.where(tuple_(slots.c.project, slots.c.tag).in_(tags)).exists())
    return tx.first(_next(*ready), {"queues": queues})


def change(tx: Tx, id: str, fence: int, values: Mapping[str, Any]) -> bool:
    """Update an unfinished execution if its fence is still `fence`; returns whether it was."""
    c = executions.c
    there = update(executions).where(c.id == id, c.fence == fence, c.state.in_(("queued", "running")))
    return tx.execute(there.values(**values)).rowcount == 1


def reopen(tx: Tx, id: str, attempts: int) -> None:
    """Queue an ended execution again, as if it was never claimed."""
    fresh = {"state": "queued", "cancelling": False, "ended_at": None, "error": "", "traceback": "", "wall_s": None, "claimed_s": None}
    ended = (executions.c.id == id, executions.c.state.in_(("failed", "cancelled")))
    tx.execute(update(executions).where(*ended).values(**fresh, attempt=0, attempts=attempts))


def renew_lease(tx: Tx, id: str, fence: int, now: Moment) -> bool:
    """Renew a lease; returns whether it was still held."""
    return tx.run(_BEAT, {"execution": id, "held": fence, "now_s": now.s}) == 1


def delivered(tx: Tx, id: str, fence: int, now: Moment, number: int, spent_s: float, peak_mb: float) -> bool:
    """Renew a lease and note the delivery of this number, with what its steps spent; False if it had arrived, or nothing is held."""
    values = {"execution": id, "held": fence, "now_s": now.s, "number": number, "spent_s": spent_s, "peak_mb": peak_mb}
    return tx.run(_DELIVERED, values) == 1


def cancelling(tx: Tx, id: str) -> bool:
    """Whether a cancellation of the execution was requested."""
    row = tx.first(_CANCELLING, {"execution": id})
    return bool(row and row[0])


_SHOWN = tuple(f.name for f in fields(Execution) if f.name not in ("state", "cost"))


def execution_of(row: Row[Any], alive: bool) -> Execution:
    """The execution as it travels; one that should run and is not `alive` is lost."""
    state: ExecutionState = "lost" if row.state == "running" and not alive else row.state
    return Execution(state=state, cost=price_of(row.cpu_s, row.price), **{name: row._mapping[name] for name in _SHOWN})


def price_of(cpu_s: float | None, price: float) -> float | None:
    """The price of some CPU time, at so much for an hour."""
    return cpu_s * price / 3600 if cpu_s is not None and price else None


def _definition(row: Row[Any]) -> Definition:
    return Definition(**{f.name: row._mapping[f.name] for f in fields(Definition)})


def _fields(thing: Definition) -> dict[str, Any]:
    return {f.name: getattr(thing, f.name) for f in fields(thing)}
