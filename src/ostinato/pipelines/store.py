"""Rows of pipelines: definitions, executions with their leases, calls of steps, the memo, lines of log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ostinato.pipelines.types import Definition, Execution, ExecutionState, LogLine, StepRun
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
    Column("state", Text, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("boot", Text, nullable=False),
    Column("lease_until_s", Float, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("claimed_s", Float),
    Column("wall_s", Float),
    Column("error", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    Column("output", Text, info=PACKED),
    UniqueConstraint("project", "pipeline", "key"),
    Index("pipeline_execution_due", "state", "created_at", "id"),
    Index("pipeline_execution_listing", "project", "created_at", "id"),
)

steps = Table(
    "pipeline_step",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("execution", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("run", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("wall_s", Float),
    Column("cpu_s", Float),
    Column("peak_rss_mb", Float),
    Column("output", Text, info=PACKED),
    Column("type", Text),
    Column("needs", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index("pipeline_step_execution", "execution", "seq"),
    Index("pipeline_step_name", "project", "name", "started"),
)

sources = Table(
    "pipeline_source",
    metadata,
    Column("project", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("parts", Json, nullable=False),
)

memo = Table(
    "pipeline_memo",
    metadata,
    Column("project", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("output", Text, nullable=False, info=PACKED),
    Column("step", Text, nullable=False),
)

logs = Table(
    "pipeline_log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("execution", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),
    Index("pipeline_log_execution", "execution", "seq"),
)

_BEAT = (
    update(executions)
    .where(executions.c.id == bindparam("execution"), executions.c.fence == bindparam("held"), executions.c.state == "running")
    .values(lease_until_s=bindparam("until_s"))
)
_CANCELLING = select(executions.c.cancelling).where(executions.c.id == bindparam("execution"))
_FORGET_STEP = delete(steps).where(steps.c.project == bindparam("of"), steps.c.id == bindparam("step_id"))
_FORGET_MEMO = delete(memo).where(memo.c.project == bindparam("of"), memo.c.key == bindparam("step_key"))
_RECALL = select(memo.c.key, memo.c.output).where(memo.c.project == bindparam("project"), memo.c.key.in_(bindparam("keys", expanding=True)))
_SMALL = 1024
_RECENT_MAX = 20_000
_INSERT_STEP, _INSERT_MEMO, _INSERT_LOG = insert(steps), insert(memo), insert(logs)


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
    """Insert an execution."""
    empty: dict[str, Any] = {
        "key": None,
        "cancelling": False,
        "attempt": 0,
        "owner": "",
        "fence": 0,
        "boot": "",
        "lease_until_s": 0.0,
    }
    tx.execute(insert(executions), empty | {"error": "", "traceback": "", **values})


def execution(tx: Tx, project: str, id: str) -> Row[Any] | None:
    """The row of an execution."""
    return tx.first(select(executions).where(executions.c.project == project, executions.c.id == id))


def keyed(tx: Tx, project: str, pipeline: str, key: str) -> Row[Any] | None:
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


def due(tx: Tx, boot: str, now_s: float) -> Row[Any] | None:
    """The next execution of any project that waits or has lost its worker: a worker serves all projects, oldest first."""
    c = executions.c
    lost = and_(c.state == "running", or_(c.lease_until_s < now_s, c.boot != boot))
    return tx.first(select(executions).where(or_(c.state == "queued", lost)).order_by(c.created_at, c.id).limit(1))


def change(tx: Tx, id: str, fence: int, values: Mapping[str, Any]) -> bool:
    """Change an execution that has not ended, if its fence is still `fence`; whether that was so."""
    c = executions.c
    there = update(executions).where(c.id == id, c.fence == fence, c.state.in_(("queued", "running")))
    return tx.execute(there.values(**values)).rowcount == 1


def beat(tx: Tx, id: str, fence: int, until_s: float) -> bool:
    """Renew a lease; whether it was still held."""
    return tx.execute(_BEAT, {"execution": id, "held": fence, "until_s": until_s}).rowcount == 1


def cancelling(tx: Tx, id: str) -> bool:
    """Whether somebody asked for the end of the execution."""
    row = tx.first(_CANCELLING, {"execution": id})
    return bool(row and row[0])


def put_steps(tx: Tx, project: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write calls of steps in the place of earlier rows of the same ids."""
    if rows:
        tx.execute(_FORGET_STEP, [{"of": project, "step_id": r["id"]} for r in rows])
        tx.execute(_INSERT_STEP, rows)


