"""Logger: the user's handle on a run, in this process or on a server."""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypedDict, Unpack

import msgspec

from ostinato.kernel.errors import Conflict, OstinatoError, Unavailable
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.tracking import capture
from ostinato.tracking.client import exit
from ostinato.tracking.client.active_run import set_active
from ostinato.tracking.client.background import Background, parts_to_capture
from ostinato.tracking.client.folders import About
from ostinato.tracking.client.journal import Journal
from ostinato.tracking.client.outputs import Outputs, as_ref
from ostinato.tracking.client.records import refused_row
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.client.sender import Sender
from ostinato.tracking.client.start import local_run, new_journal, rank_of_process, start_run
from ostinato.tracking.types import Code, Run, Spent, State, label, scalar

_PATIENCE_S = 30.0
_SIGNAL_S = 3.0
_LOCK_S = 0.05
_ROUND_S = 0.02
_log = logging.getLogger("ostinato.tracking")
_now_ns = time.time_ns
_living: weakref.WeakSet[Logger] = weakref.WeakSet()
_visiting: list[Logger] = []
"""Those that came from another process: they stay, so that what comes again goes into the same journal."""


class Options(TypedDict, total=False):
    """How a run is begun.

    `id` of a run to go on with, or the one that all processes of a training log to; `parent` the run that it is part of; `inputs` what it
    uses; `capture` False for nothing, or a choice of `code`, `environment`, `console`, `system`, `exit`; `offline` True to send nothing
    before `ostinato sync`.
    """

    id: str | None
    parent: str | None
    inputs: Sequence[Ref | str]
    capture: bool | Sequence[str] | None
    offline: bool | None


