"""The verbs of Traces that search them, and show their rate, duration and errors over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.kernel.page import Page
from ostinato.storage.rows.cells import number_in, text_in
from ostinato.storage.rows.rows import Instant, Rows, Tx
from ostinato.traces import field_index, store
from ostinato.traces.types import Moment, Trace
from ostinato.tracking.planner.index_lookup import finding, index_candidates
from ostinato.tracking.planner.order import Key, Part, checked, keys_of, page
from ostinato.tracking.planner.parse import parse_all, parse_order
from ostinato.tracking.planner.scope import FEW, aside_of
from ostinato.tracking.planner.where import Place, Things, attributes, cell
from ostinato.tracking.query import And, Field, Node, Order, Vocabulary
from ostinato.tracking.verbs.experiments import experiment_table

_t, _s, _l, _a, _e = (
    store.trace_table.c, store.span_table.c, store.linked_table.c, store.assessment_table.c, experiment_table.c,
)  # fmt: skip
_MOMENTS_MAX = 500
MANY = frozenset(("run", "issue"))
"""Of these a trace has any number."""
SPAN_TEXTS = {"name": _s.name, "kind": _s.kind, "type": _s.kind, "state": _s.state, "status": _s.state, "model": _s.model,
               "provider": _s.provider, "id": _s.id}  # fmt: skip
SPAN_NUMBERS: dict[str, ColumnElement[Any]] = {
    "duration_ms": (_s.end_ns - _s.start_ns) / literal(1e6, Float()), "cost": _s.cost, "total_tokens": _s.total_tokens,
    "input_tokens": _s.input_tokens, "output_tokens": _s.output_tokens,
}  # fmt: skip
_NOTHING: dict[type, ColumnElement[Any]] = {str: type_coerce(null(), Text), float: type_coerce(null(), Float)}
_TEXT = func.coalesce(_t.name, "") + "\n" + _t.request + "\n" + _t.response
_TYPES, _PLACES = attributes(
    {
        "id": ("text", _t.id),
        "name": ("text", _t.name),
        "state": ("text", _t.state),
        "experiment": ("text", _e.name),
        "experiment_id": ("text", _t.experiment_id),
        "run": ("text", _l.run),
        "issue": ("text", _a.name),
        "candidate": ("text", _t.candidate),
        "session": ("text", _t.session_id),
        "user": ("text", _t.user_id),
        "client_request_id": ("text", _t.client_request_id),
        "request": ("text", _t.request),
        "response": ("text", _t.response),
        "text": ("text", _TEXT),
        "started_at": ("time", _t.started_at),
        "ended_at": ("time", type_coerce(type_coerce(_t.started_at, BigInteger) + _t.duration_us, Instant)),
        "duration_ms": ("number", cast(_t.duration_us, Float) / literal(1000.0, Float())),
        "input_tokens": ("number", _t.input_tokens),
        "output_tokens": ("number", _t.output_tokens),
        "total_tokens": ("number", _t.total_tokens),
        "cost": ("number", _t.cost),
        "spans": ("number", _t.spans),
    }
)


def _of_run(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_l.project == _t.project, _l.trace == _t.id, asked).correlate(store.trace_table)


def _of_span(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_s.project == _t.project, _s.trace == _t.id, asked).correlate(store.trace_table)


def _said(kind: str, name: str) -> Callable[[ColumnElement[bool]], ColumnElement[bool]]:
    whose = (_a.project == _t.project, _a.trace == _t.id, _a.kind == kind, _a.name == name, _a.valid.is_(True))
    return lambda asked: exists().where(*whose, asked).correlate(store.trace_table)


def _of_issue(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    whose = (_a.project == _t.project, _a.trace == _t.id, _a.kind == "issue", _a.valid.is_(True))
    return exists().where(*whose, asked).correlate(store.trace_table)


_PLACES |= {"run": Place(text=_l.run, around=_of_run), "issue": Place(text=_a.name, around=_of_issue)}
_WORDS = type_coerce(_s.words, Text)


def _span(key: str) -> Place:
    """A field of any span of a trace; `content` is all that its attributes say, as JSON."""
    if key.startswith("attributes."):
        key = key.removeprefix("attributes.")
        return Place(text=text_in(_s.words, key), number=number_in(_s.words, key), around=_of_span)
    if key == "content":
        return Place(text=_WORDS, number=_NOTHING[float], around=_of_span)
    if key in SPAN_TEXTS:
        return Place(text=SPAN_TEXTS[key], number=_NOTHING[float], around=_of_span)
    if key in SPAN_NUMBERS:
        return Place(text=_NOTHING[str], number=SPAN_NUMBERS[key], around=_of_span)
    known = ", ".join([*SPAN_TEXTS, *SPAN_NUMBERS, "content", "attributes.KEY"])
    raise Invalid(f"a span has no {key[:100]!r}", hint=f"it has {known}", field="where")


def _place(field: Field) -> Place:
    match field.kind:
        case "attribute" if field.key == "text":
            return Place(text=_TEXT, around=lambda asked: asked)
        case "attribute":
            return _PLACES[field.key]
        case "feedback" | "expectation":
            around = _said(field.kind, field.key)
            return Place(text=_a.text, number=_a.number, around=around, there=around(_a.id.is_not(None)))
        case "span":
            return _span(field.key)
        case kind:
            return cell(_t.metadata if kind == "metadata" else _t.tags, field.key, numbers=False)


TRACES = Things(Vocabulary("trace", _TYPES, frozenset(("tag", "metadata", "span", "feedback", "expectation"))), _place)


def _aside(field: Field) -> Place:
    """A field in which no index is entered."""
    place = _place(field)
    text = place.text
    return place if field.kind != "attribute" or text is None else replace(place, text=func.coalesce(text, text))


_ASIDE = Things(TRACES.vocabulary, _aside)


class Finding:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock

    def search(
        self,
        where: list[str] | None = None,
        order_by: str = "-started_at",
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Trace]:
        """Traces that meet the conditions, such as `duration_ms > 2000`, `span.name = search` or `feedback.correct = false`.

        `limit` is at most 1000.

        Raises:
            Invalid: a condition, the order or the cursor is malformed; the message shows where.
        """
        words = TRACES.vocabulary
        return self.find(parse_all(where or [], words), parse_order(order_by, words), limit, after)

    def find(self, node: Node, orders: Sequence[Order], limit: int = 100, after: str | None = None) -> Page[Trace]:
        """Traces that meet a query that is a tree already."""
        now, keys = self._clock.now(), _keys(orders)
        whole = Part(store.listed.where(TRACES.meet(node, now)), keys)

        def query(tx: Tx) -> Page[Trace]:
            project = caller().project
            narrow = few(tx, node, project)
            aside = (aside_of(keys[0]), *keys[1:])
            part = whole if narrow is None else Part(store.listed_aside.where(narrow, _ASIDE.meet(node, now)), aside)
            rows = page(tx, [part], {"project": project}, limit, after)
            said = store.assessments(tx, project, [row.id for row in rows.items])
            return Page(items=[store.read(row, said[row.id]) for row in rows.items], next=rows.next)

        return self._rows.read(query)

    def count(self, node: Node) -> int:
        """How many traces meet a query that is a tree already."""
        asked, project = store.listed.where(TRACES.meet(node, self._clock.now())).with_only_columns(func.count()), caller().project

        def query(tx: Tx) -> int:
            narrow = few(tx, node, project)
            return int(tx.all(asked if narrow is None else asked.where(narrow), {"project": project})[0][0])

        return self._rows.read(query)

    def moments(
        self, where: list[str] | None = None, since: datetime | None = None, until: datetime | None = None, parts: int = 60
    ) -> list[Moment]:
        """How the traces that meet the conditions went, from `since` (a day ago) until `until` (now), in so many `parts` of equal length.

        Parts in which none began are left out.

        Raises:
            Invalid: there are more than 500 parts, or `since` is not before `until`.
        """
        now = self._clock.now()
        end = until or now
        start = since or end - timedelta(days=1)
        if not 1 <= parts <= _MOMENTS_MAX or start >= end:
            raise Invalid(
                f"{parts} parts from {start} until {end}", hint=f"1 to {_MOMENTS_MAX}, and a beginning before the end", field="parts"
            )
        meets = TRACES.meet(And((parse_all(where or [], TRACES.vocabulary),)), now)
        step = max(1, (micros_of(end) - micros_of(start)) // parts)
        asked = _moments(meets, micros_of(start), micros_of(end), step)
        rows = self._rows.read(lambda tx: tx.all(asked, {"project": caller().project}))
        return [
            Moment(
                at=instant_of(micros_of(start) + int(row.part) * step), traces=row.traces, errors=int(row.errors or 0),
                p50_ms=_ms(row.p50), p90_ms=_ms(row.p90), p99_ms=_ms(row.p99), total_tokens=int(row.tokens or 0),
                cost=float(row.cost or 0.0),
            )
            for row in rows
        ]  # fmt: skip


def _moments(meets: ColumnElement[bool], start: int, end: int, step: int) -> Any:
    """Counts and percentiles by part: of each part the durations are numbered in their order, and those at the ranks are taken."""
    began: ColumnElement[Any] = type_coerce(_t.started_at, BigInteger)
    part = cast((began - start - (began - start) % step) / step, Integer).label("part")
    plain = store.listed.where(meets, began >= start, began < end).with_only_columns(
        part, _t.duration_us, _t.state, _t.total_tokens, _t.cost,
    )  # fmt: skip
    one = plain.subquery().c
    timed = case((one.duration_us.is_not(None), 1), else_=0)
    place = func.row_number().over(partition_by=(one.part, timed), order_by=one.duration_us)
    of = func.count().over(partition_by=(one.part, timed))
    ranked = select(one.part, one.duration_us, one.state, one.total_tokens, one.cost, place.label("place"), of.label("of")).subquery().c

    def at(hundredths: int) -> ColumnElement[Any]:
        """The smallest that so many hundredths do not exceed."""
        return func.min(case((and_(ranked.duration_us.is_not(None), ranked.place * 100 >= ranked.of * hundredths), ranked.duration_us)))

    return (
        select(
            ranked.part, func.count().label("traces"), func.sum(case((ranked.state == "error", 1), else_=0)).label("errors"),
            at(50).label("p50"), at(90).label("p90"), at(99).label("p99"), func.sum(ranked.total_tokens).label("tokens"),
            func.sum(ranked.cost).label("cost"),
        )
        .group_by(ranked.part)
        .order_by(ranked.part)
    )  # fmt: skip


def text_of(typed: str) -> ColumnElement[bool]:
    """Whether a text is in what went in or out of a trace, or in what its spans say."""
    return or_(_TEXT.contains(typed, autoescape=True), _of_span(_WORDS.contains(typed, autoescape=True)))


def few(tx: Tx, node: Node, project: str) -> ColumnElement[bool] | None:
    """That a trace is one of the few that can meet a query, where an index tells of so few."""
    opened = index_candidates(node, finding(tx, {"project": project}), FEW, meeting=field_index.meeting)
    return None if opened is None else _t.id.in_(opened)


def _keys(orders: Sequence[Order]) -> tuple[Key, ...]:
    keys: list[Key] = []
    for order in checked(orders):
        TRACES.vocabulary.type(order.field)
        if order.field.kind in ("span", "feedback", "expectation") or order.field.key in MANY:
            raise Invalid(f"cannot order by {order.field}", hint="a trace has any number of them", field="order_by")
        keys += keys_of(_place(order.field), order)
    return (*keys, Key(_t.id, orders[0].down))


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000