def put_memo(tx: Tx, project: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Remember outputs by key."""
    if rows:
        tx.execute(_FORGET_MEMO, [{"of": project, "step_key": r["key"]} for r in rows])
        tx.execute(_INSERT_MEMO, rows)


def put_logs(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append lines of log."""
    if rows:
        tx.execute(_INSERT_LOG, rows)


def put_source(tx: Tx, project: str, digest: str, parts: Mapping[str, Any]) -> None:
    """Keep the parts of a step's source, once."""
    there = select(sources.c.digest).where(sources.c.project == project, sources.c.digest == digest)
    if tx.first(there) is None:
        tx.execute(insert(sources), {"project": project, "digest": digest, "parts": parts})


def source(tx: Tx, project: str, digest: str) -> dict[str, dict[str, str]]:
    """The parts of a step's source."""
    row = tx.first(select(sources.c.parts).where(sources.c.project == project, sources.c.digest == digest))
    return dict(row[0]) if row else {"code": {}, "environment": {}}


def recall(tx: Tx, project: str, keys: Iterable[bytes]) -> dict[bytes, str]:
    """The remembered outputs of those of the keys that are known."""
    return {row.key: row.output for row in tx.all(_RECALL, {"project": project, "keys": list(keys)})}


def recent(tx: Tx, project: str, pipeline: str, id: str) -> dict[bytes, str]:
    """What the latest earlier execution of a pipeline remembered, which the next is likely to ask for; small outputs only."""
    c = executions.c
    earlier = select(c.id).where(c.project == project, c.pipeline == pipeline, c.id != id, c.attempt > 0)
    last = earlier.order_by(c.created_at.desc(), c.id.desc()).limit(1).scalar_subquery()
    found = select(memo.c.key, memo.c.output).join(steps, and_(steps.c.project == memo.c.project, steps.c.key == memo.c.key))
    query = found.where(steps.c.project == project, steps.c.execution == last, func.length(memo.c.output) <= _SMALL).limit(_RECENT_MAX)
    return {row.key: row.output for row in tx.all(query)}


def steps_of(tx: Tx, project: str, id: str) -> Sequence[Row[Any]]:
    """All calls of steps of an execution, in order."""
    return tx.all(select(steps).where(steps.c.project == project, steps.c.execution == id).order_by(steps.c.seq, steps.c.id))


def step(tx: Tx, project: str, id: str) -> Row[Any] | None:
    """One call of a step."""
    return tx.first(select(steps).where(steps.c.project == project, steps.c.id == id))


def kill_steps(tx: Tx, project: str, id: str) -> None:
    """Mark the calls of steps that still run in an execution as killed."""
    left = (steps.c.project == project, steps.c.execution == id, steps.c.state == "running")
    tx.execute(update(steps).where(*left).values(state="killed"))


def earlier_calls(tx: Tx, project: str, pipeline: str, name: str, before: datetime, not_in: str, limit: int) -> Sequence[Row[Any]]:
    """Calls of a step of that name in the latest earlier execution of the pipeline that has any."""
    c, s = executions.c, steps.c
    inside = (s.project == project, s.name == name, s.state == "finished")
    last = tx.first(
        select(c.id)
        .where(c.project == project, c.pipeline == pipeline, c.id != not_in, c.created_at <= before)
        .where(select(s.id).where(s.execution == c.id, *inside).exists())
        .order_by(c.created_at.desc(), c.id.desc())
        .limit(1)
    )
    return [] if last is None else tx.all(select(steps).where(s.execution == last[0], *inside).order_by(s.seq).limit(limit))


def lines(tx: Tx, project: str, id: str, after: int, limit: int) -> list[LogLine]:
    """Lines of the log of an execution."""
    c = logs.c
    query = select(c.seq, c.at, c.step, c.text).where(c.project == project, c.execution == id, c.seq > after).order_by(c.seq).limit(limit)
    return [LogLine(**row._mapping) for row in tx.all(query)]


def execution_of(row: Row[Any], alive: bool) -> Execution:
    """The execution as it travels; one that should run and is not `alive` is lost."""
    state: ExecutionState = "lost" if row.state == "running" and not alive else row.state
    shown = ("id", "pipeline", "target", "parameters", "key", "actor", "attempt", "attempts", "created_at", "started_at", "ended_at")
    values = {name: row._mapping[name] for name in (*shown, "wall_s", "error", "traceback")}
    return Execution(state=state, **values)


def step_of(row: Row[Any]) -> StepRun:
    """The call of a step as it travels."""
    shown = (
        "id",
        "run",
        "name",
        "state",
        "cached",
        "attempt",
        "started",
        "ended",
        "wall_s",
        "cpu_s",
        "peak_rss_mb",
        "output",
        "type",
        "error",
    )
    values = {name: row._mapping[name] for name in shown}
    return StepRun(**values, needs=json.loads(row.needs), arguments=json.loads(row.arguments))


def _definition(row: Row[Any]) -> Definition:
    return Definition(**{f.name: row._mapping[f.name] for f in fields(Definition)})


def _fields(thing: Definition) -> dict[str, Any]:
    return {f.name: getattr(thing, f.name) for f in fields(thing)}
