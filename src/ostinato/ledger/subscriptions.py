"""Subscriptions: the verbs by which events go to sinks outside."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger import outbox, store
from ostinato.ledger.deliver import SINKS, Delivery, secret_of
from ostinato.ledger.record import record
from ostinato.ledger.seal import Seal
from ostinato.ledger.types import Parked, Particular, Subscription, Surroundings, Trial
from ostinato.storage.rows.rows import Rows, Tx

_WAITING_MAX = 10_000
_TOLD = ("name", "sink", "parameters", "verbs", "paused", "delivered_at", "failures", "error", "parked")


class Subscriptions:
    """The part of Ledger that sends its events; Ledger gives it its parts."""

    _rows: Rows
    _clock: Clock
    _seal: Seal
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
        wanted, project = Subscription(name=name, sink=sink, parameters=parameters or {}, verbs=verbs or []), caller().project
        subject = Ref("subscription", name)
        made = SINKS.make(sink, dict(wanted.parameters))
        if isinstance(made, Particular):
            made.check(self._around)

        def change(tx: Tx) -> None:
            for known in outbox.subscriptions(tx, project, name):
                if (known.sink, known.parameters, known.verbs) != (sink, wanted.parameters, wanted.verbs):
                    raise Conflict(f"there is another subscription {name!r}", hint="unsubscribe it, or take another name")
                return
            row = {"project": project, "name": name, "sink": sink, "parameters": wanted.parameters, "verbs": wanted.verbs}
            outbox.subscribe(tx, row, store.count(tx) - 1)
            record(tx, self._clock, "ledger.subscribed", subject, data={"sink": sink, "verbs": wanted.verbs})

        self._rows.write(change)
        return replace(wanted, secret=secret_of(self._seal, project, name).hex())

    def subscriptions(self) -> list[Subscription]:
        """The subscriptions of the project and how they fare, without their secrets."""
        project = caller().project
        return self._rows.read(lambda tx: [_shown(tx, row) for row in outbox.subscriptions(tx, project)])

    def pause(self, name: str) -> Subscription:
        """Send nothing to a subscription until it is resumed; what comes meanwhile waits.

        Raises:
            NotFound: there is none of that name.
        """
        return self._turn(name, paused=True)

    def resume(self, name: str) -> Subscription:
        """Send to a paused subscription again: first what has come since.

        Raises:
            NotFound: there is none of that name.
        """
        return self._turn(name, paused=False)

    def test(self, name: str) -> Trial:
        """Send a subscription an event at once, whatever its verbs and whether it is paused: one that says it was tried by the caller.

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
        """Stop a subscription.

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
        """The events that a subscription could not deliver although it delivered others, oldest first.

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
        """End the wait after a failure, and have all events that a subscription parked tried once more, soon. Returns how many those are.

        Raises:
            NotFound: there is no subscription of that name.
        """
        project = caller().project

        def change(tx: Tx) -> int:
            _subscribed(tx, project, name)
            return outbox.try_again(tx, project, name)

        return self._rows.write(change)

    def replay(self, name: str, after: int = -1) -> None:
        """Send a subscription all events of the project after the position `after` again, from the first one by default.

        Raises:
            NotFound: there is no subscription of that name.
            Invalid: the position lies beyond the last event.
        """
        project = caller().project

        def change(tx: Tx) -> None:
            _subscribed(tx, project, name)
            if not -1 <= after < store.count(tx):
                raise Invalid(f"no event stands at the position {after}", hint="-1 is before the first", field="after")
            outbox.rewind(tx, project, name, after)
            record(tx, self._clock, "ledger.replayed", Ref("subscription", name), data={"after": after})

        self._rows.write(change)

    def _turn(self, name: str, *, paused: bool) -> Subscription:
        project = caller().project

        def change(tx: Tx) -> Subscription:
            _subscribed(tx, project, name)
            if outbox.pause(tx, project, name, paused=paused):
                record(tx, self._clock, "ledger.paused" if paused else "ledger.resumed", Ref("subscription", name))
            return _shown(tx, _subscribed(tx, project, name))

        return self._rows.write(change)


def _shown(tx: Tx, row: Row[Any]) -> Subscription:
    reached = outbox.cursor(tx, outbox.cursor_of(row.project, row.name))
    waiting = store.count_after(tx, row.project, reached, _WAITING_MAX)
    return Subscription(waiting=waiting, **{name: row._mapping[name] for name in _TOLD})


def _subscribed(tx: Tx, project: str, name: str) -> Row[Any]:
    for row in outbox.subscriptions(tx, project, name):
        return row
    raise NotFound.named("subscription", name, [row.name for row in outbox.subscriptions(tx, project)])
