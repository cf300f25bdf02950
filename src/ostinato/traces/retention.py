"""The verbs of Traces for retention rules, and for applying them, automatically or on request."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Float,
    Row,
    Select,
    Table,
    Text,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
    true,
)

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import Steps, TimeSliced, run_all
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.owned import owner
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata
from ostinato.traces import field_index, store
from ostinato.traces.evalsets import example_table
from ostinato.traces.holds import held
from ostinato.traces.search import TRACES
from ostinato.traces.types import Lapsed, TraceRule
from ostinato.tracking.planner.parse import parse_all
from ostinato.tracking.removal.rules import Rules
from ostinato.tracking.verbs.experiments import find_experiment

log = logging.getLogger("ostinato.traces")
_AT_ONCE, _SPANS_AT_ONCE = 200, 5_000
"""So many traces go in one transaction, and so many spans, unless one trace has more."""
_TOLD_MAX = 100

rule_table = Table(
    "traces_retention",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("days", Float, nullable=False),
    Column("experiment", Text),
    Column("conditions", Json, nullable=False),
    Column("keep_assessed", Boolean, nullable=False),
    Column("keep_examples", Boolean, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("applied_at", Instant),
)
_r, _t, _s, _a, _x = rule_table.c, store.trace_table.c, store.span_table.c, store.assessment_table.c, example_table.c
_ASSESSED = exists().where(_a.project == _t.project, _a.trace == _t.id).correlate(store.trace_table)
_EXAMPLE = exists().where(_x.project == _t.project, _x.trace == _t.id).correlate(store.trace_table)


@dataclass(frozen=True, slots=True)
class _Old:
    """A trace that a rule is about."""

    id: str
    started_at: datetime
    spans: int


class Retention:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _upkeep: TimeSliced
    _rules: Rules[TraceRule]

    def retain(
        self, name: str, days: float, experiment: str | None = None, where: list[str] | None = None, keep_assessed: bool = True,
        keep_examples: bool = True,
    ) -> TraceRule:  # fmt: skip
        """Declare which traces go by themselves from now on, in the place of a rule of that name; servers apply it each hour.

        Those go for good that meet the conditions and began more than `days` ago: to keep errors longer, give one rule
        `where=["state != error"]` and fewer days than the other. With `keep_assessed` those of which somebody said something stay, with
        `keep_examples` those that are the source of a record of an evaluation set; what is held stays always. `apply_retention` says
        before what would go.

        Raises:
            Invalid: a condition is malformed, or `days` is negative.
            NotFound: there is no such experiment.
        """
        if not 0 <= days <= 36_500:
            raise Invalid(f"{days:g} days", hint="0 to 36500", field="days")
        asked, who = list(where or []), caller()
        TRACES.meet(parse_all(asked, TRACES.vocabulary), self._clock.now())

        def make(tx: Tx) -> TraceRule:
            return TraceRule(
                name=name, days=days, experiment=None if experiment is None else find_experiment(tx, experiment).id, where=asked,
                keep_assessed=keep_assessed, keep_examples=keep_examples, declared_by=who.actor, declared_at=self._clock.now(),
            )  # fmt: skip

        kept = {"keep_assessed": keep_assessed, "keep_examples": keep_examples}
        return self._rules.declare(name, make, lambda made: {"days": days, "experiment": made.experiment, **kept})

    def retention(self) -> list[TraceRule]:
        """The rules of the project about which traces are kept how long, by name."""
        return self._rules.all()

    def drop_retention(self, name: str) -> None:
        """Let a rule go: no trace leaves because of it any more.

        Raises:
            NotFound: there is none of that name.
        """
        self._rules.drop(name)

    def apply_retention(self, name: str | None = None, apply: bool = False) -> list[Lapsed]:
        """Say what the rules, or one of them, would let go now, and how much that is; with `apply` do it, for good.

        Raises:
            NotFound: there is no rule of that name.
        """
        return [run_all(self._applying(rule, apply)) for rule in self._rules.chosen(name)]

    def tick(self) -> None:
        """About a second of upkeep, in all projects: rules not applied for an hour are. The next call goes on with what takes longer."""
        self._upkeep.advance(self._apply_due)

    def _apply_due(self) -> Steps[None]:
        return self._rules.apply_due(lambda rule: self._applying(rule, True, measured=False))

    def _applying(self, rule: TraceRule, apply: bool, measured: bool = True) -> Steps[Lapsed]:
        """Apply a rule, the oldest first, and note so when that is done; unless `measured`, it is not said how much goes."""
        now, told = self._clock.now(), Lapsed(rule=rule.name, applied=apply)
        over, at = self._over(rule, now), None
        while found := self._rows.read(partial(some, over=over, after=at)):
            at = (found[-1].started_at, found[-1].id)
            ids = [one.id for one in found]
            size = self._rows.read(partial(_size, traces=ids)) if measured else 0
            act, how = (self._rows.write, partial(self._leave, over=over, rule=rule.name)) if apply else (self._rows.read, _free)
            going = act(partial(how, traces=ids))
            told = _more(told, [one for one in found if one.id in going], size, len(found) - len(going))
            yield
        if apply:
            self._rules.applied(rule.name, now)
        return told

    def _over(self, rule: TraceRule, now: datetime) -> ColumnElement[bool]:
        """What the traces meet that a rule is about."""
        of = [] if rule.experiment is None else [_t.experiment_id == rule.experiment]
        kept = [kept for kept, asked in ((_ASSESSED, rule.keep_assessed), (_EXAMPLE, rule.keep_examples)) if asked]
        meets = TRACES.meet(parse_all(rule.where, TRACES.vocabulary), now)
        return and_(_t.started_at < now - timedelta(days=rule.days), *of, meets, *(not_(one) for one in kept))

    def _leave(self, tx: Tx, traces: Sequence[str], over: ColumnElement[bool], rule: str) -> set[str]:
        """Let those of these traces go that a rule is still about, and that nothing holds."""
        still = store.listed.where(over, _t.id.in_(traces)).with_only_columns(_t.id)
        going = _free(tx, [row.id for row in tx.all(still, {"project": caller().project})])
        take(tx, self._ledger, going, {"rule": rule})
        return going


def take(tx: Tx, ledger: Ledger, traces: Collection[str], why: dict[str, Any]) -> int:
    """Delete traces with all that belongs to them, and say so by their experiments. How many there were."""
    project = caller().project
    rows = tx.all(select(_t.id, _t.experiment_id).where(_t.project == project, _t.id.in_(list(traces))))
    for row in rows:
        field_index.forget(tx, project, row.id)
    store.forget(tx, project, [row.id for row in rows])
    for experiment in sorted({row.experiment_id for row in rows}):
        gone = sorted(row.id for row in rows if row.experiment_id == experiment)
        ledger.append(tx, "trace.deleted", Ref("experiment", experiment), data={"traces": gone, **why})
    return len(rows)


def oldest(over: ColumnElement[bool], most: int, after: tuple[datetime, str] | None = None, of: Select[Any] = store.listed) -> Select[Any]:
    """The oldest traces of a kind, behind one of them."""
    behind = true() if after is None else or_(_t.started_at > after[0], and_(_t.started_at == after[0], _t.id > after[1]))
    entered = true() if after is None else _t.started_at >= after[0]
    asked = of.where(over, entered, behind).order_by(_t.started_at, _t.id).limit(most)
    return asked.with_only_columns(_t.id, _t.started_at, _t.spans)


def some(
    tx: Tx, over: ColumnElement[bool], after: tuple[datetime, str] | None = None, of: Select[Any] = store.listed
) -> list[_Old]:  # fmt: skip
    """The next that fit into one transaction."""
    rows = tx.all(oldest(over, _AT_ONCE, after, of), {"project": caller().project})
    found = [_Old(row.id, row.started_at, row.spans) for row in rows]
    totals = accumulate(one.spans for one in found)
    return [one for place, (one, total) in enumerate(zip(found, totals, strict=True)) if place == 0 or total <= _SPANS_AT_ONCE]


def _free(tx: Tx, traces: Sequence[str]) -> set[str]:
    return set(traces) - held(tx, traces).keys()


def _size(tx: Tx, traces: Sequence[str]) -> int:
    """The bytes of what the spans of traces say, packed."""
    project = caller().project
    whose = (_s.project == project, _s.trace.in_(traces))
    inside = tx.all(select(func.sum(func.length(_s.body))).where(*whose))[0][0]
    digests = select(_s.payload).where(*whose, _s.payload.is_not(None)).distinct()
    apart = tx.all(select(func.sum(owner.c.size)).where(owner.c.project == project, owner.c.digest.in_(digests)))[0][0]
    return int(inside or 0) + int(apart or 0)


def _more(told: Lapsed, going: Sequence[_Old], size: int, held: int) -> Lapsed:
    ids = [one.id for one in going]
    return replace(
        told, traces=[*told.traces, *ids][:_TOLD_MAX], count=told.count + len(ids), spans=told.spans + sum(one.spans for one in going),
        size=told.size + size, held=told.held + held, oldest=told.oldest or (going[0].started_at if going else None),
        newest=going[-1].started_at if going else told.newest,
    )  # fmt: skip


def read_rule(row: Row[Any]) -> TraceRule:
    return TraceRule(
        name=row.name, days=row.days, experiment=row.experiment, where=row.conditions, keep_assessed=bool(row.keep_assessed),
        keep_examples=bool(row.keep_examples), declared_by=row.declared_by, declared_at=row.declared_at, applied_at=row.applied_at,
    )  # fmt: skip
