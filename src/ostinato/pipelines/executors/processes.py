"""Processes: several calls at a time, each in a process of this machine that can be killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TypeVar

from ostinato.kernel.errors import Unavailable

T = TypeVar("T")
_SPAWN = multiprocessing.get_context("spawn")
_START_S = 120.0


class Processes:
    """As many processes as cores, kept for the next call; a call that outlasts its time is killed, and so is its process.

    A call is sent pickled, so its function must be importable; values travel as digests. The processes end with the
    one that started them.
    """

    def __init__(self, processes: int = 0) -> None:
        self._threads = ThreadPoolExecutor(processes or os.cpu_count() or 1, thread_name_prefix="ostinato-process")
        self._own = threading.local()
        self._all: list[_Child] = []
        self._closed = False

    def submit(self, call: Callable[[], T], timeout_s: float | None = None) -> Future[T]:
        return self._threads.submit(self._call, call, timeout_s)

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in list(self._all):
            child.kill()
        self._threads.shutdown(wait=True)
        for child in list(self._all):  # one that was starting meanwhile
            child.kill()

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
            child.kill()
            self._all.remove(child)
            self._own.child = None
            raise
        return answer


class _Child:
    """A process that answers calls, one at a time."""

    def __init__(self) -> None:
        self._here, there = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(there,), name="ostinato-step", daemon=True)
        self.process.start()
        there.close()

    def ask(self, call: Callable[[], T], timeout_s: float | None) -> T:
        try:
            self._here.send_bytes(pickle.dumps(call))
            if not self._here.poll(_START_S):
                raise Unavailable(f"a process did not start within {_START_S:g} s", hint="the machine is overloaded")
            self._here.recv()  # it has the call in hand: only now its time runs
            if not self._here.poll(timeout_s):
                raise TimeoutError(f"took longer than {timeout_s:g} s and was killed")
            answer, error = self._here.recv()
        except (EOFError, ConnectionError) as broken:
            self.process.join(5)
            raise Unavailable(f"the process of the step died with exit code {self.process.exitcode}") from broken
        if error is not None:
            raise error
        result: T = answer
        return result

    def kill(self) -> None:
        with contextlib.suppress(ValueError):  # closed already
            self.process.kill()
            self.process.join()
            self._here.close()


def _serve(calls: Connection) -> None:
    """The life of a child: answer until the other end is gone."""
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
