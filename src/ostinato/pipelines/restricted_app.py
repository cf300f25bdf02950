"""RestrictedApp: the app inside an execution that was started by a credential with a limited scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from ostinato.kernel.errors import Denied
from ostinato.tracking.logger import Logger

Needs = Mapping[str, Mapping[str, str]]
"""The permission that each verb of each face needs."""
_PLAIN = frozenset({"blobs", "clock", "tables"})
"""Where an execution keeps what its steps return."""


def needs_of(slices: Sequence[ModuleType]) -> Needs:
    """The permissions that the verbs of these slices need, remote and in process."""
    return {module.NAME: {op.name: op.needs for op in module.OPS} | getattr(module, "IN_PROCESS", {}) for module in slices}


class RestrictedApp:
    """The faces of an app, each verb behind its permission. It holds code to what it was given, as a server does; it is no sandbox."""

    def __init__(self, app: Any, needs: Needs, permit: Callable[[str, str], None]) -> None:
        self._app = app
        self._needs = needs
        self._permit = permit

    def __getattr__(self, name: str) -> Any:
        if name in _PLAIN:
            return getattr(self._app, name)
        if name not in self._needs:
            raise Denied(f"app.{name} is out of reach in this execution", hint="start it with a credential without limits")
        return _Face(getattr(self._app, name), name, self._needs[name], self._permit)

    def run(self, experiment: str, name: str = "", **told: Any) -> Logger:
        """A run to log to, as of the app."""
        self._permit("run:write", "app.run")
        started: Logger = self._app.run(experiment, name, **told)
        return started


class _Face:
    """One face of the app."""

    def __init__(self, service: Any, face: str, needs: Mapping[str, str], permit: Callable[[str, str], None]) -> None:
        self._service = service
        self._face = face
        self._needs = needs
        self._permit = permit

    def __getattr__(self, name: str) -> Any:
        what = f"{self._face}.{name}"
        if name not in self._needs:
            raise Denied(f"app.{what} is out of reach in this execution", hint="start it with a credential without limits")
        return partial(self._call, what, name)

    def _call(self, what: str, name: str, /, *given: Any, **named: Any) -> Any:
        if needed := self._needs[name]:
            self._permit(needed, what)
        return getattr(self._service, name)(*given, **named)
