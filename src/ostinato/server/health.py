"""Readiness: the checks behind `/health/ready`."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable

from sqlalchemy import text

from ostinato.app import Ostinato
from ostinato.kernel.frozen import frozen

FREE_MB = 64
"""Below so much free disk a server is not ready: writes are about to fail."""


@frozen
class State:
    """`checks` says for each part "ok" or what is wrong with it."""

    ready: bool
    checks: dict[str, str]


class Health:
    """The checks of a store; a supervisor adds its own with `add`. `draining` is set once the server is to end; if a
    process has `succeeded` it on the same socket, traffic may come all the same."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app
        self.draining = threading.Event()
        self.succeeded = False
        self._checks: dict[str, Callable[[], str]] = {"rows": self._rows, "disk": self._disk, "server": self._server}

    def add(self, name: str, check: Callable[[], str]) -> None:
        """Ask `check` as well; it returns "ok" or what is wrong."""
        self._checks[name] = check

    def check(self) -> State:
        """Ask every part."""
        told = {name: _run_check(check) for name, check in self._checks.items()}
        return State(ready=all(answer == "ok" for answer in told.values()), checks=told)

    def _rows(self) -> str:
        self._app.rows.read(lambda tx: tx.first(text("SELECT 1")))
        self._app.rows.write(lambda tx: tx.first(text("SELECT 1")))  # the writer has a connection of its own
        return "ok"

    def _disk(self) -> str:
        free_mb = shutil.disk_usage(self._app.settings.data).free >> 20
        return "ok" if free_mb >= FREE_MB else f"{free_mb} MiB free"

    def _server(self) -> str:
        return "draining" if self.draining.is_set() and not self.succeeded else "ok"


def _run_check(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # whatever breaks, the answer is "not ready", and why
        return f"{type(error).__name__}: {error}"
