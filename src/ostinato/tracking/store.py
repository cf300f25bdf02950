"""SQL of runs and their artifacts."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Index,
    Row,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    func,
    insert,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)

from ostinato.kernel.errors import Invalid
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import BLOB, Instant, Json, Tx, metadata
from ostinato.storage.series.series import latest
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
    Column("alive_until", BigInteger),
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
_r = run_table.c
_silent = and_(_r.state == "running", _r.alive_until < bindparam("machine_now"))
_state = case((_silent, "killed"), else_=_r.state).label("seen_state")
_runs = select(run_table, _state).where(_r.project == bindparam("project"))
_one = Prepared(_runs.where(_r.id == bindparam("id")))
_exists = Prepared(select(_r.id).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_insert = Prepared(insert(run_table))
_WRITTEN = tuple(name for name in run_table.c.keys() if name not in ("project", "id", "alive_until"))  # noqa: SIM118 — not a dict
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


def add(tx: Tx, project: str, made: Run, alive_until: int | None) -> None:
    """Keep a new run. `alive_until` is in seconds of the machine's clock."""
    tx.run(_insert, {"project": project, "id": made.id, **_columns(made), "alive_until": alive_until})


def change(tx: Tx, project: str, changed: Run) -> None:
    """Keep the present state of a run."""
    tx.run(_update, {"of_project": project, "of_id": changed.id, **_columns(changed)})


def beat(tx: Tx, project: str, run: str, alive_until: int) -> None:
    """Extend the lease of a run."""
    tx.execute(update(run_table).where(_r.project == project, _r.id == run), {"alive_until": alive_until})


def one(tx: Tx, project: str, run: str) -> Run | None:
    """The run with this id."""
    rows = tx.fetch(_one, {"project": project, "id": run, "machine_now": _machine_now()})
    return _read(rows[0]) if rows else None


def exists(tx: Tx, project: str, run: str) -> bool:
    """Whether there is such a run."""
    return bool(tx.fetch(_exists, {"project": project, "id": run}))


def search(tx: Tx, project: str, wanted: Mapping[str, str | None], order_by: str, limit: int, after: str | None) -> Page[Run]:
    """Runs whose columns equal `wanted`, in an order, from behind a cursor."""
    rows = tx.all(_search(wanted, order_by, limit, after), {"project": project, "machine_now": _machine_now()})
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return Page(items=[_read(row) for row in rows[:limit]], next=None if last is None else json.dumps([last.sort_value, last.id]))


def experiments(tx: Tx, project: str) -> list[Experiment]:
    """All names of experiments with their counts."""
    rows = tx.all(_experiments, {"project": project, "machine_now": _machine_now()})
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


def _search(wanted: Mapping[str, str | None], order_by: str, limit: int, after: str | None) -> Select[Any]:
    name, down = order_by.removeprefix("-"), order_by.startswith("-")
    statement = _runs
    value: ColumnElement[Any]
    if name.startswith("metrics."):
        value = latest.c.last
        of_run = and_(latest.c.project == _r.project, latest.c.run == _r.id, latest.c.key == name.removeprefix("metrics."))
        statement = statement.join(latest, of_run).where(value.is_not(None))
    elif name in _TIMES:
        value = _TIMES[name]
    else:
        raise Invalid(f"cannot order by {order_by!r}", hint="started_at, ended_at or metrics.<key>, with - before it for descending")
    for column, equal in wanted.items():
        if equal is not None:
            statement = statement.where((_state if column == "state" else _r[column]) == equal)
    if after is not None:
        place = _cursor(after)
        key = tuple_(value, _r.id)
        statement = statement.where(key < tuple_(*place) if down else key > tuple_(*place))
    order = (value.desc(), _r.id.desc()) if down else (value, _r.id)
    return statement.add_columns(value.label("sort_value")).order_by(*order).limit(limit + 1)


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
        started_at, started_by, ended_at, error, _, cpu_s, wall_s, peak_rss_mb, seen_state, *_,
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


def _machine_now() -> int:
    return int(time.time())
