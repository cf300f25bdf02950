"""Evaluation sets: what MLflow's clients call evaluation datasets: examples, merged by their inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import Experiments
from ostinato.gateways.mlflow.filter import Clause, Grammar, few, holds, ordered
from ostinato.gateways.mlflow.wire import A3, Ask, Int64, filled
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.traces.types import EvalRecord, EvalSet

_GRAMMAR = Grammar(
    {"name": "text", "created_by": "text", "last_updated_by": "text", "created_time": "number", "last_update_time": "number"},
    {"tag": "tag", "tags": "tag", "attribute": "attribute", "attributes": "attribute"},
    lists=frozenset({"name"}),
    sortable=frozenset({"name", "created_time", "last_update_time"}),
)
_USER = "mlflow.user"


class CreateSet(Ask, kw_only=True):
    """A new set; the tags are JSON in a text."""

    name: str
    experiment_ids: tuple[str, ...] = ()
    tags: str = ""


class SetAsk(Ask, kw_only=True):
    """A set."""

    dataset_id: str


class SearchSets(Ask, kw_only=True):
    """A page of sets."""

    experiment_ids: tuple[str, ...] = ()
    filter_string: str = ""
    max_results: Int64 | None = None
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class TagSet(SetAsk, kw_only=True):
    """Tags to set, as JSON in a text; null deletes one."""

    tags: str


class SetKey(SetAsk, kw_only=True):
    """A tag to delete."""

    key: str


class MergeRecords(SetAsk, kw_only=True):
    """Examples, as JSON in a text."""

    records: str


class RecordsAsk(SetAsk, kw_only=True):
    """A page of examples."""

    max_results: Int64 | None = None
    page_token: str = ""


class DropRecords(SetAsk, kw_only=True):
    """Examples to delete."""

    dataset_record_ids: tuple[str, ...] = ()


class OfExperiments(SetAsk, kw_only=True):
    """Experiments that a set is for, or is no more."""

    experiment_ids: tuple[str, ...] = ()


class EvalSets:
    """The routes of evaluation sets."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces
        self._experiments = Experiments(app)

    def create(self, ask: CreateSet) -> dict[str, Any]:
        """Make a set."""
        of = [self._experiments.real(found) for found in ask.experiment_ids]
        return {"dataset": shown(self._traces.create_evalset(ask.name, of, _labels(ask.tags)))}

    def get(self, ask: SetAsk) -> dict[str, Any]:
        """A set."""
        with _named(ask):
            return {"dataset": shown(self._traces.evalset(ask.dataset_id))}

    def delete(self, ask: SetAsk) -> dict[str, Any]:
        """Delete a set."""
        with _named(ask):
            self._traces.delete_evalset(ask.dataset_id)
        return {}

    def search(self, ask: SearchSets) -> dict[str, Any]:
        """Sets by name, times and tags, the newest first unless an order is asked for."""
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results, 50, 1_000)
        clauses, orders = _GRAMMAR.clauses(ask.filter_string), [_GRAMMAR.order(text) for text in few(ask.order_by)]
        wanted = set(ask.experiment_ids)
        found = [one for one in self._traces.evalsets() if not wanted or wanted & {*one.experiments}]
        found = [one for one in found if all(_holds(clause, one) for clause in clauses)]
        by = [(lambda one, key=key: _key(key, one), down) for _, key, down in orders]
        found = ordered(found, by)[start : start + most + 1]
        return wire.page("datasets", [shown(one) for one in found], start, most)

    def tag(self, ask: TagSet) -> dict[str, Any]:
        """Set tags."""
        return {"dataset": shown(self._traces.change_evalset(ask.dataset_id, tags=_labels(ask.tags)))}

    def untag(self, ask: SetKey) -> dict[str, Any]:
        """Delete a tag."""
        self._traces.change_evalset(ask.dataset_id, tags={ask.key: None})
        return {}

    def merge(self, ask: MergeRecords) -> dict[str, Any]:
        """Add examples; one with the same inputs takes what is new."""
        given = _json(ask.records, "records")
        if not isinstance(given, list) or not all(isinstance(record, dict) for record in given):
            raise Invalid("records must be a list of objects", field="records")
        merged = self._traces.merge_records(ask.dataset_id, given)
        return {"inserted_count": merged.inserted, "updated_count": merged.updated}

    def records(self, ask: RecordsAsk) -> dict[str, Any]:
        """A page of examples."""
        most = wire.most(ask.max_results or None, 1_000, 1_000)
        found = self._traces.records(ask.dataset_id, most, ask.page_token or None)
        return filled(next_page_token=found.next) | {"records": json.dumps([_record(ask.dataset_id, one) for one in found.items])}

    def drop(self, ask: DropRecords) -> dict[str, Any]:
        """Delete examples."""
        return {"deleted_count": self._traces.drop_records(ask.dataset_id, list(ask.dataset_record_ids))}

    def experiment_ids(self, ask: SetAsk) -> dict[str, Any]:
        """For which experiments a set is."""
        return filled(experiment_ids=self._traces.evalset(ask.dataset_id).experiments)

    def add(self, ask: OfExperiments) -> dict[str, Any]:
        """A set is for more experiments."""
        more = [self._experiments.real(found) for found in ask.experiment_ids]
        with _named(ask):
            return {"dataset": shown(self._traces.change_evalset(ask.dataset_id, add_experiments=more))}

    def remove(self, ask: OfExperiments) -> dict[str, Any]:
        """A set is for fewer experiments."""
        with _named(ask):
            return {"dataset": shown(self._traces.change_evalset(ask.dataset_id, drop_experiments=list(ask.experiment_ids)))}

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A3}/datasets/create", create, "trace:write"),
        Op("GET", f"{A3}/datasets/search", search, "trace:read"),
        Op("POST", f"{A3}/datasets/search", search, "trace:read"),
        Op("GET", f"{A3}/datasets/{{dataset_id}}", get, "trace:read"),
        Op("DELETE", f"{A3}/datasets/{{dataset_id}}", delete, "trace:purge"),
        Op("PATCH", f"{A3}/datasets/{{dataset_id}}/tags", tag, "trace:write"),
        Op("DELETE", f"{A3}/datasets/{{dataset_id}}/tags/{{key:path}}", untag, "trace:write"),
        Op("POST", f"{A3}/datasets/{{dataset_id}}/records", merge, "trace:write"),
        Op("GET", f"{A3}/datasets/{{dataset_id}}/records", records, "trace:read"),
        Op("DELETE", f"{A3}/datasets/{{dataset_id}}/records", drop, "trace:write"),
        Op("GET", f"{A3}/datasets/{{dataset_id}}/experiment-ids", experiment_ids, "trace:read"),
        Op("POST", f"{A3}/datasets/{{dataset_id}}/add-experiments", add, "trace:write"),
        Op("POST", f"{A3}/datasets/{{dataset_id}}/remove-experiments", remove, "trace:write"),
    ]


