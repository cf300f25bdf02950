"""Versions: registered versions of models, where they come from, their tags and stages."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import places, wire
from ostinato.gateways.mlflow.filter import Clause, Grammar, few, holds, ordered
from ostinato.gateways.mlflow.mlmodel import signature_in
from ostinato.gateways.mlflow.models import IS_PROMPT, Named, Search, foreign, native, numbered, tag_of
from ostinato.gateways.mlflow.shown import IN_USE, shown_version, stage_of
from ostinato.gateways.mlflow.wire import A2, Pair
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.kernel.ref import Ref
from ostinato.registry.types import FolderFile, Model, Signature

_GRAMMAR = Grammar(
    {"name": "text", "run_id": "text", "source_path": "text", "version_number": "number"},
    {"tag": "tag", "tags": "tag", "attribute": "attribute", "attributes": "attribute", "attr": "attribute"},
    lists=frozenset({"run_id", "name"}),
    sortable=frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"}),
)
VERSIONS = "mlflow.modelVersions"
"""The tag of a logged model that says which versions were made of it."""
_PROMPTS = frozenset({"prompt-template", "dummy-source"})
_ATTRIBUTES = {"name": "name", "run_id": "run_id", "source_path": "source"}


class CreateVersion(Named, kw_only=True):
    """A new version, and where its files are."""

    source: str
    run_id: str = ""
    run_link: str = ""
    description: str = ""
    model_id: str = ""
    tags: tuple[Pair, ...] = ()

    @property
    def needs(self) -> str:
        """Who registers the files of a run must be allowed to see them."""
        return "run:read"


class VersionAsk(Named, kw_only=True):
    """A version."""

    version: str


class UpdateVersion(VersionAsk, kw_only=True):
    """Another description."""

    description: str = ""


class TagVersion(VersionAsk, kw_only=True):
    """A tag to set."""

    key: str
    value: str = ""


class VersionKey(VersionAsk, kw_only=True):
    """A tag to delete."""

    key: str


class Transition(VersionAsk, kw_only=True):
    """Another stage."""

    stage: str
    archive_existing_versions: bool = False


class Versions:
    """The routes of registered versions."""

    def __init__(self, app: Ostinato) -> None:
        self._models = app.models
        self._runs = app.runs
        self._blobs = app.blobs

    def create(self, ask: CreateVersion) -> dict[str, Any]:
        """Make the next version from files of a run or of a logged model, which it keeps whatever becomes of those."""
        model, tags = self._model(ask.name), {tag.key: tag.value for tag in ask.tags}
        origin = {"source": ask.source, "run_id": ask.run_id, "run_link": ask.run_link, "model_id": ask.model_id}
        place = None
        if tags.get(IS_PROMPT, "").lower() != "true":
            place = places.source(ask.source, ask.run_id, ask.model_id)
        elif ask.source not in _PROMPTS:
            raise Invalid(f"Invalid prompt source: '{ask.source}'. Prompt sources must use an MLflow placeholder.", field="source")
        if place and ask.source.startswith("runs:") and self._run(place.of) is None:
            place = None  # MLflow lets a version name a run that another server keeps
        files = self._files(place) if place else []
        if place and place.kind == "version":
            before = self._models.labels(place.of).origin
            origin |= {key: origin[key] or before.get(key, "") for key in ("run_id", "model_id")}
            origin["location"] = "" if files else before.get("location") or before.get("source", "")
        elif place and place.kind == "candidate":
            origin["run_id"] = origin["run_id"] or self._runs.candidate(place.of).run or ""
        made = self._models.register_folder(
            model.name, files, "mlflow", self._signature(files), run=self._run(origin["run_id"]), note=ask.description, tags=tags,
            origin={key: value for key, value in origin.items() if value},
        )  # fmt: skip
        if place and place.kind == "candidate":
            self._tell(place.of, ask.name, made.version)
        return {"model_version": shown_version(self._models, model, made)}

    def _tell(self, candidate: str, name: str, version: int) -> None:
        """Write on a logged model which versions were made of it."""
        known = self._runs.candidate(candidate)
        with suppress(ValueError, Conflict):  # somebody wrote something else there, or it was deleted
            made = [*json.loads(known.tags.get(VERSIONS, "[]")), {"name": name, "version": version}]
            self._runs.change_candidate(candidate, tags={VERSIONS: json.dumps(made)})

    def get(self, ask: VersionAsk) -> dict[str, Any]:
        """A version."""
        return self._shown(ask)

    def update(self, ask: UpdateVersion) -> dict[str, Any]:
        """Describe a version anew."""
        self._models.describe(self._ref(ask), ask.description)
        return self._shown(ask)

    def delete(self, ask: VersionAsk) -> dict[str, Any]:
        """Take a version away; one that an alias names, or whose model has rules, is refused."""
        self._models.remove(self._ref(ask))
        return {}

    def search(self, ask: Search) -> dict[str, Any]:
        """Versions by model, run, source, number and tags; those of prompts only if the filter asks for them."""
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results, 10_000, 200_000)
        clauses, orders = _GRAMMAR.clauses(ask.filter), [_GRAMMAR.order(text) for text in few(ask.order_by)]
        labels = {(said.model, said.version): said for said in self._models.all_labels()}
        named = [clause.value for clause in clauses if clause.key == "name" and clause.op == "="]
        prompts = any(clause.key == IS_PROMPT for clause in clauses)
        found = [
            shown_version(self._models, model, version, labels.get((model.name, version.version)))
            for model in self._models.all()
            if all(foreign(model.name) == name for name in named)
            for version in self._models.versions(model.name)
        ]
        found = [one for one in found if all(_holds(clause, one) for clause in clauses)]
        found = [one for one in found if prompts or _tags(one).get(IS_PROMPT) != "true"]
        by = [(lambda one, key=key: _key(key, one), down) for _, key, down in orders]
        usual = [*([] if by else [("last_updated_timestamp", True)]), ("name", False), ("version_number", True)]
        found = ordered(found, [*by, *((lambda one, key=key: _key(key, one), down) for key, down in usual)])
        return wire.page("model_versions", found[start : start + most + 1], start, most)

    def download_uri(self, ask: VersionAsk) -> dict[str, Any]:
        """Where the files of a version are."""
        model, ref = self._model(ask.name), self._ref(ask)
        if self._models.get(ref).flavor == "mlflow" and not self._models.files(ref):
            origin = self._models.labels(ref).origin
            return {"artifact_uri": origin.get("location") or origin.get("source", "")}
        return {"artifact_uri": places.of_version(model.name, numbered(ask.version))}

    def tag(self, ask: TagVersion) -> dict[str, Any]:
        """Set a tag."""
        self._models.tag(self._ref(ask), {ask.key: ask.value})
        return {}

    def untag(self, ask: VersionKey) -> dict[str, Any]:
        """Delete a tag."""
        self._models.tag(self._ref(ask), {ask.key: None})
        return {}

    def transition(self, ask: Transition) -> dict[str, Any]:
        """Move a version to a stage; where its model has rules, to Staging and Production only one that meets them."""
        model, ref, stage = self._model(ask.name), self._ref(ask), stage_of(ask.stage)
        if ask.archive_existing_versions and stage not in IN_USE:
            raise Invalid(
                f"Stage transition cannot archive existing model versions because '{stage}' is not an Active stage.", field="stage"
            )
        self._models.stage(ref, "" if stage == "None" else stage, only_approved=stage in IN_USE)
        if ask.archive_existing_versions:
            for other in self._models.versions(model.name):
                if other.ref.version != ref.rpartition("@")[2] and self._models.labels(str(other.ref)).stage == stage:
                    self._models.stage(str(other.ref), "Archived", only_approved=False)
        return self._shown(ask)

    def _files(self, place: places.Place) -> list[FolderFile]:
        """The files at a place, by their paths below it."""
        try:
            if place.kind == "version":
                return self._models.files(place.of)
            found = self._runs.artifacts(place.of) if place.kind == "run" else self._runs.candidate_artifacts(place.of)
        except NotFound as error:
            raise Invalid(f"Invalid model version source: {error.message}", field="source") from None
        base = f"{place.path}/" if place.path else ""
        return [FolderFile(path=f.path.removeprefix(base), digest=f.digest, size=f.size) for f in found if f.path.startswith(base)]

    def _signature(self, files: list[FolderFile]) -> Signature:
        described = next((f for f in files if f.path == "MLmodel"), None)
        return signature_in(self._blobs.open(described.digest, 0, 1 << 20) if described else b"")

    def _run(self, run_id: str) -> Ref | None:
        try:
            return self._runs.get(run_id).ref if run_id else None
        except (NotFound, Invalid):
            return None

    def _shown(self, ask: VersionAsk) -> dict[str, Any]:
        model = self._model(ask.name)
        return {"model_version": shown_version(self._models, model, self._models.get(self._ref(ask)))}

    def _model(self, name: str) -> Model:
        try:
            return self._models.model(native(name))
        except NotFound:
            raise NotFound(f"Registered Model with name={name} not found") from None

    def _ref(self, ask: VersionAsk) -> str:
        ref = f"{native(ask.name)}@{numbered(ask.version)}"
        try:
            self._models.get(ref)
        except NotFound:
            raise NotFound(f"Model Version (name={ask.name}, version={ask.version}) not found") from None
        return ref

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/model-versions/create", create, "model:write"),
        Op("GET", f"{A2}/model-versions/get", get, "model:read"),
        Op("PATCH", f"{A2}/model-versions/update", update, "model:write"),
        Op("DELETE", f"{A2}/model-versions/delete", delete, "model:write"),
        Op("GET", f"{A2}/model-versions/search", search, "model:read"),
        Op("POST", f"{A2}/model-versions/search", search, "model:read"),
        Op("GET", f"{A2}/model-versions/get-download-uri", download_uri, "model:read"),
        Op("POST", f"{A2}/model-versions/set-tag", tag, "model:write"),
        Op("DELETE", f"{A2}/model-versions/delete-tag", untag, "model:write"),
        Op("POST", f"{A2}/model-versions/transition-stage", transition, "model:promote"),
    ]


def _tags(shown: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in shown.get("tags", [])}


def _holds(clause: Clause, shown: dict[str, Any]) -> bool:
    if clause.kind == "tag":
        return holds(clause, tag_of(clause.key, _tags(shown)))
    return holds(clause, float(shown["version"]) if clause.key == "version_number" else shown.get(_ATTRIBUTES[clause.key]))


def _key(key: str, shown: dict[str, Any]) -> Any:
    return int(shown["version"]) if key == "version_number" else shown.get(key)
