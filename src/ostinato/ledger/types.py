"""What flows out of the ledger: lineage graphs, sealed heads, verifications, subscriptions; and what a sink is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ostinato.kernel.ref import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`target` was made from `source`; `verb`, `seq`, `at`, `actor` and `subject` are those of the event that says so."""

    source: Ref
    target: Ref
    verb: str
    seq: int
    at: datetime
    actor: str
    subject: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A part of the lineage: `nodes` with the ref that was asked for first, then by distance; `edges` from cause to effect.

    `truncated` says that the walk stopped at its limit of depth or size.
    """

    nodes: list[Ref]
    edges: list[Edge]
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A sealed state of the ledger: its first `size` events have the Merkle root `root` (hex).

    `note` is the signed checkpoint (C2SP tlog-checkpoint). Kept outside, it proves any later rewriting of those events.
    """

    size: int
    root: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check of the whole ledger found: `ok` means no problem; the first `sealed` of `events` events are under a seal."""

    ok: bool
    events: int
    sealed: int
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Events of the project whose verb fits one of `verbs` (`model.*`; empty: all) go to the sink, at least once each.

    `secret` (hex) keys the signature of each parcel and is shown only to who subscribes. `failures` counts the vain attempts since the
    last success, `error` is the latest of them.
    """

    name: str
    sink: str
    parameters: dict[str, str | int | float | bool]
    verbs: list[str]
    failures: int = 0
    error: str = ""
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One event on its way out: `body` is its JSON, `key` its id, by which a receiver knows repeats.

    `signature` is the HMAC-SHA-256 of `body` in hex, keyed by the secret of the subscription.
    """

    key: str
    body: bytes
    signature: str


class Sink(Protocol):
    """Where events go. Raises any OstinatoError if the parcel was not taken; it is then sent again, later."""

    def send(self, parcel: Parcel, home: Path) -> None:
        """Hand over one parcel; `home` is the folder in which a sink may keep files."""
        ...
