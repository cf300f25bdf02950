"""Delivery of events to the sinks of subscriptions: at least once, in order, with exponential backoff after a failure."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import Row

from ostinato.kernel.clock import Clock
from ostinato.kernel.event import Event
from ostinato.kernel.family import Family
from ostinato.kernel.ids import new_id
from ostinato.ledger import outbox, store
from ostinato.ledger.secret_parameters import Envelope
from ostinato.ledger.signing_key import SigningKey
from ostinato.ledger.types import Parcel, Several, Sink, Surroundings
from ostinato.storage.rows.rows import Rows, Tx

SINKS: Family[Sink] = Family("ostinato.ledger.sinks")
_BATCH = 500
_TURN_S = 1.0
_ATTEMPT_S = 10.0
_LEASE_S = 60.0
_PAUSE_MAX_S = 300.0
_PATIENCE = 5
_ERROR_MAX = 500


def secret_of(seal: SigningKey, project: str, name: str) -> bytes:
    """The key that signs the parcels of a subscription; it is derived, so that no row holds it."""
    return seal.derive(f"sink/{project}/{name}")


def shown_secret(secret: bytes) -> str:
    """The key as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secret).decode()


@dataclass(slots=True)
class _Turn:
    """The outcome of one turn of a subscription: its new cursor, what was delivered late, what was parked and why.

    `amid` is the event of which some messages were taken, but not `message`, the next; -1 if there is none.
    """

    failures: int
    end: float
    amid: int = -1
    message: int = 0
    reached: int = -1
    error: str = ""
    delivered: bool = False
    taken: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


