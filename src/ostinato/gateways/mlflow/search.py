"""Search: runs by MLflow's grammar, which becomes the query that tracking has."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Any, ClassVar, cast

import msgspec

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import view_of
from ostinato.gateways.mlflow.filter import Clause, Grammar, few
from ostinato.gateways.mlflow.runs import NAME, STATES, USER, made_by, shown_run
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, filled
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.tracking.query import Among, And, Compare, Field, Kind, Missing, Node, Operator, Or, Order, Value
from ostinato.tracking.types import Run
from ostinato.tracking.verbs.experiments import known_experiment

_KINDS = {
    "metric": "metric", "metrics": "metric", "tag": "tag", "tags": "tag", "dataset": "dataset", "datasets": "dataset",
    "parameter": "parameter", "parameters": "parameter", "param": "parameter", "params": "parameter",
    "attribute": "attribute", "attributes": "attribute", "attr": "attribute", "run": "attribute",
}  # fmt: skip
_GRAMMAR = Grammar(
    {"start_time": "number", "end_time": "number", "run_id": "text", "run_name": "text", "status": "text", "user_id": "text",
     "artifact_uri": "text", "experiment_id": "text"},
    _KINDS,
    lists=frozenset({"run_id"}),
    listed_kinds=frozenset({"dataset"}),
    other={"created": "start_time", "Created": "start_time", "run name": "run_name", "Run name": "run_name", "Run Name": "run_name"},
    sortable=frozenset({"start_time", "end_time", "run_id", "run_name", "status", "artifact_uri", "user_id"}),
)  # fmt: skip
_TRACKED: dict[str, Kind] = {"metric": "metric", "parameter": "param", "tag": "tag", "dataset": "dataset"}
_ATTRIBUTES = {
    "start_time": Field("attribute", "started_at"), "end_time": Field("attribute", "ended_at"), "run_id": Field("attribute", "id"),
    "run_name": Field("attribute", "name"), "status": Field("attribute", "state"), "user_id": Field("tag", USER),
    "experiment_id": Field("attribute", "experiment_id"), "artifact_uri": Field("attribute", "id"),
}  # fmt: skip
_PAGE, _PAGE_MAX, _AT_ONCE = 1_000, 50_000, 1_000
_EXPERIMENTS_MAX = 10_000
_DATASETS_OF = 20
_NEWEST = Order(_ATTRIBUTES["start_time"], True)
_KEYS_MAX = 10
"""By how many keys tracking orders."""
_AT_LAST = (_NEWEST, Order(_ATTRIBUTES["run_id"], False))


class SearchRuns(Ask, kw_only=True):
    """A page of the runs of some experiments that meet a filter, in an order."""

    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"
    max_results: Int64 = _PAGE
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class SearchDatasets(Ask, kw_only=True):
    """What the runs of some experiments used."""

    experiment_ids: tuple[str, ...] = ()


class Search:
    """The routes of searches for runs and for what they used."""

    def __init__(self, app: Ostinato) -> None:
        self._runs = app.runs
        self._rows = app.rows

    def runs(self, ask: SearchRuns) -> dict[str, Any]:
        """Runs, the newest first unless an order is asked for; what lacks the key of an order comes last."""
        most, view, after = wire.most(ask.max_results, _PAGE, _PAGE_MAX), view_of(ask.run_view_type), _cursor(ask.page_token)
        node, orders = query(ask.filter), order(ask.order_by)
        names = self._names(ask.experiment_ids)
        found: list[Run] = []
        while names and len(found) < most:
            page = self._runs.find(node, orders, names, view, min(_AT_ONCE, most - len(found)), after)
            found += page.items
            after = page.next
            if after is None:
                break
        token = base64.b64encode(msgspec.json.encode({"after": after})).decode() if after and found else ""
        return filled(runs=self._shown(found), next_page_token=token)

    def datasets(self, ask: SearchDatasets) -> dict[str, Any]:
        """What the newest runs of some experiments used, each once."""
        if not any(ask.experiment_ids):
            raise Invalid("SearchDatasets request must specify at least one experiment_id.", field="experiment_ids")
        if len(ask.experiment_ids) > _DATASETS_OF:
            raise Invalid(f"SearchDatasets request cannot specify more than {_DATASETS_OF} experiment_ids.", field="experiment_ids")
        names = self._names(ask.experiment_ids)
        runs = self._runs.find(And(()), (_NEWEST,), names, limit=_AT_ONCE).items if names else []
        uses = self._runs.sources([run.id for run in runs])
        told = {(run.experiment_id, use.source.name, use.source.digest, use.context): None for run in runs for use in uses[run.id]}
        return {"dataset_summaries": [filled(experiment_id=e, name=n, digest=d, context=c) for e, n, d, c in told]}

    def _shown(self, found: list[Run]) -> list[dict[str, Any]]:
        metrics = self._runs.metrics_of([run.id for run in found])
        uses: dict[str, Any] = {}
        for start in range(0, len(found), _AT_ONCE):
            uses |= self._runs.sources([run.id for run in found[start : start + _AT_ONCE]])
        made, steps = [model for run in found for model in made_by(run)], dict[str, int]()
        for start in range(0, len(made), _AT_ONCE):
            steps |= self._runs.candidate_steps(made[start : start + _AT_ONCE])
        return [shown_run(run, metrics[run.id], uses[run.id], steps) for run in found]

    def _names(self, ids: tuple[str, ...]) -> list[str]:
        if len(ids) > _EXPERIMENTS_MAX:
            raise Invalid(f"{len(ids)} experiments are too many at once", hint=f"up to {_EXPERIMENTS_MAX}", field="experiment_ids")
        with_names = [self._rows.read(partial(known_experiment, said=asked)) for asked in dict.fromkeys(ids)]
        return [known[1] for known, asked in zip(with_names, dict.fromkeys(ids), strict=True) if known and known[0] == asked]

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/runs/search", runs, "run:read"),
        Op("POST", f"{A2}/experiments/search-datasets", datasets, "run:read"),
    ]


def query(text: str) -> Node:
    """What a filter asks, as a query of tracking."""
    return And(tuple(_node(clause) for clause in _GRAMMAR.clauses(text)))


def order(texts: tuple[str, ...]) -> tuple[Order, ...]:
    """An order of MLflow as one of tracking; at last by time, the newest first, and by id."""
    found = []
    for text in few(texts):
        kind, key, down = _GRAMMAR.order(text)
        found.append(Order(_field(kind, key), down))
    usual = [one for one in _AT_LAST if one.field not in {said.field for said in found}]
    return (*found, *usual)[:_KEYS_MAX]


def _field(kind: str, key: str) -> Field:
    if kind == "attribute":
        return _ATTRIBUTES[key]
    return _ATTRIBUTES["run_name"] if (kind, key) == ("tag", NAME) else Field(_TRACKED[kind], key)


def _node(clause: Clause) -> Node:
    field = _field(clause.kind, clause.key)
    match clause.op, clause.value:
        case "IS NULL", _:
            return Missing(field)
        case "IS NOT NULL", _:
            return Missing(field, negated=True)
        case "IN" | "NOT IN", tuple(values):
            return Among(field, tuple(values), negated=clause.op == "NOT IN")
    met = Compare(field, cast(Operator, clause.op.lower()), _value(clause))
    if clause.op == "!=" and (clause.kind == "metric" or clause.key == "user_id"):  # to clients NaN is another value, and so is no user
        return Or((met, Missing(field, nan=clause.kind == "metric")))
    return met


def _value(clause: Clause) -> Value:
    value = clause.value
    if clause.kind == "attribute" and clause.key in ("start_time", "end_time") and isinstance(value, float):
        return wire.instant(int(value), clause.key)
    if clause.kind == "attribute" and clause.key == "status" and isinstance(value, str):
        return STATES.get(value, "no state") if clause.op in ("=", "!=") else value.lower()
    if clause.kind == "attribute" and clause.key == "artifact_uri" and isinstance(value, str):
        return value.removesuffix("artifacts").removesuffix("/").rpartition("/")[2]
    return cast(Value, value)


def _cursor(token: str) -> str | None:
    if not token:
        return None
    try:
        found = msgspec.json.decode(base64.b64decode(token, validate=True))["after"]
        if isinstance(found, str):
            return found
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, RecursionError):
        pass
    raise Invalid(f"Invalid page token: {token[:100]!r}", hint="pass the next_page_token of the page before", field="page_token")
