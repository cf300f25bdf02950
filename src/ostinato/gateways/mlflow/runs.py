"""Runs: made, changed, deleted, restored and shown."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import places, wire
from ostinato.gateways.mlflow.experiments import NOTE, Experiments, stage
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, Pair, filled, number
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.tracking.types import Code, Metric, Run, State, Use

NAME, USER, PARENT, CONTEXT = "mlflow.runName", "mlflow.user", "mlflow.parentRunId", "mlflow.data.context"
STATES: dict[str, State] = {
    "SCHEDULED": "scheduled", "RUNNING": "running", "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed",
}  # fmt: skip
_NUMBERS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_SHOWN = {state: status for status, state in STATES.items()}
_WORDS = (
    "able bold calm clean deft fair fast fine firm glad keen kind mild neat open rare sharp shy sleek smart swift tidy wise",
    "ant bass bear bee bird carp colt crab crow deer dove elk finch fox frog hare hawk lark lynx mole moth mule owl ram seal wren",
)
"""Of these are the names of runs to which their clients give none."""


class CreateRun(Ask, kw_only=True):
    """A new run."""

    experiment_id: str = ""
    user_id: str = ""
    run_name: str = ""
    start_time: Int64 = 0
    tags: tuple[Pair, ...] = ()


class RunAsk(Ask, kw_only=True):
    """A run; old clients say `run_uuid`."""

    run_id: str = ""
    run_uuid: str = ""

    @property
    def run(self) -> str:
        """Its id.

        Raises:
            Invalid: it is missing.
        """
        if not (found := self.run_id or self.run_uuid):
            raise wire.missing("run_id")
        return found


class UpdateRun(RunAsk, kw_only=True):
    """Another state, end or name."""

    status: str | int = ""
    end_time: Int64 | None = None
    run_name: str = ""


class Runs:
    """The routes of runs."""

    def __init__(self, app: Ostinato) -> None:
        self._runs = app.runs
        self._experiments = Experiments(app)

    def create(self, ask: CreateRun) -> dict[str, Any]:
        """Start a run. It takes parameters, points and files after its end as well, as MLflow's do."""
        tags = {tag.key: tag.value for tag in ask.tags}
        if ask.user_id not in ("", "unknown"):
            tags.setdefault(USER, ask.user_id)
        name = (
            ask.run_name or tags.get(NAME) or "-".join([*(secrets.choice(words.split()) for words in _WORDS), str(secrets.randbelow(1000))])
        )
        if ask.run_name and tags.get(NAME, ask.run_name) != ask.run_name:
            said = f"Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values ({ask.run_name!r})."
            raise Invalid(said, field="run_name")
        given: dict[str, Any] = {
            "name": name, "note": tags.pop(NOTE, ""), "tags": {k: v for k, v in tags.items() if k != NAME}, "amendable": True,
            "code": Code(commit=tags.get("mlflow.source.git.commit"), entry=tags.get("mlflow.source.name", "")),
            "started_at": wire.instant(ask.start_time, "start_time") if ask.start_time else None,
        }  # fmt: skip
        experiment = self._experiments.real(ask.experiment_id)
        try:
            run = self._runs.start(experiment, parent=tags.get(PARENT), **given)
        except NotFound:
            run = self._runs.start(experiment, **given)  # MLflow lets a run name a parent that is not there
        return {"run": shown_run(run, {}, [])}

    def update(self, ask: UpdateRun) -> dict[str, Any]:
        """End a run, let it go on, or call it otherwise."""
        status = _NUMBERS.get(str(ask.status), str(ask.status))
        if status and status not in STATES:
            raise Invalid(f"Invalid value {status[:100]!r} for parameter 'status' supplied", hint=", ".join(STATES), field="status")
        with about(self._runs, ask.run):
            run = self._runs.get(ask.run)
            if ask.run_name and ask.run_name != run.name:
                run = self._runs.change(ask.run, name=ask.run_name)
            if status in ("RUNNING", "SCHEDULED"):
                run = self._runs.resume(ask.run)
            elif status or ask.end_time is not None:
                ended_at = None if ask.end_time is None else wire.instant(ask.end_time, "end_time")
                run = self._runs.finish(ask.run, STATES[status] if status else _ended(run), ended_at=ended_at)
            if run.deleted_at is not None:
                raise _inactive(ask.run)
        return {"run_info": shown_info(run)}

    def delete(self, ask: RunAsk) -> dict[str, Any]:
        """Delete a run, until it is restored."""
        with about(self._runs, ask.run):
            self._runs.delete(ask.run)
        return {}

    def restore(self, ask: RunAsk) -> dict[str, Any]:
        """Bring a deleted run back."""
        with about(self._runs, ask.run):
            self._runs.restore(ask.run)
        return {}

    def get(self, ask: RunAsk) -> dict[str, Any]:
        """A run, deleted or not, with its latest metrics."""
        with about(self._runs, ask.run):
            run = self._runs.get(ask.run)
            steps = self._runs.candidate_steps(made_by(run)[:1000])
            return {"run": shown_run(run, self._runs.metrics(run.id), self._runs.sources([run.id])[run.id], steps)}

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/runs/create", create, "run:write"),
        Op("POST", f"{A2}/runs/update", update, "run:write"),
        Op("POST", f"{A2}/runs/delete", delete, "run:write"),
        Op("POST", f"{A2}/runs/restore", restore, "run:write"),
        Op("GET", f"{A2}/runs/get", get, "run:read"),
    ]


