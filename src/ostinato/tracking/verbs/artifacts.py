"""The verbs of Runs on files."""

from __future__ import annotations

from collections.abc import Callable

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.storage.blobs.blobs import Blob, Blobs
from ostinato.storage.blobs.uploads import Arriving
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking import store
from ostinato.tracking.holds import check_not_held
from ostinato.tracking.lookup import find_run, require_active
from ostinato.tracking.paths import checked_path
from ostinato.tracking.types import Artifact


class Artifacts(Arriving):
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _blobs: Blobs
    _clock: Clock

    def put_artifact(self, run: str, path: str, content: bytes) -> Artifact:
        """Store a file under a path of the run; while the run is running, it replaces an earlier one.

        Raises:
            Conflict: the run has ended, and has no such file of the same content.
            Invalid: the path is not relative, or leaves the run.
        """
        return self._keep_artifact(run, checked_path(path), self._blobs.put(content))

    def put_artifact_sent(self, run: str, path: str, upload: str, size: int) -> Artifact:
        """Store an upload that was sent in parts, `size` bytes in all, as a file; otherwise like `put_artifact`.

        Raises:
            NotFound: nothing of the upload has arrived, or it was forgotten, a day after its last part.
            Conflict: a part is missing, or the run has ended.
            Invalid: the parts are not the bytes that the upload is called by, or the path leaves the run.
        """
        self._rows.read(lambda tx: require_active(tx, run))
        return self._keep_artifact(run, checked_path(path), self._uploads.finish(upload, size))

    def keep_artifact(self, run: str, path: str, blob: Blob) -> Artifact:
        """Store an existing blob as a file."""
        return self._keep_artifact(run, checked_path(path), blob)

    def _keep_artifact(self, run: str, path: str, blob: Blob) -> Artifact:
        return self._keep(run, path, blob, lambda tx: require_active(tx, run))

    def _keep(self, holder: str, path: str, blob: Blob, check: Callable[[Tx], object]) -> Artifact:
        """Store a file of a run or a candidate, unless `check` refuses."""
        project = caller().project
        kept = Artifact(path=path, digest=blob.digest, size=blob.size, kept_at=self._clock.now())

        def change(tx: Tx) -> Artifact:
            known = store.artifact(tx, project, holder, path)
            if known is not None and known.digest == kept.digest:
                return known
            check(tx)
            if known is not None:
                check_not_held(tx, holder)
            store.put_artifact(tx, project, holder, kept)
            return kept

        return self._rows.write(change)

    def artifact(self, run: str, path: str, start: int = 0, size: int | None = None) -> bytes:
        """The content of a file of a run, or `size` bytes of it from `start` on."""
        return self._opened(self.artifacts(run), path, start, size)

    def _opened(self, files: list[Artifact], path: str, start: int, size: int | None) -> bytes:
        known = {found.path: found for found in files}
        if path not in known:
            raise NotFound.named("artifact", path, known)
        if start < 0 or (size is not None and size < 0):
            raise Invalid("a part begins at 0 or later and has a size", field="start")
        return self._blobs.open(known[path].digest, start, size)

    def artifacts(self, run: str) -> list[Artifact]:
        """The files of a run, by path."""
        project = caller().project

        def query(tx: Tx) -> list[Artifact]:
            find_run(tx, run)
            return store.artifacts(tx, project, run)

        return self._rows.read(query)

    def drop_artifact(self, run: str, path: str) -> None:
        """Delete a file of a running run.

        Raises:
            NotFound: the run has no such file.
            Conflict: the run has ended, or is held.
        """
        self._drop(run, path, lambda tx: require_active(tx, run))

    def _drop(self, holder: str, path: str, check: Callable[[Tx], object]) -> None:
        project = caller().project

        def change(tx: Tx) -> None:
            check(tx)
            check_not_held(tx, holder)
            if store.artifact(tx, project, holder, path) is None:
                raise NotFound.named("artifact", path, [found.path for found in store.artifacts(tx, project, holder)])
            store.drop_artifact(tx, project, holder, path)

        self._rows.write(change)
