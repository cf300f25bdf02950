"""The verbs of Models about ownership and deprecation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert

from ostinato.access.service import Access
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid
from ostinato.kernel.notice import notice
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.approve import checked_reason
from ostinato.registry.binding import plain
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.tables import deprecation
from ostinato.registry.types import Deprecation, Model, ModelVersion
from ostinato.storage.rows.rows import Rows, Tx

_OWNERS_MAX = 20


class Ownership:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _access: Access | None

    def hand_over(self, model: str, owners: list[str], reason: str = "") -> Model:
        """Transfer the ownership of a model; the first owner is the main one. Only owners and approvers may do so. Idempotent.

        Raises:
            Invalid: there are none, too many, or one twice.
            Denied: the caller is neither an owner nor may approve.
        """
        who = caller()
        checked_owners(owners)
        approves = self._access is None or "model:approve" in self._access.whoami().permissions

        def change(tx: Tx) -> Model:
            known = find_model(tx, model)
            if known.owners == owners:
                return known
            if who.actor not in known.owners and not approves:
                hint = f"ask {' or '.join(known.owners)}"
                raise Denied(f"{who.actor} does not own {model}", hint=hint, permission="model:approve")
            store.set_owners(tx, who.project, model, owners)
            told = {"from": known.owners, "to": owners, "reason": reason.strip()}
            self._ledger.append(tx, "model.handed_over", Ref("model", model), data=told)
            return find_model(tx, model)

        return self._rows.write(change)

    def deprecate(self, ref: str, reason: str, successor: str | None = None, sunset_at: datetime | None = None) -> Deprecation:
        """Deprecate a model (`late`) or a version (`late@7`): why, what to use instead, and from when on it
        may be gone. What serves goes on; whoever resolves or deploys it is warned. Said again, it takes the place of what was said.

        Raises:
            Invalid: there is no reason, or the successor is the thing itself.
            NotFound: there is no such model, version or successor.
        """
        who, why, now = caller(), checked_reason(reason), self._clock.now()

        def change(tx: Tx) -> Deprecation:
            found, name, number = _find_target(tx, ref, now)
            instead = None if successor is None else _ref(*_find_target(tx, successor, now)[1:])
            if instead == _ref(name, number):
                raise Invalid(f"{instead} cannot succeed itself", field="successor")
            known = found.deprecated
            if known and (known.reason, known.successor, known.sunset_at) == (why, instead, sunset_at):
                return known
            made = Deprecation(reason=why, successor=instead, sunset_at=sunset_at, by=who.actor, at=now)
            self._say(tx, name, number, made, lifted=False)
            outputs = (instead,) if instead else ()
            self._ledger.append(tx, "model.deprecated", _ref(name, number), outputs=outputs, data=plain(made))
            return made

        return self._rows.write(change)

    def reinstate(self, ref: str, reason: str) -> None:
        """Undo the deprecation of a model or a version.

        Raises:
            Conflict: it is not.
        """
        who, why, now = caller(), checked_reason(reason), self._clock.now()

        def change(tx: Tx) -> None:
            found, name, number = _find_target(tx, ref, now)
            if found.deprecated is None:
                raise Conflict(f"{_ref(name, number)} is not deprecated")
            self._say(tx, name, number, Deprecation(reason=why, successor=None, sunset_at=None, by=who.actor, at=now), lifted=True)
            self._ledger.append(tx, "model.reinstated", _ref(name, number), data={"reason": why})

        self._rows.write(change)

    def _say(self, tx: Tx, model: str, number: int, made: Deprecation, *, lifted: bool) -> None:
        row = plain(made) | {"project": caller().project, "model": model, "version": number, "lifted": lifted}
        tx.execute(insert(deprecation), row | {"at": made.at, "sunset_at": made.sunset_at})


def warn(of: Model, found: ModelVersion) -> None:
    """Notify the caller if a version, or its model, is deprecated."""
    for ref, said in ((found.ref, found.deprecated), (Ref("model", of.name), of.deprecated)):
        if said is not None:
            instead = f"; use {said.successor}" if said.successor else ""
            gone = f"; it may be gone from {said.sunset_at:%Y-%m-%d} on" if said.sunset_at else ""
            notice(f"{ref} is deprecated: {said.reason}{instead}{gone}")


def checked_owners(owners: Sequence[str]) -> None:
    """Refuse a list that names nobody, somebody twice, or too many.

    Raises:
        Invalid: it does.
    """
    if not 1 <= len(owners) <= _OWNERS_MAX or len(set(owners)) != len(owners):
        raise Invalid(f"a model has 1 to {_OWNERS_MAX} owners, each once", field="owners")
    if any(not owner.strip() or len(owner) > 200 for owner in owners):
        raise Invalid("an owner is an actor, such as person:ana, or the name of a team", field="owners")


def _find_target(tx: Tx, ref: str, now: datetime) -> tuple[Model | ModelVersion, str, int]:
    """A model or a version, its name and its number; 0 is the model itself."""
    asked = Ref.parse(str(ref), "model")
    if asked.version is None:
        return find_model(tx, asked.name), asked.name, store.MODEL
    found = find_version(tx, ref, now)[1]
    return found, found.model, found.version


def _ref(model: str, number: int) -> Ref:
    return Ref("model", model, str(number) if number else None)
