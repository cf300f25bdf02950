"""Glance: the little of evaluations that overviews read."""

from __future__ import annotations

from ostinato.evaluation import store
from ostinato.evaluation.types import Evaluation
from ostinato.storage.rows.rows import Tx


def evaluation(tx: Tx, project: str, id: str) -> Evaluation | None:
    """One evaluation."""
    return store.one(tx, project, id)
