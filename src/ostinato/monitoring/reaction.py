"""Reaction: the interface of the family `reactions`, and the context that a reaction gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ostinato.kernel.family import Family
from ostinato.kernel.frozen import frozen
from ostinato.monitoring.types import Alert, Finding, Monitor, Severity, Window
from ostinato.pipelines.service import Pipelines
from ostinato.serving.service import Endpoints


@frozen
class Situation:
    """A window with findings, and the doors through which to act on it.

    `alert(subject, text, severity, key)` raises an alert once for each key.
    """

    monitor: Monitor
    window: Window
    findings: list[Finding]
    alert: Callable[[str, str, Severity, str], Alert]
    pipelines: Pipelines
    endpoints: Endpoints


class React(Protocol):
    """A member: a dataclass whose fields are its parameters."""

    def react(self, situation: Situation) -> str:
        """Act, and name what came of it as a reference. It may be called again for the same window, and must then act no further."""
        ...


REACTIONS: Family[React] = Family("ostinato.monitoring.reactions")
