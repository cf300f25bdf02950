"""Cheap queries on a dataset for overview pages; their cost does not grow with the number of deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from ostinato.data import store
from ostinato.data.types import Dataset, Delivery
from ostinato.kernel.frozen import frozen
from ostinato.storage.rows.rows import Tx


@frozen
class DatasetSummary:
    """A dataset, its newest accepted delivery, and its newest one."""

    dataset: Dataset
    accepted: Delivery
    last: Delivery

    @property
    def promised_h(self) -> float | None:
        """The maximal age of its newest row in hours, by the strictest check `fresh` of its contract."""
        limits = [c.parameters["max_age_hours"] for c in self.dataset.contract.checks if c.check == "fresh"]
        return min(limits, default=None)


def dataset_summary(tx: Tx, project: str, name: str) -> DatasetSummary | None:
    """The state of a dataset; None without a version."""
    dataset = store.dataset_named(tx, project, name)
    accepted = store.newest_delivery(tx, project, name, "accepted")
    last = store.newest_delivery(tx, project, name)
    return DatasetSummary(dataset=dataset, accepted=accepted, last=last) if dataset and accepted and last else None


def delivered_at(tx: Tx, project: str, name: str, version: int) -> datetime | None:
    """When a version was delivered."""
    v = store.versions.c
    row = tx.first(select(v.created_at).where(v.project == project, v.dataset == name, v.version == version))
    return row.created_at if row else None


def uncorrected(tx: Tx, project: str, since: datetime, limit: int) -> list[Delivery]:
    """Deliveries since then that were quarantined and have not come again under their key, newest first."""
    return store.uncorrected(tx, project, since, limit)
