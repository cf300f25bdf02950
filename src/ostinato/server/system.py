"""The operations on the server itself, in the same form as those of the slices."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import datetime

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict
from ostinato.kernel.family import Family, Member
from ostinato.kernel.frozen import frozen
from ostinato.kernel.operation import Op
from ostinato.maintenance.installation import Installation, describe

NAME = "system"
_NO_FAMILIES = (
    "ostinato.storage.",
    "ostinato.maintenance.",
    "ostinato.gateways.",
    "ostinato.serving.plane",
    "ostinato.registry.sandbox",
    "ostinato.tracking.client",
    "ostinato.tracking.fits",
    "ostinato.tracking.planner",
    "ostinato.tracking.removal",
    "ostinato.tracking.tensorboard",
    "ostinato.tracking.verbs",
)


@frozen
class ClockState:
    """The platform's time; `replay` clocks only move when they are set."""

    now: datetime
    replay: bool


@frozen
class FamilyListing:
    """A family of interchangeable things and its members."""

    name: str
    summary: str
    members: list[Member]


class System:
    """The verbs on the server itself."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app

    def clock(self) -> ClockState:
        """The present instant of the platform."""
        return ClockState(now=self._app.clock.now(), replay=isinstance(self._app.clock, ReplayClock))

    def set_clock(self, now: datetime) -> ClockState:
        """Set a replay clock forward.

        Raises:
            Conflict: the server runs on the machine's clock.
            Invalid: the clock would go back.
        """
        clock = self._app.clock
        if not isinstance(clock, ReplayClock):
            raise Conflict("the server runs on the machine's clock", hint="start it with --clock replay --at INSTANT")
        clock.set(now)
        return self.clock()

    def families(self) -> list[FamilyListing]:
        """Every family with its members and the JSON Schema of their parameters."""
        return families()

    def installation(self) -> Installation:
        """The versions, the storage and the space of this installation, and what the doctor says of it."""
        return describe(self._app.settings.data)


def family_packages() -> list[str]:
    """The packages of all families: by the rule of the house, every folder inside a slice but those of `_NO_FAMILIES`."""
    found = pkgutil.walk_packages(importlib.import_module("ostinato").__path__, "ostinato.")
    return [m.name for m in found if m.ispkg and m.name.count(".") == 2 and not m.name.startswith(_NO_FAMILIES)]


def families() -> list[FamilyListing]:
    """Every family and its members."""
    listings = []
    for package in family_packages():
        summary = (importlib.import_module(package).__doc__ or "").split("\n")[0]
        listings.append(FamilyListing(name=package.removeprefix("ostinato."), summary=summary, members=Family[object](package).describe()))
    return listings


OPS: list[Op] = [
    Op("GET", "/clock", System.clock, ""),
    Op("PUT", "/clock", System.set_clock, "clock:set"),
    Op("GET", "/families", System.families, ""),
    Op("GET", "/installation", System.installation, "store:examine"),
]
