"""The engine: runs the body of a pipeline and remembers the calls of its steps."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import OstinatoError, StepFailed
from ostinato.kernel.family import Family
from ostinato.pipelines import store
from ostinato.pipelines.claims import finish_run
from ostinato.pipelines.context import entered
from ostinato.pipelines.definition import Step
from ostinato.pipelines.keys import Source, source_of
from ostinato.pipelines.leases import Claim, Lease
from ostinato.pipelines.packing import Output, Packer, codec_of, digest_of_tree, dumps, outputs_in, revive, scalars
from ostinato.storage.rows.rows import Rows
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs
from ostinato.tracking.types import Run, State

T = TypeVar("T")
_RECALL_MAX = 500
_BACKOFF_MAX_S = 30.0
_FLUSH_S = 0.02
"""A step that took longer is durable before the next one begins; shorter ones are some milliseconds later."""


class Executor(Protocol):
    """A place where calls run."""

    def submit(self, call: Callable[[], T], timeout_s: float | None = None) -> Future[T]:
        """Run `call` there; the future raises TimeoutError when it took longer than `timeout_s` seconds."""
        ...

    def close(self) -> None:
        """End what still runs."""
        ...


EXECUTORS = Family[Executor]("ostinato.pipelines.executors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one try: the packed result, or the last line and the whole of a traceback."""

    tree: Any = None
    error: str = ""
    traceback: str = ""
    cpu_s: float
    wall_s: float
    peak_rss_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    step: Step[..., Any]
    id: str
    key: bytes
    arguments: dict[str, Any]
    row: dict[str, Any]
    context: _StepContext


class Body:
    """The body of one execution: the flow that its steps are called in, and their context."""

    step = ""

    def __init__(self, app: Any, claim: Claim, lease: Lease, rows: Rows, packer: Packer, clock: Clock, runs: Runs) -> None:
        self.app = app
        self.execution = claim.id
        self._claim = claim
        self._lease = lease
        self._rows = rows
        self._packer = packer
        self._clock = clock
        self.runs = runs
        self._sources: dict[Step[..., Any], Source] = {}
        self._executors: dict[str, Executor] = {}
        self._known = rows.read(lambda tx: store.recent(tx, claim.project, claim.pipeline, claim.id))
        self._times: Counter[bytes] = Counter()
        self._seq = 0
        self._ended = {r.id for r in rows.read(lambda tx: store.steps_of(tx, claim.project, claim.id)) if r.state == "finished"}

    @functools.cached_property
    def run(self) -> Logger:
        return Logger(self.runs, self.runs.get(self.execution))

    def log(self, text: str) -> None:
        self.write_log("", text)

    def call(self, step: Step[..., Any], arguments: dict[str, Any]) -> Output:
        return self.map(step, [arguments], "inline")[0]

    def map(self, step: Step[..., Any], calls: list[dict[str, Any]], executor: str) -> list[Output]:
        self._lease.check()
        planned = [self._plan(step, arguments) for arguments in calls]
        self._recall({call.key for call in planned})
        place = self._executor("processes" if step.timeout_s is not None else executor)
        ahead = {} if executor == "inline" else {c.id: self._submit(c, place) for c in planned if c.key not in self._known}
        outputs, failures = [], []
        for call in planned:
            try:
                outputs.append(self._recalled(call) if call.key in self._known else self._run(call, place, ahead.get(call.id)))
            except StepFailed as failure:
                failures.append(failure)
                if not ahead:
                    break
        if failures:
            raise failures[0]
        return outputs

    def flush(self) -> None:
        """Send what the body logged; it is durable on return."""
        if "run" in vars(self):
            self.run.flush()

    def close(self) -> None:
        """End what still runs in other processes."""
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

    def _plan(self, step: Step[..., Any], arguments: dict[str, Any]) -> _Call:
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
            "seq": self._seq, "name": step.name, "started": self._clock.now(), "arguments": text.decode(), "code": source.digest,
            "needs": json.dumps(sorted({output.step for output in outputs_in(arguments)})),
        }  # fmt: skip
        start = functools.partial(
            Runs.start, experiment=self._claim.pipeline, name=step.name, params=scalars(packed), parent=self.execution, id=run
        )
        context = _StepContext(self, row["id"], run, start)
        return _Call(step=step, id=row["id"], key=key, arguments=packed, row=row, context=context)

    def _source(self, step: Step[..., Any]) -> Source:
        if step not in self._sources:
            source = self._sources[step] = source_of(step.function)
            parts = {"code": source.code, "environment": source.environment}
            self._rows.write(lambda tx: store.put_source(tx, self._claim.project, source.digest, parts))
        return self._sources[step]

    def _recall(self, keys: set[bytes]) -> None:
        asked = list(keys - self._known.keys())
        for start in range(0, len(asked), _RECALL_MAX):
            some = asked[start : start + _RECALL_MAX]
            self._known |= self._rows.read(lambda tx, some=some: store.recall(tx, self._claim.project, some))  # type: ignore[misc]

    def _recalled(self, call: _Call) -> Output:
        tree = json.loads(self._known[call.key])
        if call.id not in self._ended:
            now = self._clock.now()
            with self._lease.writing() as batch:
                batch.steps[call.id] = _row(call, "finished", run="", cached=True, ended=now, wall_s=0.0, cpu_s=0.0) | _output(tree)
        return self._output(call, tree)

    def _output(self, call: _Call, tree: Any) -> Output:
        return Output(tree, call.id, self._packer, call.step.hints.get("return"))

    def _executor(self, name: str) -> Executor:
        if name not in self._executors:
            self._executors[name] = EXECUTORS.make(name)
        return self._executors[name]

    def _submit(self, call: _Call, place: Executor) -> Future[Outcome]:
        self._lease.check()
        with self._lease.writing() as batch:
            call.row["started"] = self._clock.now()
            batch.steps[call.id] = _row(call, "running")
            batch.acts.append(call.context.start)
        if not call.step.cache:
            self._lease.flush()
        run = functools.partial(invoke, call.step, call.arguments, self._packer)
        here = place is self._executors.get("inline")
        return place.submit(functools.partial(_inside, call.context, run) if here else run, call.step.timeout_s)

    def _run(self, call: _Call, place: Executor, submitted: Future[Outcome] | None) -> Output:
        for attempt in range(1, call.step.retries + 2):
            future = submitted if submitted is not None and attempt == 1 else self._submit(call, place)
            outcome = self._outcome(future)
            if not outcome.error:
                return self._finished(call, attempt, outcome)
            self.write_log(call.id, outcome.traceback)
            if attempt <= call.step.retries:
                self._lease.pause(min(0.1 * 2 ** (attempt - 1), _BACKOFF_MAX_S))
        ended = call.context.finish("failed", outcome.error)
        with self._lease.writing() as batch:
            batch.steps[call.id] = _row(call, "failed", attempt=attempt, ended=self._clock.now(), error=outcome.error) | _spent(outcome)
            batch.acts.append(ended)
        raise StepFailed(f"{call.step.name}: {outcome.error}", step=call.step.name, traceback=outcome.traceback)

    def _outcome(self, future: Future[Outcome]) -> Outcome:
        while True:
            try:
                return future.result(timeout=0.1)
            except TimeoutError as error:
                if future.done():
                    return _lost_call(error)
                self._lease.check()
            except Exception as error:  # the place of the call failed, not the call
                return _lost_call(error)

    def _finished(self, call: _Call, attempt: int, outcome: Outcome) -> Output:
        ended = call.context.finish("finished")
        text = dumps(outcome.tree).decode()
        self._known[call.key] = text
        row = _row(call, "finished", attempt=attempt, ended=self._clock.now()) | _spent(outcome) | _output(outcome.tree)
        with self._lease.writing() as batch:
            batch.steps[call.id] = row
            batch.memo[call.key] = {"project": self._claim.project, "key": call.key, "output": text, "step": call.id}
            batch.acts.append(ended)
        if outcome.wall_s > _FLUSH_S:
            self._lease.flush()
        return self._output(call, outcome.tree)


