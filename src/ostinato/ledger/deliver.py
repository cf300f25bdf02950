"""Delivery: events to the sinks of the subscriptions, at least once, in order, with a growing pause after a failure."""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Row

from ostinato.kernel.event import Event
from ostinato.kernel.family import Family
from ostinato.ledger import store
from ostinato.ledger.seal import Seal
from ostinato.ledger.types import Parcel, Sink
from ostinato.storage.rows.rows import Rows, Tx

SINKS: Family[Sink] = Family("ostinato.ledger.sinks")
_BATCH = 100
_TURN_S = 1.0
_PAUSE_MAX_S = 300.0


def secret_of(seal: Seal, project: str, name: str) -> bytes:
    """The key that signs the parcels of a subscription; it is derived, so that no row holds it."""
    return seal.derive(f"sink/{project}/{name}")


def deliver(rows: Rows, seal: Seal, home: Path) -> None:
    """One round: to each subscription that does not pause, what came since its cursor."""
    for subscription in rows.read(lambda tx: store.subscriptions(tx, None)):
        if subscription.retry_at <= time.time():
            _serve(rows, seal, home, subscription)


def _serve(rows: Rows, seal: Seal, home: Path, to: Row[Any]) -> None:
    cursor = f"sink/{to.project}/{to.name}"
    events = rows.read(lambda tx: store.events(tx, to.project, {}, store.cursor(tx, cursor), _BATCH))
    if not events:
        return
    reached, failures, retry_at, problem = -1, 0, 0.0, ""
    end = time.monotonic() + _TURN_S  # a slow receiver must not hold up the other duties: the rest follows in the next round
    try:
        sink = SINKS.make(to.sink, to.parameters)
        for event in events:
            if not to.verbs or any(fnmatch.fnmatchcase(event.verb, pattern) for pattern in to.verbs):
                sink.send(_parcel(event, secret_of(seal, to.project, to.name)), home)
            reached = event.seq
            if time.monotonic() > end:
                break
    except Exception as error:  # a sink from outside may raise anything; the others go on
        failures, problem = to.failures + 1, str(error) or type(error).__name__
        retry_at = time.time() + min(2.0 ** min(failures, 10), _PAUSE_MAX_S)

    def remember(tx: Tx) -> None:
        store.advance(tx, cursor, reached)
        store.mark_subscription(tx, to.project, to.name, failures, retry_at, problem)

    rows.write(remember)


def _parcel(event: Event, secret: bytes) -> Parcel:
    body = msgspec.json.encode(event, enc_hook=str)
    return Parcel(key=event.id, body=body, signature=hmac.new(secret, body, hashlib.sha256).hexdigest())
