"""Editable labels of models and versions: descriptions, tags, and the state of another registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Row, Table, Text, bindparam, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.types import Labels, Model, ModelVersion
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata

_MODEL = 0
AUTHORS = "author"
"""In the origin of an imported version: who registered it in the stores from which it came."""
CANDIDATE = "model_id"
"""In the origin of a version: the candidate that it came of."""
_TAGS_MAX = 1_000
_TEXT_MAX = 100_000

label = Table(
    "registry_label",
    metadata,
    Column("project", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("description", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("origin", Json, nullable=False),
    Column("candidate", Text),
    Column("stage", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index("registry_label_candidate", "project", "candidate"),
)
"""By model and version; version 0 is the model itself. What has no row is as it was made. `candidate` is what its origin calls so."""

_all = select(label).where(label.c.project == bindparam("project"))
_one = _all.where(label.c.model == bindparam("model"), label.c.version == bindparam("version"))


class Labelling:
    """A mixin of Models, which sets the attributes annotated here. Where a verb takes `ref`, `late` is the model and `late@7` a version."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def labels(self, ref: str) -> Labels:
        """The labels of a model or a version: description, tags, stage."""
        return self._rows.read(lambda tx: labels_of(tx, ref, self._clock.now()))

    def all_labels(self) -> list[Labels]:
        """The labels of all models and versions of the project whose labels were ever changed."""
        project = caller().project
        return [_read(row) for row in self._rows.read(lambda tx: tx.all(_all, {"project": project}))]

    def tag(self, ref: str, tags: dict[str, str | None]) -> Labels:
        """Set tags of a model or of a version, or remove those set to None.

        Raises:
            Invalid: there are too many of them, or one is too long.
        """

        def change(known: Labels) -> Labels:
            return replace(known, tags={key: value for key, value in (known.tags | tags).items() if value is not None})

        return self._label(ref, change, "model.tagged", {"tags": tags})

    def describe(self, ref: str, description: str) -> Labels:
        """Change the description of a model or a version. Earlier ones stay in the history."""
        return self._label(ref, lambda known: replace(known, description=description), "model.described", {"description": description})

    def stage(self, ref: str, stage: str, *, only_approved: bool) -> Labels:
        """Move a version to a stage of another registry, if need be only one that is approved. In process only.

        Raises:
            Conflict: the version would have to be approved.
        """
        return self._label(ref, lambda known: replace(known, stage=stage), "model.staged", {"stage": stage}, only_approved=only_approved)

    def _label(self, ref: str, change: Any, verb: str, data: Mapping[str, Any], *, only_approved: bool = False) -> Labels:
        def write(tx: Tx) -> Labels:
            if only_approved and (found := find_version(tx, ref, self._clock.now())[1]).state != "approved":
                raise Conflict(f"{found.ref} is {found.state}, not approved", hint="models.check and models.approve first")
            known = labels_of(tx, ref, self._clock.now())
            made: Labels = change(known)
            if made == known:
                return known
            made = replace(made, changed_at=self._clock.now())
            keep_labels(tx, made)
            if made.stage != known.stage:
                touch(tx, made.model, made.changed_at)
            self._ledger.append(tx, verb, _ref(made), data=dict(data))
            return made

        return self._rows.write(write)


def labels_of(tx: Tx, ref: str, now: datetime) -> Labels:
    """The labels of a model or a version; if they were never changed, those of its creation."""
    asked = Ref.parse(str(ref), "model")
    model, version = (find_model(tx, asked.name), None) if asked.version is None else find_version(tx, ref, now)
    number = version.version if version else _MODEL
    row = tx.first(_one, {"project": caller().project, "model": model.name, "version": number})
    return _read(row) if row else _unchanged(model, version)


def touch(tx: Tx, model: str, at: datetime) -> None:
    """Update the time of change of a model, which also changes with its versions and their stages."""
    known = labels_of(tx, model, at)
    if known.changed_at < at:
        keep_labels(tx, replace(known, changed_at=at))


def keep_labels(tx: Tx, made: Labels) -> None:
    """Keep what is written on a model or a version.

    Raises:
        Invalid: there are too many tags, or something is too long.
    """
    if len(made.tags) > _TAGS_MAX or any(len(key) > 250 or not key or len(value) > _TEXT_MAX for key, value in made.tags.items()):
        raise Invalid(f"up to {_TAGS_MAX} tags, of up to 250 signs with values up to {_TEXT_MAX}", field="tags")
    if len(made.description) > _TEXT_MAX:
        raise Invalid(f"a description has up to {_TEXT_MAX} signs", field="description")
    key = {"project": caller().project, "model": made.model, "version": made.version or _MODEL}
    told = {
        "description": made.description, "tags": made.tags, "origin": made.origin, "candidate": made.origin.get(CANDIDATE),
        "stage": made.stage, "changed_at": made.changed_at,
    }  # fmt: skip
    if tx.first(_one, key):
        tx.execute(update(label).where(*(label.c[name] == value for name, value in key.items())).values(**told))
    else:
        tx.execute(insert(label), key | told)


def authors_of(tx: Tx, version: ModelVersion) -> list[str]:
    """The authors of a version, here and in the stores from which it was imported."""
    row = tx.first(_one, {"project": caller().project, "model": version.model, "version": version.version})
    return authors_in(row.origin if row else {}, version.author)


def authors_in(origin: Mapping[str, str], author: str) -> list[str]:
    """An author, and those of whom the origin of an imported version tells."""
    return list(dict.fromkeys([author, *filter(None, origin.get(AUTHORS, "").split(", "))]))


def _unchanged(model: Model, version: ModelVersion | None) -> Labels:
    description = version.note if version else model.description
    at, number = (version.registered_at, version.version) if version else (model.created_at, None)
    return Labels(model=model.name, version=number, description=description, tags={}, origin={}, changed_at=at)


def _read(row: Row[Any]) -> Labels:
    return Labels(
        model=row.model, version=row.version or None, description=row.description, tags=row.tags, origin=row.origin,
        changed_at=row.changed_at, stage=row.stage,
    )  # fmt: skip


def _ref(labels: Labels) -> Ref:
    return Ref("model", labels.model, None if labels.version is None else str(labels.version))
