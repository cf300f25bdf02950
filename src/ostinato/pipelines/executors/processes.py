"""Processes: several calls at a time, each in a process of this machine that can be stopped."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TypeVar

from ostinato.kernel.errors import Unavailable
from ostinato.kernel.garbage import spare
from ostinato.pipelines.lease_owner import unguarded

T = TypeVar("T")
_SPAWN = multiprocessing.get_context("spawn")
_START_S = 120.0
_GRACE_S = 5.0
_PR_SET_PDEATHSIG = 1


class Processes:
    """As many processes as cores, kept for the next call; a call that outlasts its time is stopped, and so is all it started.

    A call is sent pickled, so its function must be importable; values travel as digests. Each process leads a group of its
    own: whoever is stopped gets TERM, after 5 s KILL, and so do the processes that the call started. A process ends with the
    one that started it, however that ends.
    """

    def __init__(self, processes: int = 0) -> None:
        self.width = processes or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self.width, thread_name_prefix="ostinato-process")
        self._own = threading.local()
        self._all: list[_Child] = []
        self._closed = False

    def submit(self, call: Callable[[], T], timeout_s: float | None = None) -> Future[T]:
        return self._threads.submit(self._call, call, timeout_s)

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        _stop(self._all)
        self._threads.shutdown(wait=True)
        _stop(self._all)  # one that was starting meanwhile

    def _call(self, call: Callable[[], T], timeout_s: float | None) -> T:
        if self._closed:
            raise Unavailable("the executor is closing")
        child: _Child | None = getattr(self._own, "child", None)
        if child is None or not child.process.is_alive():
            child = self._own.child = _Child()
            self._all.append(child)
        try:
            answer: T = child.ask(call, timeout_s)
        except BaseException:
            _stop([child])
            self._all.remove(child)
            self._own.child = None
            raise
        return answer


class _Child:
    """A process that answers calls, one at a time."""

    def __init__(self) -> None:
        self._here, there = _SPAWN.Pipe()
        self._begun = False
        self.process = _SPAWN.Process(target=_serve, args=(there, os.getpid()), name="ostinato-step", daemon=True)
        self.process.start()
        there.close()

    def ask(self, call: Callable[[], T], timeout_s: float | None) -> T:
        try:
            self._here.send_bytes(pickle.dumps(call))
            if not self._here.poll(_START_S):
                raise Unavailable(f"a process did not start within {_START_S:g} s", hint="the machine is overloaded")
            self._here.recv()  # it has the call in hand: only now its time runs
            self._begun = True
            if not self._here.poll(timeout_s):
                raise TimeoutError(f"took longer than {timeout_s:g} s and was stopped")
            answer, error = self._here.recv()
        except (EOFError, ConnectionError) as broken:
            self.process.join(5)
            if not self._begun:
                raise unguarded() from broken
            raise Unavailable(f"the process of the step died: {_exit_reason(self.process.exitcode)}") from broken
        if error is not None:
            raise error
        result: T = answer
        return result

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that it started."""
        pid = self.process.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number) if self._begun else os.kill(pid, number)

    def bury(self) -> None:
        """Wait for the end of the process."""
        with contextlib.suppress(ValueError):  # buried already
            self.process.join()
            self._here.close()


def _stop(children: Iterable[_Child]) -> None:
    """End processes and what they started: TERM, and KILL for what remains after 5 s."""
    children = list(children)
    for child in children:
        child.signal(signal.SIGTERM)
    limit = time.monotonic() + _GRACE_S
    for child in children:
        child.process.join(max(0.0, limit - time.monotonic()))
    for child in children:
        child.signal(signal.SIGKILL)
        child.bury()


def _exit_reason(code: int | None) -> str:
    return f"killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"


def _serve(calls: Connection, parent: int) -> None:
    """The life of a child: answer until the other end is gone."""
    os.setpgid(0, 0)
    spare()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        return
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            sent = calls.recv_bytes()
            call, failure = _attempt(lambda sent=sent: pickle.loads(sent))  # type: ignore[misc]  # noqa: S301 - from our own parent
            calls.send(None)
            calls.send((None, failure) if call is None else _attempt(call))


def _attempt(call: Callable[[], T]) -> tuple[T | None, RuntimeError | None]:
    try:
        return call(), None
    except Exception as error:  # its class may not exist on the other side
        return None, RuntimeError(f"{type(error).__name__}: {error}")
