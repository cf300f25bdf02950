"""GraphQL: what MLflow's pages ask by it, answered by the routes that clients have for the same."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import ExperimentAsk, Experiments
from ostinato.gateways.mlflow.files import Files, ListAsk
from ostinato.gateways.mlflow.graphql_read import (
    ALIASES_MAX,
    DEPTH_MAX,
    ROOTS_MAX,
    SELECTIONS_MAX,
    Document,
    Field,
    Operation,
    Variable,
    read,
)
from ostinato.gateways.mlflow.graphql_types import ROOTS, TYPES
from ostinato.gateways.mlflow.history import History, IntervalAsk
from ostinato.gateways.mlflow.models import Search as SearchAsk
from ostinato.gateways.mlflow.runs import RunAsk, Runs
from ostinato.gateways.mlflow.search import Search, SearchDatasets, SearchRuns
from ostinato.gateways.mlflow.versions import Versions
from ostinato.gateways.mlflow.wire import Ask
from ostinato.kernel.errors import Invalid, OstinatoError
from ostinato.kernel.operation import Op

_EMPTY: dict[str, Any] = {"string": "", "long": "0", "float": 0.0, "bool": False, "enum": None}
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class QueryAsk(Ask, kw_only=True):
    """A query."""

    query: str
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    operationName: str = ""  # noqa: N815

    @property
    def needs(self) -> str:
        """Versions of models are shown to those who may see models; a field has but one name."""
        return "model:read" if "odelVersions" in self.query else ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query with its variables, and what went wrong while it was answered."""

    document: Document
    given: Mapping[str, Any]
    errors: list[str] = field(default_factory=list)

    def value(self, said: Any) -> Any:
        """A value, with what the variables in it stand for."""
        if isinstance(said, Variable):
            if said.name not in self.given:
                raise Invalid(f"Variable '${said.name}' is not defined.", field="variables")
            return self.given[said.name]
        if isinstance(said, dict):
            return {key: self.value(one) for key, one in said.items()}
        return [self.value(one) for one in said] if isinstance(said, list) else said

    def fields(self, selections: tuple[Any, ...], seen: set[str] | None = None) -> list[Field]:
        """The fields that are asked for, those of fragments among them, each fragment once."""
        found: list[Field] = []
        seen = set() if seen is None else seen
        for one in selections:
            if any(bool(self.value(given)) is (name == "skip") for name, given in one.on):
                continue
            if isinstance(one, Field):
                found.append(one)
            elif not one.name:
                found += self.fields(one.selections, seen)
            elif one.name not in seen:
                if one.name not in self.document.fragments:
                    raise Invalid(f"Unknown fragment '{one.name}'.", field="query")
                seen.add(one.name)
                found += self.fields(self.document.fragments[one.name], seen)
        return found


