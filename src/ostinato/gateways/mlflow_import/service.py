"""Take: a whole MLflow server, or some experiments and models of it, into the project of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ostinato.app import Ostinato
from ostinato.gateways.mlflow.models import IS_PROMPT
from ostinato.gateways.mlflow_import.models import RegisteredModels
from ostinato.gateways.mlflow_import.runs import Experiments
from ostinato.gateways.mlflow_import.source import A2, Source
from ostinato.gateways.mlflow_import.taken import Taken


def take(
    app: Ostinato,
    source: Source,
    experiments: Sequence[str] = (),
    models: Sequence[str] = (),
    told: Callable[[Taken], None] | None = None,
) -> Taken:
    """Take experiments and registered models by their names, or all; what was deleted there is not taken.

    Broken off anywhere and called again, it goes on; called again after the end, it takes what has come since. What cannot be taken is
    said in `left` of what it returns, and the rest goes on.

    Raises:
        NotFound: there is no experiment or model of a name.
        Unauthenticated: the server does not know the caller.
        Unavailable: the server does not answer, or does no longer.
    """
    taken = Taken(told=told)
    everything = not experiments and not models
    of_experiments, of_models = Experiments(source, app, taken), RegisteredModels(source, app, taken)
    found = _experiments(source, () if everything else experiments) if everything or experiments else []
    for said in found:
        of_experiments.prepare(said)
    for said in found:
        of_experiments.take(said)
    for said in _models(source, models) if everything or models else ():
        of_models.take(said)
    return taken


def _experiments(source: Source, names: Sequence[str]) -> list[dict[str, Any]]:
    if names:
        return [source.get(f"{A2}/experiments/get-by-name", experiment_name=name)["experiment"] for name in names]
    pages = source.pages("POST", f"{A2}/experiments/search", "experiments", max_results=200, order_by=["creation_time ASC"])
    return [said for page in pages for said in page]


def _models(source: Source, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Models, and prompts, which lists leave out unless they are asked for."""
    if names:
        yield from (source.get(f"{A2}/registered-models/get", name=name)["registered_model"] for name in names)
        return
    for asked in ({}, {"filter": f"tags.`{IS_PROMPT}` = 'true'"}):
        for page in source.pages("GET", f"{A2}/registered-models/search", "registered_models", max_results=100, **asked):
            yield from page
