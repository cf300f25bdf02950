"""Zero-downtime restart: a server starts its successor on the same socket, and ends once that one answers.

The successor is a process of the same command: it runs what is installed now. It inherits the listening socket and the lock of the
folder, so both are held without a gap; the planes of the endpoints go on and are adopted.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ostinato.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from ostinato.kernel.frozen import frozen

_log = logging.getLogger("ostinato.server")
READY_S = 60.0
"""So long a successor may take until it answers; then it is given up, and the server goes on."""


@frozen
class Inherited:
    """The file descriptors that a successor inherits: the socket, the lock, and the pipe by which it says that it is ready."""

    listener: int
    lock: int
    ready: int

    @classmethod
    def parse(cls, text: str) -> Inherited:
        """Parse the form on the command line.

        >>> str(Inherited.parse("5,6,7"))
        '5,6,7'
        """
        try:
            listener, lock, ready = map(int, text.split(","))
        except ValueError:
            raise Invalid("--handed is for successors only", hint="ostinato serve --hand-over starts one", field="handed") from None
        return cls(listener=listener, lock=lock, ready=ready)

    def __str__(self) -> str:
        return f"{self.listener},{self.lock},{self.ready}"


def start_successor(command: Sequence[str], listener: socket.socket, lock: int, ended: Callable[[], bool]) -> bool:
    """Start `command` as the successor; whether it is ready. One that is not in good time is killed."""
    reading, writing = os.pipe()
    handed = Inherited(listener=listener.fileno(), lock=lock, ready=writing)
    process = subprocess.Popen(
        [*command, "--handed", str(handed)], stdin=subprocess.DEVNULL, pass_fds=(handed.listener, handed.lock, handed.ready)
    )
    os.close(writing)
    try:
        limit = time.monotonic() + READY_S
        while not ended() and time.monotonic() < limit:
            if select.select([reading], [], [], 0.2)[0]:
                if os.read(reading, 1):
                    _log.warning("process %d takes over", process.pid)
                    return True
                break
    finally:
        os.close(reading)
    process.kill()
    _log.error("the successor did not become ready (%s): this server goes on", process.wait())
    return False


def hand_over(data: Path) -> int:
    """Replace the server of the folder `data` by a new process of the same command; returns its process id.

    Raises:
        NotFound: no server holds the folder.
        Unavailable: the successor did not become ready; the server goes on.
    """
    before = running(data)
    if before is None:
        raise NotFound(f"no server is running on {data}", hint=f"ostinato serve --data {data} starts one")
    try:
        os.kill(before, signal.SIGHUP)
    except ProcessLookupError:
        raise NotFound(f"the server of {data} is gone", hint=f"ostinato serve --data {data} starts one") from None
    except PermissionError:
        raise Conflict(f"process {before} belongs to somebody else", hint="ask as the user that runs the server") from None
    limit = time.monotonic() + READY_S
    while time.monotonic() < limit:
        if (now := running(data)) not in (None, before):
            return now
        time.sleep(0.05)
    raise Unavailable(f"nobody took over from process {before} in {READY_S:.0f} s", hint="its log says why; it goes on")


def running(data: Path) -> int | None:
    """The process that says in `server.json` that it serves the folder."""
    try:
        return int(json.loads((data / "server.json").read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return None
