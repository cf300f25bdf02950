"""Cheap queries on the feature views of a dataset, for overview pages."""

from __future__ import annotations

from ostinato.features import store
from ostinato.storage.rows.rows import Tx


def promised_h(tx: Tx, project: str, dataset: str) -> float | None:
    """The maximal age of a dataset's newest row in hours, by the strictest view over it."""
    limits = [v.freshness_hours for v in store.all_views(tx, project) if v.dataset == dataset and v.freshness_hours is not None]
    return min(limits, default=None)
