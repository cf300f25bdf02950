"""Free ports for test processes, and bounded waiting for what another process does."""

from __future__ import annotations

import os
import socket
import time
import traceback
from collections.abc import Callable


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(true: Callable[[], object], seconds: float = 60.0, what: str = "it") -> None:
    """Wait until something comes true elsewhere.

    Raises:
        AssertionError: it did not, within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.005)


def forked(work: Callable[[], object]) -> int:
    """The pid of a child of this process that does the work and ends, with 0, or 1 if it raised: never does it go on with the tests."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
