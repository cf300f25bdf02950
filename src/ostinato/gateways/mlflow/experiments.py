"""Experiments: what runs are tries of, by their ids and names, with tags and a life after deletion."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import places, wire
from ostinato.gateways.mlflow.errors import AlreadyExists
from ostinato.gateways.mlflow.filter import Clause, Grammar, few, holds, ordered
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, Pair, filled
from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.tracking.types import Experiment, View
from ostinato.tracking.verbs.experiments import known_experiment

DEFAULT = "0"
"""The id of the experiment `Default`, in which MLflow's clients start runs for which they name none."""
NOTE = "mlflow.note.content"
"""The tag in which MLflow keeps the description of experiments and runs; here it is their note."""
_GRAMMAR = Grammar(
    {"name": "text", "experiment_id": "text", "creation_time": "number", "last_update_time": "number"},
    {"tag": "tag", "tags": "tag", "attribute": "attribute", "attributes": "attribute", "attr": "attribute"},
    lists=frozenset({"experiment_id"}),
)
_VIEWS: dict[str, View] = {"ACTIVE_ONLY": "active", "DELETED_ONLY": "deleted", "ALL": "all", "1": "active", "2": "deleted", "3": "all"}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_TAG_MAX = 20_000


class CreateExperiment(Ask, kw_only=True):
    """A new experiment."""

    name: str
    artifact_location: str = ""
    tags: tuple[Pair, ...] = ()


class ExperimentAsk(Ask, kw_only=True):
    """An experiment."""

    experiment_id: str


class ByName(Ask, kw_only=True):
    """An experiment by its name."""

    experiment_name: str


class RenameExperiment(ExperimentAsk, kw_only=True):
    """Another name."""

    new_name: str


class TagExperiment(ExperimentAsk, kw_only=True):
    """A tag to set."""

    key: str
    value: str = ""


class ExperimentKey(ExperimentAsk, kw_only=True):
    """A tag to delete."""

    key: str


class SearchExperiments(Ask, kw_only=True):
    """A page of what meets a filter, in an order."""

    max_results: Int64 | None = None
    page_token: str = ""
    filter: str = ""
    order_by: tuple[str, ...] = ()
    view_type: str | int = "ACTIVE_ONLY"


