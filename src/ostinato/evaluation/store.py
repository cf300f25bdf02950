"""SQL of evaluations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Float, Row, Table, Text, bindparam, insert, select

from ostinato.evaluation.types import Evaluation, Report
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

evaluation = Table(
    "evaluation",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False, index=True),
    Column("data", Text, nullable=False),
    Column("datasets", Json, nullable=False),
    Column("report", Json, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False),
)
measure = Table(
    "evaluation_measure",
    metadata,
    Column("project", Text, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("evaluation", Text, primary_key=True),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    sqlite_with_rowid=False,
)
"""The metrics of the reports, one a row, so that the database can compare them; of one metric they lie side by side."""

_insert = insert(evaluation)
_one = select(evaluation).where(evaluation.c.project == bindparam("project"), evaluation.c.id == bindparam("id"))
_of = (
    select(evaluation)
    .where(evaluation.c.project == bindparam("project"), evaluation.c.subject == bindparam("subject"))
    .order_by(evaluation.c.recorded_at.desc(), evaluation.c.id.desc())
)


def add(tx: Tx, project: str, made: Evaluation) -> None:
    """Store an evaluation."""
    row: dict[str, Any] = {
        "project": project,
        "id": made.id,
        "subject": str(made.subject),
        "data": made.data,
        "datasets": [str(d) for d in made.datasets],
        "report": msgspec.to_builtins(made.report),
        "recorded_at": made.recorded_at,
        "recorded_by": made.recorded_by,
    }
    tx.execute(_insert, row)
    for metric, found in made.report.metrics.items():
        of = {"project": project, "evaluation": made.id, "metric": metric}
        tx.execute(insert(measure), of | {"value": found.value, "low": found.low, "high": found.high})


def one(tx: Tx, project: str, evaluation_id: str) -> Evaluation | None:
    """The evaluation with this id."""
    row = tx.first(_one, {"project": project, "id": evaluation_id})
    return _read(row) if row else None


def many(tx: Tx, project: str, ids: Collection[str]) -> dict[str, Evaluation]:
    """The evaluations with these ids."""
    known = select(evaluation).where(evaluation.c.project == project, evaluation.c.id.in_(sorted(set(ids))))
    return {row.id: _read(row) for row in tx.all(known)} if ids else {}


def of(tx: Tx, project: str, subject: Ref, data: str | None, until: datetime | None) -> list[Evaluation]:
    """All evaluations of a subject, newest first, perhaps only those on the rows `data`, or those recorded until an instant."""
    asked = _of
    if data is not None:
        asked = asked.where(evaluation.c.data == data)
    if until is not None:
        asked = asked.where(evaluation.c.recorded_at <= until)
    return [_read(row) for row in tx.all(asked, {"project": project, "subject": str(subject)})]


def _read(row: Row[Any]) -> Evaluation:
    return Evaluation(
        id=row.id,
        subject=Ref.parse(row.subject),
        data=row.data,
        datasets=[Ref.parse(d) for d in row.datasets],
        report=msgspec.convert(row.report, Report),
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )
