"""Plan: what a data plane serves, in one file that the control plane replaces and the plane polls."""

from __future__ import annotations

import hashlib
import os
from dataclasses import field
from pathlib import Path
from typing import Literal

import msgspec

from ostinato.kernel.frozen import frozen
from ostinato.registry.proof import Proof
from ostinato.registry.sandbox.guards import Limits
from ostinato.registry.types import Signature

Role = Literal["stable", "candidate"]
PLAN = "plan.json"
STATE = "state.json"
LOCK = "lock"


@frozen
class Served:
    """A version to serve: its artifact as a file or folder, how to load it, and the share of requests that it answers, in [0, 1].

    `limits` are those of the sandbox, without which nothing is loaded that may run code; `proof` is what it has to answer first.
    """

    version: int
    ref: str
    artifact: str
    flavor: str
    signature: Signature
    role: Role
    weight: float
    limits: Limits | None = None
    proof: Proof | None = None


@frozen
class Plan:
    """An endpoint's versions (the stable one first), the SHA-256 of the keys that may ask, and the salt of the split."""

    endpoint: str
    salt: str
    keys: list[str]
    versions: list[Served]
    rollout: str | None = None


@frozen
class PlaneState:
    """The state of a plane: its address, the digest of the plan that it follows, and its problem, if any."""

    pid: int
    port: int
    plan: str = ""
    ready: bool = False
    problem: str = ""
    versions: list[int] = field(default_factory=list)


def digest_of(content: bytes) -> str:
    """The digest by which plane and control plane agree on a plan."""
    return hashlib.sha256(content).hexdigest()[:16]


def share(salt: str, key: str) -> float:
    """The place of a key in [0, 1): below the weight of the candidate means the candidate, so a key stays as weights grow.

    >>> share("s", "ana") == share("s", "ana") and 0.0 <= share("s", "ana") < 1.0
    True
    """
    return int.from_bytes(hashlib.blake2b(f"{salt}\n{key}".encode(), digest_size=8).digest(), "big") / 2**64


def encode(value: Plan | PlaneState) -> bytes:
    """JSON, the same bytes for the same value."""
    return msgspec.json.encode(value)


def read_plan(home: Path) -> tuple[Plan, str]:
    """The plan in the folder `home`, and its digest."""
    content = (home / PLAN).read_bytes()
    return msgspec.json.decode(content, type=Plan), digest_of(content)


def read_state(home: Path) -> PlaneState | None:
    """The state of the last plane of this folder; None if there was none."""
    try:
        return msgspec.json.decode((home / STATE).read_bytes(), type=PlaneState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically: a reader sees the old or the new, also after a power cut."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
