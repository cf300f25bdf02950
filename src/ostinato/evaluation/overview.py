"""Cheap queries on evaluations for overview pages and other slices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, select

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


def measured(project: ColumnElement[Any], evaluation: ColumnElement[Any], metric: str) -> tuple[FromClause, ColumnElement[bool]]:
    """The `value`, `low` and `high` of a metric, and by what they belong to an evaluation: for a query to look in, or to join."""
    of = measure.alias()
    return of, and_(of.c.project == project, of.c.evaluation == evaluation, of.c.metric == metric)
