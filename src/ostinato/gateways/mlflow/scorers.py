"""Scorers: versions of what judges traces, kept for MLflow's clients, which run them."""

from __future__ import annotations

from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import Experiments
from ostinato.gateways.mlflow.wire import A3, Ask, Int64, filled
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.traces.review_types import Scorer


class RegisterScorer(Ask, kw_only=True):
    """The next version of a scorer, as JSON in a text."""

    experiment_id: str
    name: str
    serialized_scorer: str


class ListScorers(Ask, kw_only=True):
    """The scorers of an experiment, of several, or of all."""

    experiment_id: str = ""
    experiment_ids: tuple[str, ...] = ()


class ScorerAsk(Ask, kw_only=True):
    """A scorer, or a version of it."""

    experiment_id: str
    name: str
    version: Int64 | None = None


class OnlineConfigsAsk(Ask, kw_only=True):
    """Scorers of which somebody asks whether the server runs them."""

    scorer_ids: tuple[str, ...]


class OnlineConfigAsk(Ask, kw_only=True):
    """A scorer that the server is to run on a share of the traces."""

    experiment_id: str
    name: str
    sample_rate: float
    filter_string: str | None = None


class Scorers:
    """The routes of scorers."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app
        self._experiments = Experiments(app)

    def register(self, ask: RegisterScorer) -> dict[str, Any]:
        """Keep the next version."""
        made = self._app.traces.register_scorer(self._experiments.living(ask.experiment_id), ask.name, ask.serialized_scorer)
        shown = _shown(made)
        return shown | {"version": made.version, "name": made.name, "experiment_id": made.experiment}

    def all(self, ask: ListScorers) -> dict[str, Any]:
        """The latest versions."""
        if ask.experiment_id and ask.experiment_ids:
            raise Invalid("Cannot specify both 'experiment_id' and 'experiment_ids'.", field="experiment_ids")
        if ask.experiment_id:
            of = [self._experiments.living(ask.experiment_id)]
        else:
            there = [one.id for one in self._app.runs.experiments()]
            of = [one for one in there if not ask.experiment_ids or one in ask.experiment_ids]
        return filled(scorers=[_shown(one) for experiment in of for one in self._app.traces.scorers(experiment)])

    def versions(self, ask: ScorerAsk) -> dict[str, Any]:
        """The versions of a scorer."""
        found = self._app.traces.scorer_versions(self._experiments.living(ask.experiment_id), ask.name)
        return {"scorers": [_shown(one) for one in found]}

    def get(self, ask: ScorerAsk) -> dict[str, Any]:
        """A version of a scorer, or the latest."""
        return {"scorer": _shown(self._app.traces.scorer(self._experiments.living(ask.experiment_id), ask.name, ask.version))}

    def delete(self, ask: ScorerAsk) -> dict[str, Any]:
        """Delete a version, or all."""
        self._app.traces.drop_scorer(self._experiments.living(ask.experiment_id), ask.name, ask.version)
        return {}

    def online_configs(self, ask: OnlineConfigsAsk) -> dict[str, Any]:
        """Which of them the server runs: none. Clients ask this whenever they list scorers."""
        return {"configs": []}

    def set_online_config(self, ask: OnlineConfigAsk) -> dict[str, Any]:
        """Refuse to run a scorer here, as MLflow's server does for one without a model of its AI gateway."""
        self._app.traces.scorer(self._experiments.living(ask.experiment_id), ask.name)
        raise Invalid(
            f"Scorer '{ask.name}' does not use a gateway model. This server calls no provider of models, so it runs no scorers.",
            hint="whoever reads a scorer runs it: mlflow.genai.evaluate",
            field="name",
        )

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A3}/scorers/register", register, "trace:write"),
        Op("GET", f"{A3}/scorers/list", all, "trace:read"),
        Op("GET", f"{A3}/scorers/versions", versions, "trace:read"),
        Op("GET", f"{A3}/scorers/get", get, "trace:read"),
        Op("DELETE", f"{A3}/scorers/delete", delete, "trace:write"),
        Op("GET", f"{A3}/scorers/online-configs", online_configs, "trace:read"),
        Op("PUT", f"{A3}/scorers/online-config", set_online_config, "trace:write"),
    ]


def _shown(one: Scorer) -> dict[str, Any]:
    """A version as a message. There the id of an experiment is a number: ours, which is none, is left out."""
    number = {"experiment_id": int(one.experiment)} if one.experiment.isdecimal() and len(one.experiment) < 10 else {}
    return number | filled(
        scorer_id=one.id,
        scorer_name=one.name,
        scorer_version=one.version,
        serialized_scorer=one.definition,
        creation_time=wire.millis(one.created_at),
    )
