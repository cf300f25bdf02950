"""Plan: which trainings are recorded, where, and in how much detail."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from ostinato.kernel.errors import OstinatoError
from ostinato.tracking.capture import entry_point
from ostinato.tracking.client.active_run import set_inactive
from ostinato.tracking.logger import Logger
from ostinato.tracking.types import State

_SLOW_S = 1.5
_REST_S = 60.0
_log = logging.getLogger("ostinato.tracking")

Begin = Callable[..., Logger]
"""Begins a run: `begin(experiment, name, **options)`."""


class Plan:
    """What `autolog` was asked for, and the runs that it began."""

    def __init__(
        self,
        begin: Begin,
        frameworks: Collection[str],
        *,
        experiment: str = "",
        models: bool = True,
        examples: bool = False,
        children: int = 10,
    ) -> None:
        self.frameworks = frozenset(frameworks)
        self.models = models
        self.examples = examples
        self.children = children
        self.last: Logger | None = None
        self._begun = False
        self._begin = begin
        self._experiment = experiment
        self._warned: set[tuple[str, str, str]] = set()
        self._ending: list[threading.Thread] = []
        self._rested_s = 0.0
        self._lock = threading.Lock()

    def start(self, name: str, **how: Any) -> Logger:
        """Begin a run. A store that is slow to answer is left alone for a minute: what is logged then waits in the journal."""
        experiment = self._experiment or getattr(entry_point(), "stem", "") or "autolog"
        if time.monotonic() < self._rested_s:
            how = {**how, "offline": True}
        before_s = time.monotonic()
        run = self._begin(experiment, name, **how)
        if time.monotonic() - before_s > _SLOW_S and not how.get("offline") and self._begun:
            self._rested_s = time.monotonic() + _REST_S
        set_inactive(run)
        self._begun = True
        return run

    def finish(self, run: Logger, state: State, error: str) -> None:
        """End a run in the background, so that nobody waits for the store."""
        self.later("the run", "the end", lambda: run.finish(state, error))

    def later(self, framework: str, what: str, do: Callable[[], object]) -> None:
        """Do something in the background, as the same caller; that it fails is said once."""

        def done() -> None:
            try:
                do()
            except Exception as refused:
                self.warn(framework, what, refused)

        thread = threading.Thread(target=contextvars.copy_context().run, args=(done,), name="ostinato-autolog")
        with self._lock:
            self._ending = [other for other in self._ending if other.is_alive()] + [thread]
        thread.start()

    def wait(self) -> None:
        """Until the runs that have ended are in the store, or kept for later."""
        for thread in [*self._ending]:
            thread.join()

    def warn(self, framework: str, what: str, error: Exception) -> None:
        """Say once that something was not recorded, and why."""
        known = (framework, what, type(error).__name__)
        with self._lock:
            if known in self._warned:
                return
            self._warned.add(known)
        hint = error.hint if isinstance(error, OstinatoError) and error.hint else "the training itself is not affected"
        _log.warning("autolog of %s does not record %s: %s: %s (hint: %s)", framework, what, type(error).__name__, error, hint)
        _log.debug("autolog of %s: %s", framework, what, exc_info=error)
