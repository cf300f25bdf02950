"""Tables of steps: their calls, their source code, the memo, and their log lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from ostinato.pipelines.store import executions, price_of
from ostinato.pipelines.types import LogLine, Origin, StepRun
from ostinato.storage.rows.rows import PACKED, Instant, Json, Tx, metadata

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
    Column("queued", Instant, nullable=False),
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
    Column("traceback", Text, nullable=False),
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
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("execution", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),
    Index("pipeline_log_execution", "execution", "seq"),
)

_FORGET_STEP = delete(steps).where(steps.c.project == bindparam("of"), steps.c.id == bindparam("step_id"))
_FORGET_MEMO = delete(memo).where(memo.c.project == bindparam("of"), memo.c.key == bindparam("step_key"))
_RECALL = select(memo.c.key, memo.c.output).where(memo.c.project == bindparam("project"), memo.c.key.in_(bindparam("keys", expanding=True)))
_SMALL = 1024
_RECENT_MAX = 20_000
_INSERT_STEP, _INSERT_MEMO, _INSERT_LOG = insert(steps), insert(memo), insert(logs)


def put_steps(tx: Tx, project: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write calls of steps in the place of earlier rows of the same ids."""
    if rows:
        tx.execute(_FORGET_STEP, [{"of": project, "step_id": r["id"]} for r in rows])
        tx.execute(_INSERT_STEP, rows)


def put_memo(tx: Tx, project: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Memoize outputs by key."""
    if rows:
        tx.execute(_FORGET_MEMO, [{"of": project, "step_key": r["key"]} for r in rows])
        tx.execute(_INSERT_MEMO, rows)


def put_logs(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append lines of log."""
    if rows:
        tx.execute(_INSERT_LOG, rows)


def put_source(tx: Tx, project: str, digest: str, parts: Mapping[str, Any]) -> None:
    """Store the parts of a step's source, once."""
    there = select(sources.c.digest).where(sources.c.project == project, sources.c.digest == digest)
    if tx.first(there) is None:
        tx.execute(insert(sources), {"project": project, "digest": digest, "parts": parts})


def source(tx: Tx, project: str, digest: str) -> dict[str, dict[str, str]]:
    """The parts of a step's source."""
    row = tx.first(select(sources.c.parts).where(sources.c.project == project, sources.c.digest == digest))
    return dict(row[0]) if row else {"code": {}, "environment": {}}


def recall(tx: Tx, project: str, keys: Iterable[bytes]) -> dict[bytes, str]:
    """The memoized outputs of those keys that have one."""
    return {row.key: row.output for row in tx.all(_RECALL, {"project": project, "keys": list(keys)})}


def recent(tx: Tx, project: str, pipeline: str, id: str) -> dict[bytes, str]:
    """The small memoized outputs of the latest execution of a pipeline, which the next is likely to need."""
    c = executions.c
    earlier = select(c.id).where(c.project == project, c.pipeline == pipeline, c.id != id, c.attempt > 0)
    last = earlier.order_by(c.created_at.desc(), c.id.desc()).limit(1).scalar_subquery()
    found = select(memo.c.key, memo.c.output).join(steps, and_(steps.c.project == memo.c.project, steps.c.key == memo.c.key))
    query = found.where(steps.c.project == project, steps.c.execution == last, func.length(memo.c.output) <= _SMALL).limit(_RECENT_MAX)
    return {row.key: row.output for row in tx.all(query)}


def steps_of(tx: Tx, project: str, id: str, limit: int | None = None) -> Sequence[Row[Any]]:
    """The calls of steps of an execution, in order; those that were remembered with where their output is from."""
    remembered = and_(steps.c.cached, memo.c.project == steps.c.project, memo.c.key == steps.c.key)
    made = steps.alias("made")
    origin = (memo.c.step.label("origin_step"), made.c.execution.label("origin_execution"), made.c.run.label("origin_run"))
    query = select(steps, *origin).outerjoin(memo, remembered).outerjoin(made, and_(made.c.id == memo.c.step, made.c.project == project))
    return tx.all(query.where(steps.c.project == project, steps.c.execution == id).order_by(steps.c.seq, steps.c.id).limit(limit))


def counts(tx: Tx, project: str, id: str) -> dict[str, int]:
    """The number of calls of an execution by state, with memoized ones apart."""
    query = select(steps.c.state, steps.c.cached, func.count().label("calls")).where(steps.c.project == project, steps.c.execution == id)
    return {"cached" if row.cached else row.state: row.calls for row in tx.all(query.group_by(steps.c.state, steps.c.cached))}


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


def last_line(tx: Tx, project: str, id: str) -> int:
    """The number of the last line of the log of an execution; 0 if there is none."""
    row = tx.first(select(func.max(logs.c.seq)).where(logs.c.project == project, logs.c.execution == id))
    return (row and row[0]) or 0


_SHOWN_STEP = tuple(f.name for f in fields(StepRun) if f.name not in ("needs", "arguments", "cost", "origin"))


def step_of(row: Row[Any], price: float) -> StepRun:
    """The call of a step as it travels."""
    values = {name: row._mapping[name] for name in _SHOWN_STEP}
    known = row.cached and row.origin_step is not None
    return StepRun(
        **values,
        needs=json.loads(row.needs),
        arguments=json.loads(row.arguments),
        cost=price_of(row.cpu_s, price),
        origin=Origin(execution=row.origin_execution or "", step=row.origin_step, run=row.origin_run or "") if known else None,
    )
