"""SQL of models, versions, checks, decisions, policies, moves of aliases and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BindParameter, Column, Integer, Row, Table, Text, UniqueConstraint, bindparam, delete, func, insert, select, update

from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.registry.binding import binding_of, plain, rules_of, state_of
from ostinato.registry.types import AliasState, Check, Decision, GateResult, GateSpec, Model, ModelVersion, Note, Policy, Signature
from ostinato.storage.rows.rows import BLOB, Instant, Json, Tx, metadata

T = TypeVar("T")

model = Table(
    "registry_model",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("risk", Text, nullable=False),
    Column("gates", Json, nullable=False),
    Column("approvals", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("removed_at", Instant),
)
version = Table(
    "registry_version",
    metadata,
    Column("project", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("artifact", Text, nullable=False, info=BLOB),
    Column("size", Integer, nullable=False),
    Column("flavor", Text, nullable=False),
    Column("signature", Json, nullable=False),
    Column("run", Text),
    Column("datasets", Json, nullable=False),
    Column("evaluation", Text),
    Column("features", Json, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("removed_at", Instant),
    UniqueConstraint("project", "model", "key"),
)
check = Table(
    "registry_check",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("project", Text, nullable=False, index=True),
    Column("id", Text, nullable=False, unique=True),
    Column("version", Text, nullable=False, index=True),
    Column("binding", Text, nullable=False),
    Column("champion", Integer),
    Column("passed", Integer, nullable=False),
    Column("results", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
)
decision = Table(
    "registry_decision",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("responsible", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("binding", Text, nullable=False),
    Column("check", Text),
    UniqueConstraint("project", "model", "version", "kind", "responsible", "binding"),
)
move = Table(
    "registry_move",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("project", Text, nullable=False, index=True),
    Column("model", Text, nullable=False, index=True),
    Column("alias", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("how", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("promoted_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("approvals", Json, nullable=False),
    Column("evidence", Text),
    Column("artifact", Text, nullable=False, info=BLOB),
)
policy = Table(
    "registry_policy",
    metadata,
    Column("project", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("authors", Json, nullable=False),
    Column("reason", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("expires_at", Instant),
)
note = Table(
    "registry_note",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("project", Text, nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

_p: BindParameter[Any] = bindparam("project")
_m: BindParameter[Any] = bindparam("model")
_v: BindParameter[Any] = bindparam("version")
_models = select(model).where(model.c.project == _p, model.c.removed_at.is_(None)).order_by(model.c.name)
_model = _models.where(model.c.name == _m)
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
_policies = select(policy).where(policy.c.project == _p, policy.c.model == _m).order_by(policy.c.number)
_notes = select(note).where(note.c.project == _p, note.c.model == _m).order_by(note.c.number)


def add_model(tx: Tx, project: str, made: Model, content: str) -> None:
    """Keep a new model, in the place of a removed one of its name; `content` is the digest of what it was created with."""
    gone = (model.c.project == project, model.c.name == made.name, model.c.removed_at.is_not(None))
    former = tx.first(select(model.c.owner).where(*gone))
    if former is not None and former.owner.startswith("model:"):
        raise Conflict(f"{made.name} is now called {former.owner.removeprefix('model:')}", hint="choose another name")
    tx.execute(delete(model).where(*gone))
    row = {k: v for k, v in plain(made).items() if k not in ("aliases", "latest")}
    tx.execute(insert(model), row | {"project": project, "created_at": made.created_at, "content": content})


def created_with(tx: Tx, project: str, name: str) -> str | None:
    """The digest of what the model was created with; None if there is no such model."""
    row = tx.first(_model, {"project": project, "model": name})
    return row.content if row else None


def set_rules(tx: Tx, project: str, name: str, gates: Sequence[GateSpec], approvals: int) -> None:
    """Replace the gates of a model and the number of approvals that it needs."""
    chosen = update(model).where(model.c.project == project, model.c.name == name)
    tx.execute(chosen.values(gates=plain(list(gates)), approvals=approvals))


def one_model(tx: Tx, project: str, name: str) -> Model | None:
    """The model of this name."""
    row = tx.first(_model, {"project": project, "model": name})
    if row is None:
        return None
    latest = tx.first(_latest, {"project": project, "model": name})
    return _read_model(row, latest[0] if latest else None, aliases(tx, project, name))


def all_models(tx: Tx, project: str) -> list[Model]:
    """Every model of the project, by name."""
    latest = {row.model: row.latest for row in tx.all(_latest_of_all, {"project": project})}
    named: dict[str, dict[str, int]] = {}
    for row in tx.all(_named_of_all, {"project": project}):
        named.setdefault(row.model, {})[row.alias] = row.version
    return [_read_model(row, latest.get(row.name), named.get(row.name, {})) for row in tx.all(_models, {"project": project})]


def add_version(tx: Tx, project: str, made: ModelVersion, key: str, content: str) -> None:
    """Keep a new version under its key."""
    row = {k: v for k, v in plain(made).items() if k not in ("ref", "state", "binding", "decisions")}
    tx.execute(insert(version), row | {"project": project, "registered_at": made.registered_at, "key": key, "content": content})


def next_version(tx: Tx, project: str, name: str) -> int:
    """The number of the next version: one more than the last ever was, so that no number ever means two things."""
    row = tx.first(_highest, {"project": project, "model": name})
    return 1 + (row[0] or 0 if row else 0)


def keyed_version(tx: Tx, project: str, name: str, key: str) -> tuple[int, str] | None:
    """The number, and the digest of the content, of the version that was registered under `key`."""
    row = tx.first(_by_key, {"project": project, "model": name, "key": key})
    return (row.version, row.content) if row else None


def versions(tx: Tx, project: str, of: Model) -> list[ModelVersion]:
    """Every version of a model, oldest first."""
    known = _all_decisions(tx, project, of.name)
    rows = tx.all(_versions, {"project": project, "model": of.name})
    return [read_version(row, of, known.get(row.version, [])) for row in rows]


def newest_versions(tx: Tx, project: str, of: Model, limit: int) -> list[ModelVersion]:
    """The newest versions of a model, newest first."""
    rows = tx.all(_newest.limit(limit), {"project": project, "model": of.name})
    known = _all_decisions(tx, project, of.name, rows[-1].version) if rows else {}
    return [read_version(row, of, known.get(row.version, [])) for row in rows]


def one_version(tx: Tx, project: str, of: Model, number: int) -> ModelVersion | None:
    """The version of a model with this number."""
    row = tx.first(_version, {"project": project, "model": of.name, "version": number})
    return read_version(row, of, _all_decisions(tx, project, of.name).get(number, [])) if row else None


def add_check(tx: Tx, project: str, made: Check) -> None:
    """Keep a check."""
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
    """Keep a decision about a version."""
    row = plain(made) | {"project": project, "model": ref.name, "version": int(ref.version or 0), "at": made.at}
    tx.execute(insert(decision), row)


def add_move(tx: Tx, project: str, made: AliasState) -> None:
    """Keep the move of an alias."""
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
    """Keep a policy."""
    row = plain(made) | {"project": project, "declared_at": made.declared_at, "expires_at": made.expires_at}
    tx.execute(insert(policy), row)


def policies(tx: Tx, project: str, name: str) -> list[Policy]:
    """The policies of a model, oldest first."""
    return [read(Policy, row) for row in tx.all(_policies, {"project": project, "model": name})]


def add_note(tx: Tx, project: str, name: str, made: Note) -> None:
    """Keep a section of the model card."""
    tx.execute(insert(note), plain(made) | {"project": project, "model": name, "at": made.at})


def notes(tx: Tx, project: str, name: str) -> list[Note]:
    """All that was ever written into the card of a model, oldest first."""
    return [read(Note, row) for row in tx.all(_notes, {"project": project, "model": name})]


def read(kind: type[T], row: Row[Any], **also: Any) -> T:
    """A wire type from the columns of the same names, with `also` in place of some."""
    names = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{k: v for k, v in row._mapping.items() if k in names} | also)


def _read_model(row: Row[Any], latest: int | None, named: dict[str, int]) -> Model:
    return read(Model, row, gates=msgspec.convert(row.gates, list[GateSpec]), aliases=named, latest=latest)


def read_version(row: Row[Any], of: Model, decisions: list[Decision]) -> ModelVersion:
    """The version in a row, in the state that follows from the rules of `of` and from `decisions`."""
    signature = msgspec.convert(row.signature, Signature)
    binding = binding_of(row.artifact, signature, row.evaluation, rules_of(of.gates, of.approvals))
    return read(
        ModelVersion,
        row,
        ref=Ref("model", row.model, str(row.version)),
        state=state_of(decisions, binding, of.approvals),
        signature=signature,
        run=Ref.parse(row.run) if row.run else None,
        datasets=[Ref.parse(d) for d in row.datasets],
        binding=binding,
        decisions=decisions,
    )


def _all_decisions(tx: Tx, project: str, name: str, since: int = 1) -> dict[int, list[Decision]]:
    found: dict[int, list[Decision]] = {}
    for row in tx.all(_decisions.where(decision.c.version >= since), {"project": project, "model": name}):
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
