"""The verbs of Models that load a version for scoring: in process, in a separate process or in the sandbox, as its flavor requires."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ostinato.kernel.errors import GateFailed, Invalid, NotFound, TooLarge
from ostinato.kernel.ref import Ref
from ostinato.registry.flavor import FLAVORS, Scorer, care_of, is_folder, is_plain
from ostinato.registry.folders import Folders
from ostinato.registry.lookup import find_version
from ostinato.registry.proof import ROWS_MAX, Proof, any_row, prove
from ostinato.registry.proof_store import proof_of
from ostinato.registry.sandbox.guards import GUARDS
from ostinato.registry.sandbox.process import SandboxGone, SandboxProcess
from ostinato.registry.trust import Trusting
from ostinato.registry.types import Model, ModelVersion, Scalar, Signature
from ostinato.storage.blobs.blobs import blob_of
from ostinato.storage.rows.rows import Tx

_DEADLINE_S = 60.0
_EXAMPLE = "input_example.json"


class Loading(Trusting, Folders):
    """A mixin of Models, which sets the attributes that are annotated here."""

    get: Callable[[str], ModelVersion]

    def scorer(self, ref: str) -> Scorer:
        """The version, loaded: `predict(columns)` gives its scores. What may run code scores in a sandbox, what a library in C reads in a
        process apart. In process only.

        Raises:
            GateFailed: the flavor may run code, and the store or the model does not allow it.
        """
        found = self.get(ref)
        limits = self.sandbox(found.model, found.flavor) or self._limits([*GUARDS])
        if care_of(found.flavor) == "none" and is_plain(found.flavor, content := self._blobs.open(found.artifact)):
            made: Scorer = FLAVORS.make(found.flavor).load(content, found.signature)
            return made
        room = Path(tempfile.mkdtemp(prefix="ostinato-model-"))
        try:
            scorer = SandboxProcess(found.flavor, self.unpacked(found, room), found.signature, limits, _DEADLINE_S)
        except BaseException:
            shutil.rmtree(room, ignore_errors=True)
            raise
        weakref.finalize(scorer, shutil.rmtree, room, ignore_errors=True)
        return scorer

    def proof(self, ref: str) -> Proof:
        """The reference predictions of a version: its input example and the scores at registration.

        Raises:
            NotFound: it was registered without an example.
        """
        found = self.proved(ref)
        if found is None or not found.scores:
            raise NotFound(f"{ref} has no input example", hint="models.register(…, example={column: values})")
        return found

    def proved(self, ref: str) -> Proof | None:
        """The same, or the input example among the files of a version, without scores; None if there is neither. In process only."""

        def query(tx: Tx) -> Proof | None:
            of = find_version(tx, ref, self._clock.now())[1]
            return proof_of(tx, of.model, of.version)

        known = self._rows.read(query)
        if known is None and any(file.path == _EXAMPLE for file in self.files(ref)):
            return _example(self.file(ref, _EXAMPLE, 0, 1 << 20), self.get(ref).signature)
        return known

    def unpacked(self, version: ModelVersion, room: Path) -> Path:
        """The artifact of a version as a file, or a folder, of `room`, put there unless it is there. In process only."""
        place = room / version.artifact
        if place.exists():
            return place
        room.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".", dir=room))
        if is_folder(version.flavor):
            made = beside
            for file in self.files(str(version.ref)):
                _write(made / _inside(file.path), self._blobs.stream(file.digest))
        else:
            made = beside / "artifact"
            _write(made, self._blobs.stream(version.artifact))
        made.replace(place)
        shutil.rmtree(beside, ignore_errors=True)
        return place

    def _admit(
        self, model: Model, flavor: str, content: bytes, signature: Signature, example: Mapping[str, Sequence[Scalar]] | None
    ) -> Proof | None:
        """Load the artifact once before anybody relies on it, and score the example, or a row; that one was refused is on record."""
        try:
            with self._tried(model, flavor, content, signature) as scorer:
                if example is not None:
                    return prove(scorer, example)
                _probe(scorer)
                return None
        except SandboxGone as error:
            self._refused(model, flavor, content, error)
            raise Invalid(f"the artifact took the process down that loaded it: {error.message}", field="artifact") from None
        except (Invalid, TooLarge, GateFailed) as error:
            self._refused(model, flavor, content, error)
            raise

    def _refused(self, model: Model, flavor: str, content: bytes, error: Exception) -> None:
        said = {"artifact": blob_of(content).digest, "flavor": flavor, "reason": str(error)[:500]}
        self._rows.write(lambda tx: self._ledger.append(tx, "model.refused", Ref("model", model.name), data=said))

    @contextmanager
    def _tried(self, model: Model, flavor: str, content: bytes, signature: Signature) -> Iterator[Scorer]:
        """The model of bytes that nobody has looked at yet."""
        if is_folder(flavor):
            raise Invalid(f"artifacts of the flavor {flavor} are folders", hint="MLflow's clients register them", field="flavor")
        limits = self.sandbox(model.name, flavor)
        if is_plain(flavor, content):
            yield FLAVORS.make(flavor).load(content, signature)
            return
        with tempfile.TemporaryDirectory(prefix="ostinato-model-") as room:
            place = Path(room) / "artifact"
            place.write_bytes(content)
            scorer = SandboxProcess(flavor, place, signature, limits or self._limits([*GUARDS]), _DEADLINE_S)
            try:
                yield scorer
            finally:
                scorer.close()


def _probe(scorer: Scorer) -> None:
    """Score one row as a probe: the model may refuse it, but must not crash its process."""
    try:
        scorer.predict(any_row(scorer.signature))
    except SandboxGone:
        raise
    except Exception:  # a model may raise anything over a row that is none of its own
        return


def _example(content: bytes, signature: Signature) -> Proof | None:
    """The first rows of an example as MLflow keeps a table; None if it is of another kind."""
    try:
        table = msgspec.json.decode(content)
        columns = dict(zip(table["columns"], map(list, zip(*table["data"][:ROWS_MAX], strict=True)), strict=True))
        return Proof(example={name: columns[name] for name in signature.names}, scores=[]) if signature.names else None
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise Invalid(f"a file of the version lies outside of it: {path!r}", field="path")
    return path


def _write(path: Path, parts: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
