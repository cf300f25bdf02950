"""Logger: the user's handle on a run, in this process or on a server."""

from __future__ import annotations

import contextvars
import operator
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from ostinato.kernel.errors import Conflict, Invalid, OstinatoError, Unavailable
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.tracking import capture
from ostinato.tracking.types import Artifact, Code, Environment, MetricFrame, Run, Scalar, Spent, State, scalar

_BATCH = 1000
_WAIT_S = 1.0
_BACKLOG_MAX = 200_000
_LEASE_S = 90
_BEAT_S = 30.0
_PATIENCE_S = 30.0


class RunsDoor(Protocol):
    """The verbs of `Runs` that a logger needs; the remote client has them as well."""

    def start(
        self,
        experiment: str,
        name: str = "",
        params: dict[str, Scalar] | None = None,
        tags: dict[str, str] | None = None,
        parent: str | None = None,
        inputs: list[Ref] | None = None,
        id: str | None = None,
        code: Code | None = None,
        environment: Environment | None = None,
        lease_s: int | None = None,
    ) -> Run: ...
    def beat(self, run: str, lease_s: int) -> None: ...
    def log(self, run: str, client: str, seq: int, frame: MetricFrame) -> None: ...
    def params(self, run: str, values: dict[str, Scalar]) -> Run: ...
    def tag(self, run: str, tags: dict[str, str | None]) -> Run: ...
    def link(self, run: str, inputs: list[Ref] | None = None, outputs: list[Ref] | None = None) -> Run: ...
    def finish(
        self, run: str, state: State = "finished", outputs: list[Ref] | None = None, error: str = "", spent: Spent | None = None
    ) -> Run: ...
    def put_artifact(self, run: str, path: str, content: bytes) -> Artifact: ...


