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
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from ostinato.pipelines.types import Definition, Execution, ExecutionState, LogLine, StepRun
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
    Column("state", Text, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("era", Text, nullable=False),
    Column("lease_until_s", Float, nullable=False),
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
    Column("depth", Integer, nullable=False),
    Column("cpu_s", Float, nullable=False),
    Column("peak_rss_mb", Float, nullable=False),
    Column("price", Float, nullable=False),
    UniqueConstraint("project", "pipeline", "key"),
    Index("pipeline_execution_due", "state", "queue", "priority", "created_at", "id"),
    Index("pipeline_execution_listing", "project", "created_at", "id"),
)

slots = Table(
    "pipeline_slot",
    metadata,
    Column("project", Text, primary_key=True),
    Column("execution", Text, primary_key=True),
    Column("tag", Text, primary_key=True),
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

_BEAT = Prepared(
    update(executions)
    .where(executions.c.id == bindparam("execution"), executions.c.fence == bindparam("held"), executions.c.state == "running")
    .values(
        lease_until_s=bindparam("until_s"),
        cpu_s=executions.c.cpu_s + bindparam("spent_s"),
        peak_rss_mb=case((executions.c.peak_rss_mb < bindparam("peak_mb"), bindparam("peak_mb")), else_=executions.c.peak_rss_mb),
    )
)
_CANCELLING = select(executions.c.cancelling).where(executions.c.id == bindparam("execution"))
_FORGET_STEP = delete(steps).where(steps.c.project == bindparam("of"), steps.c.id == bindparam("step_id"))
_FORGET_MEMO = delete(memo).where(memo.c.project == bindparam("of"), memo.c.key == bindparam("step_key"))
_RECALL = select(memo.c.key, memo.c.output).where(memo.c.project == bindparam("project"), memo.c.key.in_(bindparam("keys", expanding=True)))
_FRESH: dict[str, Any] = {
    "key": None, "state": "queued", "cancelling": False, "attempt": 0, "owner": "", "fence": 0, "era": "", "lease_until_s": 0.0,
    "error": "", "traceback": "", "cause": "", "nominal": None, "depth": 0, "cpu_s": 0.0, "peak_rss_mb": 0.0, "price": 0.0,
}  # fmt: skip
OF_PIPELINE = "pipeline:"
"""How the name of a limit begins that is one of a pipeline, not of a tag."""
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
    """Insert an execution, and its tags where limits count them."""
    tx.execute(insert(executions), _FRESH | dict(values))
    if values["tags"]:
        tx.execute(insert(slots), [{"project": values["project"], "execution": values["id"], "tag": tag} for tag in values["tags"]])


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


def set_off(tx: Tx, project: str, cause: str, depth: int, since: datetime) -> int:
    """How many executions of a cause were set off by others, `depth` in a row or more, since then."""
    c = executions.c
    late = and_(c.project == project, c.cause == cause, c.depth >= depth, c.created_at > since)
    return int(tx.execute(select(func.count()).where(late)).scalar_one())


def running(tx: Tx) -> Sequence[Row[Any]]:
    """The executions that a worker has taken, of all projects: each with its holder and what it counts for."""
    c = executions.c
    return tx.all(select(c.id, c.project, c.pipeline, c.tags, c.owner, c.era, c.lease_until_s).where(c.state == "running"))


def due(tx: Tx, queues: Sequence[str], lost: Sequence[str], full: Sequence[tuple[str, str]]) -> Row[Any] | None:
    """The next execution of these queues, of any project, that waits or is one of the `lost`: higher priority first, then older.

    None comes whose pipeline or one of whose tags is among the `full`, as (project, name).
    """
    c = executions.c
    ready = [or_(c.state == "queued", c.id.in_(lost)) if lost else c.state == "queued"]
    if pipelines := [(project, name.removeprefix(OF_PIPELINE)) for project, name in full if name.startswith(OF_PIPELINE)]:
        ready.append(tuple_(c.project, c.pipeline).not_in(pipelines))
    if tags := [(project, name) for project, name in full if not name.startswith(OF_PIPELINE)]:
        held = select(slots.c.tag).where(slots.c.project == c.project, slots.c.execution == c.id)
        ready.append(~held.where(tuple_(slots.c.project, slots.c.tag).in_(tags)).exists())
    query = select(executions).where(*ready, c.queue.in_(queues)).order_by(c.priority.desc(), c.created_at, c.id).limit(1)
    return tx.first(query)


def change(tx: Tx, id: str, fence: int, values: Mapping[str, Any]) -> bool:
    """Change an execution that has not ended, if its fence is still `fence`; whether that was so."""
    c = executions.c
    there = update(executions).where(c.id == id, c.fence == fence, c.state.in_(("queued", "running")))
    return tx.execute(there.values(**values)).rowcount == 1


def reopen(tx: Tx, id: str, attempts: int) -> None:
    """Let an execution that has ended wait again, as if nobody had taken it yet."""
    fresh = {"state": "queued", "cancelling": False, "ended_at": None, "error": "", "traceback": "", "wall_s": None, "claimed_s": None}
    ended = (executions.c.id == id, executions.c.state.in_(("failed", "cancelled")))
    tx.execute(update(executions).where(*ended).values(**fresh, attempt=0, attempts=attempts))


def beat(tx: Tx, id: str, fence: int, until_s: float, spent_s: float = 0.0, peak_mb: float = 0.0) -> bool:
    """Renew a lease and add what its steps spent; whether it was still held."""
    values = {"execution": id, "held": fence, "until_s": until_s, "spent_s": spent_s, "peak_mb": peak_mb}
    return tx.run(_BEAT, values) == 1


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


def lines(tx: Tx, project: str, id: str, step: str | None, after: int, limit: int) -> list[LogLine]:
    """Lines of the log of an execution, or of one call in it."""
    c = logs.c
    query = select(c.seq, c.at, c.step, c.text).where(c.project == project, c.execution == id, c.seq > after).order_by(c.seq).limit(limit)
    query = query if step is None else query.where(c.step == step)
    return [LogLine(**row._mapping) for row in tx.all(query)]


_SHOWN = tuple(f.name for f in fields(Execution) if f.name not in ("state", "cost"))
_SHOWN_STEP = tuple(f.name for f in fields(StepRun) if f.name not in ("needs", "arguments", "cost"))


def execution_of(row: Row[Any], alive: bool) -> Execution:
    """The execution as it travels; one that should run and is not `alive` is lost."""
    state: ExecutionState = "lost" if row.state == "running" and not alive else row.state
    return Execution(state=state, cost=_cost(row.cpu_s, row.price), **{name: row._mapping[name] for name in _SHOWN})


def step_of(row: Row[Any], price: float) -> StepRun:
    """The call of a step as it travels."""
    values = {name: row._mapping[name] for name in _SHOWN_STEP}
    return StepRun(**values, needs=json.loads(row.needs), arguments=json.loads(row.arguments), cost=_cost(row.cpu_s, price))


def _cost(cpu_s: float | None, price: float) -> float | None:
    """The price of some CPU time, at so much for an hour."""
    return cpu_s * price / 3600 if cpu_s is not None and price else None


def _definition(row: Row[Any]) -> Definition:
    return Definition(**{f.name: row._mapping[f.name] for f in fields(Definition)})


def _fields(thing: Definition) -> dict[str, Any]:
    return {f.name: getattr(thing, f.name) for f in fields(thing)}
