"""Logged: the models that runs log, before any is registered; here they are candidates."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import places, wire
from ostinato.gateways.mlflow.experiments import Experiments
from ostinato.gateways.mlflow.wire import A2, Ask, Pair, filled
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.tracking.types import Candidate, CandidateState

_STATES: dict[str, CandidateState] = {
    "LOGGED_MODEL_PENDING": "pending", "LOGGED_MODEL_READY": "ready", "LOGGED_MODEL_UPLOAD_FAILED": "failed",
    "1": "pending", "2": "ready", "3": "failed",
}  # fmt: skip
_ODD = ("/", ":", ".", "%", '"', "'")
_ELSEWHERE = "mlflow.sourceRunId"
"""The tag that keeps which run made a logged model where that run is not here, as MLflow allows it."""
SHOWN = {state: status for status, state in reversed(_STATES.items())}


class CreateLogged(Ask, kw_only=True):
    """A new logged model."""

    experiment_id: str
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class LoggedAsk(Ask, kw_only=True):
    """A logged model."""

    model_id: str


class FinalizeLogged(LoggedAsk, kw_only=True):
    """Whether it is ready."""

    status: str | int


class LogParams(LoggedAsk, kw_only=True):
    """Parameters of it."""

    params: tuple[Pair, ...] = ()


class TagLogged(LoggedAsk, kw_only=True):
    """Tags to set."""

    tags: tuple[Pair, ...] = ()


class LoggedKey(LoggedAsk, kw_only=True):
    """A tag to delete."""

    tag_key: str


class Logged:
    """The routes of logged models."""

    def __init__(self, app: Ostinato) -> None:
        self._runs = app.runs
        self._experiments = Experiments(app)

    def create(self, ask: CreateLogged) -> dict[str, Any]:
        """Keep a model that a run logs, or that belongs to an experiment alone."""
        if any(sign in ask.name for sign in _ODD):
            said = f"Invalid model name ({ask.name[:200]}) provided. Model name must be a non-empty string and cannot contain the following"
            raise Invalid(f"{said} characters: {_ODD}", field="name")
        experiment, run, tags = self._experiments.real(ask.experiment_id), ask.source_run_id or None, {t.key: t.value for t in ask.tags}
        if run is not None and not self._runs_here(run):
            run, tags[_ELSEWHERE] = None, ask.source_run_id
        made = self._runs.add_candidate(
            ask.name or f"model-{uuid4().hex[:8]}", run=run, experiment=None if run else experiment, id=f"m-{uuid4().hex}",
            type=ask.model_type, params=_distinct(ask.params), tags=tags,
        )  # fmt: skip
        return {"model": shown(made)}

    def _runs_here(self, run: str) -> bool:
        try:
            self._runs.get(run)
        except (NotFound, Invalid):
            return False
        return True

    def get(self, ask: LoggedAsk) -> dict[str, Any]:
        """A logged model with what was measured of it."""
        return {"model": shown(self._found(ask.model_id))}

    def finalize(self, ask: FinalizeLogged) -> dict[str, Any]:
        """Say that it is ready, or failed."""
        if str(ask.status) not in _STATES:
            raise Invalid(
                f"Invalid value {ask.status!r} for parameter 'status' supplied", hint=", ".join(list(_STATES)[:3]), field="status"
            )
        self._found(ask.model_id)
        self._runs.change_candidate(ask.model_id, state=_STATES[str(ask.status)])
        return self.get(ask)

    def delete(self, ask: LoggedAsk) -> dict[str, Any]:
        """Delete it, until it is restored; once more is no error."""
        self._found(ask.model_id, deleted=True)
        self._runs.delete_candidate(ask.model_id)
        return {}

    def params(self, ask: LogParams) -> dict[str, Any]:
        """Add parameters, which never change."""
        self._found(ask.model_id)
        self._runs.change_candidate(ask.model_id, params=_distinct(ask.params))
        return {}

    def tag(self, ask: TagLogged) -> dict[str, Any]:
        """Set tags."""
        self._found(ask.model_id)
        self._runs.change_candidate(ask.model_id, tags={tag.key: tag.value for tag in ask.tags})
        return self.get(ask)

    def untag(self, ask: LoggedKey) -> dict[str, Any]:
        """Delete a tag."""
        if ask.tag_key not in self._found(ask.model_id).tags:
            raise NotFound(f"No tag with key {ask.tag_key!r} found for logged model with ID {ask.model_id!r}.")
        self._runs.change_candidate(ask.model_id, tags={ask.tag_key: None})
        return {}

    def _found(self, model_id: str, deleted: bool = False) -> Candidate:
        try:
            found = self._runs.candidate(model_id)
        except NotFound:
            raise _missing(model_id) from None
        if found.deleted_at is not None and not deleted:
            raise _missing(model_id)
        return found

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/logged-models", create, "run:write"),
        Op("GET", f"{A2}/logged-models/{{model_id}}", get, "run:read"),
        Op("PATCH", f"{A2}/logged-models/{{model_id}}", finalize, "run:write"),
        Op("DELETE", f"{A2}/logged-models/{{model_id}}", delete, "run:write"),
        Op("POST", f"{A2}/logged-models/{{model_id}}/params", params, "run:write"),
        Op("PATCH", f"{A2}/logged-models/{{model_id}}/tags", tag, "run:write"),
        Op("DELETE", f"{A2}/logged-models/{{model_id}}/tags/{{tag_key:path}}", untag, "run:write"),
    ]


def shown(found: Candidate) -> dict[str, Any]:
    """A logged model as a message of MLflow."""
    info = filled(
        model_id=found.id,
        experiment_id=found.experiment_id,
        name=found.name,
        creation_timestamp_ms=wire.millis(found.created_at),
        last_updated_timestamp_ms=wire.millis(found.changed_at),
        artifact_uri=places.of_candidate(found.experiment_id, found.id),
        status=SHOWN[found.state],
        status_message=found.message,
        model_type=found.type,
        source_run_id=found.run or found.tags.get(_ELSEWHERE),
        tags=wire.pairs({key: value for key, value in found.tags.items() if key != _ELSEWHERE}),
    )
    metrics = [
        filled(
            key=point.key, value=wire.number(point.value), timestamp=wire.millis(point.at), step=point.step, model_id=found.id,
            dataset_name=point.dataset_name, dataset_digest=point.dataset_digest, run_id=point.run,
        )
        for point in found.measures
    ]  # fmt: skip
    return {"info": info, "data": filled(params=wire.pairs(found.params), metrics=metrics)}


def _distinct(params: tuple[Pair, ...]) -> dict[str, Any]:
    if len(given := {p.key: p.value for p in params}) != len(params):
        raise Invalid(f"Duplicate parameter keys have been submitted: {sorted(given)}", field="params")
    return given


def _missing(model_id: str) -> NotFound:
    return NotFound(f"Logged model with ID '{model_id[:300]}' not found.")
