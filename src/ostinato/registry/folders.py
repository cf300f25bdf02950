"""Artifacts that are folders of files, such as MLflow models. The artifact is the manifest of the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Table, Text, bindparam, insert, select

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import canonical, digest_of
from ostinato.kernel.errors import Conflict, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.binding import binding_of, plain, rules_of
from ostinato.registry.labels import keep_labels, touch
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.proof import Proof
from ostinato.registry.proof_store import add_proof
from ostinato.registry.types import FolderFile, Labels, ModelVersion, Signature
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.rows.rows import BLOB, Rows, Tx, metadata

FORMAT = "ostinato.folder/1"

file = Table(
    "registry_file",
    metadata,
    Column("project", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", Text, nullable=False, info=BLOB),
    Column("size", BigInteger, nullable=False),
)
_files = (
    select(file)
    .where(file.c.project == bindparam("project"), file.c.model == bindparam("model"), file.c.version == bindparam("version"))
    .order_by(file.c.path)
)


class Folders:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _blobs: Blobs
    _ledger: Ledger
    _clock: Clock

    def register_folder(
        self,
        model: str,
        files: Sequence[FolderFile],
        flavor: str,
        signature: Signature,
        run: Ref | None = None,
        note: str = "",
        tags: dict[str, str] | None = None,
        origin: dict[str, str] | None = None,
        registered_at: datetime | None = None,
        number: int | None = None,
    ) -> ModelVersion:
        """Make the next version of a model from files that the project holds already. In process only.

        `origin` says where they are from; without files it says where the version lies outside. `number` is the number that it had there.

        Raises:
            Conflict: the model had a version of this or of a later `number`.
        """
        artifact, who = self._blobs.put(manifest(files, origin or {})), caller()
        draft = ModelVersion(
            model=model,
            version=number or 0,
            ref=Ref("model", model),
            state="registered",
            artifact=artifact.digest,
            size=sum(f.size for f in files),
            flavor=flavor,
            signature=signature,
            run=run,
            datasets=[],
            evaluation=None,
            features=[],
            note=note,
            author=who.actor,
            registered_at=registered_at or self._clock.now(),
            binding="",
        )

        told: dict[str, Any] = {key: value for key, value in (origin or {}).items() if key in ("source", "run_id")}
        told |= {key: value for key, value in (("tags", dict(tags or {})), ("description", note)) if value}

        def change(tx: Tx) -> ModelVersion:
            made = self._add_version(tx, draft, new_id(), more=told)
            add_files(tx, made, files)
            written = Labels(
                model=made.model, version=made.version, description=note, tags=dict(tags or {}), origin=dict(origin or {}),
                changed_at=made.registered_at,
            )  # fmt: skip
            keep_labels(tx, written)
            touch(tx, made.model, made.registered_at)
            return made

        return self._rows.write(change)

    def files(self, ref: str) -> list[FolderFile]:
        """The files of a version that is a folder, by path."""
        project = caller().project

        def query(tx: Tx) -> list[FolderFile]:
            of = find_version(tx, ref, self._clock.now())[1]
            rows = tx.all(_files, {"project": project, "model": of.model, "version": of.version})
            return [FolderFile(path=row.path, digest=row.digest, size=row.size) for row in rows]

        return self._rows.read(query)

    def file(self, ref: str, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The content of a file of a version that is a folder, or `size` bytes of it from `start` on."""
        digests = {found.path: found.digest for found in self.files(ref)}
        if path not in digests:
            raise NotFound.named(f"file of {ref}", path, digests)
        return self._blobs.open(digests[path], start, size)

    def _add_version(
        self, tx: Tx, draft: ModelVersion, key: str, proof: Proof | None = None, more: Mapping[str, Any] | None = None
    ) -> ModelVersion:
        """Insert a version with the next number, unless `key` names one already."""
        project, of, same = caller().project, find_model(tx, draft.model), _content(draft, proof)
        known = store.keyed_version(tx, project, of.name, key)
        if known is not None:
            if known[1] != same:
                raise Conflict(f"model:{of.name}@{known[0]} was registered under this key with another content", hint="use another key")
            return find_version(tx, f"{of.name}@{known[0]}", self._clock.now())[1]
        number = store.next_version(tx, project, of.name)
        if draft.version and draft.version < number:
            raise Conflict(f"{of.name} had version {number - 1} already", hint="numbers go up, and none is given twice")
        number = draft.version or number
        binding = binding_of(draft.artifact, draft.signature, draft.evaluation, rules_of(of))
        made = replace(draft, version=number, ref=draft.ref.at(number), binding=binding)
        store.add_version(tx, project, made, key, same)
        if proof is not None:
            add_proof(tx, made.model, made.version, proof)
        origin = [*([made.run] if made.run else []), *made.datasets, *(Ref("feature", f) for f in made.features)]
        origin += [Ref("evaluation", made.evaluation)] if made.evaluation else []
        told = {"artifact": made.artifact, "flavor": made.flavor, **(more or {})}
        self._ledger.append(tx, "model.registered", made.ref, inputs=origin, outputs=(made.ref,), data=told)
        return made


def add_files(tx: Tx, made: ModelVersion, files: Sequence[FolderFile]) -> None:
    """Insert the files of a version."""
    of = {"project": caller().project, "model": made.model, "version": made.version}
    if files:
        tx.execute(insert(file), [of | {"path": found.path, "digest": found.digest, "size": found.size} for found in files])


def manifest(files: Sequence[FolderFile], origin: Mapping[str, str]) -> bytes:
    """The manifest that represents a folder as one content."""
    return canonical({"format": FORMAT, "files": [[f.path, f.digest, f.size] for f in files], "origin": dict(origin)})


def _content(version: ModelVersion, proof: Proof | None) -> str:
    """A digest of what must be the same where a registration is repeated."""
    v, example = version, [] if proof is None else [proof.example]
    said = [v.artifact, v.flavor, plain(v.signature), str(v.run), [str(d) for d in v.datasets], v.evaluation, v.features, v.note]
    return digest_of([*said, *example])
