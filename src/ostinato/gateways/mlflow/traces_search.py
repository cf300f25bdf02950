"""Traces search: MLflow's grammar for traces, which becomes the query that traces have here."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any, ClassVar, cast

import msgspec

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.filter import Clause, Grammar, few
from ostinato.gateways.mlflow.traces import Location
from ostinato.gateways.mlflow.traces_shown import shown_info
from ostinato.gateways.mlflow.wire import A3, Ask, Int64, filled
from ostinato.kernel.errors import Invalid
from ostinato.kernel.operation import Op
from ostinato.traces.types import Trace
from ostinato.tracking.query import Among, And, Compare, Field, Kind, Missing, Node, Operator, Or, Order, Value

_KINDS = {
    "tag": "tag", "tags": "tag", "attribute": "attribute", "attributes": "attribute", "trace": "attribute", "metadata": "metadata",
    "request_metadata": "metadata", "span": "span", "feedback": "feedback", "expectation": "expectation", "issue": "issue",
}  # fmt: skip
_GRAMMAR = Grammar(
    {"request_id": "text", "timestamp_ms": "number", "execution_time_ms": "number", "end_time_ms": "number", "status": "text",
     "client_request_id": "text", "name": "text", "run_id": "text", "prompt": "text", "text": "text", "experiment_id": "text"},
    _KINDS,
    lists=frozenset({"name", "status", "request_id", "run_id", "client_request_id"}),
    other={"timestamp": "timestamp_ms", "execution_time": "execution_time_ms", "end_time": "end_time_ms", "trace_id": "request_id"},
    listed_kinds=frozenset({"span"}),
    sortable=frozenset({"experiment_id", "timestamp_ms", "execution_time_ms", "end_time_ms", "status", "request_id", "name"}),
    nullable=frozenset({"tag", "metadata", "feedback", "expectation"}),
    scalars=frozenset({"span", "feedback", "expectation"}),
)  # fmt: skip
_ATTRIBUTES = {
    "request_id": "id", "timestamp_ms": "started_at", "execution_time_ms": "duration_ms", "end_time_ms": "ended_at", "status": "state",
    "client_request_id": "client_request_id", "name": "name", "run_id": "run", "experiment_id": "experiment_id",
}  # fmt: skip
_TIMES = frozenset({"timestamp_ms", "end_time_ms"})
_SPAN = {"name": "name", "type": "kind", "status": "state", "content": "content"}
_DERIVED = {
    "mlflow.sourceRun": "run", "mlflow.modelId": "candidate", "mlflow.trace.session": "session", "mlflow.trace.user": "user",
}  # fmt: skip
_PAGE, _PAGE_MAX, _EXPERIMENTS_MAX = 100, 500, 1_000


class SearchTraces(Ask, kw_only=True):
    """A page of the traces of some experiments that meet a filter, in an order."""

    locations: tuple[Location, ...] = ()
    filter: str = ""
    max_results: Int64 | None = None
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class Correlation(Ask, kw_only=True):
    """How far two filters hold together."""

    experiment_ids: tuple[str, ...] = ()
    filter_string1: str
    filter_string2: str
    base_filter: str = ""


class TracesSearch:
    """The routes of searches for traces."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces

    def search(self, ask: SearchTraces) -> dict[str, Any]:
        """Traces, the newest first unless an order is asked for."""
        named = [place.mlflow_experiment.experiment_id for place in ask.locations if place.mlflow_experiment]
        found, token = self.page(named, ask.filter, ask.order_by, ask.max_results, ask.page_token)
        return filled(traces=[shown_info(trace) for trace in found], next_page_token=token)

    def page(self, experiments: list[str], text: str, order_by: tuple[str, ...], asked: int | None, token: str) -> tuple[list[Trace], str]:
        """A page, and the token of the next."""
        if not 1 <= len(experiments) <= _EXPERIMENTS_MAX:
            raise Invalid(f"At least one experiment ID must be specified, and at most {_EXPERIMENTS_MAX}.", field="locations")
        most, node = wire.most(asked, _PAGE, _PAGE_MAX), And((_within(experiments), query(text)))
        found = self._traces.find(node, _order(order_by), most, _cursor(token))
        shown = base64.b64encode(msgspec.json.encode({"after": found.next})).decode() if found.next else ""
        return found.items, shown

    def correlation(self, ask: Correlation) -> dict[str, Any]:
        """How many traces meet either filter, both, and how far that is from chance: normalised pointwise mutual information."""
        base = And((_within(list(ask.experiment_ids)), query(ask.base_filter)))
        one, other = query(ask.filter_string1), query(ask.filter_string2)
        total, first, second, joint = (
            self._traces.count(And((base, *parts))) for parts in ((), (one,), (other,), (one, other))
        )  # fmt: skip
        counts = {"filter1_count": first, "filter2_count": second, "joint_count": joint, "total_count": total}
        smooth = _npmi(joint + 1, first + 2, second + 2, total + 4)
        plain = _npmi(joint, first, second, total)
        return filled(npmi=None if plain is None else plain, npmi_smoothed=smooth) | counts

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A3}/traces/search", search, "trace:read"),
        Op("POST", f"{A3}/traces/calculate-filter-correlation", correlation, "trace:read"),
    ]


