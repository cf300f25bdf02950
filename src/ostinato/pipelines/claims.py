"""Claims: executions change hands here, each change with its event."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Row

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.pipelines import store
from ostinato.pipelines.leases import OWNER, Claim, Lost, boot, machine_s
from ostinato.pipelines.packing import refs_in, scalars
from ostinato.pipelines.recording import Recorder
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs
from ostinato.tracking.types import State

Ending = Literal["finished", "failed", "cancelled"]
RUN_STATE: dict[str, State] = {"finished": "finished", "failed": "failed", "cancelled": "killed"}


class Claims:
    """Request, claim, renew, release and end executions; each is one transaction, with its event and its Run."""

    def __init__(self, rows: Rows, ledger: Ledger, clock: Clock, recorder: Recorder, lease_s: float) -> None:
        self._rows = rows
        self._ledger = ledger
        self._clock = clock
        self._recorder = recorder
        self._lease_s = lease_s

    def request(self, values: dict[str, Any], *, embedded: bool) -> tuple[Row[Any], Claim | None]:
        """Keep a new execution, or find the one of the same key. An embedded one is claimed at once, for its only attempt.

        Raises:
            Conflict: the key was used with other parameters.
        """
        asked_s = time.monotonic()

        def change(tx: Tx) -> tuple[Row[Any], Claim | None]:
            known = store.keyed(tx, values["project"], values["pipeline"], values["key"]) if values["key"] is not None else None
            if known is None:
                store.add(tx, values)
                self._tell(tx, "execution.requested", row := _found(tx, values))
                return row, self._begin(tx, row, asked_s) if embedded else None
            if (known.target, known.parameters) != (values["target"], values["parameters"]):
                key = values["key"]
                raise Conflict(f"the key {key!r} was used with other parameters", hint=f"use another key, or see execution {known.id}")
            return known, None

        return self._rows.write(change)

    def claim(self) -> Claim | None:
        """Take the oldest execution that waits or has lost its worker; None if there is none.

        One that has lost its last allowed worker is failed on the way, and one that was to be cancelled is cancelled.
        """
        while self._rows.read(lambda tx: store.due(tx, boot(), machine_s())) is not None:
            asked_s = time.monotonic()
            taken = self._rows.write(lambda tx, asked_s=asked_s: self._take(tx, asked_s))  # type: ignore[misc]
            if taken != "ended":
                return taken
        return None

    def heartbeat(self, claim: Claim) -> bool:
        """Renew the lease; whether it was still held."""
        return self._rows.write(lambda tx: store.beat(tx, claim.id, claim.fence, machine_s() + self._lease_s))

    def release(self, claim: Claim) -> None:
        """Give an execution back unfinished: another worker may take it at once, and this attempt does not count."""
        values = {"state": "queued", "attempt": claim.attempt - 1, "lease_until_s": 0.0}
        self._rows.write(lambda tx: store.change(tx, claim.id, claim.fence, values))

    def end(
        self, claim: Claim, state: Ending, *, error: str = "", traceback: str = "", output: str | None = None, outputs: Sequence[Ref] = ()
    ) -> None:
        """End an execution.

        Raises:
            Lost: another worker holds it; nothing was changed.
        """

        def change(tx: Tx) -> None:
            row = store.execution(tx, claim.project, claim.id)
            if row is None or row.fence != claim.fence or row.state != "running":
                raise Lost(f"the lease of {claim.id} is lost")
            self._end(tx, row, state, {"error": error, "traceback": traceback, "output": output}, outputs)

        with calling(claim.caller):
            self._rows.write(change)

    def cancel(self, id: str, project: str) -> None:
        """End what waits; what runs is told and ends before its next step."""

        def change(tx: Tx) -> None:
            row = store.execution(tx, project, id)
            if row is not None and row.state == "queued":
                self._end(tx, row, "cancelled")
            elif row is not None and row.state == "running" and not row.cancelling:
                store.change(tx, id, row.fence, {"cancelling": True})
                self._tell(tx, "execution.cancel_requested", row)

        self._rows.write(change)

    def _take(self, tx: Tx, asked_s: float) -> Claim | Literal["ended"] | None:
        row = store.due(tx, boot(), machine_s())
        if row is None:
            return None
        with calling(Caller(actor=row.actor, project=row.project)):
            if row.cancelling:
                self._end(tx, row, "cancelled")
                return "ended"
            if row.attempt >= row.attempts:
                self._end(tx, row, "failed", {"error": f"its process died, and this was attempt {row.attempt} of {row.attempts}"})
                return "ended"
            return self._begin(tx, row, asked_s)

    def _begin(self, tx: Tx, row: Row[Any], asked_s: float) -> Claim:
        held = {"state": "running", "owner": OWNER, "fence": row.fence + 1, "attempt": row.attempt + 1, "boot": boot()}
        since = {"started_at": row.started_at or self._clock.now(), "claimed_s": row.claimed_s or machine_s()}
        store.change(tx, row.id, row.fence, held | since | {"lease_until_s": machine_s() + self._lease_s})
        runs = self._recorder.within(tx)
        runs.start(row.pipeline, row.pipeline, scalars(row.parameters), inputs=list(refs_in(row.parameters)), id=row.id)
        if row.attempt > 0:
            _kill_children(runs, row.id)
        self._tell(tx, "execution.started", row, attempt=row.attempt + 1)
        return Claim(
            id=row.id, project=row.project, pipeline=row.pipeline, target=row.target, parameters=row.parameters, actor=row.actor,
            attempt=row.attempt + 1, fence=row.fence + 1, deadline_s=asked_s + self._lease_s,
        )  # fmt: skip

    def _end(self, tx: Tx, row: Row[Any], state: Ending, told: dict[str, Any] | None = None, outputs: Sequence[Ref] = ()) -> None:
        """End an execution, and the steps and Runs that it left running."""
        told = told or {}
        wall_s = machine_s() - row.claimed_s if row.claimed_s is not None and row.boot == boot() else None
        store.change(tx, row.id, row.fence, {"state": state, "ended_at": self._clock.now(), "wall_s": wall_s} | told)
        store.kill_steps(tx, row.project, row.id)
        error = told.get("error", "")
        if row.attempt > 0:
            runs = self._recorder.within(tx)
            _kill_children(runs, row.id)
            finish_run(runs, row.id, RUN_STATE[state], outputs, error)
        self._tell(tx, f"execution.{state}", row, outputs, **({"error": error} if error else {}))

    def _tell(self, tx: Tx, verb: str, row: Row[Any], outputs: Sequence[Ref] = (), **data: Any) -> None:
        inputs = tuple(refs_in(row.parameters))
        data = {"pipeline": row.pipeline, "attempt": row.attempt} | data
        self._ledger.append(tx, verb, Ref("execution", row.id), inputs=inputs, outputs=tuple(outputs), data=data)


def finish_run(runs: Runs, run: str, state: State, outputs: Sequence[Ref] = (), error: str = "") -> None:
    """End a Run, unless somebody has ended it otherwise."""
    with contextlib.suppress(Conflict):
        runs.finish(run, state, outputs=list(outputs), error=error)


def _kill_children(runs: Runs, execution: str) -> None:
    """End the Runs of steps whose process has died."""
    for state in ("running", "killed"):  # a silent Run reads as killed before anybody has ended it
        for run in runs.search(parent=execution, state=state, limit=1000).items:
            if run.ended_at is None:
                finish_run(runs, run.id, "killed")


def _found(tx: Tx, values: dict[str, Any]) -> Row[Any]:
    row = store.execution(tx, values["project"], values["id"])
    assert row is not None
    return row
