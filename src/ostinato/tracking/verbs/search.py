"""The verbs of Runs that search experiments and candidates, with the query language of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.page import Page
from ostinato.storage.rows.lease import at
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.candidate_tables import candidate_table, measure_table
from ostinato.tracking.planner.order import Key, Part, checked, keys_of, page
from ostinato.tracking.planner.parse import parse_all, parse_order
from ostinato.tracking.planner.where import Place, Things, attributes, cell
from ostinato.tracking.query import Field, Node, Order, Vocabulary
from ostinato.tracking.store import LEASES
from ostinato.tracking.types import Candidate, Experiment, View
from ostinato.tracking.verbs import candidates, experiments
from ostinato.tracking.verbs.experiments import experiment_table, seen

_e, _c, _m = experiment_table.c, candidate_table.c, measure_table.c
_E_TYPES, _E_PLACES = attributes(
    {
        "id": ("text", _e.id),
        "name": ("text", _e.name),
        "note": ("text", _e.note),
        "created_by": ("text", _e.created_by),
        "created_at": ("time", _e.created_at),
        "changed_at": ("time", _e.changed_at),
    }
)
_C_TYPES, _C_PLACES = attributes(
    {
        "id": ("text", _c.id),
        "name": ("text", _c.name),
        "experiment": ("text", _e.name),
        "experiment_id": ("text", _c.experiment_id),
        "run": ("text", _c.run),
        "state": ("text", _c.state),
        "type": ("text", _c.type),
        "created_by": ("text", _c.created_by),
        "created_at": ("time", _c.created_at),
        "changed_at": ("time", _c.changed_at),
        "step": ("number", _c.step),
    }
)


def _of_experiment(field: Field) -> Place:
    return _E_PLACES[field.key] if field.kind == "attribute" else cell(_e.tags, field.key, numbers=False)


def _of_candidate(field: Field, dataset: tuple[str, str] | None = None) -> Place:
    if field.kind == "attribute":
        return _C_PLACES[field.key]
    if field.kind == "metric":
        return _of_measure(field, dataset)
    return cell(_c.params if field.kind == "param" else _c.tags, field.key, numbers=field.kind == "param")


def _of_measure(field: Field, dataset: tuple[str, str] | None) -> Place:
    """A metric of a candidate: what was measured of it, on the data of that name and digest or on any."""
    whose = [_m.project == _c.project, _m.candidate == _c.id, _m.key == field.key]
    if dataset is not None:
        whose += [_m.dataset_name == dataset[0], _m.dataset_digest == dataset[1]]
    there = exists().where(*whose).correlate(candidate_table)
    asked: Any = select(_m.value).order_by(_m.step.desc(), _m.at.desc()).limit(1)
    if field.of != "last":
        asked = select(func.count() if field.of == "count" else getattr(func, field.of)(_m.value))
    number: ColumnElement[Any] = asked.where(*whose).correlate(candidate_table).scalar_subquery()
    return Place(number=number, around=lambda meets: and_(there, meets), there=there)


EXPERIMENTS = Things(Vocabulary("experiment", _E_TYPES, frozenset(("tag",))), _of_experiment)
CANDIDATES = Things(Vocabulary("candidate", _C_TYPES, frozenset(("metric", "param", "tag"))), _of_candidate)


class Finding:
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock

    def search_experiments(
        self,
        where: list[str] | None = None,
        order_by: str = "-created_at",
        limit: int = 100,
        after: str | None = None,
        view: View = "active",
    ) -> Page[Experiment]:
        """Experiments that meet the conditions, such as `name ~ night` or `tags.team = a`; `limit` is at most 1000.

        Raises:
            Invalid: a condition, the order or the cursor is malformed; the message shows where.
        """
        words = EXPERIMENTS.vocabulary
        return self.find_experiments(parse_all(where or [], words), parse_order(order_by, words), view, limit, after)

    def find_experiments(
        self, node: Node, orders: Sequence[Order], view: View = "active", limit: int = 100, after: str | None = None
    ) -> Page[Experiment]:
        """Experiments that meet a query that is a tree already."""
        meets = EXPERIMENTS.meet(node, self._clock.now())
        part = Part(experiments.listed.where(meets, *seen(_e.deleted_at, view)), _keys(EXPERIMENTS, orders, _e.id))

        def query(tx: Tx) -> Page[Experiment]:
            found = page(tx, [part], {"project": caller().project, **at(LEASES.now(tx))}, limit, after)
            return Page(items=[experiments.read(row) for row in found.items], next=found.next)

        return self._rows.read(query)

    def candidates(
        self,
        where: list[str] | None = None,
        order_by: str = "-created_at",
        limit: int = 100,
        after: str | None = None,
        view: View = "active",
        dataset_name: str = "",
        dataset_digest: str = "",
    ) -> Page[Candidate]:
        """Candidates that meet the conditions, such as `run = …`, `metrics.auc > 0.7` or `experiment = flights`, with their metrics.

        With a `dataset_name`, metrics are those that were measured on the data of that name and digest. `limit` is at most 1000.

        Raises:
            Invalid: a condition, the order or the cursor is malformed; the message shows where.
        """
        words, dataset = CANDIDATES.vocabulary, (dataset_name, dataset_digest) if dataset_name or dataset_digest else None
        return self.find_candidates(parse_all(where or [], words), parse_order(order_by, words), view, limit, after, dataset)

    def find_candidates(
        self,
        node: Node,
        orders: Sequence[Order],
        view: View = "active",
        limit: int = 100,
        after: str | None = None,
        dataset: tuple[str, str] | None = None,
    ) -> Page[Candidate]:
        """Candidates that meet a query that is a tree already; metrics are those on the `dataset` of that name and digest, or on any."""
        things = Things(CANDIDATES.vocabulary, lambda field: _of_candidate(field, dataset))
        meets = things.meet(node, self._clock.now())
        part = Part(candidates.listed.where(meets, *seen(_c.deleted_at, view)), _keys(things, orders, _c.id))

        def query(tx: Tx) -> Page[Candidate]:
            found = page(tx, [part], {"project": caller().project}, limit, after)
            return Page(items=candidates.measured(tx, [candidates.read(row) for row in found.items]), next=found.next)

        return self._rows.read(query)


def _keys(things: Things, orders: Sequence[Order], id_: ColumnElement[Any]) -> tuple[Key, ...]:
    keys: list[Key] = []
    for order in checked(orders):
        things.vocabulary.type(order.field)
        keys += keys_of(things.place(order.field), order)
    return (*keys, Key(id_, orders[0].down))
