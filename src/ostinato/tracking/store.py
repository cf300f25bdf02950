"""Tables of runs and their artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from ostinato.kernel.ref import Ref
from ostinato.storage.rows.lease import LeaseClock, at, silent
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import BLOB, Instant, Json, Tx, metadata
from ostinato.tracking import field_index
from ostinato.tracking.types import Artifact, Code, Run, Spent

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
    Column("experiment_id", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("amendable", Boolean, nullable=False),
    Column("deleted_at", Instant),
    Column("deleted_with", Text),
    Index("tracking_run_experiment", "project", "experiment", "started_at", "id", "deleted_at"),
    Index("tracking_run_started", "project", "started_at", "id", "deleted_at"),
    Index("tracking_run_parent", "project", "parent"),
)
"""`deleted_with` is the id of the experiment with which a run was deleted; with it, it is restored."""
artifact_table = Table(
    "tracking_artifact",
    metadata,
    Column("project", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", Text, nullable=False, info=BLOB),
    Column("size", BigInteger, nullable=False),
    Column("kept_at", Instant, nullable=False),
)
"""The holder is the id of a run, or `candidate:` and the id of a candidate."""
LEASES = LeaseClock()
_r = run_table.c
_state = case((and_(_r.state == "running", silent(_r)), "killed"), else_=_r.state).label("seen_state")
_runs = select(run_table, _state).where(_r.project == bindparam("project"))
_one = Prepared(select(run_table, _r.state.label("seen_state")).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_ERA = list(_r.keys()).index("era")
_ended = Prepared(select(_r.ended_at, _r.amendable, _r.deleted_at).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_exists = Prepared(select(_r.id).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_parent = Prepared(select(_r.parent).where(_r.project == bindparam("project"), _r.id == bindparam("id")))
_part = Prepared(select(_r.id).where(_r.project == bindparam("project"), _r.parent == bindparam("id")).limit(1))
_insert = Prepared(insert(run_table))
_WRITTEN = tuple(name for name in run_table.c.keys() if name not in ("project", "id", "era", "beat_s", "lease_s", "deleted_with"))  # noqa: SIM118 — not a dict
_update = Prepared(update(run_table).where(_r.project == bindparam("of_project"), _r.id == bindparam("of_id")), _WRITTEN)
_artifacts = select(artifact_table).where(artifact_table.c.project == bindparam("project"), artifact_table.c.holder == bindparam("holder"))
_artifact = _artifacts.where(artifact_table.c.path == bindparam("path"))
_put = text(
    "INSERT INTO tracking_artifact (project, holder, path, digest, size, kept_at) "
    "VALUES (:project, :holder, :path, :digest, :size, :kept_at) "
    "ON CONFLICT (project, holder, path) DO UPDATE SET digest = excluded.digest, size = excluded.size, kept_at = excluded.kept_at"
).bindparams(bindparam("kept_at", type_=Instant))


def add(tx: Tx, project: str, made: Run, lease_s: int | None) -> None:
    """Store a new run, with a lease of so many seconds or without."""
    tx.run(_insert, {"project": project, "id": made.id, "deleted_with": None, **_columns(made), **_beat(tx, lease_s)})
    field_index.put_entries(tx, project, None, made)


def change(tx: Tx, project: str, known: Run, changed: Run) -> None:
    """Keep what became of a run that was known."""
    tx.run(_update, {"of_project": project, "of_id": changed.id, **_columns(changed)})
    if (known.params, known.tags) != (changed.params, changed.tags):
        field_index.put_entries(tx, project, known, changed)


def beat(tx: Tx, project: str, run: str, lease_s: int | None) -> None:
    """Renew the lease of a run, or let it go on without one."""
    tx.execute(update(run_table).where(_r.project == project, _r.id == run), _beat(tx, lease_s))


def one(tx: Tx, project: str, run: str) -> Run | None:
    """The run with this id."""
    rows = tx.fetch(_one, {"project": project, "id": run})
    if not rows:
        return None
    found, (era, beat_s, lease_s) = read(rows[0]), rows[0][_ERA : _ERA + 3]
    if found.state != "running" or lease_s is None or LEASES.now(tx).stands(beat_s, lease_s, era):
        return found
    return replace(found, state="killed")


def many(tx: Tx, project: str, runs: Sequence[str]) -> dict[str, Run]:
    """Those of these runs that there are, by id."""
    rows = tx.all(_runs.where(_r.id.in_(runs)), {"project": project, **at(LEASES.now(tx))})
    return {row.id: read(row) for row in rows}


def exists(tx: Tx, project: str, run: str) -> bool:
    """Whether there is such a run."""
    return bool(tx.fetch(_exists, {"project": project, "id": run}))


def parent(tx: Tx, project: str, run: str) -> str | None:
    """What a run is part of; None if of nothing, or if there is no such run."""
    found = tx.fetch(_parent, {"project": project, "id": run})
    return found[0][0] if found else None


def has_parts(tx: Tx, project: str, run: str) -> bool:
    """Whether runs say that they are part of this one, which need not be here."""
    return bool(tx.fetch(_part, {"project": project, "id": run}))


def going(tx: Tx, project: str, run: str) -> Literal["open", "over", "deleted"] | None:
    """Whether a run still takes what it measures and leaves; None if there is none."""
    found = tx.fetch(_ended, {"project": project, "id": run})
    if not found:
        return None
    ended_at, amendable, deleted_at = found[0]
    return "deleted" if deleted_at is not None else "open" if ended_at is None or amendable else "over"


_NEAR = 3_000


def failed(tx: Tx, project: str, actor: str, since: datetime, limit: int) -> list[Run]:
    """Of the newest 3,000 runs since then, those of an actor that failed or were killed and are part of no other, newest first."""
    near = select(run_table).where(_r.project == project, _r.started_at >= since).order_by(_r.started_at.desc(), _r.id.desc())
    n, around = near.limit(_NEAR).subquery().c, at(LEASES.now(tx))
    lost = and_(n.deleted_at.is_(None), or_(n.state.in_(("failed", "killed")), and_(n.state == "running", silent(n))))
    ids = select(n.id).where(n.started_by == actor, n.parent.is_(None), lost).order_by(n.started_at.desc(), n.id.desc()).limit(limit)
    found = [row.id for row in tx.all(ids, around)]
    rows = tx.all(_runs.where(_r.id.in_(found)).order_by(_r.started_at.desc(), _r.id.desc()), {"project": project, **around})
    return [read(row) for row in rows]


def put_artifact(tx: Tx, project: str, holder: str, kept: Artifact) -> None:
    """Store the name of an artifact, in the place of one of the same path."""
    tx.execute(_put, _artifact_row(project, holder, kept))


def artifacts(tx: Tx, project: str, holder: str) -> list[Artifact]:
    """All artifacts of a run or a candidate, by path."""
    rows = tx.all(_artifacts.order_by(artifact_table.c.path), {"project": project, "holder": holder})
    return [_read_artifact(row) for row in rows]


def artifact(tx: Tx, project: str, holder: str, path: str) -> Artifact | None:
    """One artifact of a run or a candidate."""
    row = tx.first(_artifact, {"project": project, "holder": holder, "path": path})
    return _read_artifact(row) if row else None


def drop_artifact(tx: Tx, project: str, holder: str, path: str) -> None:
    """Delete the name of an artifact."""
    c = artifact_table.c
    tx.execute(delete(artifact_table).where(c.project == project, c.holder == holder, c.path == path))


def _columns(run: Run) -> dict[str, Any]:
    return {
        "experiment": run.experiment,
        "name": run.name,
        "state": run.state if run.ended_at or run.state == "scheduled" else "running",  # silence is seen when reading, never kept
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
        "experiment_id": run.experiment_id,
        "note": run.note,
        "recorded_at": run.recorded_at,
        "amendable": run.amendable,
        "deleted_at": run.deleted_at,
    }


def read(row: Sequence[Any]) -> Run:
    """The run of a row of `_runs`, whatever stands behind its columns."""
    (
        _, id_, experiment, name, _, parent, params, tags, inputs, outputs, code, environment,
        started_at, started_by, ended_at, error, _, _, _, cpu_s, wall_s, peak_rss_mb,
        experiment_id, note, recorded_at, amendable, deleted_at, _, seen_state, *_,
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
        experiment_id=experiment_id,
        note=note,
        recorded_at=recorded_at,
        amendable=bool(amendable),
        deleted_at=deleted_at,
    )


def _artifact_row(project: str, holder: str, kept: Artifact) -> dict[str, Any]:
    return {"project": project, "holder": holder, "path": kept.path, "digest": kept.digest, "size": kept.size, "kept_at": kept.kept_at}


def _read_artifact(row: Row[Any]) -> Artifact:
    return Artifact(path=row.path, digest=row.digest, size=row.size, kept_at=row.kept_at)


def _beat(tx: Tx, lease_s: int | None) -> dict[str, Any]:
    if lease_s is None:
        return {"era": None, "beat_s": None, "lease_s": None}
    now = LEASES.now(tx)
    return {"era": now.era, "beat_s": now.s, "lease_s": float(lease_s)}
