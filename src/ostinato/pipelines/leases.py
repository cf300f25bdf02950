"""Leases on executions, renewed by a thread, and the batched writer of what an execution records."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ostinato.kernel.caller import Caller, Scope
from ostinato.kernel.errors import Conflict, Unavailable
from ostinato.kernel.frozen import frozen
from ostinato.pipelines import step_store, store
from ostinato.pipelines.recording import Recorder
from ostinato.storage.rows.lease import LeaseClock, machine_s
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs

T = TypeVar("T")
Act = Callable[[Runs], object]
"""Something to do with Runs in the transaction of a batch; it may be done twice, the first time in vain."""

_LINGER_S = 0.005
_BATCH_MAX = 512


class LeaseLost(BaseException):
    """The lease is lost: another worker holds the execution now, or may. `except Exception` does not catch it."""


class Halted(BaseException):
    """The execution must stop here without failing: `cancelled` on request, or `released` by a worker that stops."""

    def __init__(self, why: Literal["cancelled", "released"]) -> None:
        super().__init__(why)
        self.why = why


@frozen
class Claim:
    """A claimed execution, held until `deadline_s` on the machine's clock unless renewed."""

    id: str
    project: str
    pipeline: str
    target: str
    parameters: dict[str, Any]
    actor: str
    scope: Scope | None
    attempt: int
    fence: int
    deadline_s: float
    depth: int = 0
    trace: str = ""

    @property
    def caller(self) -> Caller:
        """The caller on whose behalf it runs: the actor who started it, as far as the credential reached by which they did."""
        return Caller(actor=self.actor, project=self.project, within=self.id, scope=self.scope)


@dataclass(slots=True)
class Batch:
    """A batch of records of an execution, written in one transaction."""

    steps: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    memo: dict[bytes, Mapping[str, Any]] = field(default_factory=dict)
    logs: list[Mapping[str, Any]] = field(default_factory=list)
    cpu_s: float = 0.0
    peak_rss_mb: float = 0.0
    acts: list[Act] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.steps or self.memo or self.logs or self.acts)


class Deliveries:
    """The numbered batches of one holder of an execution. One that is sent again, because the answer was lost, changes nothing.

    Every batch carries the fence: after another worker took over, nothing of this one arrives.
    """

    def __init__(self, rows: Rows, recorder: Recorder, clock: LeaseClock, claim: Claim, lease_s: float) -> None:
        self._rows = rows
        self._recorder = recorder
        self._clock = clock
        self._claim = claim
        self._lease_s = lease_s
        self.deadline_s = claim.deadline_s
        """Until when the lease stands, unless renewed, on the clock of this machine."""
        self.cancelled = False

    def send(self, number: int, batch: Batch) -> None:
        """Write a batch and renew the lease.

        Raises:
            Conflict: another worker holds the execution, or it has ended.
            Unavailable: the store is out of reach; it may be written or not.
        """
        sent_s = self._clock.machine_s()
        self.cancelled = self._rows.write(lambda tx: self._write(tx, number, batch))
        self.deadline_s = max(self.deadline_s, sent_s + self._lease_s)

    def _write(self, tx: Tx, number: int, batch: Batch) -> bool:
        held, now = self._claim, self._clock.now(tx)
        if store.delivered(tx, held.id, held.fence, now, number, batch.cpu_s, batch.peak_rss_mb):
            step_store.put_steps(tx, held.project, list(batch.steps.values()))
            step_store.put_memo(tx, held.project, list(batch.memo.values()))
            step_store.put_logs(tx, batch.logs)
            runs = self._recorder.within(tx)
            for act in batch.acts:
                act(runs)
        elif not store.renew_lease(tx, held.id, held.fence, now):  # else it had arrived: only the answer was lost
            raise Conflict("another worker holds the execution")
        return store.cancelling(tx, held.id)


