"""The verb of Traces that aggregates traces, spans or assessments: duration, tokens, cost and values, by time and by fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Float, Select, and_, case, cast, distinct, func, literal, null, select, type_coerce

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.traces import store
from ostinato.traces.search import MANY, SPAN_NUMBERS, SPAN_TEXTS, TRACES, few
from ostinato.traces.types import Measure
from ostinato.tracking.planner.parse import parse_all
from ostinato.tracking.planner.where import Place, Things
from ostinato.tracking.query import PREFIXES, Field, Kind, Node

Unit = Literal["trace", "span", "assessment"]
_t, _s, _a = store.trace_table.c, store.span_table.c, store.assessment_table.c
_PARTS_MAX, _BY_MAX, _PERCENTILES_MAX, _GROUPS_MAX = 500, 3, 20, 10_000
_ATTRIBUTES, _NO_TEXTS = "attributes.", MANY | {"started_at", "ended_at"}
_SAID = case((_a.number.is_not(None), _a.number), (_a.text == "true", 1.0), (_a.text == "false", 0.0))
_OF_ASSESSMENT = {"value": Place(number=_SAID), "name": Place(text=_a.name), "kind": Place(text=_a.kind), "text": Place(text=_a.text)}
_JOINED = {
    "span": (store.span_table, and_(_s.project == _t.project, _s.trace == _t.id)),
    "assessment": (store.assessment_table, and_(_a.project == _t.project, _a.trace == _t.id, _a.valid.is_(True))),
}
_FAILED = {"trace": _t.state == "error", "span": _s.state == "error", "assessment": _a.error.is_not(None)}


@frozen
class Question:
    """What is asked: the numbers `of` a field, of those `unit`s that meet `node` and began in time, by fields and by steps of time."""

    unit: Unit
    of: Field | None
    by: tuple[Field, ...] = ()
    node: Node
    since: datetime | None = None
    until: datetime | None = None
    step: timedelta | None = None
    percentiles: tuple[float, ...] = ()


class Measuring:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock

    def measures(
        self,
        of: str = "duration_ms",
        by: list[str] | None = None,
        where: list[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        parts: int = 1,
        percentiles: list[float] | None = None,
    ) -> list[Measure]:
        """Count, sum, mean, extremes and percentiles of a number of the traces that began from `since` (a day ago) until `until` (now).

        `of` is a number of traces, such as `total_tokens`, of each span, such as `span.cost`, or `assessment.value`, in which true is 1.
        `by` are up to three texts, such as `name`, `user`, `tags.tier`, `span.model` or `assessment.name`. The time is in so many equal
        `parts`. Of spans, `where` asks for the span itself: `span.model = tiny`. Percentiles lie between the two nearest values.

        Raises:
            Invalid: a field or a condition is malformed, spans and assessments are mixed, or it comes to more than 10,000 groups.
        """
        now = self._clock.now()
        end = until or now
        start = since or end - timedelta(days=1)
        if not 1 <= parts <= _PARTS_MAX or start >= end:
            raise Invalid(
                f"{parts} parts from {start} until {end}", hint=f"1 to {_PARTS_MAX}, and a beginning before the end", field="parts"
            )
        if len(by or []) > _BY_MAX:
            raise Invalid(f"by {len(by or [])} fields", hint=f"at most {_BY_MAX}", field="by")
        fields = [_field(name) for name in (of, *(by or []))]
        unit, node = _unit(fields), parse_all(where or [], TRACES.vocabulary)
        asked = Question(
            unit=unit, of=fields[0], by=tuple(fields[1:]), node=node, since=start, until=end,
            step=(end - start) / parts, percentiles=tuple(percentiles if percentiles is not None else (50, 90, 99)),
        )  # fmt: skip
        return self.measured(asked)

    def measured(self, asked: Question, most: int = _GROUPS_MAX) -> list[Measure]:
        """What a question comes to, by time and then by the fields; without a beginning, steps of time are counted from 1970.

        Raises:
            Invalid: a percentile is none, a field cannot be measured so, or it comes to more than `most` groups.
        """
        if len(asked.percentiles) > _PERCENTILES_MAX or not all(0 <= p <= 100 for p in asked.percentiles):
            raise Invalid(f"percentiles {list(asked.percentiles)}", hint=f"up to {_PERCENTILES_MAX} from 0 to 100", field="percentiles")

        def read(tx: Tx) -> Sequence[Any]:
            project = caller().project
            each = _each(asked, self._clock.now(), few(tx, asked.node, project))
            return tx.all(_summed(each, len(asked.by), asked.percentiles).limit(most + 1), {"project": project})

        rows = self._rows.read(read)
        if len(rows) > most:
            raise Invalid(f"more than {most} groups", hint="ask for fewer parts, or by less", field="by")
        return [_read(row, asked) for row in rows]


def _field(name: str) -> Field:
    """The field of this name."""
    kinds: tuple[Kind, ...] = ("tag", "metadata", "span")
    for kind in kinds:
        if name.startswith(PREFIXES[kind]):
            return Field(kind, name.removeprefix(PREFIXES[kind]))
    return Field("attribute", name)


def _unit(fields: Sequence[Field]) -> Unit:
    found = {_unit_of(field) for field in fields} - {"trace"}
    if len(found) > 1:
        raise Invalid("spans and assessments are measured apart", hint="ask twice", field="by")
    unit: Unit = found.pop() if found else "trace"
    return unit


def _unit_of(field: Field) -> Unit:
    return "span" if field.kind == "span" else "assessment" if field.key.startswith("assessment.") else "trace"


def _place(unit: Unit, field: Field) -> Place:
    """Where a field is, of the very unit that is measured."""
    if unit == "assessment" and field.kind == "attribute" and field.key.startswith("assessment."):
        found = _OF_ASSESSMENT.get(field.key.removeprefix("assessment."))
        if found is None:
            raise Invalid(f"an assessment has no {field.key[11:100]!r}", hint=f"it has {', '.join(_OF_ASSESSMENT)}", field="by")
        return found
    TRACES.vocabulary.type(field)
    place = TRACES.place(field)
    return replace(place, around=lambda asked: asked) if unit == "span" and field.kind == "span" else place


def _things(unit: Unit) -> Things:
    words = TRACES.vocabulary
    more = {f"assessment.{name}": "text" for name in ("name", "kind")} if unit == "assessment" else {}
    return Things(replace(words, attributes={**words.attributes, **more}), partial(_place, unit))  # type: ignore[dict-item]


def _each(asked: Question, now: datetime, also: ColumnElement[bool] | None = None) -> Select[Any]:
    """A row for each unit: in which step of time it is, what it has by the fields, the number, whether it failed, and its session."""
    unit = asked.unit
    began: ColumnElement[Any] = type_coerce(_t.started_at, BigInteger)
    meets = [_things(unit).meet(asked.node, now), *([] if also is None else [also])]
    meets += [] if asked.since is None else [began >= micros_of(asked.since)]
    meets += [] if asked.until is None else [began < micros_of(asked.until)]
    part: ColumnElement[Any] = literal(0, BigInteger)
    if asked.step is not None:
        step, first = max(1, round(asked.step / timedelta(microseconds=1))), 0 if asked.since is None else micros_of(asked.since)
        part = cast((began - first - (began - first) % step) / step, BigInteger)
    groups = [func.coalesce(_text(unit, field), "").label(f"by_{place}") for place, field in enumerate(asked.by)]
    failed = case((_FAILED[unit], 1), else_=0)
    value = cast(null(), Float) if asked.of is None else cast(_number(unit, asked.of), Float)
    query = store.listed.where(*meets)
    if unit in _JOINED:
        query = query.join(*_JOINED[unit])
    session = func.nullif(_t.session_id, "").label("session")
    return query.with_only_columns(part.label("part"), *groups, value.label("value"), failed.label("failed"), session)


def _text(unit: Unit, field: Field) -> ColumnElement[Any]:
    place = _place(unit, field)
    texts = field.key in SPAN_TEXTS or field.key.startswith(_ATTRIBUTES) if field.kind == "span" else field.key not in _NO_TEXTS
    if place.text is None or not texts:
        raise Invalid(f"nothing is measured by {field}", hint="by a text, such as name, user, tags.KEY or span.model", field="by")
    return place.text


def _number(unit: Unit, field: Field) -> ColumnElement[Any]:
    place = _place(unit, field)
    numbers = field.key in SPAN_NUMBERS or field.key.startswith(_ATTRIBUTES) if field.kind == "span" else field.kind == "attribute"
    if place.number is None or not numbers:
        raise Invalid(f"{field} is no number", hint="such as duration_ms, total_tokens, cost, span.cost or assessment.value", field="of")
    return place.number


def _summed(each: Select[Any], groups: int, percentiles: Sequence[float]) -> Select[Any]:
    """Sums by group: the numbers of each are put in order, and of a percentile the two are taken between which it lies."""
    one = each.subquery().c
    keys = ["part", *(f"by_{place}" for place in range(groups))]
    over = [*(one[key] for key in keys), case((one.value.is_not(None), 1), else_=0)]
    place = (func.row_number().over(partition_by=over, order_by=one.value) - 1).label("place")
    of = (func.count().over(partition_by=over) - 1).label("of")
    ranked = select(*(one[key] for key in keys), one.value, one.failed, one.session, place, of).subquery().c
    sums: list[Any] = [
        func.count().label("n"), func.sum(ranked.failed).label("failed"), func.count(distinct(ranked.session)).label("sessions"),
        func.count(ranked.value).label("measured"), func.sum(ranked.value).label("sum"), func.min(ranked.value).label("min"),
        func.max(ranked.value).label("max"),
    ]  # fmt: skip
    for number, percentile in enumerate(percentiles):
        at = ranked.of * literal(percentile / 100, Float())
        sums.append(func.max(case((ranked.place <= at, ranked.value))).label(f"low_{number}"))
        sums.append(func.min(case((ranked.place >= at, ranked.value))).label(f"high_{number}"))
    return select(*(ranked[key] for key in keys), *sums).group_by(*(ranked[key] for key in keys)).order_by(*(ranked[key] for key in keys))


def _read(row: Any, asked: Question) -> Measure:
    has = row._mapping
    start = 0 if asked.since is None else micros_of(asked.since)
    step = 0 if asked.step is None else max(1, round(asked.step / timedelta(microseconds=1)))
    return Measure(
        at=instant_of(start + int(row.part) * step), by=[str(has[f"by_{place}"]) for place in range(len(asked.by))],
        count=int(row.n), errors=int(row.failed or 0), sessions=int(row.sessions), measured=int(row.measured), sum=row.sum,
        mean=row.sum / row.measured if row.measured else None, min=row.min, max=row.max,
        percentiles=[_between(has, number, percentile, row.measured) for number, percentile in enumerate(asked.percentiles)],
    )  # fmt: skip


def _between(has: Any, number: int, percentile: float, measured: int) -> float | None:
    low, high = has[f"low_{number}"], has[f"high_{number}"]
    at = max(0, measured - 1) * (percentile / 100)
    return None if low is None or high is None else float(low + (at - math.floor(at)) * (high - low))