class _StepContext:
    """The context of one call of a step. Its Run is kept with the rows of the call, or before, when it is asked for."""

    def __init__(self, body: Body, step: str, run: str, start: Callable[[Runs], Run]) -> None:
        self.app = body.app
        self.execution = body.execution
        self.step = step
        self.start = start
        self._body = body
        self._run = run

    @functools.cached_property
    def run(self) -> Logger:
        return Logger(self._body.runs, self.start(self._body.runs))

    def log(self, text: str) -> None:
        self._body.write_log(self.step, text)

    def finish(self, state: State, error: str = "") -> Callable[[Runs], None]:
        """Send what was logged; returns what ends the Run."""
        if "run" in vars(self) and self.run.run.ended_at is None:
            self.run.finish(state, error)
        return functools.partial(finish_run, run=self._run, state=state, error=error)


def _inside(context: _StepContext, run: Callable[[], Outcome]) -> Outcome:
    with entered(context, None):
        return run()


def invoke(step: Step[..., Any], arguments: dict[str, Any], packer: Packer) -> Outcome:
    """One try of a step with packed arguments, here."""
    cpu, wall = time.thread_time(), time.perf_counter()
    spent = functools.partial(_measure, cpu, wall)
    try:
        values = {name: revive(packer.unpack(tree), step.hints.get(name)) for name, tree in arguments.items()}
        return Outcome(tree=packer.pack(step.call(values), "result"), **spent())
    except Exception as error:
        return Outcome(error=_last_line(error), traceback=traceback.format_exc(), **spent())


def _measure(cpu: float, wall: float) -> dict[str, Any]:
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"cpu_s": time.thread_time() - cpu, "wall_s": time.perf_counter() - wall, "peak_rss_mb": peak_kib / 1024}


def _lost_call(error: BaseException) -> Outcome:
    return Outcome(error=_last_line(error), traceback=_last_line(error), cpu_s=0.0, wall_s=0.0, peak_rss_mb=0.0)


def _last_line(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip().split("\n")[-1]


_UNKNOWN = {
    "cached": False,
    "attempt": 1,
    "ended": None,
    "wall_s": None,
    "cpu_s": None,
    "peak_rss_mb": None,
    "output": None,
    "type": None,
    "error": "",
}


def _row(call: _Call, state: str, **known: Any) -> dict[str, Any]:
    return call.row | _UNKNOWN | {"state": state} | known


def _spent(outcome: Outcome) -> dict[str, Any]:
    return {"wall_s": outcome.wall_s, "cpu_s": outcome.cpu_s, "peak_rss_mb": outcome.peak_rss_mb}


def _output(tree: Any) -> dict[str, str]:
    return {"output": digest_of_tree(tree), "type": codec_of(tree)}
