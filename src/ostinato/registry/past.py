"""SQL of models as they stood at an instant: moves, versions, decisions and checks until then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, func, select

from ostinato.kernel.ref import Ref
from ostinato.registry.binding import CHAMPION
from ostinato.registry.store import check, decision, move, read, read_check, read_version, version
from ostinato.registry.types import AliasMark, Check, Decision, Model, ModelVersion
from ostinato.storage.rows.rows import Tx

_MOVE = (
    move.c.model, move.c.alias, move.c.version, move.c.since, move.c.promoted_by, move.c.reason, move.c.how, move.c.approvals,
)  # fmt: skip


def marks(tx: Tx, project: str, model: str, at: datetime) -> list[AliasMark]:
    """What each alias of a model named when, oldest first."""
    rows = tx.all(select(*_MOVE).where(move.c.project == project, move.c.model == model, move.c.since <= at).order_by(move.c.number))
    until: dict[str, datetime] = {}
    found = []
    for row in reversed(rows):
        found.append(_mark(row, until.get(row.alias)))
        until[row.alias] = row.since
    return found[::-1]


def champions(tx: Tx, project: str) -> dict[str, AliasMark]:
    """What is champion of each model now."""
    last = select(func.max(move.c.number)).where(move.c.project == project, move.c.alias == CHAMPION).group_by(move.c.model)
    return {row.model: _mark(row, None) for row in tx.all(select(*_MOVE).where(move.c.number.in_(last)))}


def newest(tx: Tx, project: str, models: Sequence[Model]) -> dict[str, ModelVersion]:
    """The newest version of each model."""
    of = {model.name: model for model in models}
    last = select(version.c.model, func.max(version.c.version).label("number")).where(version.c.project == project)
    latest = last.group_by(version.c.model).subquery()
    found = tx.all(
        select(version).join(latest, and_(latest.c.model == version.c.model, latest.c.number == version.c.version))
        .where(version.c.project == project)
    )  # fmt: skip
    d = decision.c
    about = and_(latest.c.model == d.model, latest.c.number == d.version)
    told = tx.all(select(decision).join(latest, about).where(d.project == project).order_by(d.number))
    known: dict[str, list[Decision]] = {}
    for row in told:
        known.setdefault(row.model, []).append(read(Decision, row))
    return {row.model: read_version(row, of[row.model], known.get(row.model, [])) for row in found}


def versions(tx: Tx, project: str, of: Model, at: datetime, limit: int) -> tuple[list[ModelVersion], int]:
    """The newest versions until `at`, newest first, in the state that they had then under the rules of `of`; and how many came before."""
    until = and_(version.c.project == project, version.c.model == of.name, version.c.registered_at <= at)
    rows = tx.all(select(version).where(until).order_by(version.c.version.desc()).limit(limit))
    total = tx.first(select(func.count()).select_from(version).where(until))
    d, first = decision.c, rows[-1].version if rows else 0
    told = tx.all(
        select(decision).where(d.project == project, d.model == of.name, d.version >= first, d.at <= at).order_by(d.version, d.number)
    )
    known = {number: [read(Decision, row) for row in group] for number, group in groupby(told, lambda row: row.version)}
    return [read_version(row, of, known.get(row.version, [])) for row in rows], (total[0] if total else 0) - len(rows)


def checks(tx: Tx, project: str, refs: Sequence[Ref], at: datetime) -> dict[str, Check]:
    """The last check of each version until `at`."""
    c, named = check.c, [str(ref) for ref in refs]
    last = select(func.max(c.number)).where(c.project == project, c.version.in_(named), c.at <= at).group_by(c.version)
    return {row.version: read_check(row) for row in tx.all(select(check).where(c.number.in_(last)))} if named else {}


def _mark(row: Row[Any], until: datetime | None) -> AliasMark:
    return AliasMark(
        alias=row.alias, version=row.version, ref=Ref("model", row.model, str(row.version)), since=row.since, until=until,
        by=row.promoted_by, reason=row.reason, how=row.how, approved_by=[approval["by"] for approval in row.approvals],
    )  # fmt: skip
