"""Server: the real server process that the replay talks to, started again if it dies."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType

from ostinato.kernel.errors import Unavailable

READY_WITHIN_S = 60.0


class Server:
    """`ostinato serve` on a folder, on a port of its own, with a clock that the replay sets."""

    def __init__(self, data: Path, start: datetime) -> None:
        self._data = data
        self._start = start
        self._port = _kept_port(data)
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._guard = threading.Thread(target=self._restart_when_dead, daemon=True)

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self._port}"

    def token(self) -> str:
        """The administrator's token, which the server's first start wrote."""
        return (self._data / "admin-token").read_text().strip()

    def __enter__(self) -> Server:
        self._spawn()
        self._wait_until_ready()
        self._guard.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ending.set()
        self._guard.join()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _spawn(self) -> None:
        log = (self._data / "server.log").open("ab")
        command = [sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(self._data), "--host", "127.0.0.1"]
        command += ["--port", str(self._port), "--clock", "replay", "--at", self._start.isoformat()]
        environment = os.environ | {
            "OSTINATO_PIPELINES": "ostinato_flights",
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "MALLOC_ARENA_MAX": "2",
        }
        self._process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, preexec_fn=partial(_end_with, os.getpid())
        )
        log.close()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                time.sleep(0.5)  # the server of a replay that was killed may still be letting go of the folder
                self._spawn()
            try:
                with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2) as answer:  # noqa: S310
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise Unavailable(f"the server was not ready within {READY_WITHIN_S:.0f} s", hint=f"see {self._data / 'server.log'}")

    def _restart_when_dead(self) -> None:
        while not self._ending.wait(0.2):
            if self._process is not None and self._process.poll() is not None:
                self._spawn()


def _end_with(parent: int) -> None:
    """In the child: ask Linux to end it in good order when the replay dies, however it dies, and be it just now."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


def _kept_port(data: Path) -> int:
    """The port that an earlier replay of this folder used, if it is free, or a fresh one; kept for the next time."""
    kept = data / "demo-port.json"
    wanted = json.loads(kept.read_text()) if kept.exists() else 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    kept.write_text(json.dumps(port))
    return port
