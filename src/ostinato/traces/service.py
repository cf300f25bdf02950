"""Traces: the verbs of traces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import and_, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.event import Event
from ostinato.kernel.steps import TimeSliced
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.traces import retention, store
from ostinato.traces.assessments import Assessing
from ostinato.traces.attachments import TraceFiles
from ostinato.traces.conventions import meaning
from ostinato.traces.evalsets import EvalSets
from ostinato.traces.holds import called, check_not_held
from ostinato.traces.intake import Intake, checked_labels, found
from ostinato.traces.issues import Issues, forget_issues
from ostinato.traces.measures import Measuring
from ostinato.traces.prices import Prices
from ostinato.traces.questions import Questions, forget_questions
from ostinato.traces.retention import Retention, oldest, some, take
from ostinato.traces.sampling import Sampling
from ostinato.traces.scorers import Scorers, forget_scorers
from ostinato.traces.search import Finding
from ostinato.traces.types import KeptSpan, Span, Trace
from ostinato.tracking.lookup import find_run
from ostinato.tracking.removal.rules import Rules
from ostinato.tracking.service import Runs

DELETE_MAX = 1_000
_ROUND_S = 1.0


class Traces(Intake, Sampling, Retention, Finding, Measuring, Assessing, Issues, Questions, Scorers, Prices, EvalSets, TraceFiles):
    """The traces of a project: taken in, found, assessed, priced and deleted."""

    def __init__(self, *, rows: Rows, blobs: Owned, ledger: Ledger, clock: Clock, runs: Runs) -> None:
        self._rows = rows
        self._blobs = blobs
        self._ledger = ledger
        self._clock = clock
        self._runs = runs
        self._upkeep = TimeSliced()
        self._rules = Rules(rows, ledger, clock, retention.rule_table, retention.read_rule, "trace_retention", retention.log)
        ledger.called |= {"trace": called}
        runs.goes_along = lambda tx, experiment: check_not_held(tx, store.trace_table.c.experiment_id == experiment)

    def get(self, trace: str) -> Trace:
        """The trace with this id, with what was said of it.

        Raises:
            NotFound: there is none.
        """
        return self._rows.read(lambda tx: found(tx, trace))

    def many(self, traces: Sequence[str]) -> list[Trace]:
        """Those of these traces that there are."""

        def query(tx: Tx) -> list[Trace]:
            project, asked = caller().project, store.listed.where(store.trace_table.c.id.in_(traces))
            rows, said = tx.all(asked, {"project": project}), store.assessments(tx, project, list(traces))
            by_id = {row.id: store.read(row, said[row.id]) for row in rows}
            return [by_id[trace] for trace in dict.fromkeys(traces) if trace in by_id]

        return self._rows.read(query)

    def spans(self, trace: str) -> list[KeptSpan]:
        """The spans of a trace, in the order in which they began.

        Raises:
            NotFound: there is no such trace.
        """
        project = caller().project

        def query(tx: Tx) -> tuple[datetime, Sequence[Any]]:
            known = store.one(tx, project, trace)
            if known is None:
                raise store.unknown(trace)
            return known.started_at, store.spans(tx, project, trace)

        began, rows = self._rows.read(query)
        return [self._span(row, began) for row in rows]

    def _span(self, row: Any, began: datetime) -> KeptSpan:
        payload = self._blobs.open(row.payload) if row.payload else row.body
        body = store.unpacked(payload)
        said = meaning(Span(trace=row.trace, id=row.id, name=row.name, start_ns=row.start_ns, attributes=body.attributes))
        return store.read_span(row, payload, began, (said.inputs, said.outputs))

    def tag(self, trace: str, tags: dict[str, str | None]) -> Trace:
        """Set tags, or remove those set to None.

        Raises:
            NotFound: there is no such trace.
        """
        return self.retag(trace, lambda _: tags)

    def retag(self, trace: str, tags: Callable[[Mapping[str, str]], Mapping[str, str | None]]) -> Trace:
        """Set tags to what becomes of those that are there, in one transaction; what becomes None is removed. In process only.

        Raises:
            NotFound: there is no such trace.
        """

        def change(tx: Tx) -> Trace:
            project, known = caller().project, found(tx, trace)
            after = {key: value for key, value in {**known.tags, **tags(known.tags)}.items() if value is not None}
            c = store.trace_table.c
            where = update(store.trace_table).where(c.project == project, c.id == trace)
            tx.execute(where.values(tags=checked_labels(after, "tags")))
            return found(tx, trace)

        return self._rows.write(change)

    def rename(self, trace: str, name: str) -> Trace:
        """Call a trace otherwise.

        Raises:
            NotFound: there is no such trace.
        """

        def change(tx: Tx) -> Trace:
            c = store.trace_table.c
            tx.execute(update(store.trace_table).where(c.project == caller().project, c.id == trace).values(name=name[:500]))
            return found(tx, trace)

        return self._rows.write(change)

    def link(self, traces: list[str], run: str) -> None:
        """Make traces part of a run; those that are part of it already stay so.

        Raises:
            NotFound: there is no such run, or one of the traces is not there.
        """

        def change(tx: Tx) -> None:
            project = caller().project
            find_run(tx, run)
            c = store.trace_table.c
            there = {row.id for row in tx.all(select(c.id).where(c.project == project, c.id.in_(_few(traces))))}
            if missing := [trace for trace in traces if trace not in there]:
                raise store.unknown(missing[0])
            store.link(tx, project, run, traces)

        self._rows.write(change)

    def delete(self, traces: list[str]) -> int:
        """Delete traces with their spans and what was said of them; nothing brings them back. How many there were.

        Raises:
            Invalid: more than 1,000 at once.
            Conflict: one of them is held, or its experiment, or a run that it is part of; none of them goes then.
        """
        return self._forget(_few(traces), {})

    def delete_before(self, experiment: str, until: datetime, most: int = DELETE_MAX) -> int:
        """Delete the oldest `most` traces of an experiment, by its id or name, of those that began before an instant. How many there were.

        Raises:
            NotFound: there is no such experiment.
            Conflict: one of them is held, or the experiment, or a run that it is part of; none of them goes then.
        """
        if not 1 <= most <= DELETE_MAX:
            raise Invalid(f"{most} traces at once", hint=f"1 to {DELETE_MAX}; ask again until it is 0", field="most")
        c, project = store.trace_table.c, caller().project
        query = oldest(and_(c.experiment_id == self._runs.experiment(experiment).id, c.started_at <= until), most)
        return self._forget(
            [row.id for row in self._rows.read(lambda tx: tx.all(query, {"project": project}))], {"until": until.isoformat()}
        )

    def on_event(self, event: Event) -> bool:
        """The traces of an experiment that is purged go with it: that none was held was seen to then.

        It takes about a second; whether that was all.
        """
        if event.verb != "experiment.purged":
            return True
        until, over = time.monotonic() + _ROUND_S, store.trace_table.c.experiment_id == event.subject.name
        while there := self._rows.read(partial(some, over=over, of=store.bare)):
            self._forget([one.id for one in there], {"purged": event.id}, purged=True)
            if time.monotonic() >= until:
                return False
        self._rows.write(partial(_forget_review, experiment=event.subject.name))
        return True

    def _forget(self, traces: list[str], why: dict[str, Any], purged: bool = False) -> int:
        """Delete traces, unless one is held; those of an experiment that was `purged` are past that."""

        def change(tx: Tx) -> int:
            if not purged:
                check_not_held(tx, store.trace_table.c.id.in_(traces))
            return take(tx, self._ledger, traces, why)

        return self._rows.write(change) if traces else 0


def _forget_review(tx: Tx, experiment: str) -> None:
    """What was asked about the traces of an experiment, what judged them and what was found goes with them."""
    for forget in (forget_issues, forget_questions, forget_scorers):
        forget(tx, experiment)


def _few(traces: list[str]) -> list[str]:
    if len(traces) > DELETE_MAX:
        raise Invalid(f"{len(traces)} traces at once", hint=f"at most {DELETE_MAX}", field="traces")
    return traces
