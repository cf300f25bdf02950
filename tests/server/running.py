"""The server as a process, for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ostinato.client.connection import Connection
from ostinato.client.remote import Remote, connect


def command(data: Path, *more: str) -> list[str]:
    """The command line of a server on a free port."""
    return [sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(data), "--port", "0", *more]


@contextmanager
def running(data: Path, *more: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A server that is ready; what it writes goes to the file `log` beside its folder. It is killed, and its successors with it."""
    with (
        (data.parent / "log").open("a") as log,
        subprocess.Popen(command(data, *more), stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | dict(env or {})) as process,
    ):
        try:
            line = process.stdout.readline()
            assert line.startswith("Ostinato is at http"), (data.parent / "log").read_text()
            if line.startswith("Ostinato is at http:"):
                Connection(address(data), "", "default").call("GET", "/health/ready")
            yield process
        finally:
            with suppress(OSError, ValueError):
                if (successor := pid_of(data)) != process.pid:
                    os.kill(successor, signal.SIGKILL)
            process.kill()


def opened(data: Path) -> Remote:
    """The server's store, as its administrator."""
    return connect(address(data), (data / "admin-token").read_text().strip())


def address(data: Path) -> str:
    """Where the server of this folder is."""
    return str(json.loads((data / "server.json").read_text())["url"])


def pid_of(data: Path) -> int:
    """The process that serves this folder."""
    return int(json.loads((data / "server.json").read_text())["pid"])
