"""Past: models as they stood at an instant: their rules, moves, versions, decisions and checks until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry.binding import CHAMPION
from ostinato.registry.find import find_model, number_of
from ostinato.registry.store import check, decision, move, read, read_check, read_version, version
from ostinato.registry.types import AliasMark, Check, Decision, GateSpec, Model, ModelVersion
from ostinato.storage.rows.rows import Rows, Tx

_MOVE = (
    move.c.model, move.c.alias, move.c.version, move.c.since, move.c.promoted_by, move.c.reason, move.c.how, move.c.approvals,
)  # fmt: skip


def model(rows: Rows, ledger: Ledger, name: str, at: datetime) -> Model:
    """A model with the gates and approvals that the ledger says were required last until `at`, its aliases and latest version then.

    Raises:
        NotFound: there was no such model then.
    """
    project = caller().project
    found = rows.read(lambda tx: find_model(tx, name))
    if found.created_at > at:
        raise NotFound(f"there was no model {name} at {at.isoformat()}", hint=f"it was created at {found.created_at.isoformat()}")

    def query(tx: Tx) -> Model:
        latest = tx.first(select(func.max(version.c.version)).where(*_until(project, name, at)))
        aliases = {mark.alias: mark.version for mark in marks(tx, project, name, at) if mark.until is None}
        return replace(found, aliases=aliases, latest=latest[0] if latest else None)

    then = rows.read(query)
    for verb in ("model.required", "model.created"):
        told = ledger.events(subject=Ref("model", name), verb=verb, until=at, newest_first=True, limit=1).items
        if told:
            return replace(then, gates=msgspec.convert(told[0].data["gates"], list[GateSpec]), approvals=told[0].data["approvals"])
    return then


def find(tx: Tx, of: Model, asked: Ref, at: datetime) -> ModelVersion:
    """The version that `late@7` or `late@champion` named then, where `of` is the model as it stood.

    Raises:
        NotFound: there was none.
    """
    project, number = caller().project, number_of(of, asked)
    row = tx.first(select(version).where(*_until(project, of.name, at), version.c.version == number))
    if row is None:
        hint = f"the latest then was {of.latest}" if of.latest else "none was registered then"
        raise NotFound(f"there was no version {number} of {of.name} at {at.isoformat()}", hint=hint)
    return read_version(row, of, _decided(tx, project, of.name, at, number).get(number, []))


def marks(tx: Tx, project: str, model: str, at: datetime) -> list[AliasMark]:
    """What each alias of a model named when, oldest first."""
    rows = tx.all(select(*_MOVE).where(move.c.project == project, move.c.model == model, move.c.since <= at).order_by(move.c.number))
    until: dict[str, datetime] = {}
    found = []
    for row in reversed(rows):
        if row.how != "withdrawn":
            found.append(_mark(row, until.get(row.alias)))
        until[row.alias] = row.since
    return found[::-1]


def champions(tx: Tx, project: str) -> dict[str, AliasMark]:
    """What is champion of each model now."""
    last = select(func.max(move.c.number)).where(move.c.project == project, move.c.alias == CHAMPION).group_by(move.c.model)
    return {row.model: _mark(row, None) for row in tx.all(select(*_MOVE).where(move.c.number.in_(last), move.c.how != "withdrawn"))}


def newest(tx: Tx, project: str, models: Sequence[Model]) -> dict[str, ModelVersion]:
    """The newest version of each model."""
    of = {model.name: model for model in models}
    last = select(version.c.model, func.max(version.c.version).label("number"))
    last = last.where(version.c.project == project, version.c.removed_at.is_(None))
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
    until = _until(project, of.name, at)
    rows = tx.all(select(version).where(*until).order_by(version.c.version.desc()).limit(limit))
    total = tx.first(select(func.count()).select_from(version).where(*until))
    known = _decided(tx, project, of.name, at, rows[-1].version) if rows else {}
    return [read_version(row, of, known.get(row.version, [])) for row in rows], (total[0] if total else 0) - len(rows)


def checks(tx: Tx, project: str, refs: Sequence[Ref], at: datetime | None) -> dict[str, Check]:
    """The last check of each version, perhaps until `at`."""
    c, named = check.c, [str(ref) for ref in refs]
    last = select(func.max(c.number)).where(c.project == project, c.version.in_(named)).group_by(c.version)
    last = last if at is None else last.where(c.at <= at)
    return {row.version: read_check(row) for row in tx.all(select(check).where(c.number.in_(last)))} if named else {}


def _until(project: str, name: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    there = version.c.removed_at.is_(None) | (version.c.removed_at > at)
    return version.c.project == project, version.c.model == name, version.c.registered_at <= at, there


def _decided(tx: Tx, project: str, name: str, at: datetime, first: int) -> dict[int, list[Decision]]:
    """The decisions until `at` about the versions from `first` on."""
    d = decision.c
    told = tx.all(
        select(decision).where(d.project == project, d.model == name, d.version >= first, d.at <= at).order_by(d.version, d.number)
    )
    return {number: [read(Decision, row) for row in group] for number, group in groupby(told, lambda row: row.version)}


def _mark(row: Row[Any], until: datetime | None) -> AliasMark:
    return AliasMark(
        alias=row.alias, version=row.version, ref=Ref("model", row.model, str(row.version)), since=row.since, until=until,
        by=row.promoted_by, reason=row.reason, how=row.how, approved_by=[approval["by"] for approval in row.approvals],
    )  # fmt: skip
