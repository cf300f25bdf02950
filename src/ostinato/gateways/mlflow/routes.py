"""Routes: every route of MLflow that is answered, from the tables of the nouns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import (
    about,
    assessments,
    evalsets,
    experiments,
    files,
    graphql,
    history,
    issues,
    label_schemas,
    log,
    logged,
    logged_search,
    models,
    parts,
    promptlab,
    runs,
    scorers,
    search,
    traces,
    traces_metrics,
    traces_search,
    traces_v2,
    versions,
    webhooks,
)
from ostinato.gateways.mlflow.wire import Download
from ostinato.kernel.operation import Op

TABLES: tuple[Any, ...] = (
    about.About, experiments.Experiments, runs.Runs, log.Log, search.Search, history.History, files.Files, parts.Parts,
    promptlab.Promptlab, graphql.GraphQL, logged.Logged, logged_search.LoggedSearch,
    models.RegisteredModels, versions.Versions, webhooks.Webhooks, traces.Traces,
    traces_search.TracesSearch, traces_metrics.TracesMetrics, traces_v2.TracesV2, assessments.Assessments, evalsets.EvalSets,
    issues.Issues, label_schemas.LabelSchemas, scorers.Scorers,
)  # fmt: skip
"""Classes over an opened store; the `OPS` of each are routes. The verb of an Op takes one request, an `Ask`."""

OPS: list[Op] = [op for table in TABLES for op in table.OPS]
_PLACE = re.compile(r"\{(\w+)(:path)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """What stands behind a route; `raw` says whether bytes stream `in` or `out`, `told` whether it wants to know how it was reached."""

    op: Op
    call: Callable[..., Any]
    ask: type[Any]
    raw: Literal["", "in", "out"]
    told: bool


class Routes:
    """The routes of an opened store by method and path, those of the pages (`/ajax-api/`) included."""

    def __init__(self, app: Ostinato) -> None:
        self._words: dict[tuple[str, str], Route] = {}
        self._shaped: list[tuple[str, re.Pattern[str], Route]] = []
        for table in TABLES:
            made = table(app)
            for op in table.OPS:
                self._add(_route(op, getattr(made, op.name)))
        self._shaped.sort(key=lambda found: found[2].op.path.endswith(":path}"))

    def _add(self, route: Route) -> None:
        op = route.op
        if "{" not in op.path:
            self._words[op.method, op.path] = route
            return
        words = _PLACE.split(op.path)
        shape = "".join(
            re.escape(words[at]) + (f"(?P<{words[at + 1]}>{'.+' if words[at + 2] else '[^/]+'})" if at + 2 < len(words) else "")
            for at in range(0, len(words), 3)
        )
        self._shaped.append((op.method, re.compile(shape, re.DOTALL), route))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the texts of its placeholders."""
        path = path.replace("/ajax-api/", "/api/", 1) if path.startswith("/ajax-api/") else path
        path = path.rstrip("/") if len(path) > 1 else path
        if found := self._words.get((method, path)):
            return found, {}
        return next(self._matching(method, path), None)

    def _matching(self, method: str, path: str) -> Iterator[tuple[Route, dict[str, str]]]:
        for of, shape, route in self._shaped:
            if of == method and (found := shape.fullmatch(path)):
                yield route, found.groupdict()


def _route(op: Op, call: Callable[..., Any]) -> Route:
    hints = get_type_hints(op.verb)
    answer = hints.pop("return")
    raw: Literal["", "in", "out"] = "in" if "pieces" in hints else "out" if answer is Download else ""
    return Route(op, call, hints["ask"], raw, "origin" in hints)
