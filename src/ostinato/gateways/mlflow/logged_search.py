"""Logged search: logged models by what they are called and given, and by what was measured of them, also on certain data."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.filter import Clause, Grammar, few, holds, ordered
from ostinato.gateways.mlflow.logged import SHOWN, shown
from ostinato.gateways.mlflow.wire import A2, Ask, Int64
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.tracking.types import Candidate, Measure
from ostinato.tracking.verbs.candidates import all_candidates

_GRAMMAR = Grammar(
    {"name": "text", "model_id": "text", "model_type": "text", "status": "text", "source_run_id": "text", "experiment_id": "text",
     "creation_timestamp": "number", "last_updated_timestamp": "number"},
    {"metrics": "metric", "params": "parameter", "tags": "tag", "attributes": "attribute"},
    lists=frozenset({"name", "model_id", "model_type", "status", "source_run_id"}),
    other={"creation_time": "creation_timestamp", "creation_timestamp_ms": "creation_timestamp",
           "last_updated_time": "last_updated_timestamp", "last_updated_timestamp_ms": "last_updated_timestamp"},
    listed_kinds=frozenset({"parameter"}),
)  # fmt: skip
_ATTRIBUTES: dict[str, Callable[[Candidate], Any]] = {
    "name": lambda one: one.name,
    "model_id": lambda one: one.id,
    "model_type": lambda one: one.type,
    "status": lambda one: SHOWN[one.state].removeprefix("LOGGED_MODEL_"),
    "source_run_id": lambda one: one.run,
    "experiment_id": lambda one: one.experiment_id,
    "creation_timestamp": lambda one: wire.millis(one.created_at),
    "last_updated_timestamp": lambda one: wire.millis(one.changed_at),
}
_EXPERIMENTS_MAX = 1_000


class OnData(Ask, kw_only=True):
    """Data by its name, and perhaps its digest."""

    dataset_name: str = ""
    dataset_digest: str = ""

    def has(self, measure: Measure) -> bool:
        """Whether something was measured on this data."""
        named = self.dataset_name in ("", measure.dataset_name)
        return named and self.dataset_digest in ("", measure.dataset_digest)


class By(OnData, kw_only=True):
    """A key of an order."""

    field_name: str
    ascending: bool = True


class SearchLogged(Ask, kw_only=True):
    """A page of the logged models of some experiments that meet a filter, in an order."""

    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    datasets: tuple[OnData, ...] = ()
    max_results: Int64 | None = None
    order_by: tuple[By, ...] = ()
    page_token: str = ""


class LoggedSearch:
    """The route of searches for logged models."""

    def __init__(self, app: Ostinato) -> None:
        self._rows = app.rows

    def search(self, ask: SearchLogged) -> dict[str, Any]:
        """Logged models, the newest first unless an order is asked for."""
        if not 1 <= len(ask.experiment_ids) <= _EXPERIMENTS_MAX:
            raise Invalid(f"experiment_ids must name 1 to {_EXPERIMENTS_MAX} experiments", field="experiment_ids")
        if any(not data.dataset_name for data in ask.datasets):
            raise Invalid("`dataset_name` in the `datasets` clause must be specified.", field="datasets")
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results or None, 100, 1_000)
        clauses = _GRAMMAR.clauses(ask.filter)
        found = self._rows.read(partial(all_candidates, experiments=list(ask.experiment_ids)))
        found = [one for one in found if all(_holds(clause, one, ask.datasets) for clause in clauses)]
        if ask.datasets and not any(clause.kind == "metric" for clause in clauses):
            found = [one for one in found if any(data.has(measure) for data in ask.datasets for measure in one.measures)]
        usual = [(lambda one: one.created_at, True), (lambda one: one.id, True)]
        found = ordered(found, [*map(_by, few(ask.order_by)), *usual])[start : start + most + 1]
        return wire.page("models", [shown(one) for one in found], start, most)

    OPS: ClassVar[list[Op]] = [Op("POST", f"{A2}/logged-models/search", search, "run:read")]


def _holds(clause: Clause, one: Candidate, datasets: tuple[OnData, ...]) -> bool:
    match clause.kind:
        case "attribute":
            return holds(clause, _ATTRIBUTES[clause.key](one))
        case "parameter":
            return holds(clause, one.params.get(clause.key))
        case "tag":
            return holds(clause, one.tags.get(clause.key))
    measured = [point for point in one.measures if point.key == clause.key and (not datasets or any(data.has(point) for data in datasets))]
    return any(holds(clause, float(point.value)) for point in measured)


def _by(by: By) -> tuple[Callable[[Candidate], Any], bool]:
    kind, key, _ = _GRAMMAR.order(by.field_name)
    if kind == "attribute":
        return _ATTRIBUTES[key], not by.ascending
    if kind != "metric":
        raise Invalid(f"Invalid order by field name: {by.field_name}. Only attributes and metrics are possible.", field="order_by")

    def measured(one: Candidate) -> float | None:
        points = [point for point in one.measures if point.key == key and by.has(point) and not math.isnan(float(point.value))]
        return float(max(points, key=lambda point: (point.step, point.at)).value) if points else None

    return measured, not by.ascending
