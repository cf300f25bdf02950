"""Tables of serving: endpoints and their keys, releases, rollouts, labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from ostinato.kernel.ref import Ref
from ostinato.serving.types import Endpoint, Release, Rollout, Share
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

endpoint_table = Table(
    "serving_endpoint",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("shares", Json, nullable=False),
    Column("rollout", Text),
    Column("salt", Text, nullable=False),
    Column("keys", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
)
release_table = Table(
    "serving_release",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("shares", Json, nullable=False),
    Column("since", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("back", Boolean, nullable=False),
    Index("serving_release_by_endpoint", "project", "endpoint", "number"),
)
rollout_table = Table(
    "serving_rollout",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("labels_before", Integer, nullable=False),
    Column("body", Json, nullable=False),
    Index("serving_rollout_by_endpoint", "project", "endpoint", "id"),
)
label_table = Table(
    "serving_label",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    UniqueConstraint("project", "endpoint", "request_id"),
)
T = TypeVar("T")
_paused = func.coalesce(type_coerce(rollout_table.c.body, Text).contains('"state":"paused"'), false()).label("paused")
"""Whether the rollout of an endpoint waits: its body is JSON without spaces, where a quote inside a text is escaped."""
_endpoint = select(endpoint_table, _paused).outerjoin(rollout_table, rollout_table.c.id == endpoint_table.c.rollout)
_endpoints = _endpoint.order_by(endpoint_table.c.project, endpoint_table.c.name)


def plain(value: Any) -> Any:
    """A value of our types as JSON values; references as their text, instants in ISO 8601."""
    return msgspec.to_builtins(value, enc_hook=str)


def endpoints(tx: Tx, project: str | None = None) -> Sequence[Row[Any]]:
    """The rows of all endpoints of a project; of all projects for the supervisor, which passes None."""
    return tx.all(_endpoints if project is None else _endpoints.where(endpoint_table.c.project == project))


def endpoint(tx: Tx, project: str, name: str) -> Row[Any] | None:
    """The row of an endpoint."""
    return tx.first(_endpoint.where(endpoint_table.c.project == project, endpoint_table.c.name == name))


def add_endpoint(tx: Tx, project: str, made: Endpoint, salt: str) -> None:
    """A new endpoint, without keys."""
    values = {
        "project": project, "name": made.name, "version": str(made.version), "shares": plain(made.shares),
        "rollout": made.rollout, "salt": salt, "keys": {}, "created_at": made.created_at, "created_by": made.created_by,
    }  # fmt: skip
    tx.execute(insert(endpoint_table).values(values))


def set_endpoint(tx: Tx, project: str, name: str, **values: Any) -> None:
    """Change columns of an endpoint."""
    tx.execute(update(endpoint_table).where(endpoint_table.c.project == project, endpoint_table.c.name == name).values(values))


def release(
    tx: Tx, project: str, name: str, shares: list[Share], rollout: str | None, now: datetime, by: str, reason: str, *, back: bool = False
) -> None:
    """Insert a release: these versions answer from now on; `back` marks a rollback."""
    split = plain(shares)
    stable = next(str(s.version) for s in shares if s.role == "stable")
    set_endpoint(tx, project, name, version=stable, shares=split, rollout=rollout)
    tx.execute(insert(release_table).values(project=project, endpoint=name, shares=split, since=now, by=by, reason=reason, back=back))


def releases(tx: Tx, project: str, name: str) -> list[Release]:
    """All releases of an endpoint, oldest first."""
    c = release_table.c
    found = tx.all(select(release_table).where(c.project == project, c.endpoint == name).order_by(c.number))
    return [_release(row) for row in found]


def read_endpoint(row: Row[Any]) -> Endpoint:
    """The endpoint in a row."""
    version = Ref.parse(row.version)
    return Endpoint(
        name=row.name, model=version.name, version=version, shares=_shares(row.shares), rollout=row.rollout,
        created_at=row.created_at, created_by=row.created_by, paused=bool(row.paused),
    )  # fmt: skip


def add_rollout(tx: Tx, project: str, identity: str, made: Rollout) -> None:
    """A new rollout; labels that landed before it do not count."""
    before = tx.first(select(func.max(label_table.c.number)))
    values = {
        "id": made.id, "project": project, "endpoint": made.endpoint, "identity": identity,
        "labels_before": (before[0] if before else None) or 0, "body": plain(made),
    }  # fmt: skip
    tx.execute(insert(rollout_table).values(values))


def set_rollout(tx: Tx, project: str, made: Rollout) -> None:
    """Replace what is known of a rollout."""
    c = rollout_table.c
    tx.execute(update(rollout_table).where(c.project == project, c.id == made.id).values(body=plain(made)))


def rollout(tx: Tx, project: str, rollout_id: str) -> tuple[Rollout, int]:
    """A rollout, and the number of the last label before it."""
    row = tx.first(select(rollout_table).where(rollout_table.c.project == project, rollout_table.c.id == rollout_id))
    assert row is not None, f"endpoint names rollout {rollout_id}"
    return _read(row.body, Rollout), row.labels_before


def one_rollout(tx: Tx, project: str, name: str, rollout_id: str) -> Rollout | None:
    """The rollout of an endpoint with this id."""
    c = rollout_table.c
    row = tx.first(select(c.body).where(c.project == project, c.endpoint == name, c.id == rollout_id))
    return _read(row.body, Rollout) if row else None


def any_rollout(tx: Tx, project: str, rollout_id: str) -> Rollout | None:
    """The rollout with this id, of whichever endpoint."""
    c = rollout_table.c
    row = tx.first(select(c.body).where(c.project == project, c.id == rollout_id))
    return _read(row.body, Rollout) if row else None


def rollouts(tx: Tx, project: str, name: str, before: str | None = None, at_once: int = 1) -> Iterator[Rollout]:
    """The rollouts of an endpoint, newest first, those older than one; so many are read at once, the next only where they are asked for."""
    c = rollout_table.c
    query = select(c.id, c.body).where(c.project == project, c.endpoint == name).order_by(c.id.desc()).limit(at_once)
    while found := tx.all(query if before is None else query.where(c.id < before)):
        yield from (_read(row.body, Rollout) for row in found)
        before = found[-1].id


def newest_rollout(tx: Tx, project: str, name: str) -> Rollout | None:
    """The latest rollout of an endpoint."""
    return next(rollouts(tx, project, name), None)


def standing_release(tx: Tx, project: str, name: str) -> Release | None:
    """The release with which the present stable version of an endpoint began to be that."""
    c = release_table.c
    found: Release | None = None
    for row in tx.stream(select(release_table).where(c.project == project, c.endpoint == name).order_by(c.number.desc())):
        release = _release(row)
        if found is not None and release.stable != found.stable:
            break
        found = release
    return found


def labels(tx: Tx, project: str, name: str, after: int = 0) -> Sequence[Row[Any]]:
    """`request_id`, `value`, `at` of the labels of an endpoint in the order in which they landed."""
    c = label_table.c
    return tx.all(select(c.request_id, c.value, c.at).where(c.project == project, c.endpoint == name, c.number > after).order_by(c.number))


def labels_of(tx: Tx, project: str, name: str, request_ids: Iterable[str]) -> dict[str, tuple[float, datetime]]:
    """The labels that these requests have, and as of when they are known."""
    c, wanted = label_table.c, list(request_ids)
    found: dict[str, tuple[float, datetime]] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        query = select(c.request_id, c.value, c.at).where(c.project == project, c.endpoint == name, c.request_id.in_(part))
        found |= {row.request_id: (row.value, row.at) for row in tx.all(query)}
    return found


def last_label(tx: Tx, project: str, name: str) -> int:
    """The number of the newest label of an endpoint; 0 without any."""
    c = label_table.c
    row = tx.first(select(func.max(c.number)).where(c.project == project, c.endpoint == name))
    return (row[0] if row else None) or 0


def add_labels(tx: Tx, project: str, name: str, values: dict[str, float], at: datetime, by: str) -> None:
    """Labels in the order of their request ids."""
    rows = [{"project": project, "endpoint": name, "request_id": r, "value": v, "at": at, "by": by} for r, v in sorted(values.items())]
    tx.execute(insert(label_table), rows)


def _release(row: Row[Any]) -> Release:
    return Release(shares=_shares(row.shares), since=row.since, by=row.by, reason=row.reason, back=row.back)


def _shares(value: Any) -> list[Share]:
    return _read(value, list[Share])


def _read(value: Any, kind: type[T]) -> T:
    return msgspec.convert(value, kind, dec_hook=lambda wanted, text: wanted.parse(text))