def query(text: str) -> Node:
    """The query that a filter of MLflow asks for."""
    return And(tuple(_atom(clause) for clause in _GRAMMAR.clauses(text)))


def _within(experiments: list[str]) -> Node:
    return Among(Field("attribute", "experiment_id"), tuple(experiments))


def _order(order_by: tuple[str, ...]) -> tuple[Order, ...]:
    orders = []
    for text in few(order_by):
        kind, key, down = _GRAMMAR.order(text)
        if kind not in ("attribute", "tag", "metadata"):
            raise Invalid(f"Invalid order_by entity `{kind}` with key `{key}`", field="order_by")
        orders.append(Order(_field(Clause(kind, key, "=", "")), down))
    return (*orders, *([] if orders else [Order(Field("attribute", "started_at"), True)]))


def _atom(clause: Clause) -> Node:
    if clause.kind == "attribute" and clause.key == "prompt":
        return _prompt(clause)
    if clause.kind == "attribute" and clause.key == "text":
        if clause.op not in ("LIKE", "ILIKE"):
            raise Invalid("trace.text is compared by LIKE or ILIKE", field="filter")
        op = cast(Operator, clause.op.lower())
        return Or(tuple(Compare(field, op, str(clause.value)) for field in (Field("attribute", "text"), Field("span", "content"))))
    field = _field(clause)
    if clause.op.startswith("IS"):
        return Missing(field, negated=clause.op == "IS NOT NULL")
    if isinstance(clause.value, tuple):
        return Among(field, tuple(str(_value(clause, value)) for value in clause.value), clause.op == "NOT IN")
    assert clause.value is not None
    return Compare(field, cast(Operator, clause.op.lower()), _value(clause, clause.value))


def _field(clause: Clause) -> Field:
    key = clause.key
    match clause.kind:
        case "attribute":
            return Field("attribute", _ATTRIBUTES[key])
        case "issue":
            if key != "id" or clause.op != "=":
                raise Invalid(f"Invalid issue attribute '{key[:100]}', compared by {clause.op}", hint="issue.id = 'iss-…'", field="filter")
            return Field("attribute", "issue")
        case "tag" if key == "mlflow.traceName":
            return Field("attribute", "name")
        case "metadata" if key in _DERIVED and not clause.op.startswith("IS"):
            return Field("attribute", _DERIVED[key])
        case "span":
            if key in _SPAN:
                return Field("span", _SPAN[key])
            if not key.startswith("attributes.") or key == "attributes.":
                known = ", ".join([*_SPAN, "attributes.<attribute_name>"])
                raise Invalid(f"Invalid span attribute '{key[:100]}'. Supported attributes: {known}.", field="filter")
    return Field(cast(Kind, clause.kind), key)


def _value(clause: Clause, value: Any) -> Value:
    if clause.kind == "attribute" and clause.key in _TIMES:
        return wire.instant(int(value), clause.key)
    if (clause.kind, clause.key) in (("attribute", "status"), ("span", "status")):
        return str(value).lower()
    return cast(Value, value)


def _prompt(clause: Clause) -> Node:
    """Whether a trace used a version of a prompt, `name/version`."""
    name, _, version = str(clause.value).rpartition("/")
    if clause.op != "=" or not name or not version:
        raise Invalid("prompt is compared so: prompt = 'name/version'", field="filter")
    said = msgspec.json.encode({"name": name, "version": version}).decode()
    return Compare(Field("tag", "mlflow.linkedPrompts"), "~", said)


def _cursor(token: str) -> str | None:
    if not token:
        return None
    try:
        found = msgspec.json.decode(base64.b64decode(token, validate=True))["after"]
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, str):
        raise Invalid(f"Invalid page token: {token[:100]!r}", hint="pass the next_page_token of the page before", field="page_token")
    return found


def _npmi(joint: float, first: float, second: float, total: float) -> float | None:
    """Normalised pointwise mutual information (Bouma 2009): 1 if both hold together always, 0 by chance, -1 never.

    >>> _npmi(5, 5, 5, 10), _npmi(0, 5, 5, 10)
    (1.0, -1.0)
    """
    if total == 0 or first == 0 or second == 0:
        return None
    if joint == 0:
        return -1.0
    if joint == total:
        return 1.0
    return math.log(joint * total / (first * second)) / -math.log(joint / total)
