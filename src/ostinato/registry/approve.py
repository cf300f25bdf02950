"""The verbs of Models that decide on a version: check, approve, reject, retire, and approval by policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from ostinato.access import overview as access
from ostinato.access.permissions import require_still_permitted
from ostinato.data.service import Datasets
from ostinato.evaluation.service import Evaluations
from ostinato.evaluation.types import Evaluation
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.binding import CHAMPION, plain, rules_of, valid_approvals
from ostinato.registry.check import require_passed, run_gates
from ostinato.registry.labels import authors_of
from ostinato.registry.lifecycle import allow
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.types import Check, DataAge, Decision, GateContext, Model, ModelVersion, Policy
from ostinato.storage.rows.rows import Rows, Tx


class Approvals:
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _evaluations: Evaluations
    _datasets: Datasets

    def check(self, ref: str) -> Check:
        """Check a version against the gates of its model, and record the results as evidence for an approval."""
        who, now = caller(), self._clock.now()
        of, found = self._rows.read(lambda tx: find_version(tx, ref, now))
        champion = of.aliases.get(CHAMPION)
        rival = None if champion in (None, found.version) else self._rows.read(lambda tx: find_version(tx, f"{of.name}@{champion}", now))[1]
        evaluation = self._evaluations.get(found.evaluation) if found.evaluation else None
        context = GateContext(
            version=found,
            evaluation=evaluation,
            champion=rival.ref if rival else None,
            champion_evaluation=self._rival_evaluation(rival, evaluation),
            data=self._ages(found),
            now=now,
            baseline_evaluation=self._baseline_evaluation(of.name, evaluation),
        )
        results = run_gates(of.gates, context)
        made = Check(
            id=new_id(),
            version=found.ref,
            binding=found.binding,
            champion=rival.version if rival else None,
            passed=all(r.passed for r in results),
            results=results,
            at=now,
            by=who.actor,
        )

        def change(tx: Tx) -> Check:
            store.add_check(tx, who.project, made)
            self._ledger.append(tx, "model.checked", found.ref, data={"passed": made.passed, "check": made.id, "results": plain(results)})
            return made

        return self._rows.write(change)

    def approve(self, ref: str, reason: str) -> ModelVersion:
        """Approve a version on its latest check, as a person other than its author.

        Raises:
            Denied: the caller is the author, or not a person.
            GateFailed: a gate says no.
            Conflict: it was never checked, something changed since, or it was rejected or retired.
        """
        who, why = caller(), checked_reason(reason)

        def change(tx: Tx) -> ModelVersion:
            of, found = find_version(tx, ref, self._clock.now())
            require_second_person(tx, who.actor, found)
            return self._approve(tx, of, found, who.actor, who.actor, why)

        return self._rows.write(change)

    def approve_by_policy(self, ref: str) -> ModelVersion:
        """Check a version and approve it under the declared policy of its model; the policy is named as the approver.

        Raises:
            Denied: no policy fits, or who declared the one that does may not approve any more; the sentence says why.
            GateFailed: a gate says no.
        """
        who = caller()
        of, found = self._rows.read(lambda tx: find_version(tx, ref, self._clock.now()))
        if found.state == "approved":
            return found
        fixed = f"{of.name}@{found.version}"
        self.check(fixed)

        def change(tx: Tx) -> ModelVersion:
            of, found = find_version(tx, fixed, self._clock.now())
            policies = store.policies(tx, who.project, of.name)
            policy = matching_policy(policies, of, found, authors_of(tx, found), self._clock.now())
            require_still_permitted(tx, policy.declared_by, "model:approve", who.project)
            return self._approve(tx, of, found, f"policy:{of.name}@{policy.number}", policy.declared_by, policy.reason)

        return self._rows.write(change)

    def declare_policy(self, model: str, authors: list[str], reason: str, days: int | None = None) -> Policy:
        """Declare, as a person, that versions by `authors` that pass the current gates are approved automatically.

        Raises:
            Denied: the caller is no person, or is one of the authors.
        """
        who, why, now = caller(), checked_reason(reason), self._clock.now()
        if not who.actor.startswith("person:") or who.actor in authors:
            raise Denied(
                f"{who.actor} cannot approve in advance what {', '.join(authors)} will register",
                hint="a person other than the authors declares the policy",
                permission="model:approve",
            )

        def change(tx: Tx) -> Policy:
            of, known = find_model(tx, model), store.policies(tx, who.project, model)
            made = Policy(
                model=model,
                number=len(known) + 1,
                authors=sorted(authors),
                reason=why,
                rules=rules_of(of),
                declared_by=who.actor,
                declared_at=now,
                expires_at=now + timedelta(days=days) if days is not None else None,
            )
            if known and _repeats(made, known[-1]):
                return known[-1]
            store.add_policy(tx, who.project, made)
            self._ledger.append(tx, "model.policy_declared", Ref("model", model), data=plain(made))
            self._void_other(tx, of, known, made)
            return made

        return self._rows.write(change)

    def policies(self, model: str) -> list[Policy]:
        """The approval policies of a model, oldest first. The newest that matches is the one that approves."""
        return self._rows.read(lambda tx: store.policies(tx, caller().project, find_model(tx, model).name))

    def reject(self, ref: str, reason: str) -> ModelVersion:
        """Reject a version permanently. Its author may do so as well.

        Raises:
            Conflict: an alias names it.
        """
        return self._refuse(ref, "rejected", reason)

    def retire(self, ref: str, reason: str) -> ModelVersion:
        """Retire a version permanently.

        Raises:
            Conflict: an alias names it.
        """
        return self._refuse(ref, "retired", reason)

    def _approve(self, tx: Tx, of: Model, found: ModelVersion, by: str, responsible: str, reason: str) -> ModelVersion:
        project, now = caller().project, self._clock.now()
        allow("approve", found)
        if any(d.responsible == responsible for d in valid_approvals(found.decisions, found.binding, now)):
            return found
        require_entitled(tx, of, responsible)
        champion = of.aliases.get(CHAMPION)
        check = require_passed(store.last_check(tx, project, found.ref), found, None if champion == found.version else champion, now)
        days = of.tier.valid_days if of.tier and of.approvals else None
        made = Decision(
            kind="approved", by=by, responsible=responsible, reason=reason, at=now, binding=found.binding, check=check.id,
            expires_at=now + timedelta(days=days) if days else None,
        )  # fmt: skip
        store.add_decision(tx, project, found.ref, made)
        evaluation = (Ref("evaluation", found.evaluation),) if found.evaluation else ()
        self._ledger.append(tx, "model.approved", found.ref, inputs=evaluation, data=plain(made))
        return find_version(tx, str(found.ref), self._clock.now())[1]

    def _void_other(self, tx: Tx, of: Model, known: Sequence[Policy], made: Policy) -> None:
        """Void approvals by policies for other authors; they can be given again."""
        former = {f"policy:{of.name}@{p.number}" for p in known if p.authors != made.authors}
        because, now = f"policy {made.number} was declared", self._clock.now()
        for found in store.versions(tx, caller().project, of, now) if former else ():
            for given in valid_approvals(found.decisions, found.binding, now):
                if given.by in former:
                    store.void(tx, caller().project, found.ref, given, now, because)
                    self._ledger.append(tx, "model.voided", found.ref, data={"by": given.by, "because": because})

    def _reevaluated(self, tx: Tx, made: Evaluation) -> None:
        """An evaluation of the run that made a version takes the place of the one before: what rested on that holds no more."""
        project, now = caller().project, self._clock.now()
        for row in store.made_by(tx, project, made.subject):
            of = find_model(tx, row.model)
            store.set_evaluation(tx, row, made.id, store.binding_in(row, rules_of(of), made.id))
            found = find_version(tx, f"{row.model}@{row.version}", now)[1]
            before = store.evaluation_in(row)
            self._ledger.append(tx, "model.reevaluated", found.ref, inputs=(Ref("evaluation", made.id),), data={"before": before})

    def _refuse(self, ref: str, kind: Literal["rejected", "retired"], reason: str) -> ModelVersion:
        who, why = caller(), checked_reason(reason)

        def change(tx: Tx) -> ModelVersion:
            of, found = find_version(tx, ref, self._clock.now())
            if found.state == kind:
                return found
            allow("reject" if kind == "rejected" else "retire", found)
            require_no_alias(of, found)
            made = Decision(kind=kind, by=who.actor, responsible=who.actor, reason=why, at=self._clock.now(), binding=found.binding)
            store.add_decision(tx, who.project, found.ref, made)
            self._ledger.append(tx, f"model.{kind}", found.ref, data=plain(made))
            return find_version(tx, str(found.ref), self._clock.now())[1]

        return self._rows.write(change)

    def _ages(self, found: ModelVersion) -> list[DataAge]:
        """The datasets that a version was trained on, and when their rows were delivered."""
        return [DataAge(dataset=d, delivered_at=self._datasets.version(f"{d.name}@{d.version}").created_at) for d in found.datasets]

    def _rival_evaluation(
        self, rival: ModelVersion | None, evaluation: Evaluation | None, until: datetime | None = None
    ) -> Evaluation | None:
        """The newest evaluation of the rival on the very rows of `evaluation`, else the one it was registered with, if on those."""
        if rival is None or evaluation is None:
            return None
        later = self._evaluations.of(rival.ref, data=evaluation.data, until=until)
        own = [self._evaluations.get(rival.evaluation)] if rival.evaluation else []
        return next((e for e in [*later, *own] if e.data == evaluation.data), None)

    def _baseline_evaluation(self, model: str, evaluation: Evaluation | None, until: datetime | None = None) -> Evaluation | None:
        """The newest evaluation of `baseline:MODEL`, whatever simple rule that is, on the very rows of `evaluation`."""
        found = self._evaluations.of(Ref("baseline", model), data=evaluation.data, until=until) if evaluation else []
        return found[0] if found else None


def require_second_person(tx: Tx, actor: str, version: ModelVersion) -> None:
    """Require that the approver is a person and not an author.

    Raises:
        Denied: the actor is a service, or registered the version, here or in the store from which it was imported.
    """
    if not actor.startswith("person:"):
        raise Denied(
            f"{actor} is not a person",
            hint="a person declares a policy once, then models.approve_by_policy approves under it",
            permission="model:approve",
        )
    if actor in authors_of(tx, version):
        raise Denied(
            f"{actor} registered {version.ref} and cannot approve it",
            hint="ask somebody else with the permission model:approve",
            permission="model:approve",
        )


def require_entitled(tx: Tx, model: Model, responsible: str) -> None:
    """Require that the approver counts for the model's risk tier.

    Raises:
        Denied: the responsible person is none of them and has none of their roles.
    """
    asked = model.tier.approvers if model.tier else []
    if asked and responsible not in asked and not access.roles(tx, caller().project, responsible) & set(asked):
        raise Denied(
            f"{responsible} is not among those who approve models of {model.risk} risk",
            hint=f"ask {', '.join(asked)}; models.tiers says who counts",
            permission="model:approve",
        )


def require_no_alias(model: Model, version: ModelVersion) -> None:
    """Refuse to reject or retire a version that an alias names.

    Raises:
        Conflict: one does.
    """
    named = [alias for alias, number in model.aliases.items() if number == version.version]
    if named:
        raise Conflict(f"{version.ref} is {', '.join(named)}", hint="roll back or promote another version first")


def matching_policy(policies: Sequence[Policy], model: Model, version: ModelVersion, authors: Sequence[str], now: datetime) -> Policy:
    """The newest policy that approves `version` by these authors.

    Raises:
        Denied: there is none; the sentence says what the newest one lacks.
    """
    lacks = []
    for policy in reversed(policies):
        if policy.rules != rules_of(model):
            lacks.append(f"policy {policy.number} was declared for other gates")
        elif policy.expires_at is not None and policy.expires_at <= now:
            lacks.append(f"policy {policy.number} expired on {policy.expires_at:%Y-%m-%d}")
        elif others := [author for author in authors if author not in policy.authors]:
            lacks.append(f"policy {policy.number} does not name {others[0]}, the author")
        elif policy.declared_by in authors:
            lacks.append(f"policy {policy.number} was declared by the author")
        else:
            return policy
    hint = "somebody with the permission model:approve declares one: models.declare_policy(model, authors, reason)"
    raise Denied(f"no policy approves {version.ref}: {lacks[0] if lacks else 'none is declared'}", hint=hint, permission="model:approve")


def checked_reason(reason: str) -> str:
    """The reason, without blanks around it.

    Raises:
        Invalid: it is empty.
    """
    if not reason.strip():
        raise Invalid("a decision needs a reason", hint="say why, for whoever asks in a year", field="reason")
    return reason.strip()


def _repeats(made: Policy, known: Policy) -> bool:
    """Whether `made` declares what `known` still declares, for as long."""
    if known.expires_at is not None and made.expires_at is not None:
        same_span = made.expires_at - made.declared_at == known.expires_at - known.declared_at and made.declared_at < known.expires_at
    else:
        same_span = made.expires_at == known.expires_at
    return same_span and known == replace(made, number=known.number, declared_at=known.declared_at, expires_at=known.expires_at)
