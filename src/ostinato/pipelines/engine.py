"""The engine: runs the body of a pipeline and memoizes the calls of its steps."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import OstinatoError, StepFailed
from ostinato.kernel.family import Family
from ostinato.pipelines import step_store
from ostinato.pipelines.calls import AttemptTotals, Call, StepContext, output_of, row_of
from ostinato.pipelines.context import entering
from ostinato.pipelines.definition import Step
from ostinato.pipelines.invoke import Outcome, invoke, invoke_for
from ostinato.pipelines.keys import Source, source_of
from ostinato.pipelines.leases import Act, Claim, Lease
from ostinato.pipelines.map_window import MapWindow
from ostinato.pipelines.serialization import Output, Packer, dumps, outputs_in, scalars
from ostinato.pipelines.spans import Span
from ostinato.storage.rows.rows import Rows
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs
from ostinato.tracking.types import State

T = TypeVar("T")
_RECALL_MAX = 500
_BACKOFF_MAX_S = 30.0
_FLUSH_S = 0.02
"""A step that took longer, or has effects, is durable before the next one begins; others are some milliseconds later."""


class Executor(Protocol):
    """The interface of the family `executors`: runs calls, at most `width` at a time."""

    width: int

    def submit(self, call: Callable[[], T], timeout_s: float | None = None) -> Future[T]:
        """Run `call` there; the future raises TimeoutError when it took longer than `timeout_s` seconds."""
        ...

    def close(self) -> None:
        """End what still runs."""
        ...


EXECUTORS = Family[Executor]("ostinato.pipelines.executors")


class Body:
    """The body of one execution: the flow that its steps are called in, and their context."""

    step = ""

    def __init__(self, app: Any, claim: Claim, lease: Lease, rows: Rows, packer: Packer, clock: Clock, runs: Runs) -> None:
        self.app = app
        self.execution = claim.id
        self.span = Span(
            f"execution {claim.pipeline}",
            {"execution": claim.id, "pipeline": claim.pipeline, "project": claim.project, "attempt": claim.attempt},
            trace=claim.trace,
        )
        self._claim = claim
        self._lease = lease
        self._rows = rows
        self._packer = packer
        self._clock = clock
        self.runs = runs
        self._sources: dict[Step[..., Any], Source] = {}
        self._executors: dict[str, Executor] = {}
        self._known = rows.read(lambda tx: step_store.recent(tx, claim.project, claim.pipeline, claim.id))
        self._times: Counter[bytes] = Counter()
        self._seq = 0
        self._ended = {r.id for r in rows.read(lambda tx: step_store.steps_of(tx, claim.project, claim.id)) if r.state == "finished"}

    @functools.cached_property
    def run(self) -> Logger:
        return Logger(self.runs, self.runs.get(self.execution))

    def log(self, text: str) -> None:
        self.write_log("", text)

    def call(self, step: Step[..., Any], arguments: dict[str, Any]) -> Output:
        return self.map(step, [arguments], "inline")[0]

    def map(self, step: Step[..., Any], calls: list[dict[str, Any]], executor: str, at_most: int = 0) -> list[Output]:
        self._lease.check()
        planned = [self._plan(step, arguments) for arguments in calls]
        self._recall({call.key for call in planned})
        place = self._executor("processes" if step.timeout_s is not None else executor)
        width = min(at_most or place.width, place.width)
        submit = functools.partial(self._submit, place=place)
        window = MapWindow(planned if width > 1 else (), width, self._known, submit, self._lease.check)
        outputs, failures = [], []
        for call in planned:
            try:
                outputs.append(self._recalled(call) if call.key in self._known and call not in window else self._run(call, window))
            except StepFailed as failure:
                failures.append(failure)
                if width == 1:
                    break
        if failures:
            raise failures[0]
        return outputs

    def flush(self) -> None:
        """Send what the body logged; it is durable on return."""
        if "run" in vars(self):
            self.run.flush()

    def close(self) -> None:
        """Stop what still runs in other processes."""
        for executor in self._executors.values():
            executor.close()

    def finish(self, state: State) -> None:
        """End the Run of the execution for those who log to it."""
        if "run" in vars(self):
            with contextlib.suppress(OstinatoError):  # it has ended by now: only its sender must stop
                self.run.finish(state)

    def write_log(self, step: str, text: str) -> None:
        """Append a line to the log of the execution."""
        self._lease.check()
        row = {"project": self._claim.project, "execution": self.execution, "step": step, "at": self._clock.now(), "text": text}
        with self._lease.writing() as batch:
            batch.logs.append(row)

    def insist(self, deed: Callable[[], T]) -> T:
        """Retry an idempotent action until it succeeds, as long as the lease holds."""
        return self._lease.insist(deed)

    def _plan(self, step: Step[..., Any], arguments: dict[str, Any]) -> Call:
        source = self._source(step)
        packed = {name: self._packer.pack(argument, name) for name, argument in arguments.items()}
        text = dumps(packed)
        content = hashlib.sha256(source.digest.encode() + text).digest()
        self._times[content] += 1
        id_ = hashlib.sha256(self.execution.encode() + content + str(self._times[content]).encode()).digest()
        self._seq += 1
        key = content if step.cache else id_
        run = hashlib.sha256(id_ + str(self._claim.attempt).encode()).hexdigest()[:26]  # a try that died keeps a Run of its own
        row: dict[str, Any] = {
            "id": id_.hex()[:26], "run": run, "key": key, "project": self._claim.project, "execution": self.execution,
            "seq": self._seq, "name": step.name, "queued": (now := self._clock.now()), "started": now,
            "arguments": text.decode(), "code": source.digest,
            "needs": json.dumps(sorted({output.step for output in outputs_in(arguments)})),
        }  # fmt: skip
        start = functools.partial(
            Runs.start, experiment=self._claim.pipeline, name=step.name, params=scalars(packed), parent=self.execution, id=run
        )
        context = StepContext(self, row["id"], run, start)
        return Call(step=step, id=row["id"], key=key, arguments=packed, row=row, context=context, spent=AttemptTotals())

    def _source(self, step: Step[..., Any]) -> Source:
        if step not in self._sources:
            source = self._sources[step] = source_of(step.function)
            parts = {"code": source.code, "environment": source.environment}
            put = functools.partial(step_store.put_source, project=self._claim.project, digest=source.digest, parts=parts)
            self.insist(lambda: self._rows.write(put))
        return self._sources[step]

    def _recall(self, keys: set[bytes]) -> None:
        asked = [key for key in keys if key not in self._known]
        for start in range(0, len(asked), _RECALL_MAX):
            some = asked[start : start + _RECALL_MAX]
            recall = functools.partial(step_store.recall, project=self._claim.project, keys=some)
            self._known |= self.insist(lambda recall=recall: self._rows.read(recall))  # type: ignore[misc]

    def _recalled(self, call: Call) -> Output:
        tree = json.loads(self._known[call.key])
        self._span(call, cached=True).end()
        if call.id not in self._ended:
            now = self._clock.now()
            with self._lease.writing() as batch:
                batch.steps[call.id] = row_of(call, "finished", run="", cached=True, ended=now, wall_s=0.0, cpu_s=0.0) | output_of(tree)
        return self._output(call, tree)

    def _output(self, call: Call, tree: Any) -> Output:
        return Output(tree, call.id, self._packer, call.step.hints.get("return"))

    def _executor(self, name: str) -> Executor:
        if name not in self._executors:
            self._executors[name] = EXECUTORS.make(name)
        return self._executors[name]

    def _span(self, call: Call, *, cached: bool) -> Span:
        return Span(f"step {call.step.name}", {"execution": self.execution, "step": call.id, "cached": cached}, within=self.span)

    def _submit(self, call: Call, place: Executor) -> Future[Outcome]:
        self._lease.check()
        call.context.span = call.context.span or self._span(call, cached=False)
        with self._lease.writing() as batch:
            call.row["started"] = self._clock.now()
            batch.steps[call.id] = row_of(call, "running")
            batch.acts.append(call.context.start)
        if not call.step.cache:
            self._lease.flush()
        if place is self._executors.get("inline"):
            return place.submit(functools.partial(_inside, call.context, call.step, call.arguments, self._packer))
        away = functools.partial(invoke_for, self._claim.caller, call.step, call.arguments, self._packer)
        return place.submit(away, call.step.timeout_s)

    def _run(self, call: Call, window: MapWindow) -> Output:
        for attempt in range(1, call.step.retries + 2):
            outcome = window.outcome(call)
            call.spent.add(outcome)
            if not outcome.error:
                return self._finished(call, attempt, outcome)
            self.write_log(call.id, outcome.traceback)
            if attempt <= call.step.retries:
                self._lease.pause(min(0.1 * 2 ** (attempt - 1), _BACKOFF_MAX_S))
        ended = call.context.finish("failed", outcome.error, call.spent.all())
        told = {"attempt": attempt, "ended": self._clock.now(), "error": outcome.error, "traceback": outcome.traceback}
        self._store_call(call, row_of(call, "failed", **told) | call.spent.row(), ended)
        _end_span(call, attempt, failed=True)
        raise StepFailed(f"{call.step.name}: {outcome.error}", step=call.step.name, traceback=outcome.traceback)

    def _finished(self, call: Call, attempt: int, outcome: Outcome) -> Output:
        ended = call.context.finish("finished", spent=call.spent.all())
        text = dumps(outcome.tree).decode()
        self._known[call.key] = text
        row = row_of(call, "finished", attempt=attempt, ended=self._clock.now()) | call.spent.row() | output_of(outcome.tree)
        self._store_call(call, row, ended, {"project": self._claim.project, "key": call.key, "output": text, "step": call.id})
        _end_span(call, attempt, failed=False)
        if outcome.wall_s > _FLUSH_S or not call.step.cache:
            self._lease.flush()
        return self._output(call, outcome.tree)

    def _store_call(self, call: Call, row: dict[str, Any], ended: Act, memo: dict[str, Any] | None = None) -> None:
        with self._lease.writing() as batch:
            batch.steps[call.id] = row
            batch.acts.append(ended)
            batch.cpu_s += call.spent.cpu_s
            batch.peak_rss_mb = max(batch.peak_rss_mb, call.spent.peak_rss_mb)
            if memo is not None:
                batch.memo[call.key] = memo


def _end_span(call: Call, attempt: int, *, failed: bool) -> None:
    if call.context.span is not None:
        call.context.span.end(failed=failed, attempt=attempt, cpu_s=call.spent.cpu_s)


def _inside(context: StepContext, step: Step[..., Any], arguments: dict[str, Any], packer: Packer) -> Outcome:
    with entering(context, None), context.span.current() if context.span is not None else contextlib.nullcontext():
        return invoke(step, arguments, packer)
