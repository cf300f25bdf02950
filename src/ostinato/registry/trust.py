"""Which flavors that may run code a model may use: none, until the operator of the store and a reviewer allow it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Table, Text, bindparam, delete, insert, select

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import GateFailed, Invalid, NotFound
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.registry.approve import checked_reason
from ostinato.registry.flavor import FLAVORS, care_of
from ostinato.registry.lookup import find_model
from ostinato.registry.sandbox.guards import GUARDS, Limits
from ostinato.storage.rows.rows import Instant, Json, Rows, Tx, metadata

trust = Table(
    "registry_trust",
    metadata,
    Column("project", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("flavors", Json, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
_of = select(trust).where(trust.c.project == bindparam("project"), trust.c.model == bindparam("model"))


@frozen
class Trust:
    """The flavors that may run code and that a model may have, in a sandbox; who said so, why, and when. None is the rule."""

    model: str
    flavors: list[str]
    reason: str = ""
    by: str = ""
    at: datetime | None = None


class Trusting:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _settings: Settings | None

    def trust(self, model: str, flavors: list[str], reason: str) -> Trust:
        """Allow versions of a model to use flavors that may run code, such as `pickle`, in a sandbox, if the store allows them too.

        What is not named is no longer trusted: it is not loaded again; what a plane has loaded goes on until another version is deployed.

        Raises:
            Invalid: there is no reason, or a flavor is data and needs no trust.
            NotFound: there is no such model or flavor.
        """
        who, why, wanted = caller(), checked_reason(reason), sorted(set(flavors))
        for flavor in wanted:
            if care_of(flavor) != "code":
                raise Invalid(f"{flavor} is data, and needs no trust", hint=f"these do: {', '.join(_with_code())}", field="flavors")
        made = Trust(model=model, flavors=wanted, reason=why, by=who.actor, at=self._clock.now())

        def change(tx: Tx) -> Trust:
            find_model(tx, model)
            before = _trust_of(tx, model)
            if before.flavors == wanted and before.reason in ("", why):
                return before
            tx.execute(delete(trust).where(trust.c.project == who.project, trust.c.model == model))
            tx.execute(
                insert(trust),
                [{"project": who.project, "model": model, "flavors": wanted, "reason": why, "by": who.actor, "at": made.at}],
            )
            self._ledger.append(tx, "model.trusted", Ref("model", model), data={"flavors": wanted, "reason": why})
            return made

        return self._rows.write(change)

    def trusted(self, model: str) -> Trust:
        """Which flavors that may run code a model may have."""
        return self._rows.read(lambda tx: _trust_of(tx, find_model(tx, model).name))

    def sandbox(self, model: str, flavor: str) -> Limits | None:
        """The sandbox in which versions of this flavor are loaded; None for one that is data. In process only.

        Raises:
            GateFailed: the flavor may run code, and the store or the model does not allow it.
        """
        if care_of(flavor) != "code":
            return None
        asked = f"OSTINATO_CODE_FLAVORS={flavor} for the whole store, and models.trust for this model"
        if self._settings is None or flavor not in _listed(self._settings.code_flavors):
            raise GateFailed(f"an artifact of the flavor {flavor} may run code, and this store loads none", hint=asked)
        if flavor not in self.trusted(model).flavors:
            raise GateFailed(f"an artifact of the flavor {flavor} may run code, and {model} is not trusted with it", hint=asked)
        return self._limits(_listed(self._settings.sandbox_without))

    def _limits(self, without: list[str]) -> Limits:
        given = self._settings
        if given is None:
            return Limits(without=tuple(without))
        if unknown := sorted(set(without) - set(GUARDS)):
            raise NotFound.named("guard of the sandbox", unknown[0], GUARDS)
        return Limits(memory_mb=given.sandbox_mb, cpu_s=given.sandbox_cpu_s, without=tuple(without), away=str(given.data))


def _trust_of(tx: Tx, model: str) -> Trust:
    row = tx.first(_of, {"project": caller().project, "model": model})
    return (
        Trust(model=model, flavors=[]) if row is None else Trust(model=model, flavors=row.flavors, reason=row.reason, by=row.by, at=row.at)
    )


def _with_code() -> list[str]:
    return [member.name for member in FLAVORS.describe() if care_of(member.name) == "code"]


def _listed(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]
