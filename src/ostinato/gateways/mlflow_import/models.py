"""Models: registered models there, taken over with their versions under the same numbers."""

from __future__ import annotations

import re
from typing import Any

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.mlmodel import signature_in
from ostinato.gateways.mlflow.models import IS_PROMPT, native
from ostinato.gateways.mlflow.shown import IN_USE, stage_of
from ostinato.gateways.mlflow_import.files import Files, Holder
from ostinato.gateways.mlflow_import.runs import pairs
from ostinato.gateways.mlflow_import.source import A2, Failed, Source
from ostinato.gateways.mlflow_import.taken import Taken
from ostinato.kernel.errors import Conflict, GateFailed, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.registry.types import FolderFile

_PLACE = re.compile(r".*?/(?:models/(?P<model>m-[0-9a-f]+)|(?P<run>[A-Za-z0-9][\w-]*))/artifacts/?(?P<path>.*)")
_RUN = re.compile(r"runs:/(?P<run>[^/]+)/?(?P<path>.*)")
_MODEL = re.compile(r"models:/(?P<model>m-[0-9a-f]+)/?(?P<path>)")


class RegisteredModels:
    """Takes registered models over."""

    def __init__(self, source: Source, app: Ostinato, taken: Taken) -> None:
        self._source = source
        self._models = app.models
        self._runs = app.runs
        self._blobs = app.blobs
        self._approvals = app.settings.mlflow_approvals
        self._taken = taken
        self._files = Files(source, app.blobs, taken)
        self._reason = f"as in MLflow at {source.url}"
        self._names = {model.name for model in app.models.all()}

    def take(self, said: dict[str, Any]) -> None:
        """Take a model with its versions, aliases and stages."""
        try:
            name, tags = native(said["name"]), pairs(said.get("tags"))
            if name not in self._names:
                self._models.create_open(name, said.get("description", ""), self._approvals)
                self._names.add(name)
                self._taken.add(models=1)
            self._models.tag(name, dict(tags))
            last = max((int(version["version"]) for version in said.get("latest_versions", [])), default=0)
            prompt = tags.get(IS_PROMPT, "") == "true"
            known = {version.version for version in self._models.versions(name)}
            here = {n for n in range(1, last + 1) if self._version(said["name"], n, known=n in known, prompt=prompt)}
        except (Conflict, Invalid, NotFound) as error:
            self._taken.leave(f"model {said['name']!r}: {error.message}")
            return
        for alias in said.get("aliases", []):
            if int(alias["version"]) in here:
                self._alias(said["name"], alias["alias"], int(alias["version"]))
            else:
                self._taken.leave(f"alias {alias['alias']!r} of model {said['name']!r}: the version that it names was left")

    def _version(self, model: str, number: int, *, known: bool, prompt: bool) -> bool:
        """Take a version; says whether it is here."""
        try:
            said = self._source.get(f"{A2}/model-versions/get", name=model, version=number)["model_version"]
        except NotFound:  # removed: its number is given to no other, here either
            return False
        ref, name = f"{native(model)}@{number}", f"version {number} of model {model!r}"
        origin = {key: said[key] for key in ("source", "run_id", "run_link", "model_id") if said.get(key)}
        try:
            if known:
                same = self._models.labels(ref).origin == origin
                self._taken.add(known=int(same))
                if not same:
                    self._taken.leave(f"{name}: there is another of that number here")
                return same
            files = [] if prompt else self._content(model, said, name)
            described = next((found for found in files if found.path == "MLmodel"), None)
            self._models.register_folder(
                native(model), files, "mlflow", signature_in(self._blobs.open(described.digest, 0, 1 << 20) if described else b""),
                run=self._run(said.get("run_id", "")), note=said.get("description", ""), tags=pairs(said.get("tags")), origin=origin,
                registered_at=wire.instant(int(said["creation_timestamp"]), "creation_timestamp"), number=number,
            )  # fmt: skip
        except (Conflict, GateFailed, Invalid, NotFound) as error:
            self._taken.leave(f"{name}: {error.message}")
            return False
        self._taken.add(versions=1)
        if (stage := stage_of(said.get("current_stage") or "None")) != "None":
            self._stage(ref, stage, name)
        return True

    def _stage(self, ref: str, stage: str, name: str) -> None:
        """Move a version to its stage there, if it may be here."""
        try:
            self._models.stage(ref, stage, only_approved=stage in IN_USE)
        except (Conflict, Invalid, NotFound) as error:
            self._taken.leave(f"{name}: {error.message}")

    def _alias(self, model: str, alias: str, version: int) -> None:
        """Let an alias name what it names there, unless somebody here has let it name something else."""
        try:
            moves = self._models.moves(native(model), alias)
            if moves and moves[-1].reason != self._reason:
                if moves[-1].version != version or moves[-1].how == "withdrawn":
                    self._taken.leave(f"alias {alias!r} of model {model!r}: it was moved here")
            elif not moves or moves[-1].version != version:
                self._models.promote(f"{native(model)}@{version}", alias, self._reason)
                self._taken.add(aliases=1)
        except (Conflict, GateFailed, Invalid, NotFound) as error:
            self._taken.leave(f"alias {alias!r} of model {model!r}: {error.message}")

    def _content(self, model: str, said: dict[str, Any], name: str) -> list[FolderFile]:
        """The files of a version: those that its run or logged model has here, or else has there."""
        asked = {"name": model, "version": said["version"]}
        try:
            uri = self._source.get(f"{A2}/model-versions/get-download-uri", **asked).get("artifact_uri", "")
        except (NotFound, Failed, Invalid):
            uri = ""
        found = next((f for f in (_RUN.fullmatch(uri), _MODEL.fullmatch(uri), _PLACE.fullmatch(uri)) if f), None)
        if found is None:
            self._taken.leave(f"files of {name}: they lie at {uri or said.get('source', 'no address')}, where only its clients read")
            return []
        place = found.groupdict()
        path = place["path"].rstrip("/")
        base = f"{path}/" if path else ""
        if here := [f for f in self._here(place) if f.path.startswith(base)]:
            return [FolderFile(path=f.path.removeprefix(base), digest=f.digest, size=f.size) for f in here]
        return self._files.folder(self._there(place), path)

    def _here(self, place: dict[str, Any]) -> list[Any]:
        try:
            if place.get("model"):
                return list(self._runs.candidate_artifacts(place["model"]))
            return list(self._runs.artifacts(place["run"]))
        except (NotFound, Invalid):
            return []

    def _there(self, place: dict[str, Any]) -> Holder:
        if place.get("model"):
            info = self._source.get(f"{A2}/logged-models/{place['model']}")["model"]["info"]
            return Holder("logged model", place["model"], info.get("artifact_uri", ""))
        info = self._source.get(f"{A2}/runs/get", run_id=place["run"])["run"]["info"]
        return Holder("run", place["run"], info.get("artifact_uri", ""))

    def _run(self, run: str) -> Ref | None:
        try:
            return self._runs.get(run).ref if run else None
        except (NotFound, Invalid):
            return None
