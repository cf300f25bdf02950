"""Subscriptions: the verbs by which events go to sinks outside."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger import outbox, store
from ostinato.ledger.deliver import SINKS, Delivery, is_subscribed, secret_of, shown_secret
from ostinato.ledger.record import record
from ostinato.ledger.secret_parameters import Envelope, masked
from ostinato.ledger.signing_key import SigningKey
from ostinato.ledger.types import Parked, Particular, Subscription, Surroundings, Trial
from ostinato.storage.rows.rows import Rows, Tx

_WAITING_MAX = 10_000
_TOLD = ("name", "sink", "parameters", "verbs", "paused", "delivered_at", "failures", "error", "parked")


class Subscriptions:
    """A mixin of Ledger, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock
    _seal: SigningKey
    _around: Surroundings
    _delivery: Delivery

    def subscribe(
        self, name: str, sink: str, parameters: dict[str, str | int | float | bool] | None = None, verbs: list[str] | None = None
    ) -> Subscription:
        """Send the events of the project from now on to a sink; `verbs` are patterns such as `model.*`, none means all.

        Raises:
            NotFound: there is no such sink.
            Invalid: the sink refuses its parameters.
            Denied: its address is none that this installation calls.
            Conflict: the name is taken by another subscription.
        """
        asked, project = Subscription(name=name, sink=sink, parameters=parameters or {}, verbs=verbs or []), caller().project
        subject = Ref("subscription", name)
        envelope, sealed = Envelope(self._seal, project, name), self._checked(project, name, sink, asked.parameters)

        def change(tx: Tx) -> None:
            for known in outbox.subscriptions(tx, project, name):
                if (known.sink, envelope.opened(known.parameters), known.verbs) != (sink, asked.parameters, asked.verbs):
                    raise Conflict(f"there is another subscription {name!r}", hint="unsubscribe it, or take another name")
                return
            row = {"project": project, "name": name, "sink": sink, "parameters": sealed, "verbs": asked.verbs}
            outbox.subscribe(tx, row, store.count(tx) - 1)
            record(tx, self._clock, "ledger.subscribed", subject, data={"sink": sink, "verbs": asked.verbs})

        self._rows.write(change)
        return replace(asked, parameters=masked(sealed), secret=shown_secret(secret_of(self._seal, project, name)))

    def alter(self, name: str, parameters: dict[str, str | int | float | bool], verbs: list[str] | None = None) -> Subscription:
        """Give a subscription some other parameters, and perhaps other verbs; it goes on where it is. In process only.

        Raises:
            NotFound: there is none of that name.
            Invalid: the sink refuses its parameters.
            Denied: its address is none that this installation calls.
        """
        project = caller().project

        def given(tx: Tx) -> tuple[Row[Any], dict[str, Any]]:
            known = _subscribed(tx, project, name)
            return known, Envelope(self._seal, project, name).opened(known.parameters) | parameters

        def change(tx: Tx) -> Subscription:
            known, now = given(tx)
            sealed = self._checked(project, name, known.sink, now, reached=True)
            chosen = known.verbs if verbs is None else verbs
            outbox.alter(tx, project, name, sealed, chosen)
            record(tx, self._clock, "ledger.altered", Ref("subscription", name), data={"sink": known.sink, "verbs": chosen})
            return _masked_subscription(tx, _subscribed(tx, project, name))

        known, now = self._rows.read(given)
        self._checked(project, name, known.sink, now)  # looks an address up, which no write waits for
        return self._rows.write(change)

    def _checked(self, project: str, name: str, sink: str, parameters: Mapping[str, Any], *, reached: bool = False) -> dict[str, Any]:
        """The parameters that a sink takes, as they are kept; where it was `reached` before, no address is looked up."""
        made = SINKS.make(sink, dict(parameters))
        if isinstance(made, Particular) and not reached:
            made.check(self._around)
        return Envelope(self._seal, project, name).sealed(parameters, getattr(made, "SECRETS", ()))

    def subscriptions(self) -> list[Subscription]:
        """The subscriptions of the project and their state, without their secrets."""
        project = caller().project
        return self._rows.read(lambda tx: [_masked_subscription(tx, row) for row in outbox.subscriptions(tx, project)])

    def pause(self, name: str) -> Subscription:
        """Pause a subscription. Events wait until it is resumed.

        Raises:
            NotFound: there is none of that name.
        """
        return self._set_paused(name, paused=True)

    def resume(self, name: str) -> Subscription:
        """Resume a paused subscription, starting with the events that have waited.

        Raises:
            NotFound: there is none of that name.
        """
        return self._set_paused(name, paused=False)

    def test(self, name: str) -> Trial:
        """Send a test event to a subscription at once, whatever its verbs, even if it is paused.

        Raises:
            NotFound: there is no subscription of that name.
        """
        project, subject = caller().project, Ref("subscription", name)
        to = self._rows.read(lambda tx: _subscribed(tx, project, name))
        event = self._rows.write(lambda tx: record(tx, self._clock, "ledger.tested", subject, data={"sink": to.sink}))
        begun = time.monotonic()
        error = self._delivery.attempt(to, event)
        return Trial(event=event.id, taken=not error, ms=(time.monotonic() - begun) * 1000, error=error)

    def unsubscribe(self, name: str) -> None:
        """Delete a subscription.

        Raises:
            NotFound: there is none of that name.
        """
        project = caller().project

        def change(tx: Tx) -> None:
            _subscribed(tx, project, name)
            outbox.unsubscribe(tx, project, name)
            record(tx, self._clock, "ledger.unsubscribed", Ref("subscription", name))

        self._rows.write(change)

    def parked(self, name: str) -> list[Parked]:
        """The dead letters of a subscription: events that it could not deliver although it delivered others, oldest first.

        Raises:
            NotFound: there is no subscription of that name.
        """
        project = caller().project

        def query(tx: Tx) -> list[Parked]:
            _subscribed(tx, project, name)
            rows = outbox.parked(tx, project, name)
            found = store.events_at(tx, [row.seq for row in rows])
            return [Parked(event=event, at=row.at, error=row.error) for row, event in zip(rows, found, strict=True)]

        return self._rows.read(query)

    def retry(self, name: str) -> int:
        """Retry now: end the backoff of a subscription and try its parked events again. Returns how many those are.

        Raises:
            NotFound: there is no subscription of that name.
        """
        project = caller().project

        def change(tx: Tx) -> int:
            _subscribed(tx, project, name)
            return outbox.try_again(tx, project, name)

        return self._rows.write(change)

    def redeliver(self, name: str, event: str) -> Trial:
        """Send one event to a subscription again at once, whatever its verbs, even if it is paused.

        Raises:
            NotFound: there is no subscription of that name, or no such event.
        """
        project = caller().project

        def query(tx: Tx) -> tuple[Row[Any], Event]:
            to, found = _subscribed(tx, project, name), store.body_of(tx, project, event)
            if found is None:
                raise NotFound(f"there is no event {event!r}", hint="ostinato ledger events lists what there is")
            return to, store.events_at(tx, [found[0]])[0]

        to, found = self._rows.read(query)
        begun = time.monotonic()
        error = self._delivery.attempt(to, found)
        told = {"event": event, "taken": not error}
        self._rows.write(lambda tx: record(tx, self._clock, "ledger.redelivered", Ref("subscription", name), data=told))
        return Trial(event=event, taken=not error, ms=(time.monotonic() - begun) * 1000, error=error)

    def replay(self, name: str, after: int = -1, until: int | None = None) -> None:
        """Replay to a subscription all events of the project after the position `after`, by default from the first one.

        With `until`, only those up to that position, 10,000 at most, beside what comes.

        Raises:
            NotFound: there is no subscription of that name.
            Invalid: the position lies beyond the last event, or `until` not behind `after`.
        """
        project = caller().project

        def change(tx: Tx) -> None:
            _subscribed(tx, project, name)
            if not -1 <= after < store.count(tx):
                raise Invalid(f"no event stands at the position {after}", hint="-1 is before the first", field="after")
            if until is None:
                outbox.rewind(tx, project, name, after)
            else:
                self._again(tx, _subscribed(tx, project, name), after, until)
            record(tx, self._clock, "ledger.replayed", Ref("subscription", name), data={"after": after, "until": until})

        self._rows.write(change)

    def _again(self, tx: Tx, to: Row[Any], after: int, until: int) -> None:
        """Have the events between two positions sent once more, beside what comes."""
        if not after < until < store.count(tx):
            raise Invalid(f"no events stand after {after} up to {until}", hint="positions are those of ledger.events", field="until")
        found = [event for event in store.events(tx, to.project, {}, after, _WAITING_MAX + 1) if event.seq <= until]
        if len(found) > _WAITING_MAX:
            raise Invalid(f"more than {_WAITING_MAX:,} events at once", hint="replay a shorter range", field="until")
        outbox.send_again(tx, to.project, to.name, [event.seq for event in found if is_subscribed(to, event)], self._clock.now())

    def _set_paused(self, name: str, *, paused: bool) -> Subscription:
        project = caller().project

        def change(tx: Tx) -> Subscription:
            _subscribed(tx, project, name)
            if outbox.pause(tx, project, name, paused=paused):
                record(tx, self._clock, "ledger.paused" if paused else "ledger.resumed", Ref("subscription", name))
            return _masked_subscription(tx, _subscribed(tx, project, name))

        return self._rows.write(change)


def _masked_subscription(tx: Tx, row: Row[Any]) -> Subscription:
    reached = outbox.cursor(tx, outbox.cursor_of(row.project, row.name))
    waiting = store.count_after(tx, row.project, reached, _WAITING_MAX)
    told = {name: row._mapping[name] for name in _TOLD}
    return Subscription(waiting=waiting, **told | {"parameters": masked(row.parameters)})


def _subscribed(tx: Tx, project: str, name: str) -> Row[Any]:
    for row in outbox.subscriptions(tx, project, name):
        return row
    raise NotFound.named("subscription", name, [row.name for row in outbox.subscriptions(tx, project)])
