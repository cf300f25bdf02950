"""A store in process and the same through a real server on a free port, for contract suites."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

from ostinato.app import SLICES, Ostinato
from ostinato.server.http import build
from ostinato.serving.plane.listener import Listener

_START_S = 10.0


@contextmanager
def served(app: Ostinato, slices: Sequence[ModuleType] = SLICES, port: int = 0) -> Iterator[str]:
    """The address at which `app` answers HTTP as long as the block runs; in a thread of this process."""
    with listening(Listener(build(app, slices), linger_s=0.0), port) as url:
        yield url


@contextmanager
def listening(server: Listener, port: int = 0) -> Iterator[str]:
    """The address at which `server` listens as long as the block runs; in a thread of this process."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="served")
        thread.start()
        limit = time.monotonic() + _START_S
        while not server.started and thread.is_alive() and time.monotonic() < limit:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
