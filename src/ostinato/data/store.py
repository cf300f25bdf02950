"""Tables of datasets, deliveries and versions.

A part belongs to the versions from `since` up to, without, `until`; so a new version costs one row, however many parts
it has.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, Row, Table, Text, and_, bindparam, func, insert, or_, select, update

from ostinato.data.types import Column as Field
from ostinato.data.types import Contract, Dataset, DatasetVersion, Delivery, Part, Profile, Report
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Invalid
from ostinato.storage.rows.rows import BLOB, Instant, Json, Tx, metadata

datasets = Table(
    "data_dataset",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("contract", Json, nullable=False),
    Column("description", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
)
deliveries = Table(
    "data_delivery",
    metadata,
    Column("project", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", Integer),
    Column("rows", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", Text, nullable=False, info=BLOB),
    Column("origin", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_digest", Text, nullable=False),
    Column("report", Json, nullable=False),
    Column("note", Text, nullable=False),
    Column("delivered_at", Instant, nullable=False),
    Column("delivered_by", Text, nullable=False),
    Index("data_delivery_at", "project", "dataset", "delivered_at"),
    Index("data_delivery_state", "project", "state", "delivered_at"),
)
versions = Table(
    "data_version",
    metadata,
    Column("project", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("schema", Json, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_digest", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("delivered_by", Text, nullable=False),
)
parts = Table(
    "data_part",
    metadata,
    Column("project", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("since", Integer, primary_key=True),
    Column("until", Integer),
    Column("digest", Text, nullable=False, info=BLOB),
    Column("rows", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("delivery", Text, nullable=False),
)
profiles = Table(
    "data_profile",
    metadata,
    Column("project", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("profile", Json, nullable=False),
)

_latest = (
    select(func.max(versions.c.version))
    .where(versions.c.project == datasets.c.project, versions.c.dataset == datasets.c.name)
    .scalar_subquery()
    .label("latest")
)
_dataset = select(datasets, _latest).where(datasets.c.project == bindparam("project")).order_by(datasets.c.name)
_one_dataset = _dataset.where(datasets.c.name == bindparam("name"))
_delivery = (
    select(deliveries)
    .where(deliveries.c.project == bindparam("project"), deliveries.c.dataset == bindparam("dataset"))
    .order_by(deliveries.c.delivered_at, deliveries.c.key, deliveries.c.attempt)
)
_newest_delivery = (
    select(deliveries)
    .where(deliveries.c.project == bindparam("project"), deliveries.c.dataset == bindparam("dataset"))
    .order_by(deliveries.c.delivered_at.desc(), deliveries.c.key.desc(), deliveries.c.attempt.desc())
)
_last_attempt = (
    select(deliveries)
    .where(
        deliveries.c.project == bindparam("project"),
        deliveries.c.dataset == bindparam("dataset"),
        deliveries.c.key == bindparam("key"),
    )
    .order_by(deliveries.c.attempt.desc())
    .limit(1)
)
_version = (
    select(versions)
    .where(versions.c.project == bindparam("project"), versions.c.dataset == bindparam("dataset"))
    .order_by(versions.c.version)
)
_one_version = _version.where(versions.c.version == bindparam("version"))
_parts = (
    select(parts)
    .where(
        parts.c.project == bindparam("project"),
        parts.c.dataset == bindparam("dataset"),
        parts.c.since <= bindparam("version"),
        or_(parts.c.until.is_(None), parts.c.until > bindparam("version")),
    )
    .order_by(parts.c.since)
)
_drop_parts = update(parts).where(
    and_(parts.c.project == bindparam("p"), parts.c.dataset == bindparam("d"), parts.c.until.is_(None))
)  # fmt: skip
_profile = select(profiles.c.profile).where(
    profiles.c.project == bindparam("project"), profiles.c.dataset == bindparam("dataset"), profiles.c.version == bindparam("version")
)


def as_stored(contract: Contract) -> Contract:
    """A contract as it will come back, so that two can be compared.

    Raises:
        Invalid: a value in it has the wrong type, or one that cannot be kept.
    """
    try:
        return msgspec.convert(msgspec.json.decode(msgspec.json.encode(contract)), Contract)
    except (msgspec.ValidationError, TypeError) as error:
        raise Invalid(f"the contract is malformed: {error}", field="contract") from error


def add_dataset(tx: Tx, project: str, dataset: Dataset) -> None:
    values = asdict(dataset)
    values.pop("latest")
    tx.execute(insert(datasets), {**values, "project": project})


def set_tags(tx: Tx, project: str, name: str, tags: list[str]) -> None:
    tx.execute(update(datasets).where(datasets.c.project == project, datasets.c.name == name).values(tags=tags))


def dataset_named(tx: Tx, project: str, name: str) -> Dataset | None:
    row = tx.first(_one_dataset, {"project": project, "name": name})
    return None if row is None else _read_dataset(row)


def all_datasets(tx: Tx, project: str) -> list[Dataset]:
    return [_read_dataset(row) for row in tx.all(_dataset, {"project": project})]


def last_attempt(tx: Tx, project: str, dataset: str, key: str) -> tuple[Delivery, str] | None:
    """The newest delivery under a key, with the digest that tells whether another is the same."""
    row = tx.first(_last_attempt, {"project": project, "dataset": dataset, "key": key})
    return None if row is None else (read_delivery(row), row.origin)


def deliveries_of(tx: Tx, project: str, dataset: str) -> list[Delivery]:
    return [read_delivery(row) for row in tx.all(_delivery, {"project": project, "dataset": dataset})]


def newest_delivery(tx: Tx, project: str, dataset: str, state: str | None = None) -> Delivery | None:
    """The latest delivery, or the latest that had this verdict."""
    query = _newest_delivery if state is None else _newest_delivery.where(deliveries.c.state == state)
    row = tx.first(query.limit(1), {"project": project, "dataset": dataset})
    return None if row is None else read_delivery(row)


def uncorrected(tx: Tx, project: str, since: datetime, limit: int) -> list[Delivery]:
    """Deliveries since then that were quarantined, each the last under its key, newest first."""
    d, later = deliveries.c, deliveries.alias()
    again = select(later.c.key).where(
        later.c.project == d.project, later.c.dataset == d.dataset, later.c.key == d.key, later.c.attempt > d.attempt
    )
    query = select(deliveries).where(d.project == project, d.state == "quarantined", d.delivered_at >= since, ~again.exists())
    return [read_delivery(row) for row in tx.all(query.order_by(d.delivered_at.desc(), d.dataset, d.key).limit(limit))]


def add_delivery(tx: Tx, project: str, delivery: Delivery, origin: str) -> None:
    tx.execute(insert(deliveries), {**asdict(delivery), "project": project, "origin": origin})


def add_version(tx: Tx, project: str, delivery: Delivery, schema: list[Field], *, replace: bool) -> None:
    """Make the version that an accepted delivery names."""
    shared = {"project": project, "dataset": delivery.dataset}
    told = {"source": delivery.source, "source_digest": delivery.source_digest, "delivered_by": delivery.delivered_by}
    made = {"version": delivery.version, "schema": [asdict(c) for c in schema], "created_at": delivery.delivered_at}
    tx.execute(insert(versions), {**shared, **told, **made})
    if replace:
        tx.execute(_drop_parts.values(until=bindparam("v")), {"p": project, "d": delivery.dataset, "v": delivery.version})
    part = {"digest": delivery.digest, "rows": delivery.rows, "size": delivery.size, "delivery": delivery.key}
    tx.execute(insert(parts), {**shared, **part, "since": delivery.version, "until": None})


def version_of(tx: Tx, project: str, dataset: str, version: int) -> DatasetVersion | None:
    row = tx.first(_one_version, {"project": project, "dataset": dataset, "version": version})
    return None if row is None else _read_version(tx, row)


def versions_of(tx: Tx, project: str, dataset: str) -> list[DatasetVersion]:
    return [_read_version(tx, row) for row in tx.all(_version, {"project": project, "dataset": dataset})]


def profile_of(tx: Tx, project: str, dataset: str, version: int) -> Profile | None:
    row = tx.first(_profile, {"project": project, "dataset": dataset, "version": version})
    return None if row is None else msgspec.convert(row.profile, Profile)


def keep_profile(tx: Tx, project: str, profile: Profile) -> None:
    """Store a profile, unless another process was quicker."""
    if profile_of(tx, project, profile.dataset, profile.version) is None:
        key = {"project": project, "dataset": profile.dataset, "version": profile.version}
        tx.execute(insert(profiles), {**key, "profile": asdict(profile)})


def _read_dataset(row: Row[Any]) -> Dataset:
    values = {**row._mapping, "contract": msgspec.convert(row.contract, Contract)}
    values.pop("project")
    return Dataset(**values)


def read_delivery(row: Row[Any]) -> Delivery:
    values = {**row._mapping, "report": msgspec.convert(row.report, Report)}
    for hidden in ("project", "origin"):
        values.pop(hidden)
    return Delivery(**values)


def _read_version(tx: Tx, row: Row[Any]) -> DatasetVersion:
    found = tx.all(_parts, {"project": row.project, "dataset": row.dataset, "version": row.version})
    held = [Part(digest=p.digest, rows=p.rows, size=p.size, delivery=p.delivery) for p in found]
    created_at: datetime = row.created_at
    return DatasetVersion(
        dataset=row.dataset,
        version=row.version,
        parts=held,
        rows=sum(p.rows for p in held),
        size=sum(p.size for p in held),
        digest=digest_of([p.digest for p in held]),
        schema=msgspec.convert(row.schema, list[Field]),
        source=row.source,
        source_digest=row.source_digest,
        created_at=created_at,
        delivered_by=row.delivered_by,
    )
