"""Glance: the little of evaluations that overviews and other slices read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, select

from ostinato.evaluation import store
from ostinato.evaluation.store import measure
from ostinato.evaluation.types import Evaluation
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Tx


def evaluation(tx: Tx, project: str, id: str) -> Evaluation | None:
    """One evaluation."""
    return store.one(tx, project, id)


def after(tx: Tx, project: str, subject: Ref, since: datetime, until: datetime) -> str | None:
    """The id of the newest evaluation of a subject that was recorded after `since`, until an instant."""
    e = store.evaluation.c
    recorded = select(e.id).where(e.project == project, e.subject == str(subject), e.recorded_at > since, e.recorded_at <= until)
    row = tx.first(recorded.order_by(e.recorded_at.desc(), e.id.desc()).limit(1))
    return row.id if row else None


def measured(
    project: ColumnElement[Any], evaluation: ColumnElement[Any], metric: str, end: Literal["value", "low", "high"]
) -> ColumnElement[Any]:
    """What an evaluation measured, or an end of its interval, as a query within another."""
    m = measure.c
    asked: Any = select(m[end]).where(m.project == project, m.evaluation == evaluation, m.metric == metric)
    return asked.scalar_subquery()  # type: ignore[no-any-return]
