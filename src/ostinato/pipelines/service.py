"""Pipelines: the verbs of executions."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any, TypeVar

from sqlalchemy import Row

from ostinato.access.permissions import permits
from ostinato.kernel.caller import caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound, StepFailed
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.pipelines import start_store, step_store, store
from ostinato.pipelines.catalogue import ATTEMPTS, Catalogue, StartRequest
from ostinato.pipelines.claims import Claims
from ostinato.pipelines.definition import Pipeline, locate
from ostinato.pipelines.execute import execute
from ostinato.pipelines.lease_owner import refuse_within_import
from ostinato.pipelines.leases import Claim
from ostinato.pipelines.pages import Pages, found
from ostinato.pipelines.recording import Recorder
from ostinato.pipelines.restricted_app import Needs, RestrictedApp, needs_of
from ostinato.pipelines.schedules import Schedules
from ostinato.pipelines.serialization import Packer, revive
from ostinato.pipelines.source_inspection import outline_of
from ostinato.pipelines.triggers import Triggers
from ostinato.pipelines.types import ENDED, Definition, Execution, ExecutionState, Limit, LogLine, StepRun, Why
from ostinato.pipelines.why import why
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.rows.lease import LeaseClock, machine_s
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables
from ostinato.tracking.service import Runs

T = TypeVar("T")
_PAGE_MAX = 1000
_WAIT_MAX_S = 20.0
_QUEUE_MAX = 100
_OWN = "ostinato."
"""The platform's own pipelines do what the verb promises that starts them, and whose permission was asked for."""
_NOT_IN_REFS = re.compile(r"[^A-Za-z0-9._/+=%-]")