class Delivery:
    """Serves the subscriptions. Of several processes, one at a time serves each: a lease sees to it."""

    def __init__(self, rows: Rows, clock: Clock, seal: SigningKey, around: Surroundings) -> None:
        self._rows = rows
        self._clock = clock
        self._seal = seal
        self._around = around
        self._owner = new_id()

    def round(self) -> None:
        """Deliver to each active subscription the events after its cursor and those to be retried."""
        for subscription in self._rows.read(lambda tx: outbox.subscriptions(tx, None)):
            if not subscription.paused and subscription.retry_at <= time.time():
                self._serve(subscription)

    def _serve(self, to: Row[Any]) -> None:
        def waiting(tx: Tx) -> tuple[list[Event], list[Event]]:
            again = [row.seq for row in outbox.parked(tx, to.project, to.name, again=True)] if to.parked else []
            after = outbox.cursor(tx, outbox.cursor_of(to.project, to.name))
            return store.events_at(tx, again), store.events(tx, to.project, {}, after, _BATCH)

        def claim(tx: Tx) -> Row[Any] | None:
            now_s = time.time()
            return outbox.claim(tx, to.project, to.name, self._owner, now_s, now_s + _LEASE_S)

        if not any(self._rows.read(waiting)):
            return
        mine = self._rows.write(claim)
        if mine is not None:
            turn = self._deliver_turn(mine, *self._rows.read(waiting))  # read again: before the claim another process may have sent it
            self._rows.write(lambda tx: self._remember(tx, mine, turn))

    def _deliver_turn(self, to: Row[Any], again: Sequence[Event], fresh: Sequence[Event]) -> _Turn:
        # a slow receiver must not hold up the other duties: the rest follows in the next round
        turn = _Turn(to.failures, time.monotonic() + _TURN_S, to.amid, to.message)
        for event in again:
            if error := self._send(to, event, turn):
                turn.refused[event.seq] = error
            elif turn.amid != event.seq:
                turn.taken.append(event.seq)
            if time.monotonic() > turn.end:
                return turn
        for place, event in enumerate(fresh):
            if event.seq <= turn.reached:
                continue
            if is_subscribed(to, event):
                if not (error := self._send(to, event, turn)):
                    turn.failures = 0
                    if turn.amid == event.seq:
                        return turn
                elif not self._poisonous(to, event, error, fresh[place + 1 :], turn):
                    return turn
            turn.reached = max(turn.reached, event.seq)
            if time.monotonic() > turn.end:
                break
        return turn

    def _poisonous(self, to: Row[Any], event: Event, error: str, following: Sequence[Event], turn: _Turn) -> bool:
        """Whether the event, not the receiver, is at fault: it was refused time and again, and the next one is taken."""
        turn.failures += 1
        later = next((e for e in following if is_subscribed(to, e)), None)
        if turn.failures < _PATIENCE or later is None or self._send(to, later, turn):
            turn.error = error
            return False
        turn.refused[event.seq], turn.failures = error, 0
        turn.reached = event.seq if turn.amid == later.seq else later.seq
        return True

    def _send(self, to: Row[Any], event: Event, turn: _Turn) -> str:
        """Send an event, or what is left of it, until the turn ends; returns why it was not taken, or nothing."""
        first = turn.message if turn.amid == event.seq else 0
        error, left = self._messages(to, event, first, turn.end)
        turn.delivered = turn.delivered or not error
        if left:
            turn.amid, turn.message = event.seq, left
        elif turn.amid == event.seq:
            turn.amid, turn.message = -1, 0
        return error

    def attempt(self, to: Row[Any], event: Event) -> str:
        """Send one event as a whole, in bounded time; returns why it was not taken, or nothing."""
        error, left = self._messages(to, event, 0, time.monotonic() + _ATTEMPT_S)
        return error or (f"only the first {left} messages of the event were taken within {_ATTEMPT_S:g} s" if left else "")

    def _messages(self, to: Row[Any], event: Event, first: int, end: float) -> tuple[str, int]:
        """Send the messages of an event from the first one given, at least one; returns what went wrong, and where to go on, 0 if over."""
        at = first
        try:
            around = replace(self._around, home=self._around.home / to.project)
            sink = SINKS.make(to.sink, Envelope(self._seal, to.project, to.name).opened(to.parameters))
            parcel = _parcel(event, secret_of(self._seal, to.project, to.name))
            count = sink.messages(event) if isinstance(sink, Several) else 1
            while at < count:
                sink.send(replace(parcel, message=at), around)
                at += 1
                if time.monotonic() > end:
                    break
        except Exception as error:  # a sink from outside may raise anything; the others go on
            return (str(error) or type(error).__name__).replace("\0", " ")[:_ERROR_MAX], at
        return "", at if at < count else 0

    def _remember(self, tx: Tx, to: Row[Any], turn: _Turn) -> None:
        pause_s = min(2.0 ** min(turn.failures, 10), _PAUSE_MAX_S) if turn.error else 0.0
        told: dict[str, Any] = {"failures": turn.failures, "error": turn.error, "retry_at": time.time() + pause_s if pause_s else 0.0}
        if turn.delivered:
            told["delivered_at"] = self._clock.now()
        told |= {"amid": turn.amid, "message": turn.message}
        if not outbox.release(tx, to.project, to.name, self._owner, told):
            return  # unsubscribed, or so slow that another process took over: it sends again
        outbox.advance(tx, outbox.cursor_of(to.project, to.name), turn.reached)
        for seq in turn.taken:
            outbox.unpark(tx, to.project, to.name, seq)
        for seq, error in turn.refused.items():
            outbox.park(tx, {"project": to.project, "name": to.name, "seq": seq, "at": self._clock.now(), "error": error})


def is_subscribed(to: Row[Any], event: Event) -> bool:
    """Whether a subscription's verbs match an event."""
    return not to.verbs or any(fnmatch.fnmatchcase(event.verb, pattern) for pattern in to.verbs)


def _parcel(event: Event, secret: bytes) -> Parcel:
    body, sent_at = msgspec.json.encode(event, enc_hook=str), int(time.time())
    digest = hmac.digest(secret, f"{event.id}.{sent_at}.".encode() + body, hashlib.sha256)
    return Parcel(key=event.id, event=event, body=body, signature=base64.b64encode(digest).decode(), sent_at=sent_at)
