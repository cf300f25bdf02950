"""Workers: the processes that execute pipelines, started by the server when something waits; they go when they have idled, or with it."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ostinato.kernel.errors import Unavailable

_log = logging.getLogger("ostinato.server")
_PR_SET_PDEATHSIG = 1
POLL_S = 0.2
CALM_S = 5.0
"""A worker that lived so long may be replaced at once; one that died sooner waits, twice as long each time."""
APART_S = 1.0
"""So long after a worker has started the next one does, if something waits still: the first may be about to take it."""
WAIT_MAX_S = 30.0
END_S = 10.0
_FRUGAL = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "33554432",
    "GOMP_SPINCOUNT": "10000",
}
"""How a worker shares the machine: memory of a finished step goes back to the system, and threads of OpenMP that wait for each
other spin briefly and then sleep. Spinning on, a fit of 0.4 s took minutes on a busy machine; sleeping at once, 1.7 s on a quiet one."""


class Workers:
    """At most `count` processes of `command`, started when something is `due` and watched by one thread.

    The thread lives as long as the server: the death signal of a child (see `die_with`) hangs on the thread that made it.
    """

    def __init__(self, command: Sequence[str], count: int, due: Callable[[], bool]) -> None:
        self._seats = [_Seat() for _ in range(count)]
        self._command = [*command, "--parent", str(os.getpid())]
        self._due = due
        self._started = -APART_S
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ostinato-workers", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def check(self) -> str:
        """ "ok", or how many die as soon as they start, and how the last of them ended."""
        failing = [seat for seat in self._seats if seat.barred()]
        if not failing:
            return "ok"
        return f"{len(failing)} of {len(self._seats)} workers are down; the last exit was {failing[-1].ended}"

    def end(self) -> None:
        """End all processes: TERM, and KILL for those that remain after 10 s."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ending.is_set():
            try:
                self._look()
            except Unavailable as error:  # the store is out of reach for a while
                _log.warning("%s", error)
                self._ending.wait(1.0)
            except Exception:  # whoever waits is asked for again in the next round
                _log.exception("no worker could be started")
            self._ending.wait(POLL_S)
        living = [seat.process for seat in self._seats if seat.process is not None and seat.alive()]
        for process in living:
            process.terminate()
        limit = time.monotonic() + END_S
        for process in living:
            try:
                process.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _look(self) -> None:
        """Note who has ended; start a worker, if there is a place for one and nobody takes what is due."""
        free = [seat for seat in self._seats if not seat.taken() and not seat.barred()]
        if free and time.monotonic() - self._started >= APART_S and self._due():
            free[0].fill(self._command)
            self._started = time.monotonic()


@dataclass(slots=True)
class _Seat:
    """A place for one worker."""

    process: subprocess.Popen[bytes] | None = None
    ended: str = ""
    began: float = 0.0
    wait_s: float = 0.0
    next_at: float = 0.0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def taken(self) -> bool:
        """Whether a process lives here; a death is noted."""
        if self.process is None or self.alive():
            return self.process is not None
        now, code = time.monotonic(), self.process.returncode
        self.process = None
        if code:  # else it had idled
            self.ended = _said(code)
            self.wait_s = 0.0 if now - self.began >= CALM_S else min(WAIT_MAX_S, max(0.5, self.wait_s * 2))
            self.next_at = now + self.wait_s
            _log.warning("a worker ended: %s; another may start in %.1f s", self.ended, self.wait_s)
        return False

    def barred(self) -> bool:
        """Whether the last process died so soon that the next has to wait."""
        return time.monotonic() < self.next_at

    def fill(self, command: Sequence[str]) -> None:
        """Start a process."""
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=_FRUGAL | os.environ)
        self.began = time.monotonic()


def _said(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def die_with(parent: int) -> None:
    """Let the kernel end this process (TERM) when its parent dies, however that dies; called first thing in a child."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the server that started this worker is gone")