class Experiments:
    """The routes of experiments."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app
        self._runs = app.runs

    def create(self, ask: CreateExperiment) -> dict[str, Any]:
        """Make an experiment. Its files are kept by this server, wherever that keeps them."""
        if ask.artifact_location:
            hint = "leave it out: this server keeps the files of runs itself, and hands them out by mlflow-artifacts:/"
            raise Invalid(f"Invalid value {ask.artifact_location[:200]!r} for parameter 'artifact_location' supplied", hint=hint)
        known = self._app.rows.read(partial(known_experiment, said=ask.name))
        if known is not None and known[1] == ask.name:
            state = "" if known[2] is None else " in deleted state. You can restore the experiment, or permanently delete it"
            raise AlreadyExists(f"Experiment(name={ask.name}) already exists{state}.")
        for tag in ask.tags:
            _check_tag(tag.key, tag.value)
        tags = {tag.key: tag.value for tag in ask.tags}
        made = self._runs.create_experiment(ask.name, tags={k: v for k, v in tags.items() if k != NOTE}, note=tags.get(NOTE, ""))
        return {"experiment_id": made.id}

    def get(self, ask: ExperimentAsk) -> dict[str, Any]:
        """An experiment, deleted or not."""
        return {"experiment": shown(self._found(ask.experiment_id))}

    def by_name(self, ask: ByName) -> dict[str, Any]:
        """The experiment of a name, deleted or not."""
        for found in self._all("all"):
            if found.name == ask.experiment_name:
                return {"experiment": shown(found)}
        raise NotFound(f"Could not find experiment with name '{ask.experiment_name}'")

    def rename(self, ask: RenameExperiment) -> dict[str, Any]:
        """Call an experiment otherwise."""
        known = self._app.rows.read(partial(known_experiment, said=ask.new_name))
        if known is not None and known[0] != ask.experiment_id:
            raise AlreadyExists(f"Experiment(name={ask.new_name}) already exists.")
        self._runs.rename_experiment(self.real(ask.experiment_id), ask.new_name)
        return {}

    def delete(self, ask: ExperimentAsk) -> dict[str, Any]:
        """Delete an experiment with its runs, until it is restored."""
        self._there(ask.experiment_id, "active")
        self._runs.delete_experiment(self.real(ask.experiment_id))
        return {}

    def restore(self, ask: ExperimentAsk) -> dict[str, Any]:
        """Bring a deleted experiment back."""
        self._there(ask.experiment_id, "deleted")
        self._runs.restore_experiment(self.real(ask.experiment_id))
        return {}

    def tag(self, ask: TagExperiment) -> dict[str, Any]:
        """Set a tag."""
        _check_tag(ask.key, ask.value)
        return self._change(ask.experiment_id, ask.key, ask.value)

    def untag(self, ask: ExperimentKey) -> dict[str, Any]:
        """Delete a tag."""
        known = self._found(ask.experiment_id)
        if ask.key not in (known.tags | ({NOTE: known.note} if known.note else {})):
            raise NotFound(f"No tag with name: {ask.key} in experiment with id {ask.experiment_id}")
        return self._change(ask.experiment_id, ask.key, None)

    def search(self, ask: SearchExperiments) -> dict[str, Any]:
        """Experiments by name, times and tags."""
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results, 1_000, 50_000)
        clauses, orders = _GRAMMAR.clauses(ask.filter), [_GRAMMAR.order(text) for text in few(ask.order_by)]
        found = [one for one in self._all(view_of(ask.view_type)) if all(_holds(clause, one) for clause in clauses)]
        by = [(lambda one, key=key: _key(key, one), down) for _, key, down in orders]
        usual = [(lambda one: one.created_at, True), (lambda one: one.id, True)]
        found = ordered(found, [*by, *usual])[start : start + most + 1]
        return wire.page("experiments", [shown(one) for one in found], start, most)

    def real(self, experiment_id: str) -> str:
        """The id of an experiment that is there; `0` is made when it is first written to.

        Raises:
            NotFound: there is none of that id.
        """
        asked = experiment_id or DEFAULT
        known = self._app.rows.read(partial(known_experiment, said=asked))
        if known is not None and known[0] == asked:
            return asked
        if asked == DEFAULT:
            named = self._app.rows.read(partial(known_experiment, said="Default"))
            return named[0] if named else self._runs.create_experiment("Default", id=DEFAULT).id
        raise _missing(asked)

    def living(self, experiment_id: str) -> str:
        """The id of an experiment that is there and was not deleted.

        Raises:
            NotFound: there is none of that id.
        """
        found = self.real(experiment_id)
        if stage(self._found(found).deleted_at) == "deleted":
            raise _missing(found)
        return found

    def _found(self, experiment_id: str) -> Experiment:
        with suppress(NotFound):
            if (known := self._runs.experiment(experiment_id)).id == experiment_id:
                return known
        found = next((one for one in self._all("all") if one.id == experiment_id), None)
        if found is None:
            raise _missing(experiment_id)
        return found

    def _there(self, experiment_id: str, wanted: str) -> None:
        if stage(self._found(experiment_id).deleted_at) != wanted:
            raise NotFound(f"No {wanted} Experiment with id={experiment_id} exists")

    def _change(self, experiment_id: str, key: str, value: str | None) -> dict[str, Any]:
        if stage(self._found(experiment_id).deleted_at) == "deleted":
            raise Invalid(f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted.")
        if key == NOTE:
            self._runs.change_experiment(self.real(experiment_id), note=value or "")
        else:
            self._runs.change_experiment(self.real(experiment_id), tags={key: value})
        return {}

    def _all(self, view: View) -> list[Experiment]:
        """The experiments, and `Default`, of which clients take it that it is there."""
        found = self._runs.experiments("all")
        if not any(one.id == DEFAULT or one.name == "Default" for one in found):
            found.append(
                Experiment(
                    name="Default", runs=0, running=0, last_started_at=_NEVER, id=DEFAULT, note="", tags={}, created_at=_NEVER,
                    created_by="", changed_at=_NEVER, deleted_at=None,
                )
            )  # fmt: skip
        return [one for one in found if view == "all" or stage(one.deleted_at) == view]

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/experiments/create", create, "run:write"),
        Op("GET", f"{A2}/experiments/get", get, "run:read"),
        Op("GET", f"{A2}/experiments/get-by-name", by_name, "run:read"),
        Op("POST", f"{A2}/experiments/update", rename, "run:write"),
        Op("POST", f"{A2}/experiments/delete", delete, "run:write"),
        Op("POST", f"{A2}/experiments/restore", restore, "run:write"),
        Op("POST", f"{A2}/experiments/set-experiment-tag", tag, "run:write"),
        Op("POST", f"{A2}/experiments/delete-experiment-tag", untag, "run:write"),
        Op("GET", f"{A2}/experiments/search", search, "run:read"),
        Op("POST", f"{A2}/experiments/search", search, "run:read"),
    ]


def view_of(text: str | int) -> View:
    """Which things a list is to hold.

    Raises:
        Invalid: there is no such view.
    """
    if str(text) not in _VIEWS:
        raise Invalid(f"Invalid value {text!r} for parameter 'view_type' supplied", hint=", ".join(list(_VIEWS)[:3]), field="view_type")
    return _VIEWS[str(text)]


def stage(deleted_at: datetime | None) -> str:
    """The stage of life of what was deleted then."""
    return "active" if deleted_at is None else "deleted"


def shown(found: Experiment) -> dict[str, Any]:
    """An experiment as a message of MLflow."""
    tags = found.tags | ({NOTE: found.note} if found.note else {})
    return filled(
        experiment_id=found.id,
        name=found.name,
        artifact_location=f"{places.SCHEME}{found.id}",
        lifecycle_stage=stage(found.deleted_at),
        creation_time=wire.millis(found.created_at),
        last_update_time=wire.millis(found.changed_at),
        workspace=caller().project,
        tags=wire.pairs(tags),
    )


def _check_tag(key: str, value: str) -> None:
    wire.check_key(key)
    if len(value) > _TAG_MAX:
        raise Invalid(f"'value' exceeds the maximum length of {_TAG_MAX} characters", field="value")


def _missing(experiment_id: str) -> NotFound:
    return NotFound(f"No Experiment with id={experiment_id} exists")


def _holds(clause: Clause, one: Experiment) -> bool:
    return holds(clause, one.tags.get(clause.key) if clause.kind == "tag" else _key(clause.key, one))


def _key(key: str, one: Experiment) -> Any:
    times = {"creation_time": one.created_at, "last_update_time": one.changed_at}
    return wire.millis(times[key]) if key in times else one.id if key == "experiment_id" else one.name