@contextmanager
def about(runs: Any, run: str) -> Iterator[None]:
    """Say of a run what MLflow says: that it is not there, or was deleted."""
    try:
        yield
    except NotFound as error:
        try:
            runs.get(run)
        except (NotFound, Invalid):
            raise NotFound(f"Run with id={run[:300]} not found") from None
        raise error
    except Conflict:
        if runs.get(run).deleted_at is not None:
            raise _inactive(run) from None
        raise


def made_by(run: Run) -> list[str]:
    """The logged models that a run made."""
    return [ref.name for ref in run.outputs if ref.kind == "candidate"]


def shown_run(run: Run, metrics: dict[str, Metric], uses: list[Use], steps: dict[str, int] | None = None) -> dict[str, Any]:
    """A run as a message of MLflow."""
    tags = run.tags | {NAME: run.name} | ({NOTE: run.note} if run.note else {})
    data = filled(
        metrics=[
            {"key": key, "value": number(said.last), "timestamp": wire.millis(said.at), "step": said.step} for key, said in metrics.items()
        ],
        params=wire.pairs(run.params),
        tags=wire.pairs(tags),
    )
    of = {"inputs": run.inputs, "outputs": run.outputs}
    models = {side: [ref.name for ref in refs if ref.kind == "candidate"] for side, refs in of.items()}
    inputs = filled(dataset_inputs=[_shown_use(use) for use in uses], model_inputs=[{"model_id": found} for found in models["inputs"]])
    outputs = filled(model_outputs=[{"model_id": found, "step": (steps or {}).get(found, 0)} for found in models["outputs"]])
    return {"info": shown_info(run), "data": data, "inputs": inputs, "outputs": outputs}


def shown_info(run: Run) -> dict[str, Any]:
    """What MLflow tells of a run beside its data."""
    return filled(
        run_id=run.id,
        run_uuid=run.id,
        run_name=run.name,
        experiment_id=run.experiment_id,
        user_id=run.tags.get(USER) or ("unknown" if run.amendable else run.started_by),
        status=_SHOWN[run.state],
        start_time=wire.millis(run.started_at),
        end_time=wire.millis(run.ended_at) if run.ended_at else None,
        artifact_uri=places.of_run(run.experiment_id, run.id),
        lifecycle_stage=stage(run.deleted_at),
    )


def _shown_use(use: Use) -> dict[str, Any]:
    said = use.source
    tags = use.tags | ({CONTEXT: use.context} if use.context else {})
    dataset = filled(
        name=said.name, digest=said.digest, source_type=said.type, source=said.source, schema=said.schema, profile=said.profile
    )  # fmt: skip
    return filled(tags=wire.pairs(tags), dataset=dataset)


def _ended(run: Run) -> State:
    return "finished" if run.ended_at is None else run.state


def _inactive(run: str) -> Invalid:
    return Invalid(f"The run {run} must be in the 'active' state. Current state is deleted.", field="run_id")
