"""The verbs of Pipelines for the web pages, one read each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.pipelines import start_store, step_store, store
from ostinato.pipelines.catalogue import Catalogue
from ostinato.pipelines.claims import Claims
from ostinato.pipelines.invoke import error_line
from ostinato.pipelines.source_inspection import Outline, outline
from ostinato.pipelines.types import (
    Definition,
    Edge,
    Execution,
    ExecutionPage,
    Glimpse,
    PipelinePage,
    PipelineSummary,
    Schedule,
    StepRun,
    Trigger,
    Why,
)
from ostinato.pipelines.why import causes
from ostinato.storage.rows.lease import LeaseClock, Moment
from ostinato.storage.rows.rows import Rows, Tx

_RECENT = 20
_STEPS_MAX = 10_000
_CAUSES_MAX = 20
_OWN = "ostinato."


class Pages:
    """A mixin of Pipelines, which sets the attributes that are annotated here."""

    _rows: Rows
    _claims: Claims
    _catalogue: Catalogue
    _leases: LeaseClock

    def page(self, execution: str, limit: int = 1000) -> ExecutionPage:
        """The page of an execution, with the first `limit` (at most 10,000) calls of steps.

        Raises:
            NotFound: there is no such execution.
        """
        if not 1 <= limit <= _STEPS_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_STEPS_MAX}", field="limit")
        project = caller().project

        def query(tx: Tx) -> ExecutionPage:
            row = found(store.execution(tx, project, execution), execution)
            calls = [step_store.step_of(step, row.price) for step in step_store.steps_of(tx, project, execution, limit)]
            return ExecutionPage(
                execution=self._execution_of(self._leases.now(tx), row),
                steps=calls,
                edges=_edges(calls),
                counts=step_store.counts(tx, project, execution),
                last_line=step_store.last_line(tx, project, execution),
                verbs=_verbs(row),
            )

        return self._rows.read(query)

    def causes(self, execution: str, limit: int = 3) -> list[Why]:
        """The root causes of work: at most `limit` steps that ran although none of their inputs were recomputed, and what had changed.

        Raises:
            NotFound: there is no such execution.
        """
        if not 1 <= limit <= _CAUSES_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_CAUSES_MAX}", field="limit")
        project = caller().project
        return self._rows.read(lambda tx: causes(tx, found(store.execution(tx, project, execution), execution), limit))

    def overview(self) -> list[PipelineSummary]:
        """All pipelines by name, each with its 20 latest executions and its next scheduled time."""
        return self._rows.read(lambda tx: self._summaries(tx, caller().project))

    def about(self, pipeline: str) -> PipelinePage:
        """The page of a pipeline that is registered, named by an entry point, or has been started.

        Raises:
            NotFound: there is none of that name.
        """
        project = caller().project

        def query(tx: Tx) -> tuple[list[PipelineSummary], list[Schedule], list[Trigger]]:
            triggers = [start_store.trigger_of(row) for row in start_store.all_triggers(tx, project)]
            return self._summaries(tx, project), start_store.all_schedules(tx, project), triggers

        known, schedules, triggers = self._rows.read(query)
        summary = next((one for one in known if one.name == pipeline), None)
        if summary is None:
            raise NotFound.named("pipeline", pipeline, [one.name for one in known])
        taken, problem = self._outline(summary.target)
        called = (summary.name, summary.target)
        return PipelinePage(
            pipeline=summary if taken is None or summary.registered else replace(summary, summary=taken.summary),
            parameters=[] if taken is None else taken.takes(),
            schema={} if taken is None else taken.schema(),
            schedules=[one for one in schedules if one.pipeline in called],
            triggers=[one for one in triggers if one.pipeline in called],
            problem=problem,
        )

    def _summaries(self, tx: Tx, project: str) -> list[PipelineSummary]:
        registered = {one.name: one for one in store.all_definitions(tx, project)}
        named = self._catalogue.named()
        schedules, now = start_store.all_schedules(tx, project), self._leases.now(tx)
        summaries = []
        for name in sorted({*registered, *named, *store.started_names(tx, project)}):
            rows = store.search(tx, project, name, (), None, _RECENT)
            target = _target(name, registered, named, rows)
            summaries.append(
                PipelineSummary(
                    name=name,
                    target=target,
                    summary=registered[name].summary if name in registered else "",
                    registered=name in registered,
                    recent=[_glimpse(self._execution_of(now, row)) for row in rows],
                    next_at=_next(schedules, name, target),
                )
            )
        return summaries

    def _outline(self, target: str) -> tuple[Outline | None, str]:
        """The parameters of the pipeline at a target; or why it cannot be started."""
        try:
            if target.startswith(_OWN):
                return outline(target), "it is one of the platform's own: the verb that needs it starts it"
            return self._catalogue.outline(target), ""
        except NotFound as error:
            return None, error_line(error)

    def _execution_of(self, now: Moment, row: Row[Any]) -> Execution:
        return store.execution_of(row, alive=row.state != "running" or self._claims.alive(now, row))


def found(row: Row[Any] | None, execution: str) -> Row[Any]:
    """The row of an execution, which must be there.

    Raises:
        NotFound: it is not.
    """
    if row is None:
        raise NotFound(f"no execution {execution!r}", hint="pipelines.search() lists the executions of this project")
    return row


def _edges(steps: Iterable[StepRun]) -> list[Edge]:
    return [Edge(before=needed, after=step.id) for step in steps for needed in step.needs]


def _verbs(row: Row[Any]) -> list[Literal["cancel", "retry"]]:
    if row.state in ("queued", "running"):
        return [] if row.cancelling else ["cancel"]
    return ["retry"] if row.state in ("failed", "cancelled") and row.attempts > 1 else []


def _target(name: str, registered: dict[str, Definition], named: dict[str, str], rows: Iterable[Row[Any]]) -> str:
    if name in registered:
        return registered[name].target
    return named.get(name) or next(row.target for row in rows)


def _next(schedules: Iterable[Schedule], *names: str) -> datetime | None:
    return min((one.next_at for one in schedules if one.pipeline in names and one.next_at is not None), default=None)


def _glimpse(execution: Execution) -> Glimpse:
    return Glimpse(**{name: getattr(execution, name) for name in Glimpse.__dataclass_fields__})
