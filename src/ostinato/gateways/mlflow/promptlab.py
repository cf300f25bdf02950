"""Promptlab: runs that keep one try of a prompt: the template, what was put in, the model that was asked, and what it said."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow.log import Log, LogBatch
from ostinato.gateways.mlflow.runs import CreateRun, RunAsk, Runs
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, Pair
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op

TABLE = "eval_results_table.json"
"""The file that holds what was tried, as a table of one row."""
_NEEDED = ("experiment_id", "prompt_template", "prompt_parameters", "model_route", "model_input", "mlflow_version")


class CreatePromptlabRun(Ask, kw_only=True):
    """A try of a prompt."""

    experiment_id: str = ""
    run_name: str = ""
    tags: tuple[Pair, ...] = ()
    prompt_template: str = ""
    prompt_parameters: tuple[Pair, ...] = ()
    model_route: str = ""
    model_parameters: tuple[Pair, ...] = ()
    model_input: str = ""
    model_output: str | None = None
    model_output_parameters: tuple[Pair, ...] = ()
    mlflow_version: str = ""
    user_id: str = ""
    start_time: Int64 = 0


class Promptlab:
    """The route of tries of prompts."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app.runs
        self._runs = Runs(app)
        self._log = Log(app)

    def create(self, ask: CreatePromptlabRun) -> dict[str, Any]:
        """Keep a try as a run that is finished. The model folder that MLflow writes beside it, which only asks a gateway, is not made."""
        for name in _NEEDED:
            if not getattr(ask, name):
                raise Invalid(f"CreatePromptlabRun request must specify {name}.", field=name)
        begun = CreateRun(
            experiment_id=ask.experiment_id, run_name=ask.run_name, tags=ask.tags, user_id=ask.user_id, start_time=ask.start_time
        )
        run = str(self._runs.create(begun)["run"]["info"]["run_id"])
        asked = (Pair(key="model_route", value=ask.model_route), Pair(key="prompt_template", value=ask.prompt_template))
        said = {"mlflow.loggedArtifacts": json.dumps([{"path": TABLE, "type": "table"}]), "mlflow.runSourceType": "PROMPT_ENGINEERING"}
        tags = tuple(Pair(key=key, value=value) for key, value in said.items())
        self._log.batch(LogBatch(run_id=run, params=(*ask.model_parameters, *asked), tags=tags))
        row = {p.key: p.value for p in ask.prompt_parameters} | {"prompt": ask.model_input, "output": ask.model_output}
        row |= {p.key: p.value for p in ask.model_output_parameters}
        self._app.put_artifact(run, TABLE, json.dumps({"columns": [*row], "data": [[*row.values()]]}).encode())
        self._app.finish(run, "finished")
        return self._runs.get(RunAsk(run_id=run))

    OPS: ClassVar[list[Op]] = [Op("POST", f"{A2}/runs/create-promptlab-run", create, "run:write")]
