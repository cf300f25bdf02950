"""Supervision of data planes: they are started, adopted, restarted and stopped, and their plan files follow the rows."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from ostinato.kernel.errors import Unavailable
from ostinato.serving.plane.plan import LOCK, PLAN, Plan, PlaneState, digest_of, encode, read_state, replace
from ostinato.storage.disk import locked

_PAUSE_S = 1.0
_END_S = 15.0


class Planes:
    """The planes that this process looks after, by the folder of their endpoint.

    A plane holds the lock of its folder as long as it lives, so whether there is one is never a guess, and there are never
    two. A plane outlives the death of its supervisor; the next one that ticks adopts it.
    """

    def __init__(self) -> None:
        self._kept: set[Path] = set()
        self._started: dict[Path, subprocess.Popen[bytes]] = {}
        self._not_before: dict[Path, float] = {}
        self._starting = threading.Lock()
        self._closed = False
        self.adopting = False
        """Whether planes that somebody else started are looked after, and ended, by this process."""

    def tell(self, folder: Path, plan: Plan) -> str:
        """Put the plan into the folder if another one is there; returns its digest."""
        content = encode(plan)
        path = folder / PLAN
        if not path.exists() or path.read_bytes() != content:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace(path, content)
        return digest_of(content)

    def keep(self, folder: Path) -> None:
        """See that this folder has a plane: start one if there is none. Once closed, nothing is started any more."""
        with self._starting:
            if self._closed:
                return
            process = self._started.get(folder)
            if process is not None and process.poll() is None:
                return
            if alive(folder):
                if self.adopting:
                    self._kept.add(folder)
                return
            if time.monotonic() < self._not_before.get(folder, 0.0):
                return
            self._not_before[folder] = time.monotonic() + _PAUSE_S
            self._kept.add(folder)
            with (folder / "plane.log").open("ab") as log:
                self._started[folder] = subprocess.Popen(
                    [sys.executable, "-m", "ostinato.serving.plane", "--home", str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def follows(self, folder: Path, digest: str, wait_s: float = 60.0) -> PlaneState:
        """The state of the plane once it has taken up the plan.

        Raises:
            Unavailable: it has not within `wait_s`, or nobody looks after it any more; the hint says where to look.
        """
        until = time.monotonic() + wait_s
        while True:
            if folder in self._kept:
                self.keep(folder)
            state = read_state(folder)
            if state is not None and state.plan == digest and alive(folder):
                return state
            if self._closed or time.monotonic() > until:
                raise Unavailable(f"the plane of {folder.name} does not follow yet", hint=f"see {folder / 'plane.log'}")
            time.sleep(0.02)

    def leave(self) -> None:
        """Start and end no plane any more: they live on for who adopts them."""
        with self._starting:
            self._closed = True
            self._kept.clear()

    def close(self) -> None:
        """End the planes that this process started or adopted; what they were asked is answered first."""
        with self._starting:  # whoever still waits for a plane must not start it again behind our back
            self._closed = True
        for folder in self._kept:
            state = read_state(folder)
            process = self._started.get(folder)
            if process is not None and process.poll() is None:
                process.terminate()
            elif state is not None and alive(folder):
                _signal(state.pid, signal.SIGTERM)
        for folder in self._kept:
            self._ended(folder)
        self._kept.clear()
        self._started.clear()

    def _ended(self, folder: Path) -> None:
        until = time.monotonic() + _END_S
        process = self._started.get(folder)
        while alive(folder) or (process is not None and process.poll() is None):
            if time.monotonic() > until:
                state = read_state(folder)
                if process is not None and process.poll() is None:
                    process.kill()
                elif state is not None and alive(folder):
                    _signal(state.pid, signal.SIGKILL)
                until += _END_S
            time.sleep(0.02)


def alive(folder: Path) -> bool:
    """Whether a plane of this folder lives."""
    return locked(folder / LOCK)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
