"""Tune: evaluates points of a parameter space, each in a child run, and keeps the best."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.family import Family
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs
from ostinato.training.types import Scalar, Search, Space, Trial, Tuned

SEARCH: Family[Search] = Family("ostinato.training.search")
OBJECTIVE = "objective"
_LEASE_S = 90

Evaluate = Callable[[dict[str, Scalar], Logger], float]


def tune(search: str | Search, space: Space, evaluate: Evaluate, *, runs: Runs, run: Logger, maximize: bool = True) -> Tuned:
    """Call `evaluate(parameters, trial)` at every point of `search` and return all trials and the best.

    `search` is a member of `ostinato.training.search` or its name; `evaluate` gives the objective and may log to `trial`, a
    run whose parent is `run`. A trial that raises, or gives no finite number, is a failed run and the search goes on. Called
    again beneath the same run, after its process died say, finished trials are remembered and not repeated.

    Raises:
        Invalid: the search has no points.
        Conflict: every trial failed; or the points are not those of an earlier call beneath this run.
    """
    chosen = SEARCH.make(search) if isinstance(search, str) else search
    trials: list[Trial] = []
    best: Trial | None = None
    for number, parameters in enumerate(chosen.points(space)):
        trial = _try(number, parameters, evaluate, runs, run)
        trials.append(trial)
        if trial.value is not None and (best is None or best.value is None or _better(trial.value, best.value, maximize)):
            best = trial
        if best is not None and best.value is not None:
            run.log({f"best_{OBJECTIVE}": best.value}, step=number)
    if not trials:
        raise Invalid("the search has no points", hint="a choice in the space is empty", field="space")
    if best is None:
        raise Conflict(f"all {len(trials)} trials failed: {trials[-1].problem}", hint=f"see the runs beneath {run.ref}")
    return Tuned(best=best, trials=trials)


def _better(value: float, than: float, maximize: bool) -> bool:
    return value > than if maximize else value < than


def _try(number: int, parameters: dict[str, Any], evaluate: Evaluate, runs: Runs, parent: Logger) -> Trial:
    started = runs.start(
        parent.run.experiment,
        name=f"trial {number}",
        params=dict(parameters),
        tags={"trial": str(number)},
        parent=parent.id,
        id=f"{parent.id}.trial-{number}",
        code=parent.run.code,
        lease_s=_LEASE_S,
    )
    if started.params != parameters:
        raise Conflict(f"{started.ref} tried {started.params}, not {parameters}", hint="start another run for another search or space")
    if started.ended_at is not None:
        return _remembered(number, parameters, runs, started.id)
    value, problem = None, ""
    try:
        with Logger(runs, started) as trial:
            value = float(evaluate(dict(parameters), trial))
            if not math.isfinite(value):
                raise Invalid(f"the objective is {value}", hint="evaluate must give a finite number")
            trial.log({OBJECTIVE: value}, step=0)
    except Exception as error:  # whatever the user's code raises belongs to this trial; its run holds the traceback
        value, problem = None, f"{type(error).__name__}: {error}"
    return Trial(number=number, parameters=parameters, value=value, run=started.ref, problem=problem)


def _remembered(number: int, parameters: dict[str, Any], runs: Runs, run: str) -> Trial:
    ended = runs.get(run)
    found = runs.metrics(run).get(OBJECTIVE) if ended.state == "finished" else None
    value = float(found.last) if found is not None else None
    return Trial(number=number, parameters=parameters, value=value, run=ended.ref, problem=ended.error)
