"""The verbs of Models for risk tiers: how many approvals a risk needs, by which roles, and for how long. Stored per project."""

from __future__ import annotations

from typing import get_args

from sqlalchemy import insert

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.approve import checked_reason
from ostinato.registry.binding import plain
from ostinato.registry.tables import tier as tier_table
from ostinato.registry.types import Risk, Tier
from ostinato.storage.rows.rows import Rows, Tx

_APPROVALS_MAX = 20
_YEARS_DAYS = 3_660
_HOURS_MAX = 24 * 90


class Tiers:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def tiers(self) -> list[Tier]:
        """The requirements of each risk tier in this project: low, medium, high."""
        project = caller().project
        return list(self._rows.read(lambda tx: store.tiers(tx, project)).values())

    def declare_tier(
        self,
        risk: Risk,
        approvals: int,
        reason: str,
        approvers: list[str] | None = None,
        valid_days: int | None = None,
        review_hours: int = 24,
        glass_hours: int = 168,
    ) -> Tier:
        """Set what a risk tier requires of its models: `approvals` people (1 to 20) of `approvers` (roles or persons), none
        meaning whoever may approve. An approval holds for `valid_days`, None for good; broken glass is reviewed in `review_hours`,
        and lets its version serve for `glass_hours` at most.

        What was approved under other rules is void; repeating it changes nothing.

        Raises:
            Invalid: a number is out of range, fewer persons are named than must approve, or there is no reason.
        """
        who, why = caller(), checked_reason(reason)
        made = Tier(
            risk=risk, approvals=approvals, approvers=sorted(set(approvers or [])), valid_days=valid_days, review_hours=review_hours,
            glass_hours=glass_hours,
        )  # fmt: skip
        _check(made)

        def change(tx: Tx) -> Tier:
            known = store.tiers(tx, who.project)[risk]
            if known == made:
                return known
            told = plain(made)
            tx.execute(insert(tier_table), told | {"project": who.project, "reason": why, "by": who.actor, "at": self._clock.now()})
            self._ledger.append(tx, "model.tier_declared", Ref("tier", risk), data=told | {"reason": why})
            for model in store.all_models(tx, who.project):
                if model.risk == risk:
                    store.rebind(tx, who.project, model.name)
            return made

        return self._rows.write(change)


def _check(made: Tier) -> None:
    if made.risk not in get_args(Risk):
        raise Invalid(f"no risk {made.risk!r}", hint="low, medium or high", field="risk")
    if not 1 <= made.approvals <= _APPROVALS_MAX:
        raise Invalid(f"{made.approvals} approvals", hint=f"1 to {_APPROVALS_MAX}", field="approvals")
    if made.approvers and all(a.startswith("person:") for a in made.approvers) and len(made.approvers) < made.approvals:
        hint = "the author may be among them: name one more than must approve"
        raise Invalid(f"{made.approvals} of {len(made.approvers)} people can never approve", hint=hint, field="approvers")
    if any(not a.strip() or len(a) > 200 for a in made.approvers):
        raise Invalid("an approver is a role, such as reviewer, or a person, such as person:rita", field="approvers")
    if made.valid_days is not None and not 1 <= made.valid_days <= _YEARS_DAYS:
        raise Invalid(f"approvals that hold {made.valid_days} days", hint=f"1 to {_YEARS_DAYS}, or null for good", field="valid_days")
    if not 1 <= made.review_hours <= _HOURS_MAX:
        raise Invalid(f"a review within {made.review_hours} hours", hint=f"1 to {_HOURS_MAX}", field="review_hours")
    if not 1 <= made.glass_hours <= _HOURS_MAX:
        raise Invalid(f"broken glass that counts for {made.glass_hours} hours", hint=f"1 to {_HOURS_MAX}", field="glass_hours")
