"""The types of the ledger: lineage graphs, sealed heads, proofs, comments, subscriptions, and the interface of a sink."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from ostinato.kernel.event import Event
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref


@frozen
class Edge:
    """`target` was made from `source`; `verb`, `seq`, `at`, `actor` and `subject` are those of the event that says so."""

    source: Ref
    target: Ref
    verb: str
    seq: int
    at: datetime
    actor: str
    subject: Ref


@frozen
class Graph:
    """A part of the lineage: `nodes` with the ref that was asked for first, then by distance; `edges` from cause to effect.

    `truncated` says that the walk stopped at its limit of depth or size.
    """

    nodes: list[Ref]
    edges: list[Edge]
    truncated: bool = False


# ---- search


@frozen
class TallyBin:
    """So many events happened from `start` on, for the width of a bin."""

    start: datetime
    events: int


@frozen
class Tally:
    """The number of events that a search finds, with counts by time, verb and actor.

    `bins` are `bin_s` wide and begin at multiples of that since 1970; empty ones are absent. `verbs` and `actors` say how many events
    each would leave, the most frequent first.
    """

    events: int
    bin_s: int
    bins: list[TallyBin]
    verbs: dict[str, int]
    actors: dict[str, int]


# ---- seals


@frozen
class Head:
    """A sealed state of the ledger: its first `size` events have the Merkle root `root` (hex).

    `note` is the signed checkpoint (C2SP tlog-checkpoint). Kept outside, it proves any later rewriting of those events.
    """

    size: int
    root: str
    at: datetime
    note: str


@frozen
class SealState:
    """The state of sealing: the ledger has `events`, and the newest head covers the first `head.size` of them."""

    events: int
    head: Head | None


@frozen
class Verification:
    """What a check of the whole ledger found: `ok` means no problem; the first `sealed` of `events` events are under a seal."""

    ok: bool
    events: int
    sealed: int
    problems: list[str] = field(default_factory=list)


@frozen
class Inclusion:
    """Proof that the event whose stored bytes are `body` stands at the position `seq` of the ledger's first `size` events.

    `path` holds the hashes (hex) from the leaf to the root (RFC 9162 §2.1.3). `note` is the head of that size.
    """

    seq: int
    size: int
    body: bytes
    path: list[str]
    note: str


@frozen
class Consistency:
    """Proof that the ledger of `new_size` events continues, unaltered, that of `old_size` (RFC 9162 §2.1.4).

    `note` is the head of `new_size`.
    """

    old_size: int
    new_size: int
    path: list[str]
    note: str


# ---- comments


@frozen
class Wording:
    """The wording of a comment from `at` on; None if it was erased."""

    at: datetime
    text: str | None


@frozen
class Comment:
    """A comment on `ref`: the current `text`, or None if it was erased; `earlier` wordings, oldest first.

    `id` is that of the event that said it first; a comment is a thing as well, called `comment:<id>`.
    """

    id: str
    ref: Ref
    author: str
    at: datetime
    text: str | None
    earlier: list[Wording] = field(default_factory=list)


@frozen
class Mention:
    """Somebody was mentioned by `author` in the comment `comment` on `ref`; `text` is what it says now, None if erased."""

    seq: int
    at: datetime
    author: str
    ref: Ref
    comment: str
    text: str | None


# ---- subscriptions


@frozen
class Subscription:
    """Events of the project whose verb fits one of `verbs` (`model.*`; empty: all) go to the sink, at least once each.

    `secret` (hex) keys the signature of each parcel and is shown only to who subscribes. `failures` counts the vain attempts since the
    last success, `error` is the latest of them. `parked` events were refused again and again while others were taken: they wait for
    `retry`. `waiting` counts the events of the project that it has not looked at yet, up to 10,000; while it is `paused`, nothing is
    sent, and nothing lost. `delivered_at` is when an event was taken last.
    """

    name: str
    sink: str
    parameters: dict[str, str | int | float | bool]
    verbs: list[str]
    paused: bool = False
    delivered_at: datetime | None = None
    waiting: int = 0
    failures: int = 0
    error: str = ""
    parked: int = 0
    secret: str | None = None


@frozen
class Trial:
    """The result of a test event: it was `taken` within `ms`, or refused with `error`."""

    event: str
    taken: bool
    ms: float
    error: str = ""


@frozen
class Parked:
    """An event that a subscription could not deliver, since `at`, for the reason `error`."""

    event: Event
    at: datetime
    error: str


@frozen
class Parcel:
    """One event on its way out: `body` is its JSON, `key` its id, by which a receiver knows repeats.

    `signature` is the HMAC-SHA-256 of `key.sent_at.body` in Base64, keyed by the secret of the subscription; `sent_at` is the second of
    this attempt since 1970, so that a receiver can refuse one that somebody recorded and sends again. `message` is which of the messages
    that a sink makes of the event is to be sent, from 0.
    """

    key: str
    event: Event
    body: bytes
    signature: str
    sent_at: int = 0
    message: int = 0


@frozen
class Surroundings:
    """What the operator of the installation gives the sinks: a folder `home` of the project for files, which `networks` beyond the
    public ones they may reach, and the mail server: `smtp_url`, and `mail_from`, the address of the sender."""

    home: Path
    networks: str = ""
    smtp_url: str = ""
    mail_from: str = ""


class Sink(Protocol):
    """Where events go. Raises any OstinatoError if the parcel was not taken; it is then sent again, later."""

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Hand over one parcel."""
        ...


@runtime_checkable
class Several(Protocol):
    """A sink that makes several messages of an event: it is handed the parcel once for each, and goes on with the next after a pause."""

    def messages(self, event: Event) -> int:
        """How many; always as many for the same event."""
        ...


@runtime_checkable
class Particular(Protocol):
    """A sink that knows at once what would never be sent."""

    def check(self, around: Surroundings) -> None:
        """Refuse to be subscribed. Raises any OstinatoError."""
        ...


@frozen
class Hold:
    """That a thing may not be destroyed, and why; it stands until it is released. Without a version, `ref` means every version."""

    id: str
    ref: Ref
    reason: str
    held_by: str
    held_at: datetime
    released_by: str | None = None
    released_at: datetime | None = None
    release_reason: str | None = None
