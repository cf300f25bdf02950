"""The verbs of Models that import what another store registered, unchanged.

A version keeps its number, its artifact and what it came of. Its approvals do not count here: those who gave them are known to the other
store alone, they held for its gates, and its ledger, which proves them, is not ours to check. They are told in the event of the adoption.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from ostinato.kernel.caller import caller
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict, Invalid, MissingExtra, NotFound
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.registry import store
from ostinato.registry.binding import plain
from ostinato.registry.card import IMPORTED, check_note
from ostinato.registry.flavor import care_of
from ostinato.registry.folders import add_files, manifest
from ostinato.registry.gate import gate_of
from ostinato.registry.labels import AUTHORS, authors_in, keep_labels, labels_of
from ostinato.registry.loading import Loading
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.types import AliasState, FolderFile, Labels, Model, ModelVersion, Note
from ostinato.storage.rows.rows import Tx


class Adoptions(Loading):
    """A mixin of Models, which sets the attributes that are annotated here."""

    def adopt_model(self, record: Model, archive: str, labels: Labels | None = None, notes: list[Note] | None = None) -> Model:
        """Import a model, without its versions, from the archive with this digest. Idempotent.

        Raises:
            Conflict: there is a model of this name with other rules.
            NotFound: a gate of it is unknown here.
            Invalid: a note of it is none that people write.
        """
        checked_name(record.name.replace("%", "-"), "a model")
        for gate in record.gates:
            gate_of(gate)
        for note in notes or []:
            check_note(note.section, note.text)
        if record.approvals < 0:
            raise Invalid("fewer than no approvals", field="record.approvals")
        made = replace(record, aliases={}, latest=None, owners=record.owners or [record.owner])

        def change(tx: Tx) -> Model:
            project = caller().project
            if store.created_with(tx, project, record.name) is None:
                store.add_model(tx, project, made, record.approvals, "adopted:" + digest_of([record.name, archive]))
                if labels is not None:
                    keep_labels(tx, replace(labels, model=record.name, version=None))
                for note in notes or []:
                    store.add_note(tx, project, record.name, replace(note, by=IMPORTED + note.by.removeprefix(IMPORTED)))
                self._ledger.append(tx, "model.adopted", Ref("model", record.name), data={"archive": archive})
            known = find_model(tx, record.name)
            asked = store.needed(record.approvals, known.tier) if known.tier else record.approvals
            if (known.risk, known.gates, known.approvals) != (record.risk, record.gates, asked):
                hint = (
                    "rename the model that is here (models.rename), give it the same rules (models.require), or import into another project"
                )
                raise Conflict(f"there is another model {record.name!r} here, with other rules", hint=hint)
            return known

        return self._rows.write(change)

    def adopt_version(
        self,
        record: ModelVersion,
        archive: str,
        artifact: str,
        files: list[FolderFile] | None = None,
        labels: Labels | None = None,
        moves: list[AliasState] | None = None,
    ) -> ModelVersion:
        """Import a version of an existing model under its number; `artifact`, or each of the `files`, was uploaded before.

        Whoever brings it counts as its author, so somebody else approves it. A repeat gives the version that is here.

        Raises:
            Invalid: the artifact cannot be loaded, holds a type that is not allowed, or does not fit the signature.
            Conflict: the model has or had another version of this number here.
            NotFound: the model, the flavor, or a content is not here.
        """
        care = care_of(record.flavor)
        held, origin = list(files or []), dict(labels.origin if labels else {})
        for digest in [found.digest for found in held] or [artifact]:
            if not self._blobs.exists(digest):
                raise NotFound(f"no content {digest} was uploaded", hint="models.upload it first")
        content = self._blobs.put(manifest(held, origin)).digest if held else artifact
        same = _fixed(replace(record, artifact=content))
        if not held and care != "code" and self._rows.read(lambda tx: _numbered(tx, record, self._clock.now())) is None:
            with suppress(MissingExtra):  # what cannot be loaded here harms nobody here
                model = self._rows.read(lambda tx: find_model(tx, record.model))
                self._admit(model, record.flavor, self._blobs.open(artifact), record.signature, None)

        def change(tx: Tx) -> ModelVersion:
            known = _numbered(tx, record, self._clock.now())
            if known is not None:
                if _fixed(known) != same:
                    hint = "rename the model that is here (models.rename), or import into another project"
                    raise Conflict(f"there is another {known.ref} here", hint=hint)
                return known
            draft = replace(record, artifact=content, author=caller().actor, decisions=[], state="registered")
            made = self._add_version(tx, draft, f"adopted:{record.version}:{digest_of(same)}")
            add_files(tx, made, held)
            written = labels or labels_of(tx, f"{made.model}@{made.version}", self._clock.now())
            came = origin | {"archive": archive, AUTHORS: ", ".join(authors_in(origin, record.author))}
            keep_labels(tx, replace(written, model=made.model, version=made.version, origin=came))
            self._ledger.append(tx, "model.adopted", made.ref, data=_story(record, archive, moves or []), private=_reasons(record))
            return made

        return self._rows.write(change)


def _numbered(tx: Tx, record: ModelVersion, now: datetime) -> ModelVersion | None:
    try:
        return find_version(tx, f"{record.model}@{record.version}", now)[1]
    except NotFound:
        find_model(tx, record.model)
        return None


def _fixed(version: ModelVersion) -> list[Any]:
    """The immutable part of a version, which is equal in every store."""
    v = version
    return [v.version, v.artifact, v.flavor, plain(v.signature), str(v.run), [str(d) for d in v.datasets], v.features]


def _story(record: ModelVersion, archive: str, moves: Sequence[AliasState]) -> dict[str, Any]:
    """The decisions in the other store, as a history."""
    decisions = [
        {"kind": d.kind, "by": d.by, "responsible": d.responsible, "at": d.at.isoformat(), "binding": d.binding} for d in record.decisions
    ]
    named = [{"alias": m.alias, "how": m.how, "since": m.since.isoformat(), "by": m.promoted_by} for m in moves]
    return {"archive": archive, "author": record.author, "state": record.state, "decisions": decisions, "aliases": named}


def _reasons(record: ModelVersion) -> dict[str, Any] | None:
    return {"reasons": [decision.reason for decision in record.decisions]} if record.decisions else None
