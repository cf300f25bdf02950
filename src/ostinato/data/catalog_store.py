"""Queries of the data catalog: the state of datasets and their deliveries, in a constant number of statements."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from ostinato.data.store import deliveries, parts, read_delivery, versions
from ostinato.data.types import CheckMark, Delivery, DeliveryMark, Outcome, VersionMark
from ostinato.kernel.frozen import frozen
from ostinato.storage.rows.rows import Tx

_D = deliveries.c


@frozen
class DeliveryFilter:
    """A filter of deliveries by project, dataset (None: all) and instant."""

    project: str
    at: datetime
    dataset: str | None = None

    @property
    def deliveries(self) -> ColumnElement[bool]:
        """The condition on deliveries."""
        of = and_(_D.project == self.project, _D.delivered_at <= self.at)
        return of if self.dataset is None else and_(of, _D.dataset == self.dataset)

    @property
    def versions(self) -> ColumnElement[bool]:
        """The condition on versions."""
        of = and_(versions.c.project == self.project, versions.c.created_at <= self.at)
        return of if self.dataset is None else and_(of, versions.c.dataset == self.dataset)


def newest_versions(tx: Tx, asked: DeliveryFilter) -> dict[str, VersionMark]:
    """The newest version of each dataset."""
    newest = select(versions.c.dataset, func.max(versions.c.version).label("number")).where(asked.versions).group_by(versions.c.dataset)
    of, v, p = newest.subquery(), versions.c, parts.c
    held = and_(p.project == v.project, p.dataset == v.dataset, p.since <= v.version, or_(p.until.is_(None), p.until > v.version))
    query = (
        select(v.dataset, v.version, v.created_at, func.sum(p.rows).label("rows"), func.sum(p.size).label("size"))
        .join(of, and_(of.c.dataset == v.dataset, of.c.number == v.version))
        .join(parts, held)
        .where(v.project == asked.project)
        .group_by(v.dataset, v.version, v.created_at)
    )
    return {
        row.dataset: VersionMark(version=row.version, rows=int(row.rows), size=int(row.size), created_at=row.created_at)
        for row in tx.all(query)
    }


def last_deliveries(tx: Tx, asked: DeliveryFilter) -> dict[str, DeliveryMark]:
    """The newest delivery to each dataset."""
    place = func.row_number().over(partition_by=_D.dataset, order_by=(_D.delivered_at.desc(), _D.key.desc(), _D.attempt.desc()))
    last = select(_D.dataset, _D.key, _D.attempt, place.label("place")).where(asked.deliveries).subquery()
    same = and_(last.c.dataset == _D.dataset, last.c.key == _D.key, last.c.attempt == _D.attempt, last.c.place == 1)
    found = tx.all(select(deliveries).join(last, same).where(_D.project == asked.project))
    return {row.dataset: delivery_mark(read_delivery(row)) for row in found}


def recent(tx: Tx, asked: DeliveryFilter, limit: int) -> dict[str, list[Outcome]]:
    """The newest deliveries to each dataset, oldest first, without their reports."""
    place = func.row_number().over(partition_by=_D.dataset, order_by=(_D.delivered_at.desc(), _D.key.desc(), _D.attempt.desc()))
    short = select(_D.dataset, _D.key, _D.attempt, _D.state, _D.rows, _D.delivered_at, place.label("place"))
    ranked = short.where(asked.deliveries).subquery()
    found: dict[str, list[Outcome]] = {}
    for row in tx.all(select(ranked).where(ranked.c.place <= limit).order_by(ranked.c.place.desc())):
        outcome = Outcome(key=row.key, attempt=row.attempt, state=row.state, rows=row.rows, delivered_at=row.delivered_at)
        found.setdefault(row.dataset, []).append(outcome)
    return found


def open_quarantines(tx: Tx, asked: DeliveryFilter) -> dict[str, int]:
    """The number of keys of each dataset that are quarantined and not accepted since."""
    accepted = func.count(_D.version)  # only what was accepted has one
    keys = select(_D.dataset, _D.key).where(asked.deliveries).group_by(_D.dataset, _D.key).having(accepted == 0).subquery()
    found = tx.all(select(keys.c.dataset, func.count().label("n")).group_by(keys.c.dataset))
    return {row.dataset: row.n for row in found}


def newest_deliveries(tx: Tx, asked: DeliveryFilter, limit: int) -> tuple[list[DeliveryMark], int]:
    """The newest deliveries, oldest first, and how many came before them."""
    newest = select(deliveries).where(asked.deliveries).order_by(_D.delivered_at.desc(), _D.key.desc(), _D.attempt.desc()).limit(limit)
    found = [delivery_mark(read_delivery(row)) for row in tx.all(newest)]
    total = tx.first(select(func.count()).select_from(deliveries).where(asked.deliveries))
    return found[::-1], (total[0] if total else 0) - len(found)


def delivery(tx: Tx, project: str, dataset: str, key: str, attempt: int | None) -> Delivery | None:
    """An attempt under a key, or the last one."""
    query = select(deliveries).where(_D.project == project, _D.dataset == dataset, _D.key == key)
    row = tx.first(query.order_by(_D.attempt.desc()).limit(1) if attempt is None else query.where(_D.attempt == attempt))
    return read_delivery(row) if row else None


def last_failure(tx: Tx, asked: DeliveryFilter) -> tuple[Delivery | None, DeliveryMark | None]:
    """The newest delivery that was refused, and the acceptance of its key since."""
    newest = select(deliveries).where(asked.deliveries).order_by(_D.delivered_at.desc(), _D.key.desc(), _D.attempt.desc()).limit(1)
    row = tx.first(newest.where(_D.state == "quarantined"))
    if row is None:
        return None, None
    refused = read_delivery(row)
    mended = tx.first(newest.where(_D.state == "accepted", _D.key == refused.key))
    return refused, delivery_mark(read_delivery(mended)) if mended else None


def delivery_mark(delivery: Delivery) -> DeliveryMark:
    """A delivery in short."""
    checks = [
        CheckMark(
            check=r.check, columns=r.columns, passed=r.passed, violations=r.violations, fraction=r.fraction, tolerance=r.tolerance,
            message=r.message,
        )
        for r in delivery.report.results
    ]  # fmt: skip
    return DeliveryMark(
        key=delivery.key, attempt=delivery.attempt, state=delivery.state, version=delivery.version, rows=delivery.rows,
        note=delivery.note, delivered_at=delivery.delivered_at, delivered_by=delivery.delivered_by, checks=checks,
    )  # fmt: skip
