"""SQL of runs and their artifacts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)

from ostinato.kernel.errors import Invalid
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.lease import LeaseClock, at, silent
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import BLOB, Instant, Json, Tx, metadata
from ostinato.storage.series.latest import latest
from ostinato.tracking.types import Artifact, Code, Experiment, Run, Spent

run_table = Table(
    "tracking_run",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("experiment", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("parent", Text),
    Column("params", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("code", Json, nullable=False),
    Column("environment", Text, info=BLOB),
    Column("started_at", Instant, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("ended_at", Instant),
    Column("error", Text, nullable=False),
    Column("era", Text),
    Column("beat_s", Float),
    Column("lease_s", Float),
    Column("cpu_s", Float),
    Column("wall_s", Float),
    Column("peak_rss_mb", Float),
    Index("tracking_run_experiment", "project", "experiment", "started_at", "id"),
    Index("tracking_run_started", "project", "started_at", "id"),
    Index("tracking_run_parent", "project", "parent"),
)
artifact_table = Table(
    "tracking_artifact",
    metadata,
    Column("project", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", Text, nullable=False, info=BLOB),
    Column("size", BigInteger, nullable=False),
    Column("kept_at", Instant, nullable=False),
)
_LEASES = LeaseClock()
_r = run_table.c
_state = case((and_(_r.state == "running", silent(_r)), "killed"), else_=_r.state).label("seen_state")
_runs = select(run_table, _state).where(_r.project == bindparam("project"))
_one = Prepared(select(run_table, _r.state.label("seen_state")).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_ERA = list(_r.keys()).index("era")
_ended = Prepared(select(_r.ended_at).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_exists = Prepared(select(_r.id).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_insert = Prepared(insert(run_table))
_WRITTEN = tuple(name for name in run_table.c.keys() if name not in ("project", "id", "era", "beat_s", "lease_s"))  # noqa: SIM118 — not a dict
_update = Prepared(update(run_table).where(_r.project == bindparam("of_project"), _r.id == bindparam("of_id")), _WRITTEN)
_artifacts = select(artifact_table).where(artifact_table.c.project == bindparam("project"), artifact_table.c.run == bindparam("run"))
_artifact = _artifacts.where(artifact_table.c.path == bindparam("path"))
_put = text(
    "INSERT INTO tracking_artifact (project, run, path, digest, size, kept_at) VALUES (:project, :run, :path, :digest, :size, :kept_at) "
    "ON CONFLICT (project, run, path) DO UPDATE SET digest = excluded.digest, size = excluded.size, kept_at = excluded.kept_at"
).bindparams(bindparam("kept_at", type_=Instant))
_experiments = (
    select(
        _r.experiment,
        func.count().label("runs"),
        func.sum(case((_state == "running", 1), else_=0)).label("running"),
        func.max(_r.started_at, type_=Instant).label("last_started_at"),
    )
    .where(_r.project == bindparam("project"))
    .group_by(_r.experiment)
    .order_by(_r.experiment)
)
_TIMES: dict[str, ColumnElement[Any]] = {
    "started_at": type_coerce(_r.started_at, BigInteger),  # bare, so that the index serves the order
    "ended_at": func.coalesce(_r.ended_at, 0, type_=BigInteger),
}


def add(tx: Tx, project: str, made: Run, lease_s: int | None) -> None:
    """Keep a new run, with a lease of so many seconds or without."""
    tx.run(_insert, {"project": project, "id": made.id, **_columns(made), **_beat(tx, lease_s)})


def change(tx: Tx, project: str, changed: Run) -> None:
    """Keep the present state of a run."""
    tx.run(_update, {"of_project": project, "of_id": changed.id, **_columns(changed)})


def beat(tx: Tx, project: str, run: str, lease_s: int) -> None:
    """Renew the lease of a run."""
    tx.execute(update(run_table).where(_r.project == project, _r.id == run), _beat(tx, lease_s))


def one(tx: Tx, project: str, run: str) -> Run | None:
    """The run with this id."""
    rows = tx.fetch(_one, {"project": project, "id": run})
    if not rows:
        return None
    found, (era, beat_s, lease_s) = _read(rows[0]), rows[0][_ERA : _ERA + 3]
    if found.state != "running" or lease_s is None or _LEASES.now(tx).stands(beat_s, lease_s, era):
        return found
    return replace(found, state="killed")


def many(tx: Tx, project: str, runs: Sequence[str]) -> dict[str, Run]:
    """Those of these runs that there are, by id."""
    rows = tx.all(_runs.where(_r.id.in_(runs)), {"project": project, **at(_LEASES.now(tx))})
    return {row.id: _read(row) for row in rows}


def exists(tx: Tx, project: str, run: str) -> bool:
    """Whether there is such a run."""
    return bool(tx.fetch(_exists, {"project": project, "id": run}))


def going(tx: Tx, project: str, run: str) -> bool | None:
    """Whether a run has not ended; None if there is none."""
    found = tx.fetch(_ended, {"project": project, "id": run})
    return found[0][0] is None if found else None


def search(tx: Tx, project: str, wanted: Mapping[str, str | None], order_by: str, limit: int, after: str | None) -> Page[Run]:
    """Runs whose columns equal `wanted`, in an order, from behind a cursor."""
    name = order_by.removeprefix("-")
    if name not in _TIMES and not name.startswith("metrics."):
        raise Invalid(f"cannot order by {order_by!r}", hint="started_at, ended_at or metrics.<key>, with - before it for descending")
    kind, _, key = name.partition(".")
    given = {column: value for column, value in wanted.items() if value is not None}
    place = {} if after is None else dict(zip(("from_value", "from_id"), _cursor(after), strict=True))
    query = _search(tuple(given), kind, name != order_by, after is not None)
    around = {"project": project, "key": key, "most": limit + 1, **at(_LEASES.now(tx))}
    rows = tx.fetch(query, {**around, **place, **{f"wanted_{column}": value for column, value in given.items()}})
    more = len(rows) > limit
    items = [_read(row) for row in rows[:limit]]
    return Page(items=items, next=json.dumps([rows[limit - 1][-1], items[-1].id]) if more else None)


_NEAR = 3_000


def failed(tx: Tx, project: str, actor: str, since: datetime, limit: int) -> list[Run]:
    """Of the newest 3,000 runs since then, those of an actor that failed or were killed and are part of no other, newest first."""
    near = select(run_table).where(_r.project == project, _r.started_at >= since).order_by(_r.started_at.desc(), _r.id.desc())
    n, around = near.limit(_NEAR).subquery().c, at(_LEASES.now(tx))
    lost = or_(n.state.in_(("failed", "killed")), and_(n.state == "running", silent(n)))
    ids = select(n.id).where(n.started_by == actor, n.parent.is_(None), lost).order_by(n.started_at.desc(), n.id.desc()).limit(limit)
    found = [row.id for row in tx.all(ids, around)]
    rows = tx.all(_runs.where(_r.id.in_(found)).order_by(_r.started_at.desc(), _r.id.desc()), {"project": project, **around})
    return [_read(row) for row in rows]


def experiments(tx: Tx, project: str) -> list[Experiment]:
    """All names of experiments with their counts."""
    rows = tx.all(_experiments, {"project": project, **at(_LEASES.now(tx))})
    return [Experiment(name=r.experiment, runs=r.runs, running=r.running, last_started_at=r.last_started_at) for r in rows]


def put_artifact(tx: Tx, project: str, run: str, kept: Artifact) -> None:
    """Keep the name of an artifact, in the place of one of the same path."""
    tx.execute(_put, _artifact_row(project, run, kept))


def artifacts(tx: Tx, project: str, run: str) -> list[Artifact]:
    """All artifacts of a run, by path."""
    rows = tx.all(_artifacts.order_by(artifact_table.c.path), {"project": project, "run": run})
    return [_read_artifact(row) for row in rows]


def artifact(tx: Tx, project: str, run: str, path: str) -> Artifact | None:
    """One artifact of a run."""
    row = tx.first(_artifact, {"project": project, "run": run, "path": path})
    return _read_artifact(row) if row else None


@cache
def _search(wanted: tuple[str, ...], kind: str, down: bool, onward: bool) -> Prepared:
    """The search for runs whose columns are as `wanted`, ordered by a time or by metrics; `onward` from behind a cursor."""
    statement = _runs
    value: ColumnElement[Any]
    if kind in _TIMES:
        value = _TIMES[kind]
    else:
        value = latest.c.last
        of_run = and_(latest.c.project == _r.project, latest.c.run == _r.id, latest.c.key == bindparam("key"))
        statement = statement.join(latest, of_run).where(value.is_not(None))
    for column in wanted:
        statement = statement.where((_state if column == "state" else _r[column]) == bindparam(f"wanted_{column}"))
    if onward:
        here = tuple_(value, _r.id)
        place = tuple_(bindparam("from_value", type_=value.type), bindparam("from_id", type_=Text()))
        statement = statement.where(here < place if down else here > place)
    order = (value.desc(), _r.id.desc()) if down else (value, _r.id)
    return Prepared(statement.add_columns(value.label("sort_value")).order_by(*order).limit(bindparam("most", type_=Integer())))


def _cursor(after: str) -> tuple[float, str]:
    try:
        value, run = json.loads(after)
        if not isinstance(value, int | float) or not isinstance(run, str):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise Invalid("not a cursor", hint="pass the `next` of the page before", field="after") from None
    return value, run


def _columns(run: Run) -> dict[str, Any]:
    return {
        "experiment": run.experiment,
        "name": run.name,
        "state": run.state if run.ended_at else "running",  # silence is seen when reading, never kept
        "parent": run.parent,
        "params": run.params,
        "tags": run.tags,
        "inputs": [str(ref) for ref in run.inputs],
        "outputs": [str(ref) for ref in run.outputs],
        "code": msgspec.to_builtins(run.code),
        "environment": run.environment,
        "started_at": run.started_at,
        "started_by": run.started_by,
        "ended_at": run.ended_at,
        "error": run.error,
        "cpu_s": run.spent and run.spent.cpu_s,
        "wall_s": run.spent and run.spent.wall_s,
        "peak_rss_mb": run.spent and run.spent.peak_rss_mb,
    }


def _read(row: Sequence[Any]) -> Run:
    """The run of a row of `_runs`, whatever stands behind its columns."""
    (
        _, id_, experiment, name, _, parent, params, tags, inputs, outputs, code, environment,
        started_at, started_by, ended_at, error, _, _, _, cpu_s, wall_s, peak_rss_mb, seen_state, *_,
    ) = row  # fmt: skip
    return Run(
        id=id_,
        experiment=experiment,
        name=name,
        state=seen_state,
        parent=parent,
        params=params,
        tags=tags,
        inputs=[Ref.parse(ref) for ref in inputs],
        outputs=[Ref.parse(ref) for ref in outputs],
        code=msgspec.convert(code, Code),
        environment=environment,
        started_at=started_at,
        started_by=started_by,
        ended_at=ended_at,
        error=error,
        spent=None if cpu_s is None else Spent(cpu_s=cpu_s, wall_s=wall_s, peak_rss_mb=peak_rss_mb),
    )


def _artifact_row(project: str, run: str, kept: Artifact) -> dict[str, Any]:
    return {"project": project, "run": run, "path": kept.path, "digest": kept.digest, "size": kept.size, "kept_at": kept.kept_at}


def _read_artifact(row: Row[Any]) -> Artifact:
    return Artifact(path=row.path, digest=row.digest, size=row.size, kept_at=row.kept_at)


def _beat(tx: Tx, lease_s: int | None) -> dict[str, Any]:
    if lease_s is None:
        return {"era": None, "beat_s": None, "lease_s": None}
    now = _LEASES.now(tx)
    return {"era": now.era, "beat_s": now.s, "lease_s": float(lease_s)}
