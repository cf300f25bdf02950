"""SQL of models, versions, checks, decisions, policies, moves of aliases and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Row, Select, bindparam, delete, func, insert, select, update

from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.registry.binding import binding_of, plain, rules_of, state_of
from ostinato.registry.tables import check, decision, deprecation, move, note, owner, policy, source, tier, version
from ostinato.registry.tables import model as model_table
from ostinato.registry.types import (
    AliasState,
    Check,
    Decision,
    Deprecation,
    GateResult,
    GateSpec,
    Model,
    ModelVersion,
    Note,
    Policy,
    Risk,
    Signature,
    Tier,
)  # fmt: skip
from ostinato.storage.rows.rows import Tx

T = TypeVar("T")
MODEL = 0
"""In the place of the number of a version: the model itself."""

_p: BindParameter[Any] = bindparam("project")
_m: BindParameter[Any] = bindparam("model")
_v: BindParameter[Any] = bindparam("version")
_models = select(model_table).where(model_table.c.project == _p, model_table.c.removed_at.is_(None)).order_by(model_table.c.name)
_model = _models.where(model_table.c.name == _m)
_of_model = (version.c.project == _p, version.c.model == _m, version.c.removed_at.is_(None))
_versions = select(version).where(*_of_model).order_by(version.c.version)
_version = _versions.where(version.c.version == _v)
_newest = select(version).where(*_of_model).order_by(version.c.version.desc())
_by_key = _versions.where(version.c.key == bindparam("key"))
_latest = select(func.max(version.c.version)).where(*_of_model)
_highest = select(func.max(version.c.version)).where(version.c.project == _p, version.c.model == _m)
_decisions = select(decision).where(decision.c.project == _p, decision.c.model == _m).order_by(decision.c.number)
_checks = select(check).where(check.c.project == _p, check.c.version == _v).order_by(check.c.number.desc())
_check = select(check).where(check.c.project == _p, check.c.id == bindparam("id"))
_moves = select(move).where(move.c.project == _p, move.c.model == _m).order_by(move.c.number)
_named = select(move.c.alias, move.c.version, move.c.how).where(move.c.project == _p, move.c.model == _m).order_by(move.c.number)
_last_moves = select(func.max(move.c.number)).where(move.c.project == _p).group_by(move.c.model, move.c.alias)
_named_of_all = select(move.c.model, move.c.alias, move.c.version).where(move.c.number.in_(_last_moves), move.c.how != "withdrawn")
_latest_of_all = (
    select(version.c.model, func.max(version.c.version).label("latest"))
    .where(version.c.project == _p, version.c.removed_at.is_(None))
    .group_by(version.c.model)
)
_owners = select(owner).where(owner.c.project == _p).order_by(owner.c.model, owner.c.place)
_tiers = select(tier).where(tier.c.project == _p).order_by(tier.c.number)
_deprecations = select(deprecation).where(deprecation.c.project == _p).order_by(deprecation.c.number)
_policies = select(policy).where(policy.c.project == _p, policy.c.model == _m).order_by(policy.c.number)
_notes = select(note).where(note.c.project == _p, note.c.model == _m).order_by(note.c.number)


def add_model(tx: Tx, project: str, made: Model, own: int, content: str) -> None:
    """Store a new model, in the place of a removed one of its name; `own` is how many approvals it asks for itself, `content` the digest
    of what it was created with."""
    m = model_table.c
    gone = (m.project == project, m.name == made.name, m.removed_at.is_not(None))
    former = tx.first(select(m.renamed_to).where(*gone))
    if former is not None and former.renamed_to:
        raise Conflict(f"{made.name} is now called {former.renamed_to}", hint="choose another name")
    tx.execute(delete(model_table).where(*gone))
    row = {k: v for k, v in plain(made).items() if k in ("name", "description", "risk", "gates", "created_by")}
    tx.execute(insert(model_table), row | {"project": project, "approvals": own, "created_at": made.created_at, "content": content})
    set_owners(tx, project, made.name, made.owners)


def created_with(tx: Tx, project: str, name: str) -> str | None:
    """The digest of what the model was created with; None if there is no such model."""
    row = tx.first(_model, {"project": project, "model": name})
    return row.content if row else None


def set_rules(tx: Tx, project: str, name: str, gates: Sequence[GateSpec], approvals: int) -> None:
    """Replace the gates of a model and the number of approvals that it asks for itself; its versions are bound to them from now on."""
    chosen = update(model_table).where(model_table.c.project == project, model_table.c.name == name)
    tx.execute(chosen.values(gates=plain(list(gates)), approvals=approvals))
    rebind(tx, project, name)


def set_owners(tx: Tx, project: str, name: str, owners: Sequence[str]) -> None:
    """Replace the owners of a model."""
    tx.execute(delete(owner).where(owner.c.project == project, owner.c.model == name))
    for place, who in enumerate(owners):
        tx.execute(insert(owner), {"project": project, "model": name, "owner": who, "place": place})


def rebind(tx: Tx, project: str, name: str) -> None:
    """Bind the versions of a model to its rules of now: what was approved under others holds no more."""
    found = one_model(tx, project, name)
    v = version.c
    if found is None:
        return
    for row in tx.all(_versions, {"project": project, "model": name}):
        chosen = update(version).where(v.project == project, v.model == name, v.version == row.version)
        tx.execute(chosen.values(binding=binding_in(row, rules_of(found), evaluation_in(row))))


TIERS = (Tier(risk="low", approvals=1), Tier(risk="medium", approvals=1), Tier(risk="high", approvals=2))
"""What each risk asks for where a project has declared nothing else."""


def one_model(tx: Tx, project: str, name: str) -> Model | None:
    """The model of this name."""
    row = tx.first(_model, {"project": project, "model": name})
    if row is None:
        return None
    asked = {"project": project, "model": name}
    latest, owners = tx.first(_latest, asked), tx.all(_owners.where(owner.c.model == _m), asked)
    said = deprecated(tx, project, name).get(MODEL)
    return _read_model(row, latest[0] if latest else None, aliases(tx, project, name), [o.owner for o in owners], tiers(tx, project), said)


def all_models(tx: Tx, project: str, names: Collection[str] | None = None) -> list[Model]:
    """Every model of the project, or those of these names, by name."""
    asked = {"project": project}

    def of(query: Select[Any], column: ColumnElement[str]) -> Sequence[Row[Any]]:
        return tx.all(query if names is None else query.where(column.in_(names)), asked)

    latest = {row.model: row.latest for row in of(_latest_of_all, version.c.model)}
    named: dict[str, dict[str, int]] = {}
    for row in of(_named_of_all, move.c.model):
        named.setdefault(row.model, {})[row.alias] = row.version
    owners: dict[str, list[str]] = {}
    for row in of(_owners, owner.c.model):
        owners.setdefault(row.model, []).append(row.owner)
    said, risks = deprecations(tx, project), tiers(tx, project)
    return [
        _read_model(row, latest.get(row.name), named.get(row.name, {}), owners.get(row.name, []), risks, said.get((row.name, MODEL)))
        for row in of(_models, model_table.c.name)
    ]


def tiers(tx: Tx, project: str, at: datetime | None = None) -> dict[Risk, Tier]:
    """The requirements of each risk tier, as of `at` if given: the last declared ones, or the defaults."""
    query = _tiers if at is None else _tiers.where(tier.c.at <= at)
    declared = {row.risk: read(Tier, row) for row in tx.all(query, {"project": project})}
    return {known.risk: declared.get(known.risk, known) for known in TIERS}


def deprecated(tx: Tx, project: str, name: str, at: datetime | None = None) -> dict[int, Deprecation]:
    """The deprecations of a model, as of `at` if given, by version number; 0 is the model itself."""
    return {number: said for (_, number), said in deprecations(tx, project, name, at).items()}


def deprecations(tx: Tx, project: str, name: str | None = None, at: datetime | None = None) -> dict[tuple[str, int], Deprecation]:
    """The deprecations of one model or of all, by model and version number."""
    query = _deprecations if name is None else _deprecations.where(deprecation.c.model == name)
    query = query if at is None else query.where(deprecation.c.at <= at)
    last = {(row.model, row.version): row for row in tx.all(query, {"project": project})}
    return {
        of: read(Deprecation, row, successor=Ref.parse(row.successor) if row.successor else None)
        for of, row in last.items()
        if not row.lifted
    }


def add_version(tx: Tx, project: str, made: ModelVersion, key: str, content: str) -> None:
    """Store a new version under its key."""
    row = {k: v for k, v in plain(made).items() if k in version.c}
    tx.execute(insert(version), row | {"project": project, "registered_at": made.registered_at, "key": key, "content": content})
    for drawn in dict.fromkeys(made.datasets):
        of = {"project": project, "model": made.model, "version": made.version}
        tx.execute(insert(source), of | {"dataset": drawn.name, "of_version": drawn.version or ""})


def next_version(tx: Tx, project: str, name: str) -> int:
    """The number of the next version: one more than the last ever was, so that no number ever means two things."""
    row = tx.first(_highest, {"project": project, "model": name})
    return 1 + (row[0] or 0 if row else 0)


def keyed_version(tx: Tx, project: str, name: str, key: str) -> tuple[int, str] | None:
    """The number, and the digest of the content, of the version that was registered under `key`."""
    row = tx.first(_by_key, {"project": project, "model": name, "key": key})
    return (row.version, row.content) if row else None


def versions(tx: Tx, project: str, of: Model, now: datetime) -> list[ModelVersion]:
    """Every version of a model, oldest first."""
    return read_versions(tx, project, of, tx.all(_versions, {"project": project, "model": of.name}), now)


def newest_versions(tx: Tx, project: str, of: Model, limit: int, now: datetime) -> list[ModelVersion]:
    """The newest versions of a model, newest first."""
    return read_versions(tx, project, of, tx.all(_newest.limit(limit), {"project": project, "model": of.name}), now)


def one_version(tx: Tx, project: str, of: Model, number: int, now: datetime) -> ModelVersion | None:
    """The version of a model with this number."""
    row = tx.first(_version, {"project": project, "model": of.name, "version": number})
    return read_versions(tx, project, of, [row], now)[0] if row else None


def made_by(tx: Tx, project: str, run: Ref) -> Sequence[Row[Any]]:
    """The rows of the versions that a run made."""
    made = select(version).where(version.c.project == project, version.c.run == str(run), version.c.removed_at.is_(None))
    return tx.all(made)


def set_evaluation(tx: Tx, row: Row[Any], evaluation: str, binding: str) -> None:
    """Replace the evaluation of a version."""
    v = version.c
    of = update(version).where(v.project == row.project, v.model == row.model, v.version == row.version)
    tx.execute(of.values(evaluated=evaluation, binding=binding))


def add_check(tx: Tx, project: str, made: Check) -> None:
    """Store a check."""
    tx.execute(insert(check), plain(made) | {"project": project, "passed": int(made.passed), "at": made.at})


def last_check(tx: Tx, project: str, ref: Ref) -> Check | None:
    """The latest check of a version."""
    row = tx.first(_checks, {"project": project, "version": str(ref)})
    return read_check(row) if row else None


def one_check(tx: Tx, project: str, check_id: str) -> Check | None:
    """The check with this id."""
    row = tx.first(_check, {"project": project, "id": check_id})
    return read_check(row) if row else None


def add_decision(tx: Tx, project: str, ref: Ref, made: Decision) -> None:
    """Store a decision about a version."""
    of = {"project": project, "model": ref.name, "version": int(ref.version or 0)}
    tx.execute(insert(decision), plain(made) | of | {"at": made.at, "expires_at": made.expires_at, "voided_at": made.voided_at})


def void(tx: Tx, project: str, ref: Ref, of: Decision, now: datetime, because: str) -> None:
    """Void a decision from now on."""
    d = decision.c
    same = (d.kind == of.kind, d.responsible == of.responsible, d.binding == of.binding, d.at == of.at)
    chosen = update(decision).where(d.project == project, d.model == ref.name, d.version == int(ref.version or 0), *same)
    tx.execute(chosen.values(voided_at=now, voided_because=because))


def add_move(tx: Tx, project: str, made: AliasState) -> None:
    """Store the move of an alias."""
    row = {k: v for k, v in plain(made).items() if k not in ("ref", "approved_by")}
    tx.execute(insert(move), row | {"project": project, "since": made.since, "evidence": made.evidence.id if made.evidence else None})


def moves(tx: Tx, project: str, name: str, alias: str) -> list[AliasState]:
    """The moves of an alias, oldest first."""
    rows = tx.all(_moves.where(move.c.alias == bindparam("alias")), {"project": project, "model": name, "alias": alias})
    return [_read_move(tx, row) for row in rows]


def last_move(tx: Tx, project: str, name: str, alias: str) -> AliasState | None:
    """The latest move of an alias."""
    latest = select(move).where(move.c.project == _p, move.c.model == _m, move.c.alias == bindparam("alias")).order_by(move.c.number.desc())
    row = tx.first(latest.limit(1), {"project": project, "model": name, "alias": alias})
    return _read_move(tx, row) if row else None


def aliases(tx: Tx, project: str, name: str) -> dict[str, int]:
    """Which version every alias of a model names now."""
    last = {row.alias: row for row in tx.all(_named, {"project": project, "model": name})}
    return {alias: row.version for alias, row in last.items() if row.how != "withdrawn"}


def add_policy(tx: Tx, project: str, made: Policy) -> None:
    """Store a policy."""
    row = plain(made) | {"project": project, "declared_at": made.declared_at, "expires_at": made.expires_at}
    tx.execute(insert(policy), row)


def policies(tx: Tx, project: str, name: str) -> list[Policy]:
    """The policies of a model, oldest first."""
    return [read(Policy, row) for row in tx.all(_policies, {"project": project, "model": name})]


def add_note(tx: Tx, project: str, name: str, made: Note) -> None:
    """Store a section of the model card."""
    row = {k: v for k, v in plain(made).items() if k != "number"}
    tx.execute(insert(note), row | {"project": project, "model": name, "at": made.at})


def notes(tx: Tx, project: str, name: str) -> list[Note]:
    """All that was ever written into the card of a model, oldest first."""
    count: Counter[str] = Counter()
    found = []
    for row in tx.all(_notes, {"project": project, "model": name}):
        count[row.section] += 1
        found.append(read(Note, row, number=count[row.section]))
    return found


def read(kind: type[T], row: Row[Any], **also: Any) -> T:
    """A wire type from the columns of the same names, with `also` in place of some."""
    names = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{k: v for k, v in row._mapping.items() if k in names} | also)


def _read_model(
    row: Row[Any], latest: int | None, named: dict[str, int], owners: list[str], risks: dict[Risk, Tier], said: Deprecation | None
) -> Model:
    return read(
        Model,
        row,
        owner=owners[0] if owners else "",
        owners=owners,
        gates=msgspec.convert(row.gates, list[GateSpec]),
        approvals=needed(row.approvals, risks[row.risk]),
        tier=risks[row.risk],
        aliases=named,
        latest=latest,
        deprecated=said,
    )


def needed(own: int, asked: Tier) -> int:
    """The number of approvals that a model needs; none, if it has no rules."""
    return max(own, asked.approvals) if own else 0


def read_versions(tx: Tx, project: str, of: Model, rows: Sequence[Row[Any]], now: datetime) -> list[ModelVersion]:
    """The versions in rows, in the state that they have at `now`, bound as they are at present."""
    if not rows:
        return []
    known = decisions(tx, project, of.name, min(row.version for row in rows))
    said = deprecated(tx, project, of.name)
    return [read_version(row, of, known.get(row.version, []), row.binding, evaluation_in(row), now, said.get(row.version)) for row in rows]


def read_version(
    row: Row[Any], of: Model, told: list[Decision], binding: str, evaluation: str | None, now: datetime, said: Deprecation | None
) -> ModelVersion:
    """The version in a row, in the state that follows from what was decided about it by `now` under the rules of `of`."""
    return read(
        ModelVersion,
        row,
        ref=Ref("model", row.model, str(row.version)),
        state=state_of(told, binding, of.approvals, now),
        signature=msgspec.convert(row.signature, Signature),
        run=Ref.parse(row.run) if row.run else None,
        datasets=[Ref.parse(d) for d in row.datasets],
        evaluation=evaluation,
        binding=binding,
        decisions=told,
        deprecated=said,
    )


def evaluation_in(row: Row[Any]) -> str | None:
    """The evaluation of the version in a row."""
    found: str | None = row.evaluated or row.evaluation
    return found


def binding_in(row: Row[Any], rules: str, evaluation: str | None) -> str:
    """The binding of the version in a row under the given rules and evaluation."""
    return binding_of(row.artifact, msgspec.convert(row.signature, Signature), evaluation, rules)


def decisions(tx: Tx, project: str, name: str, since: int = 1, until: datetime | None = None) -> dict[int, list[Decision]]:
    """The decisions about the versions of a model from `since` on (`until` an instant, if given), by version, oldest first."""
    query = _decisions.where(decision.c.version >= since)
    query = query if until is None else query.where(decision.c.at <= until)
    found: dict[int, list[Decision]] = {}
    for row in tx.all(query, {"project": project, "model": name}):
        found.setdefault(row.version, []).append(read(Decision, row))
    return found


def read_check(row: Row[Any]) -> Check:
    """The check in a row."""
    return read(Check, row, version=Ref.parse(row.version), passed=bool(row.passed), results=msgspec.convert(row.results, list[GateResult]))


def _read_move(tx: Tx, row: Row[Any]) -> AliasState:
    approvals = msgspec.convert(row.approvals, list[Decision])
    return read(
        AliasState,
        row,
        ref=Ref("model", row.model, str(row.version)),
        approvals=approvals,
        approved_by=[d.by for d in approvals],
        evidence=one_check(tx, row.project, row.evidence) if row.evidence else None,
    )