class Logger(Outputs):
    """A run to log to, as a context manager.

    `log` writes to a journal on the own disk, which outlives the process, and returns; a thread ships it, with everything else that is
    recorded here, while the training goes on. Leaving the block ships the rest and ends the run: finished, or failed with the traceback
    as an artifact. A store that is slow, full or away is waited for in the background; what is not shipped at the end is kept, and
    `ostinato sync` ships it.

    Made over a run directly, without `start`, it journals in memory, does all else at once and raises what goes wrong: for code that
    answers for its runs itself, such as the engine of pipelines.
    """

    def __init__(
        self, runs: RunsProtocol | None, run: Run, *, journal: Journal | None = None, captures: frozenset[str] = frozenset()
    ) -> None:
        self.run = run
        self._runs = runs
        self._direct = runs if journal is None else None
        self._journal = journal or Journal(About(run=run.id, experiment=run.experiment), None, 0)
        self._step = -1
        self._lost = 0
        self._ended = False
        self._ending = threading.RLock()
        self._patience_s = _PATIENCE_S
        self._close: Callable[[], None] = lambda: None
        self._aside = Background(self._journal, captures)
        self._sender: Sender | None = None if self._journal.about.child else Sender(runs, self._journal)
        _living.add(self)

    @classmethod
    def start(
        cls,
        runs: RunsProtocol | None,
        experiment: str,
        name: str = "",
        *,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        target: Mapping[str, str] | None = None,
        **how: Unpack[Options],
    ) -> Logger:
        """Start a run of the present program, with its commit, patch, arguments and environment.

        `target` says where the store is, for those who ship the journal later: the `url` of a server or the folder `data`, and the
        `project`. Without `runs`, or offline, nothing is sent before `ostinato sync`; a store out of reach gets it when it is back.
        """
        settings, named = Settings.read(), how.get("id")
        runs = None if (bool(settings.offline) if how.get("offline") is None else how["offline"]) else runs
        captures, rank = parts_to_capture(how.get("capture"), settings.capture), rank_of_process() if named else 0
        captures = captures if rank == 0 else captures & {"exit", "system"}
        given: dict[str, Any] = {
            "experiment": experiment,
            "name": name,
            "params": {key: scalar(value) for key, value in (params or {}).items()},
            "tags": {key: label(value) for key, value in (tags or {}).items()},
            "parent": how.get("parent"),
            "inputs": [as_ref(ref) for ref in how.get("inputs", ())],
            "code": capture.quick_code() if "code" in captures else Code(host=socket.gethostname()),
        }
        id_ = Ref("run", named or new_id()).name
        run = start_run(runs, id_, given)
        where = {"url": "", "data": "", "project": settings.project, **(target or {})}
        about = About(
            run=id_, experiment=experiment, host=socket.gethostname(), rank=rank,
            url=where["url"], data=where["data"], project=where["project"],
        )  # fmt: skip
        if run is not None and run.environment is not None:  # it goes on: where it came from is known
            captures -= {"code", "environment"}
        logger = cls(runs, run or local_run(id_, given), journal=new_journal(about, None if run else given, settings), captures=captures)
        logger._patience_s = float(settings.finish_s)
        if "exit" in captures:
            exit.end_with_process(logger)
        set_active(logger)
        return logger

    @property
    def id(self) -> str:
        """The id of the run."""
        return self.run.id

    @property
    def ref(self) -> Ref:
        """The reference of the run."""
        return self.run.ref

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self._ended

    def log(self, values: Mapping[str, float] | None = None, /, *, step: int | None = None, **more: float) -> None:
        """Record measured values at a step, by default the one after the last: `run.log(auc=0.7, loss=0.3, step=5)`.

        Raises:
            Invalid: a value is not a number, the step is no integer of 64 bits, or a name is no name of a metric.
            Conflict: the run has ended.
        """
        if values is not None:
            more = {**values, **more}
        journal = self._journal
        with journal.lock:
            if self._ended:
                raise self._over()
            at = self._step + 1 if step is None else step
            try:
                kept = not more or journal.points(tuple(more), at, _now_ns() // 1000, more.values())
            except struct.error:
                raise refused_row(more, at) from None
            if kept:
                self._step = at
        if not kept:
            self._no_room(more, at)

    def log_params(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Record parameters; each keeps the value it got first. What is no scalar is kept as text: lists and dicts as JSON.

        Raises:
            Conflict: one has another value already.
        """
        given = {key: scalar(value) for key, value in {**(values or {}), **more}.items()}
        if changed := [key for key, value in given.items() if key in self.run.params and self.run.params[key] != value]:
            raise Conflict(f"{', '.join(changed)} of run {self.id} would change", hint="start another run for other parameters")
        if self._direct is not None:
            self.run = self._direct.params(self.id, given)
        else:
            self._note("params", values=given)
            self.run = replace(self.run, params=self.run.params | given)

    def tag(self, **given: Any) -> None:
        """Set tags, which are text, or remove those set to None."""
        tags = {key: None if value is None else label(value) for key, value in given.items()}
        runs = self._runs if self._ended else self._direct  # tags may change for ever
        if runs is not None:
            self.run = runs.tag(self.id, tags)
        else:
            self._note("tag", tags=tags)
            self.run = replace(self.run, tags={key: value for key, value in (self.run.tags | tags).items() if value is not None})

    def flush(self) -> None:
        """Ship what was recorded up to now; it is in the store on return. Offline, it is on the disk.

        Raises:
            Unavailable: it could not be sent within 30 s; it stays in the journal.
            OstinatoError: the store refuses it.
        """
        if self._runs is None or self._sender is None:
            self._journal.settle()
        elif not self._sender.drain(_PATIENCE_S):
            raise self._unsent()

    def finish(self, state: State = "finished", error: str = "", spent: Spent | None = None) -> Run:
        """End the run, and ship what is left for as long as OSTINATO_FINISH_S says; what is left then is kept for `ostinato sync`.

        Made over a run directly, a logger ships all or raises; a run whose points were refused has failed then.
        """
        if self._direct is not None:
            return self._finish_directly(state, error, spent)
        with self._ending:
            if not self._ended:
                exit.cancel(self)
                self._aside.end()
                self._say_end(state, error, spent)
                self._ship_rest()
                self._close()
        return self.run

    def afterwards(self, close: Callable[[], None]) -> None:
        """Call this once the run has ended: to close the store that was opened for it."""
        self._close = close

    def end(self, state: State, error: str, trace: str = "") -> None:
        """End the run with its process; nothing that goes wrong is raised."""
        with suppress(Exception):
            if trace:
                self.artifact("traceback.txt", trace)
            self.finish(state, error)

    def end_in_signal(self, error: str) -> bool:
        """End the run as killed, from a handler of signals; False if that handler has interrupted the very writing of the journal."""
        if not self._journal.lock.acquire(timeout=_LOCK_S):
            return False
        self._journal.lock.release()
        self._aside.end_console()
        self._say_end("killed", error, None)
        deadline = time.monotonic() + _SIGNAL_S
        while self._sender is not None and self._runs is not None and not self._sender.idle() and time.monotonic() < deadline:
            time.sleep(_ROUND_S)
        return True

    def __enter__(self) -> Logger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        state, why, text = exit.how_it_ended(error)
        try:
            if text:
                self.artifact("traceback.txt", text)
            self.finish(state, error=why)
        except Exception as second:
            if error is None:
                raise
            error.add_note(f"and run {self.id} could not be ended: {second}")  # the first error is what the user must see

    def _say_end(self, state: State, error: str, spent: Spent | None) -> None:
        """Write into the journal that the run has ended; a child, and a rank beyond the first, end only their part of it."""
        with self._journal.lock:
            if self._ended:
                return
            self._ended = True
            if self._lost:
                self._journal.deed("tag", tags={"points_lost": str(self._lost)})
            if not self._journal.about.child and self._journal.about.rank == 0:
                self._journal.deed("finish", state=state, error=error, spent=msgspec.to_builtins(spent))
            self._journal.deed("close")
        self.run = replace(self.run, state=state, error=error, ended_at=datetime.now(UTC), spent=spent)

    def _ship_rest(self) -> None:
        sender = self._sender
        shipped = sender is not None and self._runs is not None and sender.drain(self._patience_s)
        if not shipped:
            self._journal.settle()
        if sender is not None:
            sender.stop()
            self.run = sender.ended or self.run
        folder = self._journal.folder
        self._journal.close()
        if sender is not None and self._runs is None:
            _log.info("run %s is in %s; `ostinato sync` sends it", self.id, folder)
        elif sender is not None and not shipped:
            self._warn(
                f"not all of it was sent: {sender.failure or 'it took too long'}", f"it is kept in {folder}; `ostinato sync` sends it"
            )

    def _finish_directly(self, state: State, error: str, spent: Spent | None) -> Run:
        assert self._direct is not None
        try:
            if self._sender is not None:
                self.flush()
        except Unavailable:
            raise
        except Exception as refused:
            self._direct.finish(self.id, "failed", error=f"points were not kept: {refused}")
            raise
        self._ended = True
        if self._sender is not None:
            self._sender.stop()
        self.run = self._direct.finish(self.id, state, error=error, spent=spent)
        return self.run

    def _no_room(self, values: Mapping[str, float], step: int) -> None:
        """Points found neither disk nor memory: in memory alone they wait for the store, beside a full disk they are counted as lost."""
        if self._journal.home is None and self._sender is not None:
            while self._sender.failure is None or isinstance(self._sender.failure, Unavailable):
                time.sleep(_ROUND_S)
                with self._journal.lock:
                    if self._journal.points(tuple(values), step, _now_ns() // 1000, values.values()):
                        self._step = step
                        return
            raise self._unsent()
        if not self._lost:
            self._warn(f"points are lost: {self._journal.full}", "make room on the disk, or let the store be reached")
        self._lost += len(values)

    def _unsent(self) -> Exception:
        failure = self._sender.failure if self._sender is not None else None
        if isinstance(failure, OstinatoError) and not isinstance(failure, Unavailable):
            return failure.__cause__ if isinstance(failure.__cause__, OstinatoError) else failure
        return Unavailable(
            f"what was logged to run {self.id} could not be sent: {failure or 'it takes too long'}", hint="is the server up?"
        )

    def _warn(self, what: str, hint: str) -> None:
        _log.warning("run %s: %s (hint: %s)", self.id, what, hint)

    def __reduce__(self) -> tuple[Callable[..., Logger], tuple[Run, Journal]]:
        """In another process of this machine, such as a worker of a pool, it logs to the same run as the child of a fork does."""
        if self._direct is not None:
            raise TypeError(f"run {self.id} does all at once in its own process; in another one, go on with it by its id")
        return _arrived, (self.run, self._journal)

    def _forked(self) -> None:
        """In the child of a fork: it logs to the same run by a journal of its own, which the parent ships."""
        self._ending = threading.RLock()
        self._journal.forked()
        self._aside.forked()
        self._sender = None


def _arrived(run: Run, journal: Journal) -> Logger:
    """A logger that came from another process, or from this one: there is one of each run, unless its part here was ended."""
    known = next((own for own in [*_living] if own.id == run.id and not (own.ended and own._journal.about.child)), None)
    if known is None:
        known = Logger(None, run, journal=journal)
        _visiting[:] = [visitor for visitor in _visiting if not visitor.ended] + [known]
    return known


def _fork_all() -> None:
    for logger in [*_living]:
        logger._forked()


os.register_at_fork(after_in_child=_fork_all)
