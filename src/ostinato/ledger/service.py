"""Ledger: the verbs of the one log of events."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from ostinato.kernel.event import Event
from ostinato.kernel.ids import new_id
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.ledger import store
from ostinato.ledger.body import plain
from ostinato.ledger.deliver import SINKS, deliver, secret_of
from ostinato.ledger.lineage import walk
from ostinato.ledger.merkle import Tree
from ostinato.ledger.seal import Seal
from ostinato.ledger.types import Graph, Head, Subscription, Verification
from ostinato.ledger.verify import verify
from ostinato.storage.rows.rows import Rows, Tx

_VERB = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
_LIMIT_MAX = 1000
_ALL = 100_000
_TEXT_MAX = 10_000
_SEAL_EVENTS = 256
_SEAL_S = 10.0


class Ledger:
    """Every act on anything, in one order, for good."""

    def __init__(self, rows: Rows, clock: Clock, key_path: Path) -> None:
        self._rows = rows
        self._clock = clock
        self._seal = Seal.at(key_path)
        self._sinks = key_path.parent / "sinks"
        self._sealed_s = time.monotonic()

    # ---- writing

    def append(
        self,
        tx: Tx,
        verb: str,
        subject: Ref,
        *,
        inputs: Sequence[Ref] = (),
        outputs: Sequence[Ref] = (),
        data: Mapping[str, Any] | None = None,
    ) -> Event:
        """Record an act in the transaction that does it, by the present caller, now.

        Every output was made from every input; with inputs alone, the subject was. `data` holds what else matters, without secrets
        or personal data: it stays for good.

        Raises:
            Invalid: `verb` is not of the form `noun.past_participle`.
        """
        if not _VERB.fullmatch(verb):
            raise Invalid(f"not the verb of an event: {verb!r}", hint="noun.past_participle, such as model.approved", field="verb")
        who = caller()
        made: dict[str, Any] = {"id": new_id(), "at": self._clock.now(), "project": who.project, "actor": who.actor, "data": plain(data)}
        event = Event(**made, verb=verb, subject=subject, inputs=tuple(inputs), outputs=tuple(outputs))
        return replace(event, seq=store.append(tx, event))

    def comment(self, ref: Ref, text: str, key: str = "") -> Event:
        """Say something about a thing. The same actor's same words about it, under the same `key`, are one comment.

        Raises:
            Invalid: the text is blank or longer than 10,000 characters.
        """
        if not text.strip() or len(text) > _TEXT_MAX:
            raise Invalid(f"a comment has 1 to {_TEXT_MAX} characters", field="text")
        who, verb, said = caller(), f"{ref.kind}.commented", {"text": text, "key": key}

        def change(tx: Tx) -> Event:
            filters = {"touching": ref, "actor": who.actor, "verb": verb}
            known = [e for e in store.events(tx, who.project, filters, None, _ALL) if e.subject == ref and e.data == said]
            return known[0] if known else self.append(tx, verb, ref, data=said)

        return self._rows.write(change)

    # ---- reading

    def events(
        self,
        subject: Ref | None = None,
        actor: str | None = None,
        verb: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page[Event]:
        """The events of the project, oldest first unless asked otherwise.

        A `subject` without a version stands for all its versions; a `verb` may end in `*` (`model.*`); `since` and `until` are
        inclusive; `after` is the `next` of the page before, or the `seq` of an event; `limit` is 1 to 1000.
        """
        if not 1 <= limit <= _LIMIT_MAX:
            raise Invalid(f"a page holds 1 to {_LIMIT_MAX} events, not {limit}", field="limit")
        filters = {"subject": subject, "actor": actor, "verb": verb, "since": since, "until": until}
        start, project = _position(after), caller().project
        found = self._rows.read(lambda tx: store.events(tx, project, filters, start, limit + 1, newest_first))
        return Page(items=found[:limit], next=str(found[limit - 1].seq) if len(found) > limit else None)

    def history(self, ref: Ref, at: datetime | None = None) -> list[Event]:
        """All that happened to or with `ref` (without a version: to any version of it), oldest first, up to the instant `at`."""
        project = caller().project
        return self._rows.read(lambda tx: store.events(tx, project, {"touching": ref, "until": at}, None, _ALL))

    def lineage(self, ref: Ref, direction: Literal["up", "down"] = "up", depth: int = 20, at: datetime | None = None) -> Graph:
        """What `ref` was made from (`up`) or what was made from it (`down`), through at most `depth` events, as known at `at`."""
        project = caller().project
        return self._rows.read(lambda tx: walk(tx, project, ref, direction, depth, at))

    # ---- seals

    def seal(self) -> Head | None:
        """Sign the root of all events so far; None if the last head has them all.

        Raises:
            Corrupt: the ledger does not continue from its last head; nothing is signed.
        """
        grown = self._rows.read(self._grow)
        self._sealed_s = time.monotonic()
        if grown is None:
            return None
        head, packed = grown
        self._rows.write(lambda tx: store.add_head(tx, head, packed))
        return head

    def _grow(self, tx: Tx) -> tuple[Head, bytes] | None:
        last, tree = store.last_head(tx), Tree()
        if last is not None:
            tree = Tree.read(last[0].size, last[1])
            stated = self._seal.check(last[0].note)
            if (stated.size, stated.root) != (tree.size, tree.root()):
                raise Corrupt("the last head of the ledger is not what was signed", hint="ostinato ledger verify")
        count, sealed = store.count(tx), tree.size
        for body in store.bodies(tx, sealed):
            tree.add(body)
        if tree.size != count:
            raise Corrupt(f"the ledger has {count} positions and {tree.size} events", hint="ostinato ledger verify")
        if count == sealed:
            return None
        root = tree.root()
        return Head(size=count, root=root.hex(), at=self._clock.now(), note=self._seal.sign(count, root)), tree.range()

    def heads(self) -> list[Head]:
        """All sealed heads, oldest first. Keep the `note` of one elsewhere: it proves any later rewriting."""
        return self._rows.read(store.heads)

    def key(self) -> str:
        """The public key of the seals, in the form that witnesses take (C2SP signed-note): `origin+id+key`."""
        return self._seal.verifier

    def verify(self, head: str | None = None) -> Verification:
        """Read the whole ledger again and compare it with its seals, and with `head`, the note of one that was kept elsewhere."""
        return self._rows.read(lambda tx: verify(tx, self._seal, head))

    # ---- subscribers

    def after(self, cursor: str, limit: int = 256) -> list[Event]:
        """The events of all projects that come next for the subscriber `cursor`, oldest first; again until it advances."""
        return self._rows.read(lambda tx: store.events(tx, None, {}, store.cursor(tx, cursor), limit))

    def advance(self, cursor: str, seq: int, tx: Tx | None = None) -> None:
        """Tell that `cursor` is done with all events up to `seq`; within `tx` of the effects, they happen exactly once."""
        if tx is not None:
            store.advance(tx, cursor, seq)
        else:
            self._rows.write(lambda own: store.advance(own, cursor, seq))

    def subscribe(
        self, name: str, sink: str, parameters: dict[str, str | int | float | bool] | None = None, verbs: list[str] | None = None
    ) -> Subscription:
        """Send the events of the project from now on to a sink; `verbs` are patterns such as `model.*`, none means all.

        Raises:
            NotFound: there is no such sink.
            Invalid: the sink refuses its parameters.
            Conflict: the name is taken by another subscription.
        """
        wanted, project = Subscription(name=name, sink=sink, parameters=parameters or {}, verbs=verbs or []), caller().project
        subject = Ref("subscription", name)
        SINKS.make(sink, dict(wanted.parameters))

        def change(tx: Tx) -> None:
            for known in store.subscriptions(tx, project, name):
                if (known.sink, known.parameters, known.verbs) != (sink, wanted.parameters, wanted.verbs):
                    raise Conflict(f"there is another subscription {name!r}", hint="unsubscribe it, or take another name")
                return
            row = {"project": project, "name": name, "sink": sink, "parameters": wanted.parameters, "verbs": wanted.verbs}
            store.add_subscription(tx, row)
            store.advance(tx, f"sink/{project}/{name}", store.count(tx) - 1)
            self.append(tx, "ledger.subscribed", subject, data={"sink": sink, "verbs": wanted.verbs})

        self._rows.write(change)
        return replace(wanted, secret=secret_of(self._seal, project, name).hex())

    def subscriptions(self) -> list[Subscription]:
        """The subscriptions of the project, without their secrets."""
        project, shown = caller().project, ("name", "sink", "parameters", "verbs", "failures", "error")
        rows = self._rows.read(lambda tx: store.subscriptions(tx, project))
        return [Subscription(**{name: row._mapping[name] for name in shown}) for row in rows]

    def unsubscribe(self, name: str) -> None:
        """Stop a subscription.

        Raises:
            NotFound: there is none of that name.
        """
        project = caller().project

        def change(tx: Tx) -> None:
            if not store.subscriptions(tx, project, name):
                raise NotFound.named("subscription", name, [row.name for row in store.subscriptions(tx, project)])
            store.drop_subscription(tx, project, name)
            self.append(tx, "ledger.unsubscribed", Ref("subscription", name))

        self._rows.write(change)

    def tick(self) -> None:
        """One round of the background duties: hand events to the sinks; seal after 256 events or 10 s."""
        deliver(self._rows, self._seal, self._sinks)
        last, count = self._rows.read(lambda tx: (store.last_head(tx), store.count(tx)))
        waiting = count - (last[0].size if last else 0)
        if waiting >= _SEAL_EVENTS or (waiting and time.monotonic() - self._sealed_s >= _SEAL_S):
            self.seal()


def _position(after: str | None) -> int | None:
    if after is None:
        return None
    if not after.isascii() or not after.isdigit():
        raise Invalid(f"not a position in the ledger: {after!r}", hint="pass the `next` of the page before", field="after")
    return int(after)
