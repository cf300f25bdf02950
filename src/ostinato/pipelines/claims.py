"""Claiming, renewing and releasing executions; each change of owner is an event."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sqlalchemy import Row

from ostinato.access.permissions import is_disabled, scope_to_store
from ostinato.kernel.caller import Caller, Scope, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.pipelines import start_store, step_store, store
from ostinato.pipelines.lease_owner import is_gone, owner
from ostinato.pipelines.leases import Claim, LeaseLost
from ostinato.pipelines.recording import Recorder
from ostinato.pipelines.serialization import refs_in, scalars
from ostinato.pipelines.types import Limit
from ostinato.storage.rows.lease import LeaseClock, Moment, Watch
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs
from ostinato.tracking.types import Spent, State

Ending = Literal["finished", "failed", "cancelled"]
RUN_STATE: dict[str, State] = {"finished": "finished", "failed": "failed", "cancelled": "killed"}


class Claims:
    """Request, claim, renew, release and end executions. Each is one transaction, with its event and its Run."""

    def __init__(
        self, rows: Rows, ledger: Ledger, clock: Clock, recorder: Recorder, leases: LeaseClock, lease_s: float, price: float
    ) -> None:
        self._rows = rows
        self._ledger = ledger
        self._clock = clock
        self._recorder = recorder
        self._leases = leases
        self._watch = Watch(leases)
        self._lease_s = lease_s
        self._price = price

    def request(self, values: dict[str, Any], *, embedded: bool) -> tuple[Row[Any], Claim | None]:
        """Insert an execution, or return the one of the same key. An embedded one is claimed at once, for its only attempt.

        Raises:
            Conflict: the key was used with other parameters.
        """
        asked_s = self._leases.machine_s()

        def change(tx: Tx) -> tuple[Row[Any], Claim | None]:
            row, fresh = self.ask(tx, values)
            return row, self._begin(tx, row, asked_s) if embedded and fresh else None

        return self._rows.write(change)

    def ask(self, tx: Tx, values: dict[str, Any]) -> tuple[Row[Any], bool]:
        """Within a transaction: keep a new execution, or find the one of the same key; and whether it is new.

        Raises:
            Conflict: the key was used with other parameters.
        """
        key = values.get("key")
        known = store.execution_by_key(tx, values["project"], values["pipeline"], key) if key is not None else None
        if known is None:
            values = values | {"scope": scope_to_store(tx)}
            store.add(tx, values)
            row = store.execution(tx, values["project"], values["id"])
            assert row is not None
            cause = {name: values[name] for name in ("cause", "nominal", "scope") if values.get(name)}
            self._record(tx, "execution.requested", row, **cause)
            return row, True
        if (known.target, known.parameters) != (values["target"], values["parameters"]):
            raise Conflict(f"the key {key!r} was used with other parameters", hint=f"use another key, or see execution {known.id}")
        return known, False

    def due(self, queues: Sequence[str]) -> bool:
        """Whether an execution of these queues waits, and may start, or has lost its worker."""
        return self._rows.read(lambda tx: self._due(tx, queues)) is not None

    def claim(self, queues: Sequence[str]) -> Claim | None:
        """Claim the next execution of these queues that waits or has lost its worker; None if there is none.

        One that has lost its last allowed worker is failed on the way, and one that was to be cancelled is cancelled.
        """
        while self.due(queues):
            asked_s = self._leases.machine_s()
            taken = self._rows.write(lambda tx, asked_s=asked_s: self._take(tx, queues, asked_s))  # type: ignore[misc]
            if taken != "ended":
                return taken
        return None

    def alive(self, now: Moment, row: Row[Any]) -> bool:
        """Whether the lease of a running execution stands, as far as one look can tell."""
        return now.stands(row.beat_s, row.lease_s, row.era) and not is_gone(row.owner)

    def limits(self, tx: Tx, project: str) -> list[Limit]:
        """The limits of a project, with what is held of them."""
        now = self._leases.now(tx)
        held = self._held_slots([row for row in store.running(tx) if row.project == project and self.alive(now, row)])
        found = []
        for row in start_store.all_limits(tx, project):
            most = max((n for (_, name), n in held.items() if _covers(row.name, name)), default=0)
            found.append(Limit(name=row.name, slots=row.slots, held=most))
        return found

    def heartbeat(self, claim: Claim) -> bool:
        """Renew the lease; whether it was still held."""
        return self._rows.write(lambda tx: store.renew_lease(tx, claim.id, claim.fence, self._leases.now(tx)))

    def release(self, claim: Claim) -> None:
        """Release an unfinished execution: another worker can claim it at once, and this attempt does not count."""
        values = {"state": "queued", "attempt": claim.attempt - 1}
        self._rows.write(lambda tx: store.change(tx, claim.id, claim.fence, values))

    def end(
        self, claim: Claim, state: Ending, *, error: str = "", traceback: str = "", output: str | None = None, outputs: Sequence[Ref] = ()
    ) -> None:
        """End an execution. A repeat changes nothing.

        Raises:
            Lost: another worker holds it; nothing was changed.
        """

        def change(tx: Tx) -> None:
            row = store.execution(tx, claim.project, claim.id)
            if row is not None and (row.fence, row.state) == (claim.fence, state):
                return  # it had arrived before: only the answer was lost
            if row is None or (row.fence, row.state) != (claim.fence, "running"):
                raise LeaseLost(f"the lease of {claim.id} is lost")
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
                self._record(tx, "execution.cancel_requested", row)

        self._rows.write(change)

    def retry(self, id: str, project: str, attempts: int) -> None:
        """Queue a failed or cancelled execution again, with all its attempts; finished steps stay memoized.

        Raises:
            Conflict: it has not failed, or ran embedded.
        """

        def change(tx: Tx) -> None:
            row = store.execution(tx, project, id)
            assert row is not None
            if row.state in ("queued", "running"):
                return
            if row.state == "finished":
                raise Conflict(f"execution {id} has finished", hint="start another")
            if row.attempts == 1:
                raise Conflict(f"execution {id} ran in the process that asked for it", hint="run it again: what had finished is remembered")
            store.reopen(tx, id, attempts)
            if row.started_at is not None:
                self._recorder.within(tx).reopen(id)
            self._record(tx, "execution.retried", row)

        self._rows.write(change)

    def _due(self, tx: Tx, queues: Sequence[str]) -> Row[Any] | None:
        """The next execution to take. Slots of limits belong to leases: whoever lost one holds none."""
        running = store.running(tx)
        lost = self._lost(tx, running) if running else []
        limits = start_store.all_limits(tx)
        held = self._held_slots([row for row in running if row.id not in lost]) if limits else Counter()
        full = {
            (limit.project, name)
            for limit in limits
            for project, name in (*held, (limit.project, limit.name))
            if project == limit.project and _covers(limit.name, name) and held[project, name] >= limit.slots
        }
        return store.due(tx, queues, lost, sorted(full))

    def _lost(self, tx: Tx, running: Sequence[Row[Any]]) -> list[str]:
        """Those of these executions that may be taken from their holders: a clock that may have been set is not enough for that."""
        now, lost = self._leases.now(tx), []
        self._watch.only({row.id for row in running})
        for row in running:
            silent = now.steady or self._watch.still_s(row.id, (row.fence, row.beat_s)) > row.lease_s
            if is_gone(row.owner) or (silent and not now.stands(row.beat_s, row.lease_s, row.era)):
                lost.append(row.id)
        return lost

    def _held_slots(self, running: Iterable[Row[Any]]) -> Counter[tuple[str, str]]:
        """How many of these executions count for each name that a limit may have, by project."""
        return Counter((row.project, name) for row in running for name in {store.OF_PIPELINE + row.pipeline, *row.tags})

    def _take(self, tx: Tx, queues: Sequence[str], asked_s: float) -> Claim | Literal["ended"] | None:
        row = self._due(tx, queues)
        if row is None:
            return None
        with calling(Caller(actor=row.actor, project=row.project, within=row.id, scope=Scope.kept(row.scope))):
            if row.cancelling:
                self._end(tx, row, "cancelled")
                return "ended"
            if is_disabled(tx, row.actor):
                self._end(tx, row, "failed", {"error": f"{row.actor}, for whom it would have run, is disabled"})
                return "ended"
            if row.attempt >= row.attempts:
                times = "its process died" if row.attempts == 1 else f"its worker died {row.attempt} times, each time before it had ended"
                self._end(tx, row, "failed", {"error": f"{times}; pipelines.retry(execution) gives it {row.attempts} more attempts"})
                return "ended"
            return self._begin(tx, row, asked_s)

    def _begin(self, tx: Tx, row: Row[Any], asked_s: float) -> Claim:
        now = self._leases.now(tx)
        held = {"state": "running", "owner": owner(), "fence": row.fence + 1, "attempt": row.attempt + 1, "delivered": 0}
        lease = {"era": now.era, "beat_s": now.s, "lease_s": self._lease_s}
        first_s = row.claimed_s if row.claimed_s is not None and row.era == now.era else now.s
        since = {"started_at": row.started_at or self._clock.now(), "claimed_s": first_s, "price": row.price or self._price}
        store.change(tx, row.id, row.fence, held | lease | since)
        runs = self._recorder.within(tx)
        runs.start(row.pipeline, row.pipeline, scalars(row.parameters), inputs=list(refs_in(row.parameters)), id=row.id)
        if row.started_at is not None:
            _kill_children(runs, row.id)
        self._record(tx, "execution.started", row, attempt=row.attempt + 1)
        return Claim(
            id=row.id, project=row.project, pipeline=row.pipeline, target=row.target, parameters=row.parameters, actor=row.actor,
            scope=Scope.kept(row.scope), attempt=row.attempt + 1,
            fence=row.fence + 1, depth=row.depth, deadline_s=asked_s + self._lease_s, trace=row.trace,
        )  # fmt: skip

    def _end(self, tx: Tx, row: Row[Any], state: Ending, told: dict[str, Any] | None = None, outputs: Sequence[Ref] = ()) -> None:
        """End an execution, and the steps and Runs that it left running."""
        told, now = told or {}, self._leases.now(tx)
        wall_s = max(0.0, now.s - row.claimed_s) if row.claimed_s is not None and row.era == now.era else None
        store.change(tx, row.id, row.fence, {"state": state, "ended_at": self._clock.now(), "wall_s": wall_s} | told)
        step_store.kill_steps(tx, row.project, row.id)
        error = told.get("error", "")
        if row.started_at is not None:  # an attempt that was given back does not count, but its Run has begun
            runs = self._recorder.within(tx)
            _kill_children(runs, row.id)
            finish_run(runs, row.id, RUN_STATE[state], outputs, error, Spent(cpu_s=row.cpu_s, wall_s=wall_s, peak_rss_mb=row.peak_rss_mb))
        self._record(tx, f"execution.{state}", row, outputs, **({"error": error} if error else {}))

    def _record(self, tx: Tx, verb: str, row: Row[Any], outputs: Sequence[Ref] = (), **data: Any) -> None:
        inputs = tuple(refs_in(row.parameters))
        data = {"pipeline": row.pipeline, "attempt": row.attempt} | data
        self._ledger.append(tx, verb, Ref("execution", row.id), inputs=inputs, outputs=tuple(outputs), data=data)


def finish_run(runs: Runs, run: str, state: State, outputs: Sequence[Ref] = (), error: str = "", spent: Spent | None = None) -> None:
    """End a Run, unless somebody has ended it otherwise."""
    with contextlib.suppress(Conflict):
        runs.finish(run, state, outputs=list(outputs), error=error, spent=spent)


def _kill_children(runs: Runs, execution: str) -> None:
    """End the Runs of steps whose process has died."""
    for state in ("running", "killed"):  # a silent Run reads as killed before anybody has ended it
        for run in runs.search(parent=execution, state=state, limit=1000).items:
            if run.ended_at is None:
                finish_run(runs, run.id, "killed")


def _covers(limit: str, name: str) -> bool:
    """Whether a limit is for this name; `customer:*` is for each that begins so."""
    return name.startswith(limit[:-1]) and name != limit if limit.endswith("*") else name == limit
