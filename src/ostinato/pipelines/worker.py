"""Worker: claims executions and runs them, one after another, until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from ostinato.kernel.errors import OstinatoError
from ostinato.pipelines.service import Pipelines

_POLL_S = 0.1
_log = logging.getLogger(__name__)


class Stop:
    """A stop flag set by signals. A `threading.Event` will not do: its lock may be held by what the handler interrupts."""

    def __init__(self) -> None:
        self._asked = False

    def set(self) -> None:
        self._asked = True

    def is_set(self) -> bool:
        return self._asked

    def wait(self, timeout_s: float) -> None:
        """Sleep for so long, if nobody has asked yet."""
        if not self._asked:
            time.sleep(timeout_s)


def work(
    app: Any, pipelines: Pipelines, stop: Stop | threading.Event, *, once: bool = False, queues: Sequence[str] = (), idle_s: float = 0
) -> int:
    """Run executions of these queues in this thread until `stop` is set; returns how many. With `once`, stop when none is due;
    with `idle_s`, when none was for so long.

    After `stop`, the execution under way is given back before its next step; another worker finds its finished steps
    remembered. `app` is what `current().app` is.
    """
    ran, busy = 0, time.monotonic()
    while not stop.is_set():
        try:
            claim = pipelines.claim(queues)
            if claim is not None:
                ran += 1
                pipelines.execute(claim, app=app, stopping=stop.is_set)
                busy = time.monotonic()
            elif once or 0 < idle_s < time.monotonic() - busy:
                break
            else:
                stop.wait(_POLL_S)
        except OstinatoError as error:  # the store is out of reach: the lease lets somebody take over, perhaps us
            _log.warning("%s", error)
            stop.wait(1.0)
    return ran
