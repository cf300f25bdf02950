"""The verbs of Models that remove aliases, versions and models. Versions under approval rules can only be retired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Table, Text, cast, delete, literal, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.ledger.holds import check_free
from ostinato.ledger.service import Ledger
from ostinato.registry import store, tables
from ostinato.registry.alias import Aliases
from ostinato.registry.approve import require_no_alias
from ostinato.registry.folders import file
from ostinato.registry.labels import label, touch
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.proof_store import proof
from ostinato.registry.trust import trust
from ostinato.registry.types import Model
from ostinato.storage.rows.rows import Rows, Tx

_NAMED: tuple[Table, ...] = (
    tables.version, tables.decision, tables.move, tables.note, tables.owner, tables.source, tables.deprecation, tables.emergency,
    label, file, proof, trust,
)  # fmt: skip
"""Where the name of a model stands, but for its own row."""


class Removals(Aliases):
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    in_use: Callable[[Tx, str, int | None], list[str]]
    """The endpoints that answer with a version of a model, or with any; serving, which stands above, says which."""

    def withdraw(self, model: str, alias: str, reason: str = "") -> None:
        """Remove an alias. Idempotent."""

        def change(tx: Tx) -> None:
            of = find_model(tx, model)
            if alias in of.aliases:
                self._move(tx, find_version(tx, f"{of.name}@{of.aliases[alias]}", self._clock.now())[1], alias, "withdrawn", reason)

        self._rows.write(change)

    def remove(self, ref: str) -> None:
        """Remove a version, or with `late` a model and all its versions. Events and lineage keep them.

        Numbers of versions are never given again.

        Raises:
            Conflict: an alias names it, an endpoint serves it, it is held, or the model has rules: then its versions are retired instead.
            NotFound: there is no such version or model.
        """
        asked, project, now = Ref.parse(str(ref), "model"), caller().project, self._clock.now()

        def change(tx: Tx) -> None:
            of, v = find_model(tx, asked.name), tables.version
            _without_rules(of)
            gone = [v.c.project == project, v.c.model == of.name, v.c.removed_at.is_(None)]
            if asked.version is None:
                if of.aliases:
                    raise Conflict(f"{', '.join(of.aliases)} of {of.name} name versions", hint="withdraw the aliases first")
                self._check_unused(tx, of.name)
                check_free(tx, found := Ref("model", of.name))
                tx.execute(delete(label).where(label.c.project == project, label.c.model == of.name, label.c.version == 0))
                tx.execute(delete(trust).where(trust.c.project == project, trust.c.model == of.name))
                tx.execute(
                    update(tables.model).where(tables.model.c.project == project, tables.model.c.name == of.name), {"removed_at": now}
                )
            else:
                one = find_version(tx, str(asked), now)[1]
                require_no_alias(of, one)
                self._check_unused(tx, of.name, one.version)
                check_free(tx, one.ref)
                found, gone = one.ref, [*gone, v.c.version == one.version]
                touch(tx, of.name, now)
            freed = literal("removed:") + cast(v.c.version, Text) + ":" + v.c.key
            tx.execute(update(v).where(*gone).values(removed_at=now, key=freed))
            self._ledger.append(tx, "model.removed", found)

        self._rows.write(change)

    def rename(self, model: str, name: str) -> Model:
        """Rename a model with its versions and aliases. The old name cannot be used again.

        Raises:
            Conflict: the name is or was taken, an endpoint serves the model, it has rules, or it or a version of it is held.
        """
        checked_name(name.replace("%", "-"), "a model")
        project, m = caller().project, tables.model

        def change(tx: Tx) -> Model:
            of = find_model(tx, model)
            _without_rules(of)
            self._check_unused(tx, of.name)
            check_free(tx, Ref("model", of.name))
            if tx.first(select(m.c.name).where(m.c.project == project, m.c.name == name)):
                raise Conflict(f"there is or was a model {name!r}", hint="choose another name")
            tx.execute(update(m).where(m.c.project == project, m.c.name == of.name).values(name=name))
            for table in _NAMED:
                tx.execute(update(table).where(table.c.project == project, table.c.model == of.name).values(model=name))
            store.add_model(tx, project, replace(of, owners=[]), 0, digest_of(["renamed", name]))
            tx.execute(update(m).where(m.c.project == project, m.c.name == of.name).values(removed_at=self._clock.now(), renamed_to=name))
            self._ledger.append(tx, "model.renamed", Ref("model", name), inputs=(Ref("model", of.name),), outputs=(Ref("model", name),))
            return find_model(tx, name)

        return self._rows.write(change)

    def _check_unused(self, tx: Tx, model: str, version: int | None = None) -> None:
        if names := self.in_use(tx, model, version):
            what = model if version is None else f"{model}@{version}"
            raise Conflict(f"{', '.join(names)} serves {what}", hint="endpoints.deploy another there, or endpoints.abort its rollout")


def called(tx: Tx, ref: Ref) -> Ref | None:
    """The current name of a model or version, also of a removed one; None if there is none."""
    project, m, v = caller().project, tables.model.c, tables.version.c
    while (known := tx.first(select(m.renamed_to).where(m.project == project, m.name == ref.name))) is not None:
        if not known.renamed_to:
            break
        ref = Ref("model", known.renamed_to, ref.version)
    if known is None or ref.version is None:
        return ref if known else None
    there = select(v.version).where(v.project == project, v.model == ref.name, cast(v.version, Text) == ref.version)
    return ref if tx.first(there) else None


def _without_rules(model: Model) -> None:
    if model.approvals or model.gates:
        raise Conflict(f"{model.name} has rules, and what it was must stay on record", hint="retire its versions: models.retire")