class Lease:
    """A held execution. Its thread renews the lease each third of it and writes what was handed in, in batches.

    What was handed in is durable some milliseconds later, and all of it when `flush` returns.
    """

    def __init__(
        self, rows: Rows, recorder: Recorder, clock: LeaseClock, claim: Claim, lease_s: float, stopping: Callable[[], bool]
    ) -> None:
        self._clock = clock
        self._claim = claim
        self._lease_s = lease_s
        self._stopping = stopping
        self._deliveries = Deliveries(rows, recorder, clock, claim, lease_s)
        self._changed = threading.Condition()
        self._batch = Batch()
        self._writing = False
        self._closed = False
        self._urgent = False
        self._lost: BaseException | None = None
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._renew_until_closed,), name=f"ostinato-lease-{claim.id}", daemon=True
        )
        self._thread.start()

    def check(self) -> None:
        """Whether the execution may go on.

        Raises:
            Lost: the lease is lost, or could not be renewed in time.
            Halted: it was cancelled, or the worker is to stop.
        """
        if self._lost is not None or self._clock.machine_s() > self._deliveries.deadline_s:
            raise LeaseLost(f"the lease of {self._claim.id} is lost") from self._lost
        if self._deliveries.cancelled:
            raise Halted("cancelled")
        if self._stopping():
            raise Halted("released")

    @contextlib.contextmanager
    def writing(self) -> Iterator[Batch]:
        """The batch to add to; the later row of a step replaces the earlier."""
        with self._changed:
            while len(self._batch.steps) > _BATCH_MAX and self._lost is None and not self._closed:
                self._changed.wait()
            idle = not self._batch
            yield self._batch
            if idle:  # a busy thread looks by itself: waking it for every row costs more than the row
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything handed in is durable.

        Raises:
            Lost: the lease was lost first.
        """
        with self._changed:
            self._urgent = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._lost is not None or not (self._batch or self._writing))
            self._urgent = False
        if self._lost is not None:
            raise LeaseLost(f"the lease of {self._claim.id} is lost") from self._lost

    def pause(self, seconds: float) -> None:
        """Sleep between attempts, while watching the lease."""
        until = machine_s() + seconds
        while (left := until - machine_s()) > 0:
            self.check()
            time.sleep(min(left, 0.1))

    def insist(self, deed: Callable[[], T]) -> T:
        """Do what may be repeated, again and again while the store is out of reach and the lease still stands.

        Raises:
            Lost: the lease ran out first.
        """
        while (left_s := self._deliveries.deadline_s - self._clock.machine_s()) > 0:
            try:
                return deed()
            except Unavailable as error:
                time.sleep(min(error.retry_after_s, self._lease_s / 10, left_s))
        raise LeaseLost(f"the lease of {self._claim.id} is lost")

    def close(self) -> None:
        """Stop renewing; what was handed in and not flushed may be dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _renew_until_closed(self) -> None:
        for number in itertools.count(1):
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._batch, timeout=self._lease_s / 3)
                if self._closed:
                    return
                if self._batch and not self._urgent:
                    self._changed.wait_for(lambda: self._closed or self._urgent, timeout=_LINGER_S)
                batch, self._batch, self._writing = self._batch, Batch(), True
                self._changed.notify_all()
            self._deliver(number, batch)
            with self._changed:
                self._writing = False
                self._changed.notify_all()
            if self._lost is not None:
                return

    def _deliver(self, number: int, batch: Batch) -> None:
        """Write a batch, again and again while the store is out of reach and the lease still stands."""
        while True:
            try:
                return self._deliveries.send(number, batch)
            except Unavailable as error:
                if self._closed or self._clock.machine_s() + error.retry_after_s > self._deliveries.deadline_s:
                    self._lost = error
                    return None
                time.sleep(min(error.retry_after_s, self._lease_s / 10))
            except BaseException as error:  # whatever it is, the body must learn that nothing is kept any more
                self._lost = error
                return None
