"""SQL of explanations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Select, Table, Text, bindparam, insert, select

from ostinato.explain.types import GlobalExplanation, LocalExplanation
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata

Explanation = GlobalExplanation | LocalExplanation

explanation = Table(
    "explain_explanation",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("model", Text, nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("made_at", Instant, nullable=False),
)

_insert = insert(explanation)
_one = select(explanation).where(explanation.c.project == bindparam("project"), explanation.c.id == bindparam("id"))
_of = (
    select(explanation)
    .where(
        explanation.c.project == bindparam("project"),
        explanation.c.model == bindparam("model"),
        explanation.c.scope == bindparam("scope"),
    )
    .order_by(explanation.c.made_at.desc(), explanation.c.id)
)


def add(tx: Tx, project: str, made: Explanation) -> None:
    """Store an explanation."""
    scope = "global" if isinstance(made, GlobalExplanation) else "local"
    body = msgspec.to_builtins(made, enc_hook=str)
    tx.execute(
        _insert, {"project": project, "id": made.id, "model": str(made.model), "scope": scope, "body": body, "made_at": made.made_at}
    )


def one(tx: Tx, project: str, id_: str) -> Explanation | None:
    """The explanation with this id."""
    row = tx.first(_one, {"project": project, "id": id_})
    return _read(row.scope, row.body) if row else None


def of(tx: Tx, project: str, model: str, until: datetime | None) -> list[GlobalExplanation]:
    """The global explanations of a model version, newest first, perhaps only those made until an instant."""
    rows = tx.all(_made_until(until), {"project": project, "model": model, "scope": "global"})
    return [f for f in (_read(row.scope, row.body) for row in rows) if isinstance(f, GlobalExplanation)]


def local(tx: Tx, project: str, model: str, most: int, until: datetime | None) -> list[LocalExplanation]:
    """The newest explanations of single answers of a model version, newest first, perhaps only those made until an instant."""
    rows = tx.all(_made_until(until).limit(most), {"project": project, "model": model, "scope": "local"})
    return [f for f in (_read(row.scope, row.body) for row in rows) if isinstance(f, LocalExplanation)]


def _made_until(until: datetime | None) -> Select[Any]:
    return _of if until is None else _of.where(explanation.c.made_at <= until)


def _read(scope: str, body: dict[str, Any]) -> Explanation:
    kind: type[Explanation] = GlobalExplanation if scope == "global" else LocalExplanation
    return msgspec.convert(body, kind, dec_hook=lambda _, text: Ref.parse(text))