class Pipelines(Schedules, Triggers, Pages):
    """Start pipelines, let them start by themselves, follow their executions, and ask why a step ran."""

    def __init__(
        self,
        *,
        rows: Rows,
        blobs: Blobs,
        tables: Tables,
        ledger: Ledger,
        clock: Clock,
        runs: Runs,
        settings: Settings,
        leases: LeaseClock | None = None,
    ) -> None:
        self._rows = rows
        self._ledger = ledger
        self._clock = clock
        self._runs = runs
        self._lease_s = float(settings.lease_s)
        self._queues = [name.strip() for name in settings.queues.split(",") if name.strip()]
        self._leases = leases or LeaseClock()
        self._recorder = Recorder(blobs, ledger, clock)
        self._packer = Packer(blobs, tables, settings if isinstance(blobs, Owned) else None)
        self._catalogue = Catalogue(rows, self._packer, settings.pipelines)
        self._claims = Claims(rows, ledger, clock, self._recorder, self._leases, self._lease_s, settings.cpu_hour_price)
        self._app: Any = None
        self._needs: Needs = {}
        self._ending = threading.Event()

    def attach(self, app: Any, slices: Sequence[ModuleType] = ()) -> None:
        """Set the `current().app` of executions in this process, and the slices that it offers."""
        self._app = app
        self._needs = needs_of(slices)

    def drain(self) -> None:
        """Answer all waiting calls at once with the current state, because this process is about to end."""
        self._ending.set()

    def tick(self) -> None:
        """One round of the background duties: start what is due by the clock, and what events set off."""
        self._fire_due()
        self._react()

    # ---- definitions

    def register(self, name: str, target: str) -> Definition:
        """Register the pipeline at `module:function` under a name. A repeat with another target replaces it.

        Raises:
            NotFound: there is no pipeline at the target, or its module is not allowed.
        """
        summary = self._catalogue.outline(target).summary
        who = caller()
        made = Definition(
            name=Ref("pipeline", name).name, target=target, summary=summary, created_at=self._clock.now(), created_by=who.actor
        )

        def change(tx: Tx) -> Definition:
            known = store.definition(tx, who.project, name)
            if known is not None and (known.target, known.summary) == (target, summary):
                return known
            store.define(tx, who.project, made)
            self._ledger.append(tx, "pipeline.registered", Ref("pipeline", name), data={"target": target})
            return made

        return self._rows.write(change)

    def all(self) -> list[Definition]:
        """All registered pipelines, by name."""
        return self._rows.read(lambda tx: store.all_definitions(tx, caller().project))

    # ---- executions

    def start(
        self,
        pipeline: str,
        parameters: dict[str, Any] | None = None,
        key: str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        tags: list[str] | None = None,
    ) -> Execution:
        """Request an execution of a registered name, an entry point, or `module:function`; a worker runs it.

        With a `key`, a repeat with the same parameters gives the same execution back: use one wherever a call may be
        repeated. Workers that serve its `queue` take those of higher `priority` first, then the older; at most as many at a
        time as the limits of the pipeline and of each of its `tags` allow. What is not given is as the pipeline says.

        Raises:
            NotFound: no such pipeline, or its module is not allowed.
            Invalid: a parameter is missing, unknown or of another type.
            Conflict: the key was used with other parameters.
        """
        wanted = self._catalogue.wanted(pipeline, parameters or {})
        given = {"queue": queue, "priority": priority, "tags": None if tags is None else [*wanted.outline.tags, *tags]}
        return self._request(wanted, {n: v for n, v in given.items() if v is not None} | {"key": key})

    def start_own(self, target: str, parameters: dict[str, Any], key: str) -> Execution:
        """Ask for an execution of one of the platform's own pipelines, for a verb that has a permission of its own; raises as `start`."""
        return self._request(self._catalogue.wanted(target, parameters, own=True), {"key": key})

    def _request(self, wanted: StartRequest, given: dict[str, Any]) -> Execution:
        who = caller()
        values = wanted.row(who.actor, who.project, self._clock.now()) | given
        values["tags"] = _checked_tags(values)
        row = self._claims.request(values, embedded=False)[0]
        return self._rows.read(lambda tx: self._execution_of(self._leases.now(tx), row))

    def run(self, pipeline: Pipeline[..., Any] | Callable[..., Any], /, **parameters: Any) -> Execution:
        """Execute a pipeline here and now, and return when it has ended; `value` has its result.

        Should this process die, run it again: the steps that had finished are remembered.

        Raises:
            StepFailed: a step, or the body, raised.
        """
        refuse_within_import()
        defined, who = pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline, ""), caller()
        packed = {n: self._packer.pack(v, n) for n, v in defined.bind((), parameters).items()}
        wanted = StartRequest(name=defined.name, target=defined.target, parameters=packed, outline=outline_of(defined))
        values = wanted.row(who.actor, who.project, self._clock.now()) | {"attempts": 1}
        _, claim = self._claims.request(values, embedded=True)
        assert claim is not None
        self.execute(claim, defined)
        done = self.get(claim.id)
        if done.state != "finished":
            raise StepFailed(f"execution {done.id} {done.state}: {done.error}", hint="its steps and log are kept", traceback=done.traceback)
        return done

    def get(self, execution: str) -> Execution:
        """The execution with this id.

        Raises:
            NotFound: there is none.
        """
        project = caller().project

        def query(tx: Tx) -> Execution:
            return self._execution_of(self._leases.now(tx), found(store.execution(tx, project, execution), execution))

        return self._rows.read(query)

    def search(
        self, pipeline: str | None = None, state: ExecutionState | None = None, limit: int = 100, after: str | None = None
    ) -> Page[Execution]:
        """Executions, newest first; `limit` is at most 1000, `after` the `next` of the page before."""
        if not 1 <= limit <= _PAGE_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_PAGE_MAX}", hint="follow `next` for more", field="limit")
        cursor = _cursor(after) if after else None
        states = [] if state is None else ["running"] if state == "lost" else [state]
        project = caller().project

        def query(tx: Tx) -> tuple[Sequence[Row[Any]], list[Execution]]:
            rows = store.search(tx, project, pipeline, states, cursor, limit)
            now = self._leases.now(tx)
            return rows, [self._execution_of(now, row) for row in rows]

        rows, page = self._rows.read(query)
        shown = [e for e in page if state is None or e.state == state]
        return Page(items=shown, next=f"{rows[-1].created_at.isoformat()}|{rows[-1].id}" if len(rows) == limit else None)

    def steps(self, execution: str) -> list[StepRun]:
        """The calls of steps of an execution, in the order of the body."""
        row = self._row(execution)
        return [step_store.step_of(r, row.price) for r in self._rows.read(lambda tx: step_store.steps_of(tx, row.project, row.id))]

    def logs(self, execution: str, after: int = 0, limit: int = 1000, step: str | None = None, timeout_s: float = 0.0) -> list[LogLine]:
        """Log lines after the one numbered `after`, with the tracebacks of failed attempts; at most 1000.

        Lines are there some milliseconds after they were logged, while the step runs. With the id of a call as `step`, only its own.
        Where there is no further line, wait for one for `timeout_s`, at most 20 seconds, or until the execution ends.
        """
        project, most = caller().project, min(max(limit, 1), _PAGE_MAX)

        def query(tx: Tx) -> tuple[list[LogLine], bool]:
            row = found(store.execution(tx, project, execution), execution)
            return step_store.lines(tx, project, row.id, step, after, most), row.state in ENDED

        return self._until(lambda: self._rows.read(query), lambda seen: bool(seen[0]) or seen[1], timeout_s)[0]

    def output(self, execution: str) -> Any:
        """What the body returned, as JSON; large values stand as `{"$codec": digest}`.

        Raises:
            Conflict: it has not finished.
        """
        row = self._row(execution)
        if row.state != "finished":
            raise Conflict(f"execution {execution} is {row.state}", hint="wait for it: pipelines.wait(execution)")
        return json.loads(row.output)

    def value(self, execution: str) -> Any:
        """What the body returned, tables and arrays included, as the annotated type where the pipeline is importable."""
        tree = self.output(execution)
        try:
            hint = locate(self._row(execution).target).hints.get("return")
        except (NotFound, AttributeError):
            hint = None
        return revive(self._packer.unpack(tree), hint)

    def cancel(self, execution: str) -> Execution:
        """Cancel an execution: a waiting one at once, a running one before its next step. One that has ended stays as it is."""
        row = self._row(execution)
        self._claims.cancel(row.id, row.project)
        return self.get(execution)

    def retry(self, execution: str) -> Execution:
        """Retry a failed or cancelled execution. Steps that had finished are not repeated.

        Raises:
            Conflict: it has finished, or ran embedded.
        """
        row = self._row(execution)
        self._claims.retry(row.id, row.project, ATTEMPTS)
        return self.get(execution)

    def wait(self, execution: str, timeout_s: float = 20.0) -> Execution:
        """The execution once it has ended, or as it is after `timeout_s`, at most 20 seconds: call again while `not ended`."""
        return self._until(lambda: self.get(execution), lambda seen: seen.ended, timeout_s)

    def why(self, execution: str, step: str) -> Why:
        """Why a step ran or did not; `step` is the id of a call, or the name of a step (its first call).

        Raises:
            NotFound: the execution has no such step.
        """
        row = self._row(execution)
        return self._rows.read(lambda tx: why(tx, row, step))

    # ---- limits

    def limit(self, name: str, slots: int | None = None) -> list[Limit]:
        """Limit a name to `slots` concurrent executions, or remove its limit (None). Returns all limits.

        `pipeline:daily` is the name for those of a pipeline, any other that of a tag; `customer:*` limits each tag that begins
        so, on its own. With 0, none starts until the limit is changed.
        """
        if not name or len(name) > _QUEUE_MAX or (slots is not None and not int(name.endswith("*")) <= slots <= _PAGE_MAX):
            raise Invalid(
                f"not a limit: {name!r} to {slots}", hint=f"0 to {_PAGE_MAX} slots, at least 1 for each tag of a kind", field="slots"
            )
        project = caller().project

        def change(tx: Tx) -> None:
            start_store.put_limit(tx, project, name, slots)
            self._ledger.append(tx, "limit.set", Ref("limit", _NOT_IN_REFS.sub("-", name)), data={"name": name, "slots": slots})

        self._rows.write(change)
        return self.limits()

    def limits(self) -> list[Limit]:
        """All limits by name, with how many executions hold a slot now."""
        project = caller().project
        return self._rows.read(lambda tx: self._claims.limits(tx, project))

    # ---- for workers

    def claim(self, queues: Sequence[str] = ()) -> Claim | None:
        """Claim the next execution of any project that waits or has lost its worker; None if there is none.

        `queues` are by default those of `OSTINATO_QUEUES`.
        """
        return self._claims.claim(list(queues) or self._queues)

    def due(self) -> bool:
        """Whether there is something to claim from the queues of `OSTINATO_QUEUES`."""
        return self._claims.due(self._queues)

    def heartbeat(self, claim: Claim) -> bool:
        """Renew a claim; False if another worker has it."""
        return self._claims.heartbeat(claim)

    def release(self, claim: Claim) -> None:
        """Release an unfinished claim, so that another worker can take it at once."""
        self._claims.release(claim)

    def execute(
        self, claim: Claim, pipeline: Pipeline[..., Any] | None = None, *, app: Any = None, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Run a claimed execution here to its end, as the actor who started it; when `stopping`, give it back before the next step."""
        reached = app or self._app
        if claim.scope is not None and not claim.target.startswith(_OWN):
            reached = RestrictedApp(reached, self._needs, self._permit)
        with calling(claim.caller):
            execute(
                claim, pipeline, app=reached, rows=self._rows, packer=self._packer, clock=self._clock, runs=self._runs,
                recorder=self._recorder,
                claims=self._claims, leases=self._leases, lease_s=self._lease_s, stopping=stopping,
            )  # fmt: skip

    # ---- within

    def _permit(self, permission: str, what: str) -> None:
        """Refuse code of the present execution what it may not, with an event.

        Raises:
            Denied: the actor has no such right, or the credential that started the execution did not reach so far.
        """
        if self._rows.read(lambda tx: permits(tx, permission)):
            return
        who, data = caller(), {"permission": permission, "operation": what}
        self._rows.write(lambda tx: self._ledger.append(tx, "access.denied", Ref.parse(who.actor), data=data))
        hint = "start it with a credential that reaches further"
        raise Denied(f"{who.actor} may not {permission} in this execution, for {what}", hint=hint, permission=permission)

    def _row(self, execution: str) -> Row[Any]:
        project = caller().project
        return found(self._rows.read(lambda tx: store.execution(tx, project, execution)), execution)

    def _until(self, look: Callable[[], T], enough: Callable[[T], bool], timeout_s: float) -> T:
        """Poll until the result suffices, the time is over, or this process is about to end; returns the last result."""
        deadline, pause_s = machine_s() + min(max(timeout_s, 0.0), _WAIT_MAX_S), 0.01
        while not enough(seen := look()) and (left := deadline - machine_s()) > 0:
            if self._ending.wait(min(left, pause_s)):
                break
            pause_s = min(pause_s * 1.5, 0.2)
        return seen


def _checked_tags(values: dict[str, Any]) -> list[str]:
    """The tags of an execution that was asked for, each once; its queue and tags checked.

    Raises:
        Invalid: a name is empty or too long.
    """
    for name in (values["queue"], *values["tags"]):
        if not name or len(name) > _QUEUE_MAX or not name.isprintable():
            raise Invalid(f"not the name of a queue or a tag: {name!r}", hint=f"1 to {_QUEUE_MAX} printable characters", field="tags")
    return list(dict.fromkeys(values["tags"]))


def _cursor(text: str) -> tuple[datetime, str]:
    at, _, id_ = text.partition("|")
    try:
        return datetime.fromisoformat(at), id_
    except ValueError:
        raise Invalid(f"not a cursor: {text!r}", hint="pass the `next` of the page before", field="after") from None
