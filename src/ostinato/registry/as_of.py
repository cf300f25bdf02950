"""Models as of an instant: their rules, alias moves, versions, decisions and checks up to then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, select, tuple_

from ostinato.evaluation import overview as evaluations
from ostinato.kernel.caller import caller
from ostinato.kernel.errors import NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry.binding import CHAMPION, rules_of
from ostinato.registry.lookup import find_model, number_of
from ostinato.registry.store import (
    MODEL,
    all_models,
    binding_in,
    decisions,
    deprecated,
    deprecations,
    evaluation_in,
    needed,
    read,
    read_check,
    read_version,
    tiers,
)  # fmt: skip
from ostinato.registry.tables import check, decision, move, version
from ostinato.registry.types import Check, Decision, GateSpec, Model, ModelVersion
from ostinato.registry.views import AliasMark
from ostinato.storage.rows.rows import Rows, Tx

_MOVE = (
    move.c.model, move.c.alias, move.c.version, move.c.since, move.c.promoted_by, move.c.reason, move.c.how, move.c.approvals,
)  # fmt: skip


def model(rows: Rows, ledger: Ledger, name: str, at: datetime) -> Model:
    """A model with the gates and approvals that the ledger says were required last until `at`, its tier, aliases and latest version then.

    Raises:
        NotFound: there was no such model then.
    """
    project = caller().project
    found = rows.read(lambda tx: find_model(tx, name))
    if found.created_at > at:
        raise NotFound(f"there was no model {name} at {at.isoformat()}", hint=f"it was created at {found.created_at.isoformat()}")
    told: Mapping[str, Any] = next(
        (
            said[0].data
            for verb in ("model.required", "model.created")
            if (said := ledger.events(subject=Ref("model", name), verb=verb, until=at, newest_first=True, limit=1).items)
        ),
        {"gates": found.gates, "approvals": found.approvals},
    )

    def query(tx: Tx) -> Model:
        latest = tx.first(select(func.max(version.c.version)).where(*_until(project, name, at)))
        tier = tiers(tx, project, at)[found.risk]
        return replace(
            found,
            gates=msgspec.convert(told["gates"], list[GateSpec], from_attributes=True),
            approvals=needed(told["approvals"], tier),
            tier=tier,
            aliases={mark.alias: mark.version for mark in marks(tx, project, name, at) if mark.until is None},
            latest=latest[0] if latest else None,
            deprecated=deprecated(tx, project, name, at).get(MODEL),
        )

    return rows.read(query)


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
    return _versions_at(tx, project, of, [row], at)[0]


def marks(tx: Tx, project: str, model: str, at: datetime) -> list[AliasMark]:
    """The spans in which each alias of a model named a version, oldest first."""
    rows = tx.all(select(*_MOVE).where(move.c.project == project, move.c.model == model, move.c.since <= at).order_by(move.c.number))
    until: dict[str, datetime] = {}
    found = []
    for row in reversed(rows):
        if row.how != "withdrawn":
            found.append(_mark(row, until.get(row.alias)))
        until[row.alias] = row.since
    return found[::-1]


def champions(tx: Tx, project: str) -> dict[str, AliasMark]:
    """The current champion of each model."""
    last = select(func.max(move.c.number)).where(move.c.project == project, move.c.alias == CHAMPION).group_by(move.c.model)
    return {row.model: _mark(row, None) for row in tx.all(select(*_MOVE).where(move.c.number.in_(last), move.c.how != "withdrawn"))}


def newest(tx: Tx, project: str, models: Sequence[Model], now: datetime) -> dict[str, ModelVersion]:
    """The newest version of each model."""
    of = {model.name: model for model in models}
    last = select(version.c.model, func.max(version.c.version).label("number"))
    last = last.where(version.c.project == project, version.c.model.in_(of), version.c.removed_at.is_(None))
    latest = last.group_by(version.c.model).subquery()
    found = tx.all(
        select(version).join(latest, and_(latest.c.model == version.c.model, latest.c.number == version.c.version))
        .where(version.c.project == project)
    )  # fmt: skip
    d = decision.c
    about = and_(latest.c.model == d.model, latest.c.number == d.version)
    known: dict[str, list[Decision]] = {}
    for row in tx.all(select(decision).join(latest, about).where(d.project == project).order_by(d.number)):
        known.setdefault(row.model, []).append(read(Decision, row))
    said = deprecations(tx, project)
    return {
        row.model: read_version(
            row, of[row.model], known.get(row.model, []), row.binding, evaluation_in(row), now, said.get((row.model, row.version))
        )
        for row in found
    }


def versions(tx: Tx, project: str, of: Model, at: datetime, limit: int) -> tuple[list[ModelVersion], int]:
    """The newest versions until `at`, newest first, in the state that they had then under the rules of `of`; and how many came before."""
    until = _until(project, of.name, at)
    rows = tx.all(select(version).where(*until).order_by(version.c.version.desc()).limit(limit))
    total = tx.first(select(func.count()).select_from(version).where(*until))
    return _versions_at(tx, project, of, rows, at), (total[0] if total else 0) - len(rows)


def with_models(tx: Tx, project: str, rows: Sequence[Row[Any]], now: datetime) -> list[tuple[Model, ModelVersion]]:
    """The versions in rows, of whatever models, as they stand, in their order, each with its model: the same few queries for any number."""
    of = {known.name: known for known in all_models(tx, project, {row.model for row in rows})}
    told = _decided(tx, project, [(row.model, row.version) for row in rows])
    said = deprecations(tx, project)
    return [
        (known, read_version(row, known, told.get(at, []), row.binding, evaluation_in(row), now, said.get(at)))
        for row in rows
        if (known := of.get(row.model)) and (at := (row.model, row.version))
    ]


def _decided(tx: Tx, project: str, of: Sequence[tuple[str, int]]) -> dict[tuple[str, int], list[Decision]]:
    d, found = decision.c, dict[tuple[str, int], list[Decision]]()
    query = select(decision).where(d.project == project, tuple_(d.model, d.version).in_(of)).order_by(d.number)
    for row in tx.all(query) if of else ():
        found.setdefault((row.model, row.version), []).append(read(Decision, row))
    return found


def checks(tx: Tx, project: str, refs: Sequence[Ref], at: datetime | None) -> dict[str, Check]:
    """The last check of each version, perhaps until `at`."""
    c, named = check.c, [str(ref) for ref in refs]
    last = select(func.max(c.number)).where(c.project == project, c.version.in_(named)).group_by(c.version)
    last = last if at is None else last.where(c.at <= at)
    return {row.version: read_check(row) for row in tx.all(select(check).where(c.number.in_(last)))} if named else {}


def _until(project: str, name: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    there = version.c.removed_at.is_(None) | (version.c.removed_at > at)
    return version.c.project == project, version.c.model == name, version.c.registered_at <= at, there


def _versions_at(tx: Tx, project: str, of: Model, rows: Sequence[Row[Any]], at: datetime) -> list[ModelVersion]:
    """The versions in rows as they stood: bound to the rules of `of` and to the evaluation of then."""
    if not rows:
        return []
    known = decisions(tx, project, of.name, min(row.version for row in rows), at)
    said, rules = deprecated(tx, project, of.name, at), rules_of(of)
    found = []
    for row in rows:
        later = evaluations.after(tx, project, Ref.parse(row.run), row.registered_at, at) if row.evaluated else None
        evaluation = later or row.evaluation
        binding = binding_in(row, rules, evaluation)
        found.append(read_version(row, of, known.get(row.version, []), binding, evaluation, at, said.get(row.version)))
    return found


def _mark(row: Row[Any], until: datetime | None) -> AliasMark:
    return AliasMark(
        alias=row.alias, version=row.version, ref=Ref("model", row.model, str(row.version)), since=row.since, until=until,
        by=row.promoted_by, reason=row.reason, how=row.how, approved_by=[approval["by"] for approval in row.approvals],
    )  # fmt: skip
