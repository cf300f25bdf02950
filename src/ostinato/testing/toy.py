"""A toy slice whose verbs use every type that may travel, and an app of real parts around it: what tests of the doors open."""

from __future__ import annotations

import threading
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Literal

from ostinato.access.types import Admission, Credential
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, GateFailed, NotFound, StepFailed, Unauthenticated, Unavailable
from ostinato.kernel.frozen import frozen
from ostinato.kernel.operation import Op
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import metadata
from ostinato.storage.rows.sqlite import Sqlite


@frozen
class Part:
    """A part of a toy; `weight` in kg."""

    name: str
    weight: float | None = None


@frozen
class Toy:
    """A toy, who made it, when and of what."""

    name: str
    made_at: datetime
    made_by: str
    parts: list[Part] = field(default_factory=list)
    origin: Ref | None = None
    kind: Literal["plain", "fancy"] = "plain"
    ok: bool = True


def _weighs(part: Part, weights: dict[str, float]) -> bool:
    return part.name in weights and part.weight == weights[part.name]


class Toys:
    """Toys that are made, found, painted and broken."""

    def __init__(self, clock: ReplayClock) -> None:
        self._clock = clock
        self._toys: dict[str, Toy] = {}
        self._paint: dict[str, bytes] = {}
        self.failures = 0
        self.waits: list[str] = []
        self.enough = threading.Event()
        """Ends all waiting."""

    def make(self, name: str, parts: list[Part] | None = None, origin: Ref | None = None, kind: Literal["plain", "fancy"] = "plain") -> Toy:
        """Make a toy.

        Raises:
            Conflict: there is another of that name.
        """
        toy = Toy(name=name, made_at=self._clock.now(), made_by=caller().actor, parts=parts or [], origin=origin, kind=kind)
        known = self._toys.setdefault(name, toy)
        if known.parts != toy.parts:
            raise Conflict(f"there is another toy {name!r}", hint="take another name")
        return known

    def get(self, name: str) -> Toy:
        """The toy of that name."""
        if name not in self._toys:
            raise NotFound.named("toy", name, self._toys)
        return self._toys[name]

    def search(
        self,
        kinds: list[str] | None = None,
        since: datetime | None = None,
        limit: int = 10,
        backwards: bool = False,
        weights: dict[str, float] | None = None,
        after: str | None = None,
    ) -> Page[Toy]:
        """Toys, page by page."""
        found = [t for t in self._toys.values() if (not kinds or t.kind in kinds) and (since is None or t.made_at >= since)]
        found = [t for t in found if (after is None or t.name > after) and not any(_weighs(p, weights or {}) for p in t.parts)]
        found.sort(key=lambda t: t.name, reverse=backwards)
        return Page(items=found[:limit], next=found[limit - 1].name if len(found) > limit else None)

    def ref(self, ref: str | Ref, of: Ref | None = None) -> list[Ref]:
        """The refs, as they came."""
        return [Ref.parse(str(ref)), *([of] if of else [])]

    def version(self, name: str, version: int) -> int:
        """The next version of a toy that is there."""
        self.get(name)
        return version + 1

    def paint(self, name: str, content: bytes, layer: int = 0) -> int:
        """Paint a toy; how many bytes it took."""
        self._paint[name] = content
        return len(content) + layer

    def painted(self, name: str) -> bytes:
        """The paint."""
        return self._paint[name]

    def file(self, name: str, path: str) -> str:
        """The name of a file within a toy."""
        return f"{name}:{path}"

    def values(self, values: list[float]) -> list[float]:
        """The values, as they came."""
        return values

    def wait(self, name: str, timeout_s: float = 20.0) -> bool:
        """Wait for a toy that never comes."""
        self.waits.append(name)
        self.enough.wait(timeout_s)
        return name in self._toys

    def check(self, name: str) -> Toy:
        """A toy that is not ok."""
        return replace(self.get(name), ok=False)

    def fail(self, how: str) -> None:
        """Fail in one of the known ways, or in an unknown one."""
        self.failures += 1
        if how == "gate":
            raise GateFailed("too light", hint="add weight", evidence={"weight": 0.5})
        if how == "step":
            raise StepFailed("boom", step="train", traceback="Traceback …")
        if how == "busy" and self.failures < 3:
            raise Unavailable("not now", retry_after_s=0.1)
        if how == "secret":
            raise RuntimeError("the password is hunter2")  # what a careless library might say

    def drop(self, name: str) -> None:
        """Throw a toy away; gone is gone."""
        self._toys.pop(name, None)


API = ModuleType("toy_api")
_OPS = [
    Op("POST", "/toys", Toys.make, "toy:write"),
    Op("GET", "/toys/{name}", Toys.get, "toy:read"),
    Op("GET", "/toys", Toys.search, "toy:read"),
    Op("GET", "/toys/refs/{ref}", Toys.ref, "toy:read"),
    Op("POST", "/toys/{name}/versions/{version:int}/next", Toys.version, "toy:write"),
    Op("PUT", "/toys/{name}/paint", Toys.paint, "toy:write", 201),
    Op("GET", "/toys/{name}/paint", Toys.painted, "toy:read"),
    Op("GET", "/toys/{name}/files/{path:path}", Toys.file, "toy:read"),
    Op("POST", "/toys/values", Toys.values, "toy:write"),
    Op("GET", "/toys/{name}/wait", Toys.wait, "toy:read"),
    Op("GET", "/toys/{name}/check", Toys.check, "toy:read"),
    Op("POST", "/toys/failures", Toys.fail, ""),
    Op("DELETE", "/toys/{name}", Toys.drop, "toy:write"),
]
vars(API).update(NAME="toys", SERVICE=Toys, OPS=_OPS)


class Keys:
    """Access of a toy: who holds which token, and what each may."""

    def __init__(self) -> None:
        self.tokens = {"ana-token": "person:ana", "bob-token": "person:bob"}
        self.rights: dict[str, set[str]] = {
            "person:ana": {"toy:read", "toy:write", "ledger:read", "clock:set"},
            "person:bob": {"toy:read"},
        }

    def admit(self, secret: str, project: str, address: str = "") -> Admission:  # noqa: ARG002 — the shape of the real one
        if secret not in self.tokens:
            raise Unauthenticated("this token is unknown, expired or revoked", hint="ask for another")
        actor = self.tokens[secret]
        rights = self.rights[actor] if project == "default" else ()
        return Admission(credential=Credential(id=secret, actor=actor), permissions=frozenset(rights))

    def is_project(self, name: str) -> bool:
        return name == "default"


class App:
    """What the doors need of an app: real rows, a real ledger, the toys."""

    def __init__(self, data: Path, clock: ReplayClock) -> None:
        self.settings = Settings(data=data, inbox=data / "inbox", body_limit_mb=1)
        self.clock = clock
        self.rows = Sqlite(data / "toy.db")
        self.ledger = Ledger(rows=self.rows, clock=clock, key_path=data / "key")
        self.access = Keys()
        self.toys = Toys(clock)
        self.rows.create(metadata)

    def close(self) -> None:
        self.rows.close()
