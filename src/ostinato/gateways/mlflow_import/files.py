"""Files: those of runs and logged models there, streamed into the blobs here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from ostinato.gateways.mlflow_import.source import A2, Failed, Source, escaped
from ostinato.gateways.mlflow_import.taken import Taken
from ostinato.kernel.errors import Invalid, NotFound, Unavailable
from ostinato.registry.types import FolderFile
from ostinato.storage.blobs.blobs import Blob, Blobs
from ostinato.tracking.types import Artifact

_PROXIED = "mlflow-artifacts:/"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Holder:
    """What holds files there: a run or a logged model, and where it says that they are."""

    kind: Literal["run", "logged model"]
    id: str
    uri: str


class Files:
    """Takes files over."""

    def __init__(self, source: Source, blobs: Blobs, taken: Taken) -> None:
        self._source = source
        self._blobs = blobs
        self._taken = taken

    def take(self, of: Holder, kept: Sequence[Artifact], keep: Callable[[str, Blob], object]) -> None:
        """Take all files of a run or a logged model that are not `kept` already in the same size. What cannot be read is left."""
        here = {found.path: found.size for found in kept}
        for path, size in self._listed(of, ""):
            if here.get(path) != size:
                self._take(of, path, lambda blob, path=path: keep(path, blob))  # type: ignore[misc]

    def folder(self, of: Holder, below: str) -> list[FolderFile]:
        """The files below a path, by their paths there, taken into the store of blobs."""
        found: list[FolderFile] = []

        for path, _ in self._listed(of, below):
            inner = path.removeprefix(f"{below}/") if below else path
            self._take(of, path, lambda b, inner=inner: found.append(FolderFile(path=inner, digest=b.digest, size=b.size)))  # type: ignore[misc]
        return found

    def _take(self, of: Holder, path: str, keep: Callable[[Blob], object]) -> None:
        try:
            blob = self._put(of, path)
            keep(blob)
        except (NotFound, Invalid) as error:
            self._taken.leave(f"file {path!r} of {of.kind} {of.id}: {error.message}")
        else:
            self._taken.add(files=1, bytes=blob.size)

    def _put(self, of: Holder, path: str) -> Blob:
        for _ in range(_TRIES - 1):
            with suppress(Unavailable):  # it broke off: from the beginning
                return self._blobs.put(self._content(of, path))
        return self._blobs.put(self._content(of, path))

    def _listed(self, of: Holder, below: str) -> Iterator[tuple[str, int]]:
        """Paths and sizes of all files, folders walked."""
        folders = [below]
        while folders:
            folder = folders.pop()
            try:
                for page in self._pages(of, folder):
                    for found in page:
                        if found.get("is_dir"):
                            folders.append(found["path"])
                        else:
                            yield found["path"], int(found.get("file_size", -1))
            except (NotFound, Failed) as error:
                self._taken.leave(f"files of {of.kind} {of.id}: {error.message}")

    def _pages(self, of: Holder, folder: str) -> Iterator[list[dict[str, Any]]]:
        if of.kind == "run":
            return self._source.pages("GET", f"{A2}/artifacts/list", "files", run_id=of.id, path=folder)
        where = f"{A2}/logged-models/{of.id}/artifacts/directories"
        return self._source.pages("GET", where, "files", artifact_directory_path=folder)

    def _content(self, of: Holder, path: str) -> Iterator[bytes]:
        """The bytes of a file: straight from where the server keeps them, if it hands those out, or else through its own copy."""
        if of.uri.startswith(_PROXIED):
            base = of.uri.removeprefix(_PROXIED).lstrip("/")
            return self._source.stream(f"/api/2.0/mlflow-artifacts/artifacts/{escaped(f'{base}/{path}')}")
        if of.kind == "run":
            return self._source.stream("/get-artifact", run_id=of.id, path=path)
        return self._source.stream(f"/ajax-api/2.0/mlflow/logged-models/{of.id}/artifacts/files", artifact_file_path=path)
