"""Ledger: the verbs of the one log of events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid, NotFound, TooLarge
from ostinato.kernel.event import Event
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger import comments, heads, outbox, store
from ostinato.ledger.deliver import Delivery
from ostinato.ledger.holds import Holds
from ostinato.ledger.lineage import walk
from ostinato.ledger.proof import prove_consistency, prove_inclusion
from ostinato.ledger.record import record
from ostinato.ledger.sealer import Sealer
from ostinato.ledger.signing_key import SigningKey
from ostinato.ledger.subscriptions import Subscriptions
from ostinato.ledger.tally import tally
from ostinato.ledger.types import (
    Comment,
    Consistency,
    Graph,
    Head,
    Inclusion,
    Mention,
    SealState,
    Surroundings,
    Tally,
    Verification,
)
from ostinato.ledger.verify import verify
from ostinato.storage.rows.rows import Rows, Tx

_LIMIT_MAX = 1000
_ALL = 100_000
_BINS_MAX = 500
_TURN, _FAR = 256, 10_000


class Ledger(Subscriptions, Holds):
    """The verbs of the event log: every act, in one order, append-only."""

    def __init__(self, rows: Rows, clock: Clock, key_path: Path, settings: Settings | None = None) -> None:
        self._rows = rows
        self._clock = clock
        self._seal = SigningKey.at(key_path)
        around = Surroundings(home=key_path.parent / "sinks")
        if settings is not None:
            around = replace(around, networks=settings.sink_networks, smtp_url=settings.smtp_url, mail_from=settings.mail_from)
        self._around = around
        self._delivery = Delivery(rows, clock, self._seal, around)
        self._sealer = Sealer(rows, clock, self._seal)
        self.called = {}
        self._passed: dict[str, int] = {}

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
        private: Mapping[str, Any] | None = None,
        person: str = "",
    ) -> Event:
        """Record an act in the transaction that does it, by the present caller, now.

        Every output was made from every input; with inputs alone, the subject was. `data` holds what else matters, without secrets
        or personal data: it stays for good. Personal values and free text go into `private`: they read as fields of `data` until
        `person`, by default the caller, is erased.

        Raises:
            Invalid: `verb` is not of the form `noun.past_participle`, or `data` are no JSON values.
        """
        return record(tx, self._clock, verb, subject, inputs, outputs, data, private, person)

    def comment(self, ref: Ref, text: str, key: str = "") -> Event:
        """Comment on a thing. The same text by the same actor, with the same `key`, is one comment.

        Raises:
            Invalid: the text is blank or longer than 10,000 characters.
        """
        words = comments.checked_text(text)
        return self._rows.write(lambda tx: comments.add_comment(tx, self._clock, self._seal, ref, words, key))

    def edit_comment(self, comment: str, text: str) -> Comment:
        """Edit a comment. Earlier wordings stay visible; people who are mentioned for the first time are notified.

        Raises:
            NotFound: there is no comment of that id.
            Denied: somebody else said it.
            Invalid: the text is blank or longer than 10,000 characters.
        """
        words = comments.checked_text(text)
        return self._rows.write(lambda tx: comments.edit(tx, self._clock, comment, words))

    def comments(self, ref: Ref, after: str | None = None, limit: int = 100) -> Page[Comment]:
        """The comments on a thing (without a version: on any version of it), oldest first, in their current wording."""
        start, project = _position(after), caller().project
        found = self._rows.read(lambda tx: comments.list_comments(tx, project, ref, start, _page(limit) + 1))
        return Page(items=[comment for _, comment in found[:limit]], next=str(found[limit - 1][0]) if len(found) > limit else None)

    def mentions(self, after: str | None = None, limit: int = 100) -> Page[Mention]:
        """Where in the project the caller was mentioned in a comment (`@ben` for `person:ben`), newest first."""
        start, who = _position(after), caller()
        found = self._rows.read(lambda tx: comments.mentions(tx, who.project, who.actor, start, _page(limit) + 1))
        return Page(items=found[:limit], next=str(found[limit - 1].seq) if len(found) > limit else None)

    def erase(self, person: Ref) -> int:
        """Delete the personal values of a person from the project: comments, and what else was recorded as private. Returns how many.

        The seals stay valid: events hold only commitments to such values. An event says that they were erased; who was told them
        before, a sink or a backup, still has them.
        """
        project = caller().project

        def change(tx: Tx) -> int:
            erased = store.erase(tx, project, str(person))
            if erased:
                record(tx, self._clock, f"{person.kind}.erased", person, data={"values": erased})
            return erased

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
        touching: Ref | None = None,
    ) -> Page[Event]:
        """The events of the project, oldest first unless asked otherwise.

        `subject` is what was acted on, `touching` what an event names in any place, as an input or an output, too; without a version
        either stands for all versions. A `verb` may end in `*` (`model.*`); `since` and `until` are
        inclusive; `after` is the `next` of the page before, or the `seq` of an event; `limit` is 1 to 1000.
        """
        filters = {"subject": subject, "touching": touching, "actor": actor, "verb": verb, "since": since, "until": until}
        start, project = _position(after), caller().project
        found = self._rows.read(lambda tx: store.events(tx, project, filters, start, _page(limit) + 1, newest_first))
        return Page(items=found[:limit], next=str(found[limit - 1].seq) if len(found) > limit else None)

    def event(self, event: str) -> Event:
        """The event with this id.

        Raises:
            NotFound: there is none in the project.
        """
        project = caller().project

        def query(tx: Tx) -> Event:
            found = store.body_of(tx, project, event)
            if found is None:
                raise NotFound(f"there is no event {event!r}", hint="ostinato ledger events lists what there is")
            return store.events_at(tx, [found[0]])[0]

        return self._rows.read(query)

    def tally(
        self,
        touching: Ref | None = None,
        actor: str | None = None,
        verb: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        bins: int = 60,
    ) -> Tally:
        """Counts of the events that `events` would list: by time in about `bins` (1 to 500), by verb and by actor."""
        if not 1 <= bins <= _BINS_MAX:
            raise Invalid(f"the time is cut into 1 to {_BINS_MAX} bins, not {bins}", field="bins")
        filters = {"touching": touching, "actor": actor, "verb": verb, "since": since, "until": until}
        project = caller().project
        return self._rows.read(lambda tx: tally(tx, project, filters, bins))

    def history(
        self, ref: Ref, at: datetime | None = None, after: int | None = None, limit: int | None = None, newest_first: bool = False
    ) -> list[Event]:
        """All events about `ref` (without a version: about any version of it) up to the instant `at`, oldest first unless
        asked otherwise.

        Nothing is left out: to read it in parts, pass a `limit` (1 to 1000), and as `after` the `seq` of the last event of the
        part before, until one comes short.

        Raises:
            TooLarge: without a `limit`, for more than 100,000 events.
        """
        project, most = caller().project, _ALL + 1 if limit is None else _page(limit)
        found = self._rows.read(lambda tx: store.events(tx, project, {"touching": ref, "until": at}, after, most, newest_first))
        if limit is None and len(found) > _ALL:
            raise TooLarge(f"more than {_ALL} events are about {ref}", hint="read them in parts: limit=1000, after=<seq of the last one>")
        return found

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
        return self._sealer.seal()

    def heads(self) -> list[Head]:
        """All signed heads, oldest first. Keep the `note` of one elsewhere: it proves any later change of the history."""
        return self._rows.read(lambda tx: list(heads.each(tx)))

    def seal_state(self) -> SealState:
        """The number of events in all projects, and the newest head; nothing is verified."""
        return self._rows.read(lambda tx: SealState(events=store.count(tx), head=heads.last(tx)))

    def key(self) -> str:
        """The public key of the ledger, as `origin+id+key` (C2SP signed-note)."""
        return self._seal.public.text

    def verify(self, head: str | None = None) -> Verification:
        """Verify the whole ledger against its signed heads, and against `head`, a note that was kept elsewhere."""
        return self._rows.read(lambda tx: verify(tx, self._seal.public, head))

    def export_head(self) -> bytes:
        """The note of the newest head. Keep it where the administrator of the store cannot write; `verify` accepts it.

        Raises:
            NotFound: nothing was sealed yet.
        """
        last = self._rows.read(heads.last)
        if last is None:
            raise NotFound("the ledger has no head", hint="ledger.seal() makes one")
        return last.note.encode()

    def proof(self, event: str, size: int | None = None) -> Inclusion:
        """Proof that the event with the id `event` is in the ledger, under the newest head or the one of `size` events.

        `ostinato.ledger.witness.check_inclusion` checks it with nothing but that head and the public key.

        Raises:
            NotFound: there is no such event, or no head of that size.
            Conflict: the head does not cover the event yet.
            Corrupt: the event is not what was sealed.
        """
        project = caller().project
        return self._rows.read(lambda tx: prove_inclusion(tx, self._seal.public, project, event, size))

    def consistency(self, old_size: int, new_size: int | None = None) -> Consistency:
        """Proof that the ledger under the newest head, or that of `new_size` events, continues that of `old_size`, unaltered.

        Raises:
            NotFound: there is no head of the new size.
            Invalid: the old size is none before it.
            Corrupt: the tiles are not those that were sealed.
        """
        return self._rows.read(lambda tx: prove_consistency(tx, self._seal.public, old_size, new_size))

    # ---- subscribers

    def after(self, cursor: str, limit: int = 256) -> list[Event]:
        """The events of all projects that come next for the subscriber `cursor`, oldest first; again until it advances."""
        return self._rows.read(lambda tx: store.events(tx, None, {}, outbox.cursor(tx, cursor), limit))

    def advance(self, cursor: str, seq: int, tx: Tx | None = None) -> None:
        """Advance `cursor` to `seq`. Within the transaction of the effects, each event takes effect exactly once."""
        if tx is not None:
            outbox.advance(tx, cursor, seq)
        else:
            self._rows.write(lambda own: outbox.advance(own, cursor, seq))

    def hand(self, cursor: str, handle: Callable[[Event], bool | None], verbs: Collection[str]) -> None:
        """Hand the events of these verbs that come next for `cursor` to `handle`, each in its project; the next round begins with the
        first that `handle` refused, by raising, or was not done with, and said False.

        How many others were passed over is known in memory alone, so a round with nothing to hand writes nothing.
        """

        def query(tx: Tx) -> tuple[int, list[Event], int]:
            kept = outbox.cursor(tx, cursor)
            return kept, store.events_called(tx, verbs, max(kept, self._passed.get(cursor, -1)), _TURN), store.count(tx) - 1

        kept, events, end = self._rows.read(query)
        done = kept
        try:
            for event in events:
                with calling(Caller(actor=caller().actor, project=event.project)):
                    if handle(event) is False:
                        return
                done = event.seq
            if len(events) < _TURN:
                self._passed[cursor] = end
                done = end if end - kept > _FAR else done
        finally:
            if done > kept:
                self.advance(cursor, done)

    def tick(self) -> None:
        """One round of the background duties: hand events to the sinks; seal after 256 events or 10 s."""
        self._delivery.round()
        if self._sealer.due():
            self._sealer.seal()


def _position(after: str | None) -> int | None:
    if after is None:
        return None
    if not after.isascii() or not after.isdigit():
        raise Invalid(f"not a position in the ledger: {after!r}", hint="pass the `next` of the page before", field="after")
    return int(after)


def _page(limit: int) -> int:
    if not 1 <= limit <= _LIMIT_MAX:
        raise Invalid(f"a page holds 1 to {_LIMIT_MAX} items, not {limit}", field="limit")
    return limit
