"""The verbs of Ledger for legal holds, which forbid the deletion of a thing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Column, Index, Row, Table, Text, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger import store
from ostinato.ledger.record import record
from ostinato.ledger.types import Hold
from ostinato.storage.rows.rows import Instant, Rows, Tx, metadata

_REASON_MAX = 2_000

hold_table = Table(
    "ledger_hold",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text),
    Column("reason", Text, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("held_at", Instant, nullable=False),
    Column("released_by", Text),
    Column("released_at", Instant),
    Column("release_reason", Text),
    Index("ledger_hold_of", "project", "kind", "name"),
)
_h = hold_table.c


class Holds:
    """A mixin of Ledger, which sets the attributes that are annotated here."""

    _rows: Rows
    _clock: Clock
    called: dict[str, Callable[[Tx, Ref], Ref | None]]
    """By kind, what a thing is called for good, None if there is none; of other kinds, what an event speaks of is there."""

    def hold(self, ref: Ref, reason: str) -> Hold:
        """Place a legal hold on a run, an experiment with its runs, a model or dataset version, or an endpoint's log: it cannot be deleted.

        Purging, retention and removal refuse it and name the hold, whoever asks. A repeat with the same reason gives the hold that stands.

        Raises:
            NotFound: nothing is called so.
            Invalid: there is no reason, or one of more than 2,000 characters.
        """
        why, who = _checked(reason), caller()

        def change(tx: Tx) -> Hold:
            of = self._permanent_name(tx, ref)
            for known in active_holds(tx, of.kind, [of.name]):
                if (known.ref, known.reason, known.held_by) == (of, why, who.actor):
                    return known
            made = Hold(id=new_id(), ref=of, reason=why, held_by=who.actor, held_at=self._clock.now())
            row = {"project": who.project, "kind": of.kind, "name": of.name, "version": of.version, "reason": why}
            tx.execute(insert(hold_table), row | {"id": made.id, "held_by": made.held_by, "held_at": made.held_at})
            record(tx, self._clock, f"{of.kind}.held", of, data={"hold": made.id}, private={"reason": why})
            return made

        return self._rows.write(change)

    def release(self, hold: str, reason: str) -> Hold:
        """Release a hold. It stays on record, with who released it, when and why. Idempotent.

        Raises:
            NotFound: there is no such hold.
            Invalid: there is no reason.
        """
        why, who = _checked(reason), caller()
        whose = (_h.project == who.project, _h.id == hold)

        def change(tx: Tx) -> Hold:
            known = tx.first(select(hold_table).where(*whose))
            if known is None:
                raise NotFound(f"no hold {hold!r}", hint="ledger.holds() lists those that stand")
            if known.released_at is None:
                told = {"released_by": who.actor, "released_at": self._clock.now(), "release_reason": why}
                tx.execute(update(hold_table).where(*whose).values(**told))
                ref = _read(known).ref
                record(tx, self._clock, f"{ref.kind}.released", ref, data={"hold": hold}, private={"reason": why})
            return _read(tx.all(select(hold_table).where(*whose))[0])

        return self._rows.write(change)

    def holds(self, ref: Ref | None = None, released: bool = False) -> list[Hold]:
        """The active holds, or with `released` all that ever were, oldest first; on one thing, or on all in the project."""

        def query(tx: Tx) -> list[Hold]:
            asked = select(hold_table).where(_h.project == caller().project).order_by(_h.held_at, _h.id)
            if ref is not None:
                of = self.called[ref.kind](tx, ref) or ref if ref.kind in self.called else ref
                asked = asked.where(_h.kind == of.kind, _h.name == of.name)
                asked = asked if of.version is None else asked.where(_h.version == of.version)
            return [_read(row) for row in tx.all(asked if released else asked.where(_h.released_at.is_(None)))]

        return self._rows.read(query)

    def _permanent_name(self, tx: Tx, ref: Ref) -> Ref:
        """The permanent name of a thing; it must exist, or the hold would protect nothing."""
        if ref.kind in self.called:
            found = self.called[ref.kind](tx, ref)
        else:
            found = ref if store.events(tx, caller().project, {"touching": ref}, None, 1, True) else None
        if found is None:
            raise NotFound(
                f"there is no {ref}", hint="say run:ID, trace:ID, experiment:NAME, model:NAME@3, dataset:NAME@4 or endpoint:NAME"
            )
        return found


def active_holds(tx: Tx, kind: str, names: Collection[str] | None = None) -> list[Hold]:
    """The holds that stand on things of a kind, of these names or of any, whatever the version; oldest first."""
    asked = select(hold_table).where(_h.project == caller().project, _h.kind == kind, _h.released_at.is_(None))
    asked = asked if names is None else asked.where(_h.name.in_(names))
    return [_read(row) for row in tx.all(asked.order_by(_h.held_at, _h.id))]


def check_free(tx: Tx, *refs: Ref) -> None:
    """Refuse what may not be destroyed: what is held itself, or any version of it where no version is named.

    Raises:
        Conflict: it is held; the message says by whom and why.
    """
    for ref in refs:
        for hold in active_holds(tx, ref.kind, [ref.name]):
            if ref.version is None or hold.ref.version in (None, ref.version):
                raise held_error(hold)


def held_error(hold: Hold) -> Conflict:
    """The error for what a hold protects."""
    return Conflict(f"{hold.ref} is held: {describe(hold)}", hint=f"ledger.release({hold.id!r}, reason=…), by who may hold, ends that")


def describe(hold: Hold) -> str:
    """A hold as one phrase."""
    return f"{hold.held_by}, {hold.held_at:%Y-%m-%d}: {hold.reason[:200]}"


def _checked(reason: str) -> str:
    if not reason.strip() or len(reason) > _REASON_MAX:
        raise Invalid("a hold has a reason", hint=f"1 to {_REASON_MAX} characters, for those who meet it later", field="reason")
    return reason.strip()


def _read(row: Row[Any]) -> Hold:
    return Hold(
        id=row.id, ref=Ref(row.kind, row.name, row.version), reason=row.reason, held_by=row.held_by, held_at=row.held_at,
        released_by=row.released_by, released_at=row.released_at, release_reason=row.release_reason,
    )  # fmt: skip
