"""Pipelines: the verbs of executions."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import entry_points
from typing import Any

from sqlalchemy import Row

from ostinato.kernel.caller import caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound, StepFailed
from ostinato.kernel.ids import new_id
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.pipelines import store
from ostinato.pipelines.claims import Claims
from ostinato.pipelines.definition import Pipeline, locate
from ostinato.pipelines.execute import execute
from ostinato.pipelines.leases import Claim, boot, machine_s
from ostinato.pipelines.packing import Packer, conform, revive
from ostinato.pipelines.recording import Recorder
from ostinato.pipelines.types import Definition, Execution, ExecutionState, LogLine, StepRun, Why
from ostinato.pipelines.why import why
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.tables.tables import Tables
from ostinato.tracking.service import Runs

_GROUP = "ostinato.pipelines"
_ATTEMPTS = 5
_PAGE_MAX = 1000
_WAIT_MAX_S = 20.0


class Pipelines:
    """Start pipelines, follow their executions, and ask why a step ran."""

    def __init__(self, *, rows: Rows, blobs: Blobs, tables: Tables, ledger: Ledger, clock: Clock, runs: Runs, settings: Settings) -> None:
        self._rows = rows
        self._ledger = ledger
        self._clock = clock
        self._runs = runs
        self._lease_s = float(settings.lease_s)
        self._modules = tuple(name.strip() for name in settings.pipelines.split(",") if name.strip())
        self._recorder = Recorder(blobs, ledger, clock)
        self._packer = Packer(blobs, tables)
        self._claims = Claims(rows, ledger, clock, self._recorder, self._lease_s)
        self._app: Any = None
        self._ending = threading.Event()

    def attach(self, app: Any) -> None:
        """Say what `current().app` is inside executions of this process."""
        self._app = app

    def drain(self) -> None:
        """Let all who wait here have their answer at once, as things stand: this process is about to end."""
        self._ending.set()

    # ---- definitions

    def register(self, name: str, target: str) -> Definition:
        """Give the pipeline at `module:function` a name to be started by; a repeat with another target replaces it.

        Raises:
            NotFound: there is no pipeline at the target, or its module is not allowed.
        """
        found = self._pipeline(target)
        summary = (found.__doc__ or "").strip().split("\n")[0]
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

    def start(self, pipeline: str, parameters: dict[str, Any] | None = None, key: str | None = None) -> Execution:
        """Ask for an execution of a registered name, an entry point, or `module:function`; a worker takes it up.

        With a `key`, a repeat with the same parameters gives the same execution back: use one wherever a call may be
        repeated.

        Raises:
            NotFound: no such pipeline, or its module is not allowed.
            Invalid: a parameter is missing, unknown or of another type.
            Conflict: the key was used with other parameters.
        """
        target = self._target(pipeline)
        found = self._pipeline(target)
        name = pipeline if ":" not in pipeline else found.name
        packed = self._parameters(found, parameters or {})
        return _shown(self._claims.request(self._asked(name, target, packed, key, _ATTEMPTS), embedded=False)[0])

    def run(self, pipeline: Pipeline[..., Any] | Callable[..., Any], /, **parameters: Any) -> Execution:
        """Execute a pipeline here and now, and return when it has ended; `value` has its result.

        Should this process die, run it again: the steps that had finished are remembered.

        Raises:
            StepFailed: a step, or the body, raised.
        """
        defined = pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline, "")
        packed = {n: self._packer.pack(v, n) for n, v in defined.bind((), parameters).items()}
        _, claim = self._claims.request(self._asked(defined.name, defined.target, packed, None, attempts=1), embedded=True)
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
        return _shown(self._row(execution))

    def search(
        self, pipeline: str | None = None, state: ExecutionState | None = None, limit: int = 100, after: str | None = None
    ) -> Page[Execution]:
        """Executions, newest first; `limit` is at most 1000, `after` the `next` of the page before."""
        if not 1 <= limit <= _PAGE_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_PAGE_MAX}", hint="follow `next` for more", field="limit")
        cursor = _cursor(after) if after else None
        states = [] if state is None else ["running"] if state == "lost" else [state]
        project = caller().project
        rows = self._rows.read(lambda tx: store.search(tx, project, pipeline, states, cursor, limit))
        shown = [e for e in map(_shown, rows) if state is None or e.state == state]
        return Page(items=shown, next=f"{rows[-1].created_at.isoformat()}|{rows[-1].id}" if len(rows) == limit else None)

    def steps(self, execution: str) -> list[StepRun]:
        """The calls of steps of an execution, in the order of the body."""
        row = self._row(execution)
        return [store.step_of(r) for r in self._rows.read(lambda tx: store.steps_of(tx, row.project, row.id))]

    def logs(self, execution: str, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """Lines of the log after the one numbered `after`, with the tracebacks of failed tries; at most 1000."""
        row = self._row(execution)
        return self._rows.read(lambda tx: store.lines(tx, row.project, row.id, after, min(max(limit, 1), _PAGE_MAX)))

    def output(self, execution: str) -> Any:
        """What the body returned, as JSON; large values stand as `{"$codec": digest}`.

        Raises:
            Conflict: it has not finished.
        """
        row = self._row(execution)
        if row.state != "finished":
            raise Conflict(f"execution {execution} is {_shown(row).state}", hint="wait for it: pipelines.wait(execution)")
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
        """End an execution: one that waits at once, one that runs before its next step. One that has ended stays as it is."""
        row = self._row(execution)
        self._claims.cancel(row.id, row.project)
        return self.get(execution)

    def wait(self, execution: str, timeout_s: float = 20.0) -> Execution:
        """The execution once it has ended, or as it is after `timeout_s`, at most 20 seconds: call again while `not ended`."""
        deadline = time.monotonic() + min(max(timeout_s, 0.0), _WAIT_MAX_S)
        pause_s = 0.01
        while not (found := self.get(execution)).ended and (left := deadline - time.monotonic()) > 0:
            if self._ending.wait(min(left, pause_s)):
                break
            pause_s = min(pause_s * 1.5, 0.2)
        return found

    def why(self, execution: str, step: str) -> Why:
        """Why a step ran or did not; `step` is the id of a call, or the name of a step (its first call).

        Raises:
            NotFound: the execution has no such step.
        """
        row = self._row(execution)
        return self._rows.read(lambda tx: why(tx, row, step))

    # ---- for workers

    def claim(self) -> Claim | None:
        """Take the oldest execution that waits or has lost its worker, of any project; None if there is none."""
        return self._claims.claim()

    def heartbeat(self, claim: Claim) -> bool:
        """Renew a claim; False if another worker has it."""
        return self._claims.heartbeat(claim)

    def release(self, claim: Claim) -> None:
        """Give a claim back unfinished, for another worker to take at once."""
        self._claims.release(claim)

    def execute(
        self, claim: Claim, pipeline: Pipeline[..., Any] | None = None, *, app: Any = None, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Run a claimed execution here to its end, as the actor who started it; when `stopping`, give it back before the next step."""
        with calling(claim.caller):
            execute(
                claim, pipeline, app=app or self._app, rows=self._rows, packer=self._packer, clock=self._clock, runs=self._runs,
                recorder=self._recorder,
                claims=self._claims, lease_s=self._lease_s, stopping=stopping,
            )  # fmt: skip

    # ---- within

    def _row(self, execution: str) -> Row[Any]:
        project = caller().project
        row = self._rows.read(lambda tx: store.execution(tx, project, execution))
        if row is None:
            raise NotFound(f"no execution {execution!r}", hint="pipelines.search() lists the executions of this project")
        return row

    def _asked(self, name: str, target: str, packed: dict[str, Any], key: str | None, attempts: int) -> dict[str, Any]:
        """The row of an execution that waits."""
        who = caller()
        given = {"id": new_id(), "pipeline": name, "target": target, "parameters": packed, "key": key, "attempts": attempts}
        return given | {"project": who.project, "actor": who.actor, "state": "queued", "created_at": self._clock.now()}

    def _parameters(self, pipeline: Pipeline[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        """All parameters, packed; those given are checked against their annotations."""
        checked = {name: conform(value, pipeline.hints.get(name), name) for name, value in given.items()}
        return {name: self._packer.pack(value, name) for name, value in pipeline.bind((), checked).items()}

    def _target(self, pipeline: str) -> str:
        if ":" in pipeline:
            return pipeline
        project = caller().project
        known = self._rows.read(lambda tx: store.all_definitions(tx, project))
        targets = {e.name: e.value for e in entry_points(group=_GROUP)} | {d.name: d.target for d in known}
        if pipeline not in targets:
            raise NotFound.named("pipeline", pipeline, targets)
        return targets[pipeline]

    def _pipeline(self, target: str) -> Pipeline[..., Any]:
        """The pipeline at a target, if its module is one of those from which pipelines may be started by name."""
        module = target.partition(":")[0]
        outside = {e.value.partition(":")[0] for e in entry_points(group=_GROUP)}
        if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in ("ostinato", *self._modules, *outside)):
            raise NotFound(
                f"no pipeline {target!r}", hint="its module must be named in OSTINATO_PIPELINES or by an entry point of ostinato.pipelines"
            )
        found = locate(target)
        if not isinstance(found, Pipeline):
            raise NotFound(f"{target!r} is not a pipeline", hint="decorate the function with @ost.pipeline")
        return found


def _shown(row: Row[Any]) -> Execution:
    return store.execution_of(row, alive=row.boot == boot() and row.lease_until_s >= machine_s())


def _cursor(text: str) -> tuple[datetime, str]:
    at, _, id_ = text.partition("|")
    try:
        return datetime.fromisoformat(at), id_
    except ValueError:
        raise Invalid(f"not a cursor: {text!r}", hint="pass the `next` of the page before", field="after") from None
