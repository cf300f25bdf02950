"""The verbs of Models for emergency promotion: production first, the second approval afterwards, always recorded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, insert, select, update

from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, NotFound
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.alias import Aliases
from ostinato.registry.approve import checked_reason, require_entitled, require_second_person
from ostinato.registry.binding import CHAMPION, plain
from ostinato.registry.lifecycle import allow
from ostinato.registry.lookup import find_version
from ostinato.registry.tables import emergency
from ostinato.registry.types import Decision, Emergency, Tier
from ostinato.storage.rows.rows import Rows, Tx

_e = emergency.c
_LISTED_MAX = 500


class Emergencies(Aliases):
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def break_glass(self, ref: str, reason: str, alias: str = CHAMPION) -> Emergency:
        """Emergency promotion: move `alias` to a version with too few approvals, because waiting does more harm. It raises an alert, and
        somebody else reviews it within the hours that the risk of the model allows. It counts until it is approved, the alias is taken
        from it, or the hours of the risk are over, justified or not. Repeating it while that is open changes nothing.

        Raises:
            Denied: the caller is no person.
            Conflict: the version was rejected or retired, or is approved, so that it can be promoted.
        """
        who, why, now = caller(), checked_reason(reason), self._clock.now()
        require_person(who.actor)

        def change(tx: Tx) -> Emergency:
            of, found = find_version(tx, ref, now)
            known = last_emergency(tx, who.project, found.ref)
            if known and _is_open(known, now) and known.alias == alias and of.aliases.get(alias) == found.version:
                return known
            allow("break_glass", found)
            asked = of.tier or Tier(risk=of.risk, approvals=of.approvals)
            due, ends = (now + timedelta(hours=hours) for hours in (asked.review_hours, asked.glass_hours))
            made = Emergency(id=new_id(), version=found.ref, alias=alias, reason=why, by=who.actor, at=now, due_at=due, ends_at=ends)
            broke = Decision(
                kind="broke_glass", by=who.actor, responsible=who.actor, reason=why, at=now, binding=found.binding, expires_at=ends
            )
            store.add_decision(tx, who.project, found.ref, broke)
            told = plain(made) | {"project": who.project, "model": of.name, "version": found.version}
            tx.execute(insert(emergency), told | {"at": now, "due_at": due, "ends_at": ends})
            self._move(tx, found, alias, "broke_glass", why)
            self._ledger.append(tx, "model.glass_broken", found.ref, data=plain(made))
            return made

        return self._rows.write(change)

    def emergencies(self, open: bool = False) -> list[Emergency]:
        """Emergency promotions, newest first, at most 500; with `open`, only those without a review."""
        project = caller().project
        return self._rows.read(lambda tx: emergencies(tx, project, open=open))

    def review_emergency(self, emergency: str, verdict: Literal["justified", "unjustified"], note: str) -> Emergency:
        """Review an emergency promotion by its `id`, as another person: whether it was justified.

        One that was not counts no more: the version has to be approved like any other, and until then is flagged. The alias stays
        where it is; models.rollback takes it back. Repeating it changes nothing.

        Raises:
            Denied: the caller made the emergency promotion, registered the version, or is none of those who approve such models.
            Conflict: somebody has said otherwise.
        """
        who, why, now, of = caller(), checked_reason(note), self._clock.now(), emergency

        def change(tx: Tx) -> Emergency:
            known = _found(tx, who.project, of)
            require_reviewer(tx, known, who.actor, now)
            if known.verdict == verdict:
                return known
            if known.verdict is not None:
                raise Conflict(f"{known.reviewed_by} found it {known.verdict}: {known.note}", hint="the first review stands")
            said = {"verdict": verdict, "note": why, "reviewed_by": who.actor, "reviewed_at": now}
            tx.execute(update(_table).where(_e.id == of).values(**said))
            if verdict == "unjustified":
                self._void_broken(tx, known)
            told = {"emergency": of, "verdict": verdict, "note": why, "by": known.by}
            self._ledger.append(tx, "model.emergency_reviewed", known.version, data=told)
            return _found(tx, who.project, of)

        return self._rows.write(change)

    def escalate(self) -> None:
        """Say, once each, of reviews that are overdue, and of broken glass that lets something serve although its time is over; a duty of
        the server, in all projects. In process only."""
        now = self._clock.now()
        self._tell_of(_e.verdict.is_(None) & _e.escalated_at.is_(None) & (_e.due_at <= now), "escalated_at", self._overdue)
        self._tell_of(_e.told_at.is_(None) & (_e.ends_at <= now), "told_at", self._over)

    def _tell_of(self, late: ColumnElement[bool], when: str, tell: Callable[[Tx, Emergency], None]) -> None:
        if not self._rows.read(lambda tx: tx.first(select(_e.id).where(late).limit(1))):
            return

        def change(tx: Tx) -> None:
            for row in tx.all(select(_table).where(late).order_by(_e.at).limit(_LISTED_MAX)):
                tx.execute(update(_table).where(_e.id == row.id).values({when: self._clock.now()}))
                with calling(Caller(actor=caller().actor, project=row.project)):
                    tell(tx, _read(row))

        self._rows.write(change)

    def _overdue(self, tx: Tx, known: Emergency) -> None:
        told = {"emergency": known.id, "by": known.by, "due_at": plain(known.due_at), "reason": known.reason}
        self._ledger.append(tx, "model.review_overdue", known.version, data=told)

    def _over(self, tx: Tx, known: Emergency) -> None:
        """Nothing is to be said of what was approved, taken back or removed in time."""
        with suppress(NotFound):
            of, found = find_version(tx, str(known.version), self._clock.now())
            if found.state == "expired" and of.aliases.get(known.alias) == found.version:
                told = {
                    "emergency": known.id,
                    "by": known.by,
                    "alias": known.alias,
                    "ends_at": plain(known.ends_at),
                    "reason": known.reason,
                }
                self._ledger.append(tx, "model.glass_expired", known.version, data=told)

    def _void_broken(self, tx: Tx, known: Emergency) -> None:
        now, project = self._clock.now(), caller().project
        for given in find_version(tx, str(known.version), now)[1].decisions:
            if given.kind == "broke_glass" and given.at == known.at:
                store.void(tx, project, known.version, given, now, "a review found it unjustified")


_table = emergency


def _is_open(made: Emergency, now: datetime) -> bool:
    return made.verdict is None and made.ends_at > now


def require_person(actor: str) -> None:
    """Require that the caller is a person.

    Raises:
        Denied: the actor is a service.
    """
    if not actor.startswith("person:"):
        raise Denied(f"{actor} is not a person", hint="a person answers for this", permission="model:break-glass")


def require_reviewer(tx: Tx, made: Emergency, actor: str, now: datetime) -> None:
    """Require that the caller may approve the version and is not who made the emergency promotion.

    Raises:
        Denied: the actor is no such person.
    """
    if actor == made.by:
        hint = "ask another person with the permission model:approve"
        raise Denied(f"{actor} cannot review what {made.by} did", hint=hint, permission="model:approve")
    of, found = find_version(tx, str(made.version), now)
    require_second_person(tx, actor, found)
    require_entitled(tx, of, actor)


def emergencies(tx: Tx, project: str, *, open: bool) -> list[Emergency]:
    """Emergency promotions, newest first; with `open`, only those without a review."""
    query = select(_table).where(_e.project == project).order_by(_e.at.desc(), _e.id.desc()).limit(_LISTED_MAX)
    return [_read(row) for row in tx.all(query.where(_e.verdict.is_(None)) if open else query)]


def last_emergency(tx: Tx, project: str, version: Ref) -> Emergency | None:
    """The last emergency promotion of a version."""
    of = (_e.project == project, _e.model == version.name, _e.version == int(version.version or 0))
    row = tx.first(select(_table).where(*of).order_by(_e.at.desc(), _e.id.desc()).limit(1))
    return _read(row) if row else None


def _found(tx: Tx, project: str, id: str) -> Emergency:
    row = tx.first(select(_table).where(_e.project == project, _e.id == id))
    if row is None:
        raise NotFound(f"no emergency {id!r}", hint="models.emergencies lists them")
    return _read(row)


def _read(row: Row[Any]) -> Emergency:
    return store.read(Emergency, row, version=Ref("model", row.model, str(row.version)))