class Logger:
    """A run to log to, as a context manager.

    `log` only appends to memory; a thread sends what has gathered each second, or at 1000 points, and says that the run
    lives. Leaving the block sends the rest and ends the run: finished, or failed with the traceback as an artifact.
    Points that a killed process had not sent yet, at most one second of them, are lost.
    """

    def __init__(self, runs: RunsDoor, run: Run) -> None:
        self.run = run
        self._runs = runs
        self._client = new_id()
        self._seq = 0
        self._step = -1
        self._points: list[tuple[str, int, int, float]] = []
        self._flying = 0
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._stopping = False
        self._failure: Exception | None = None
        context = contextvars.copy_context()
        self._sender = threading.Thread(target=context.run, args=(self._send_until_stopped,), name="ostinato-logger", daemon=True)
        self._sender.start()

    @classmethod
    def start(
        cls,
        runs: RunsDoor,
        experiment: str,
        name: str = "",
        *,
        params: Mapping[str, Scalar] | None = None,
        tags: Mapping[str, str] | None = None,
        inputs: Sequence[Ref | str] = (),
        parent: str | None = None,
    ) -> Logger:
        """Start a run of the present program, with its commit, patch, arguments and environment."""
        run = runs.start(
            experiment,
            name,
            params={key: scalar(value) for key, value in (params or {}).items()},
            tags=dict(tags or {}),
            parent=parent,
            inputs=[_ref(ref) for ref in inputs],
            id=new_id(),
            code=(code := capture.code()),
            environment=capture.environment(),
            lease_s=_LEASE_S,
        )
        if code.dirty and (patch := capture.difference()):
            runs.put_artifact(run.id, "code.patch", patch)
        return cls(runs, run)

    @property
    def id(self) -> str:
        """The id of the run."""
        return self.run.id

    @property
    def ref(self) -> Ref:
        """How others point at the run."""
        return self.run.ref

    def log(self, values: Mapping[str, float] | None = None, /, *, step: int | None = None, **more: float) -> None:
        """Record measured values at a step, by default the one after the last: `run.log(auc=0.7, loss=0.3, step=5)`.

        Raises:
            Invalid: a value is not a number, or the step is no integer of 64 bits.
            OstinatoError: an earlier batch was refused.
        """
        now_us = time.time_ns() // 1000
        with self._changed:
            self._check()
            self._step = self._step + 1 if step is None else _whole(step)
            self._points += [(key, self._step, now_us, _float(key, value)) for key, value in {**(values or {}), **more}.items()]
            if len(self._points) >= _BATCH:
                self._changed.notify_all()
            while len(self._points) > _BACKLOG_MAX and self._failure is None:
                self._changed.wait(_WAIT_S)

    def log_params(self, values: Mapping[str, Scalar] | None = None, /, **more: Scalar) -> None:
        """Record parameters; each keeps the value it got first."""
        self.run = self._runs.params(self.id, {key: scalar(value) for key, value in {**(values or {}), **more}.items()})

    def tag(self, **tags: str | None) -> None:
        """Set tags, or remove those set to None."""
        self.run = self._runs.tag(self.id, tags)

    def artifact(self, path: str, content: bytes | str | Path) -> Artifact:
        """Keep bytes, text or a file under a path within the run."""
        data = content.read_bytes() if isinstance(content, Path) else content.encode() if isinstance(content, str) else content
        return self._runs.put_artifact(self.id, path, data)

    def input(self, ref: Ref | str) -> None:
        """Record that the run used something, such as `dataset:flights@4`."""
        self.run = self._runs.link(self.id, inputs=[_ref(ref)])

    def output(self, ref: Ref | str) -> None:
        """Record that the run made something."""
        self.run = self._runs.link(self.id, outputs=[_ref(ref)])

    def flush(self) -> None:
        """Send what has gathered; what was logged before is durable on return.

        Raises:
            Unavailable: it could not be sent within 30 s; it stays in memory.
            OstinatoError: a batch was refused.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while self._pending():
            if self._send():
                continue
            if time.monotonic() > deadline:
                raise Unavailable(f"{self._pending()} points of run {self.id} could not be sent", hint="is the server up?")
            time.sleep(0.2)
        with self._changed:
            self._raise_failure()

    def finish(self, state: State = "finished", error: str = "", spent: Spent | None = None) -> Run:
        """Send what has gathered and end the run; a run whose points were refused has failed.

        Raises:
            OstinatoError: points were refused, or could not be sent within 30 s.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._sender.join()
        try:
            self.flush()
        except Exception as refused:
            self._runs.finish(self.id, "failed", error=f"points were not kept: {refused}")
            raise
        self.run = self._runs.finish(self.id, state, error=error, spent=spent)
        return self.run

    def __enter__(self) -> Logger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.finish()
            return
        state: State = "failed" if isinstance(error, Exception) else "killed"
        try:
            self.artifact("traceback.txt", "".join(traceback.format_exception(error)))
            self.finish(state, error="".join(traceback.format_exception_only(error)).strip())
        except Exception as second:  # the first error is what the user must see
            error.add_note(f"and run {self.id} could not be ended: {second}")

    def _send_until_stopped(self) -> None:
        next_beat = time.monotonic() + _BEAT_S
        pause_s = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or len(self._points) >= _BATCH, _WAIT_S)
                if self._stopping:
                    return
                if pause_s:
                    self._changed.wait_for(lambda: self._stopping, pause_s)
            pause_s = 0.0 if self._send() else min(5.0, 2 * pause_s + 0.1)
            if time.monotonic() > next_beat:
                next_beat = time.monotonic() + _BEAT_S
                self._say_alive()

    def _send(self) -> bool:
        """Send one batch; False if it has to be sent again, with the very same points."""
        with self._sending:
            with self._changed:
                self._flying = self._flying or min(len(self._points), 10 * _BATCH)
                batch = self._points[: self._flying]
            if not batch:
                return True
            try:
                self._runs.log(self.id, self._client, self._seq, MetricFrame.of(batch))
            except Unavailable:
                return False
            except Exception as error:  # whatever it is, this thread must not die of it in silence
                self._drop(len(self._points), error)
            else:
                self._seq += 1
                self._drop(self._flying)
            return True

    def _drop(self, points: int, failure: Exception | None = None) -> None:
        with self._changed:
            del self._points[:points]
            self._flying = 0
            self._failure = failure
            self._changed.notify_all()

    def _say_alive(self) -> None:
        try:
            self._runs.beat(self.id, _LEASE_S)
        except OstinatoError:
            return  # a lease of three beats forgives a missed one

    def _pending(self) -> int:
        with self._changed:
            return len(self._points)

    def _check(self) -> None:
        self._raise_failure()
        if self._stopping:
            raise Conflict(f"run {self.id} has ended", hint="log inside the with block")

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _float(key: str, value: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Invalid(f"{key} is not a number: {value!r}", hint="log numbers; text goes into params or tags", field=key) from None


def _whole(step: int) -> int:
    try:
        if -(2**63) <= (whole := operator.index(step)) < 2**63:
            return whole
    except TypeError:
        pass
    raise Invalid(f"not a step: {step!r}", hint="a whole number of 64 bits", field="step")


def _ref(ref: Ref | str) -> Ref:
    return ref if isinstance(ref, Ref) else Ref.parse(ref)
