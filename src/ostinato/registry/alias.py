"""The verbs of Models that move and roll back aliases, and show what an alias named when."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.approve import checked_reason
from ostinato.registry.binding import CHAMPION, valid_approvals
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.types import AliasState, Model, ModelVersion
from ostinato.storage.rows.rows import Rows, Tx

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class Aliases:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def promote(self, ref: str, alias: str = CHAMPION, reason: str = "") -> AliasState:
        """Move `alias` to an approved version. Idempotent.

        Raises:
            Conflict: the version is not approved, or no longer since its gates changed.
            Invalid: the alias has another shape than `champion`.
        """
        return self._rows.write(lambda tx: self.promote_within(tx, ref, alias, reason))

    def promote_within(self, tx: Tx, ref: str, alias: str = CHAMPION, reason: str = "") -> AliasState:
        """The same within a transaction, so that the alias moves together with what else it changes. In process only."""
        if not _ALIAS.fullmatch(alias):
            hint = "up to 64 letters, digits, dashes and underscores, the first a letter"
            raise Invalid(f"not an alias: {alias!r}", hint=hint, field="alias")
        now = self._clock.now()
        of, found = find_version(tx, ref, now)
        if of.aliases.get(alias) == found.version:
            return store.moves(tx, caller().project, of.name, alias)[-1]
        require_approved(of, found, now)
        return self._move(tx, found, alias, "promoted", reason)

    def rollback(self, ref: str, reason: str, alias: str = CHAMPION) -> AliasState:
        """Roll back: take `alias` from a version and return it to the one before. Idempotent.

        Versions that were rejected or retired since are passed over. What held once may hold again without a new approval:
        the way back must not wait.

        Raises:
            Conflict: the alias names another version, or there is none to go back to.
        """
        who, why = caller(), checked_reason(reason)

        def change(tx: Tx) -> AliasState:
            of, bad = find_version(tx, ref, self._clock.now())
            moves = store.moves(tx, who.project, of.name, alias)
            if len(moves) > 1 and moves[-1].how == "rolled_back" and moves[-2].version == bad.version:
                return moves[-1]
            return self._move(tx, rollback_target(tx, of, bad, moves, alias, self._clock.now()), alias, "rolled_back", why, bad.ref)

        return self._rows.write(change)

    def at(self, model: str, alias: str = CHAMPION, at: datetime | None = None) -> AliasState | None:
        """Which version `alias` named at the instant `at` (default: now), since when, who moved it there, who had approved
        it and on which evidence; None where it named none."""
        moves = self.moves(model, alias)
        found = next((m for m in reversed(moves) if at is None or m.since <= at), None)
        return None if found is None or found.how == "withdrawn" else found

    def moves(self, model: str, alias: str = CHAMPION) -> list[AliasState]:
        """All moves of `alias`, oldest first."""
        return self._rows.read(lambda tx: store.moves(tx, caller().project, find_model(tx, model).name, alias))

    def _move(
        self,
        tx: Tx,
        to: ModelVersion,
        alias: str,
        how: Literal["promoted", "rolled_back", "withdrawn", "broke_glass"],
        reason: str,
        bad: Ref | None = None,
    ) -> AliasState:
        who, now = caller(), self._clock.now()
        held = valid_approvals(to.decisions, to.binding, now)
        approvals = held if held or how == "broke_glass" else [d for d in to.decisions if d.kind == "approved"]
        made = AliasState(
            model=to.model,
            alias=alias,
            version=to.version,
            ref=to.ref,
            since=now,
            promoted_by=who.actor,
            reason=reason,
            how=how,
            approved_by=[d.by for d in approvals],
            approvals=approvals,
            evidence=store.one_check(tx, who.project, approvals[-1].check) if approvals and approvals[-1].check else None,
            artifact=to.artifact,
        )
        before = store.last_move(tx, who.project, to.model, alias)
        store.add_move(tx, who.project, made)
        if before is not None and before.how == "broke_glass":
            self._mend_glass(tx, before, f"{alias} names {'nothing' if how == 'withdrawn' else to.ref} now")
        data = {"alias": alias, "to": str(to.ref), "approved_by": made.approved_by, "reason": reason}
        self._ledger.append(tx, f"model.{how}", bad or to.ref, data=data)
        return made

    def _mend_glass(self, tx: Tx, broken: AliasState, because: str) -> None:
        """Close the emergency, so that nothing else can be derived from it."""
        now = self._clock.now()
        for given in store.decisions(tx, caller().project, broken.model, broken.version).get(broken.version, []):
            if given.kind == "broke_glass" and given.at == broken.since and given.voided_at is None:
                store.void(tx, caller().project, broken.ref, given, now, because)


def require_approved(model: Model, version: ModelVersion, now: datetime) -> None:
    """Require that a version is approved.

    Raises:
        Conflict: it is not approved, or no longer: its approvals have expired, or are void.
    """
    if version.state == "approved":
        return
    held = len(valid_approvals(version.decisions, version.binding, now))
    hint = f"models.check and models.approve first; it has {held} of {model.approvals} approvals that hold"
    lost = why_lapsed(version, now)
    raise Conflict(f"{version.ref} is {version.state}, not approved{': ' if lost else ''}{lost}", hint=hint)


def why_lapsed(version: ModelVersion, now: datetime) -> str:
    """Why the last approval or emergency promotion of a version is no longer valid; empty if it does, or there was none."""
    last = next((d for d in reversed(version.decisions) if d.kind in ("approved", "broke_glass")), None)
    if last is None:
        return ""
    broke = last.kind == "broke_glass"
    if last.voided_at is not None and last.voided_at <= now:
        void = f"the glass that {last.by} broke counts no more" if broke else f"what {last.by} approved is void"
        return f"{last.voided_because}, and {void}"
    if last.binding != version.binding:
        return f"its rules or its evaluation have changed since {last.by} {'broke the glass for' if broke else 'approved'} it"
    if last.expires_at is not None and last.expires_at <= now:
        return f"{'the glass broken' if broke else 'the approval'} by {last.by} expired on {last.expires_at:%Y-%m-%d}"
    return ""


def rollback_target(tx: Tx, of: Model, bad: ModelVersion, moves: Sequence[AliasState], alias: str, now: datetime) -> ModelVersion:
    """The version to which `alias`, with these `moves`, returns when `bad` is rolled back.

    Raises:
        Conflict: the alias names another version, or there is none to go back to.
    """
    if not moves or moves[-1].version != bad.version or moves[-1].how == "withdrawn":
        names = str(moves[-1].ref) if moves and moves[-1].how != "withdrawn" else "nothing"
        raise Conflict(f"{of.name}@{alias} names {names}, not {bad.ref}", hint="roll back the version that the alias names")
    fit = {v.version: v for v in store.versions(tx, caller().project, of, now) if v.state not in ("rejected", "retired")}
    return fit[previous_promotion(moves, fit.__contains__).version]


def previous_promotion(moves: Sequence[AliasState], usable: Callable[[int], bool]) -> AliasState:
    """The move to which a rollback goes: the promotion before the present one whose version is still `usable`.

    A rollback takes its promotion away, so that a second one goes further back.

    Raises:
        Conflict: there is nothing to go back to.
    """
    standing: list[AliasState] = []
    for move in moves:
        if move.how in ("promoted", "broke_glass"):
            standing.append(move)
        else:
            while standing and standing[-1].version != move.version:
                standing.pop()
    earlier = [m for m in standing[:-1] if m.version != moves[-1].version and usable(m.version)]
    if not earlier:
        raise Conflict(f"{moves[-1].model}@{moves[-1].alias} has no earlier version to go back to", hint="promote another approved version")
    return earlier[-1]