class GraphQL:
    """The route of queries."""

    def __init__(self, app: Ostinato) -> None:
        self._experiments, self._versions, runs, search = Experiments(app), Versions(app), Runs(app), Search(app)
        self._roots: dict[str, tuple[type[Ask], Callable[[Any], dict[str, Any]]]] = {
            "mlflowGetExperiment": (ExperimentAsk, self._experiments.get),
            "mlflowGetRun": (RunAsk, runs.get),
            "mlflowListArtifacts": (ListAsk, Files(app).of_run),
            "mlflowGetMetricHistoryBulkInterval": (IntervalAsk, History(app).interval),
            "mlflowSearchModelVersions": (SearchAsk, self._versions.search),
            "mlflowSearchRuns": (SearchRuns, search.runs),
            "mlflowSearchDatasets": (SearchDatasets, search.datasets),
        }

    def query(self, ask: QueryAsk) -> dict[str, Any]:
        """Answer a query. What is wrong with it stands in the reply, which is 200, as the protocol has it."""
        try:
            document = read(ask.query)
            asked = _operation(document, ask.operationName)
            query = _Asked(document, asked.variables | ask.variables)
            _check(query, asked)
            data = {one.alias: self._root(query, asked.kind, one) for one in query.fields(asked.selections)}
        except OstinatoError as error:
            return {"data": None, "errors": [error.message]}
        return {"data": data, "errors": query.errors or None}

    def _root(self, query: _Asked, kind: str, asked: Field) -> Any:
        if asked.name == "__typename":
            return kind.title()
        if asked.name not in ROOTS[kind]:
            raise Invalid(f"Cannot query field '{asked.name}' on type '{kind.title()}'.", field="query")
        given = query.value(asked.arguments)
        if asked.name in ("test", "testMutation"):
            return self._shown(query, "Test", {"output": given.get("inputString", "")}, asked)
        ask, call = self._roots[asked.name]
        try:
            reply = call(wire.made(ask, {_HUMP.sub(r"_\1", key).lower(): value for key, value in (given.get("input") or {}).items()}))
        except OstinatoError as error:
            query.errors.append(error.message)
            return None
        return self._shown(query, ROOTS[kind][asked.name], reply, asked)

    def _shown(self, query: _Asked, type_: str, of: dict[str, Any], asked: Field) -> dict[str, Any]:
        """What is asked of a message."""
        if not asked.selections:
            raise Invalid(f"Field '{asked.name}' of type '{type_}' must have a selection of subfields.", field="query")
        return {one.alias: self._field(query, type_, of, one) for one in query.fields(asked.selections)}

    def _field(self, query: _Asked, type_: str, of: dict[str, Any], asked: Field) -> Any:
        if asked.name == "__typename":
            return type_
        kind = TYPES[type_].get(asked.name)
        if kind is None:
            raise Invalid(f"Cannot query field '{asked.name}' on type '{type_}'.", field="query")
        value, listed, kind = self._value(type_, of, asked.name), kind.startswith("["), kind.strip("[]")
        if kind in TYPES:
            return [self._shown(query, kind, one, asked) for one in value or ()] if listed else self._shown(query, kind, value or {}, asked)
        if asked.selections:
            raise Invalid(f"Field '{asked.name}' must not have a selection since type '{kind}' has no subfields.", field="query")
        return list(value or ()) if listed else _plain(kind, value)

    def _value(self, type_: str, of: dict[str, Any], name: str) -> Any:
        if type_ == "MlflowRunExtension" and name == "experiment":
            return self._experiments.get(ExperimentAsk(experiment_id=of["info"]["experiment_id"]))["experiment"]
        if type_ == "MlflowRunExtension" and name == "modelVersions":
            return self._versions.search(SearchAsk(filter=f"run_id = '{of['info']['run_id']}'")).get("model_versions")
        return of.get(_HUMP.sub(r"_\1", name).lower())

    OPS: ClassVar[list[Op]] = [Op("POST", "/graphql", query, "run:read")]


def _operation(document: Document, name: str) -> Operation:
    found = [one for one in document.operations if not name or one.name == name]
    if len(found) != 1:
        raise Invalid(
            f"Unknown operation named '{name}'." if name else "Must provide operation name if query contains multiple operations."
        )
    return found[0]


def _check(query: _Asked, asked: Operation) -> None:
    """Refuse what asks for too much, before anything of it is answered."""
    waiting, total, most = [(asked.selections, 1)], 0, 0
    while waiting:
        selections, depth = waiting.pop()
        if depth > DEPTH_MAX:
            raise Invalid(f"Query exceeds maximum depth of {DEPTH_MAX}", field="query")
        fields = query.fields(selections)
        total, most = total + len(fields), max(most, sum(one.alias != one.name for one in fields))
        if total > SELECTIONS_MAX:
            raise Invalid(f"Query exceeds maximum total selections of {SELECTIONS_MAX}", field="query")
        if depth == 1 and len(fields) > ROOTS_MAX:
            raise Invalid(f"GraphQL queries should have at most {ROOTS_MAX} root fields, got {len(fields)} root fields.", field="query")
        waiting += [(one.selections, depth + 1) for one in fields if one.selections]
    if most > ALIASES_MAX:
        raise Invalid(f"GraphQL queries should have at most {ALIASES_MAX} aliases, got {most} aliases.", field="query")


def _plain(kind: str, value: Any) -> Any:
    """A value as its type has it: integers of 64 bits are texts, and what is no number is null."""
    if value is None:
        return _EMPTY[kind]
    if kind == "float":
        number = float(value)
        return None if math.isnan(number) else max(-1.7976931348623157e308, min(number, 1.7976931348623157e308))
    return str(value) if kind == "long" else value
