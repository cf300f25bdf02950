"""Workers: the processes that execute pipelines, kept alive by the server and ended with it."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

_log = logging.getLogger("ostinato.server")
_PR_SET_PDEATHSIG = 1
POLL_S = 0.2
CALM_S = 5.0
"""A worker that lived so long may be replaced at once; one that died sooner waits, twice as long each time."""
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
    """`count` processes of `command`, started and watched by one thread.

    The thread lives as long as the server: the death signal of a child (see `die_with`) hangs on the thread that made it.
    """

    def __init__(self, command: Sequence[str], count: int) -> None:
        self._seats = [_Seat() for _ in range(count)]
        self._command = [*command, "--parent", str(os.getpid())]
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ostinato-workers", daemon=True)

    def start(self) -> None:
        """Start the processes."""
        self._thread.start()

    def check(self) -> str:
        """ "ok", or how many are missing and how the last of them ended."""
        missing = [seat for seat in self._seats if not seat.alive()]
        if not missing:
            return "ok"
        return f"{len(missing)} of {len(self._seats)} workers are down" + "".join(
            f"; the last exit was {s.ended}" for s in missing[-1:] if s.ended
        )

    def end(self) -> None:
        """End all processes: TERM, and KILL for those that remain after 10 s."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ending.is_set():
            for seat in self._seats:
                seat.fill(self._command)
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

    def fill(self, command: Sequence[str]) -> None:
        """Note a death, and start a process where none lives and the wait is over."""
        if self.alive():
            return
        now = time.monotonic()
        if self.process is not None:
            self.ended = _said(self.process.returncode)
            self.wait_s = 0.0 if now - self.began >= CALM_S else min(WAIT_MAX_S, max(0.5, self.wait_s * 2))
            self.next_at = now + self.wait_s
            self.process = None
            _log.warning("a worker ended: %s; the next starts in %.1f s", self.ended, self.wait_s)
        if now >= self.next_at:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=_FRUGAL | os.environ)
            self.began = now


def _said(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def die_with(parent: int) -> None:
    """Let the kernel end this process (TERM) when its parent dies, however that dies; called first thing in a child."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the server that started this worker is gone")