@contextmanager
def _named(ask: SetAsk) -> Iterator[None]:
    """Say that a set is not there in the words that clients know."""
    try:
        yield
    except NotFound:
        raise NotFound(f"Evaluation dataset with id '{ask.dataset_id[:200]}' not found") from None


def shown(one: EvalSet) -> dict[str, Any]:
    """A set as a message of MLflow."""
    return filled(
        dataset_id=one.id,
        name=one.name,
        tags=json.dumps(one.tags),
        profile=json.dumps({"num_records": one.records}) if one.records else "",
        digest=one.digest or one.id[-8:],
        created_time=wire.millis(one.created_at),
        last_update_time=wire.millis(one.changed_at),
        created_by=one.tags.get(_USER) or one.created_by,
        last_updated_by=one.changed_by,
        experiment_ids=one.experiments,
    )


def _record(of: str, one: EvalRecord) -> dict[str, Any]:
    source = one.source or {}
    kind = str(source.get("source_type", "UNSPECIFIED")).upper()
    data = source.get("source_data") or {}
    return {
        "dataset_record_id": one.id,
        "dataset_id": of,
        "inputs": one.inputs,
        "outputs": one.outputs,
        "expectations": one.expectations,
        "tags": one.tags,
        "source": one.source,
        "source_type": kind if source else None,
        "source_id": data.get("trace_id" if kind == "TRACE" else "source_id") if isinstance(data, dict) else None,
        "created_time": wire.millis(one.created_at),
        "last_update_time": wire.millis(one.changed_at),
        "created_by": one.tags.get(_USER) or one.created_by,
        "last_updated_by": one.changed_by,
    }


def _json(text: str, field: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Invalid(f"Invalid value for parameter '{field}' supplied: it is no JSON", field=field) from None


def _labels(text: str) -> dict[str, Any]:
    given = _json(text, "tags") if text else {}
    if not isinstance(given, dict):
        raise Invalid("tags must be an object", field="tags")
    return {key: None if value is None else str(value) for key, value in given.items()}


def _holds(clause: Clause, one: EvalSet) -> bool:
    return holds(clause, one.tags.get(clause.key) if clause.kind == "tag" else _key(clause.key, one))


def _key(key: str, one: EvalSet) -> Any:
    times = {"created_time": one.created_at, "last_update_time": one.changed_at}
    return wire.millis(times[key]) if key in times else {"name": one.name, "created_by": one.created_by}.get(key, one.changed_by)
