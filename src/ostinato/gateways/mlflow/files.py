"""Files: those of runs, logged models and registered versions: listed, streamed in and out, and dropped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Protocol

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import places, wire
from ostinato.gateways.mlflow.models import native, numbered
from ostinato.gateways.mlflow.places import Place
from ostinato.gateways.mlflow.runs import RunAsk, about
from ostinato.gateways.mlflow.traces_shown import span_in_file
from ostinato.gateways.mlflow.traces_v2 import SPANS, TraceFiles
from ostinato.gateways.mlflow.wire import A2, A3, Ask, Download
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.registry.types import FolderFile
from ostinato.storage.blobs.blobs import Blob
from ostinato.tracking.lookup import require_active

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
_SMALL_MAX = 10 << 20
_WHOLE = "artifact"
"""How the one file of a version is called that is no folder."""


class Kept(Protocol):
    """A file that is kept."""

    @property
    def path(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def size(self) -> int: ...


class ListAsk(RunAsk, kw_only=True):
    """A folder of a run."""

    path: str = ""
    page_token: str = ""


class PathAsk(Ask, kw_only=True):
    """A place below the root of all files."""

    path: str = ""

    @property
    def needs(self) -> str:
        """Files of registered versions are shown to those who may see models, those of traces to those who may see traces."""
        return {"version": "model:read", "trace": "trace:read"}.get(places.place(self.path).kind, "") if places.safe(self.path) else ""


class SentAsk(PathAsk, kw_only=True):
    """Where a file is to lie."""

    @property
    def needs(self) -> str:
        """Files of traces come from those who may write traces."""
        return "trace:write" if places.place(self.path).kind == "trace" else ""


class RunFile(RunAsk, kw_only=True):
    """A file of a run."""

    path: str


class UploadAsk(RunAsk, kw_only=True):
    """Where a file of a run is to lie."""

    path: str = ""


class VersionFile(Ask, kw_only=True):
    """A file of a registered version."""

    name: str
    version: str
    path: str


class CandidateFile(Ask, kw_only=True):
    """A file of a logged model."""

    model_id: str
    artifact_file_path: str


class TraceFile(Ask, kw_only=True):
    """The spans of a trace, or the path of something that is attached to it."""

    request_id: str = ""
    path: str = ""


class CandidateFolder(Ask, kw_only=True):
    """A folder of a logged model."""

    model_id: str
    artifact_directory_path: str = ""


class Files:
    """The routes of files."""

    def __init__(self, app: Ostinato) -> None:
        self._runs = app.runs
        self._models = app.models
        self._blobs = app.blobs
        self._rows = app.rows
        self._of_traces = TraceFiles(app)
        self._traces = app.traces

    def of_run(self, ask: ListAsk) -> dict[str, Any]:
        """What lies in a folder of a run."""
        place = Place("run", ask.run, places.safe(ask.path))
        with about(self._runs, ask.run):
            run = self._runs.get(ask.run)
        listed = _folder(self._kept(place), place.path)
        return {"root_uri": places.of_run(run.experiment_id, run.id)} | wire.filled(files=listed)

    def of_candidate(self, ask: CandidateFolder) -> dict[str, Any]:
        """What lies in a folder of a logged model."""
        found = self._runs.candidate(ask.model_id)
        place = Place("candidate", ask.model_id, places.safe(ask.artifact_directory_path))
        return {"root_uri": places.of_candidate(found.experiment_id, found.id)} | wire.filled(files=_folder(self._kept(place), place.path))

    def listed(self, ask: PathAsk) -> dict[str, Any]:
        """What lies in a folder, by names alone."""
        if not places.safe(ask.path):
            return {"files": []}
        place = places.place(ask.path)
        base = f"{place.path}/" if place.path else ""
        return {"files": [found | {"path": found["path"].removeprefix(base)} for found in _folder(self._kept(place), place.path)]}

    def sent(self, ask: SentAsk, pieces: Iterable[bytes]) -> None:
        """Keep a file of a run or of a logged model, while it arrives."""
        self._keep(places.place(ask.path), pieces)

    def uploaded(self, ask: UploadAsk, pieces: Iterable[bytes]) -> None:
        """Keep a small file of a run, as pages send it."""
        for name, said in (("run_uuid", ask.run_id or ask.run_uuid), ("path", ask.path)):
            if not said:
                raise Invalid(f"Request must specify {name}.", field=name)
        self._keep(Place("run", ask.run, places.safe(ask.path)), _small(pieces))

    def _keep(self, place: Place, pieces: Iterable[bytes]) -> None:
        self.check(place)
        self.keep(place, self._blobs.put(pieces))

    def check(self, place: Place) -> None:
        """Refuse before a byte is stored what could not be kept."""
        if place.kind == "version" or not place.path:
            raise Invalid("Invalid path", hint="files are sent to runs and logged models", field="path")
        with self._about(place):
            self._check_open(place)

    def keep(self, place: Place, blob: Blob) -> None:
        """Keep as a file what is in the store of blobs already."""
        with self._about(place):
            if place.kind == "trace":
                self._of_traces.keep(place.of, place.path, blob)
            elif place.kind == "run":
                self._runs.keep_artifact(place.of, place.path, blob)
            else:
                self._runs.keep_candidate_artifact(place.of, place.path, blob)

    def _check_open(self, place: Place) -> None:
        if place.kind == "run":
            self._rows.read(lambda tx: require_active(tx, place.of))
        elif place.kind == "trace":
            self._traces.get(place.of)
        elif (found := self._runs.candidate(place.of)).deleted_at is not None or found.state == "ready":
            raise Conflict(f"logged model {place.of} takes no more files", hint="log another model")

    def got(self, ask: PathAsk) -> Download:
        """The content of a file."""
        return self._content(places.place(ask.path))

    def dropped(self, ask: PathAsk) -> dict[str, Any]:
        """Forget a file of a run, or all files of a folder of it."""
        place = places.place(ask.path)
        if place.kind != "run":
            raise Invalid("Invalid path", hint="files of logged models and versions go with those", field="path")
        with self._about(place):
            for found in self._below(place):
                self._runs.drop_artifact(place.of, found.path)
        return {}

    def run_file(self, ask: RunFile) -> Download:
        """The content of a file of a run."""
        return self._content(Place("run", ask.run, places.safe(ask.path)))

    def version_file(self, ask: VersionFile) -> Download:
        """The content of a file of a registered version."""
        path = places.safe(ask.path)
        return self._content(Place("version", f"{native(ask.name)}@{numbered(ask.version)}", path))

    def candidate_file(self, ask: CandidateFile) -> Download:
        """The content of a file of a logged model."""
        return self._content(Place("candidate", ask.model_id, places.safe(ask.artifact_file_path)))

    def trace_file(self, ask: TraceFile) -> Download:
        """The spans of a trace as a file, or what is attached to it."""
        if not ask.request_id:
            raise Invalid('Request must include the "request_id" query parameter.', field="request_id")
        if ask.path:
            return self._content(Place("trace", ask.request_id, f"attachments/{places.safe(ask.path)}"))
        self._traces.get(ask.request_id)
        content = json.dumps({"spans": [span_in_file(span) for span in self._traces.spans(ask.request_id)]}, ensure_ascii=False).encode()
        return Download(SPANS, len(content), iter([content]))

    def _content(self, place: Place) -> Download:
        found = next((kept for kept in self._kept(place) if kept.path == place.path), None)
        if found is None:
            raise NotFound(f"No such artifact: '{place.path}'")
        return Download(place.path.rpartition("/")[2], found.size, self._blobs.stream(found.digest))

    def _below(self, place: Place) -> list[Kept]:
        return [kept for kept in self._kept(place) if not place.path or f"{kept.path}/".startswith(f"{place.path}/")]

    def _kept(self, place: Place) -> Sequence[Kept]:
        """All files of what a place is of."""
        with self._about(place):
            if place.kind == "run":
                return self._runs.artifacts(place.of)
            if place.kind == "candidate":
                return self._runs.candidate_artifacts(place.of)
            if place.kind == "trace":
                return self._traces.files(place.of)
            version = self._models.get(place.of)
            whole = [FolderFile(path=_WHOLE, digest=version.artifact, size=version.size)]
            return self._models.files(place.of) if version.flavor == "mlflow" else whole

    def _about(self, place: Place) -> AbstractContextManager[None]:
        return about(self._runs, place.of) if place.kind == "run" else nullcontext()

    OPS: ClassVar[list[Op]] = [
        Op("GET", f"{A2}/artifacts/list", of_run, "run:read"),
        Op("GET", f"{A2}/logged-models/{{model_id}}/artifacts/directories", of_candidate, "run:read"),
        Op("GET", PROXY, listed, "run:read"),
        Op("GET", f"{PROXY}/{{path:path}}", got, "run:read"),
        Op("PUT", f"{PROXY}/{{path:path}}", sent, "run:write"),
        Op("DELETE", f"{PROXY}/{{path:path}}", dropped, "run:write"),
        Op("POST", f"{A2}/upload-artifact", uploaded, "run:write"),
        Op("GET", f"{A2}/logged-models/{{model_id}}/artifacts/files", candidate_file, "run:read"),
        Op("GET", f"{A2}/get-trace-artifact", trace_file, "trace:read"),
        Op("GET", f"{A3}/get-trace-artifact", trace_file, "trace:read"),
        Op("GET", "/get-artifact", run_file, "run:read"),
        Op("GET", "/model-versions/get-artifact", version_file, "model:read"),
    ]


def _folder(kept: Sequence[Kept], path: str) -> list[dict[str, Any]]:
    """What lies right in a folder: its files with their sizes, and the folders in it. A file lies in no folder of its own name."""
    base = f"{path}/" if path else ""
    found: dict[str, dict[str, Any]] = {}
    for one in kept:
        if one.path.startswith(base):
            name, _, below = one.path.removeprefix(base).partition("/")
            at = f"{base}{name}"
            found[at] = {"path": at, "is_dir": True} if below else {"path": at, "is_dir": False, "file_size": one.size}
    return [found[at] for at in sorted(found)]


def _small(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces, if they are some, and not too many."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _SMALL_MAX:
            raise Invalid("Artifact size is too large. Max size is 10MB.", hint="larger files go to mlflow-artifacts", field="data")
        yield piece
    if not size:
        raise Invalid("Request must specify data.", field="data")
