"""The verbs of Models for the web pages: the state of models, now and as of an instant, and the evidence of a decision."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import get_args

from ostinato.access.service import Access
from ostinato.data.service import Datasets
from ostinato.evaluation.metric import METRICS
from ostinato.evaluation.service import Evaluations
from ostinato.evaluation.types import Evaluation
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, Invalid, OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import as_of, store
from ostinato.registry.alias import require_approved, rollback_target, why_lapsed
from ostinato.registry.approve import Approvals, require_entitled, require_no_alias, require_second_person
from ostinato.registry.binding import CHAMPION, valid_approvals
from ostinato.registry.check import require_passed
from ostinato.registry.emergency import last_emergency, require_person
from ostinato.registry.lifecycle import STAGES, TRANSITIONS, Act, Lifecycle, allow
from ostinato.registry.lookup import find_model, named
from ostinato.registry.types import Check, Model, ModelVersion, Verb
from ostinato.registry.views import AliasMark, MetricRow, ModelState, ModelStory, Permit, Review, VersionLine
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs

_VERSIONS_MAX = 1_000
_CHANGES = {
    "model.required": "declared its gates and approvals anew", "model.tier_declared": "declared anew what its risk asks",
    "model.reevaluated": "evaluated its run anew",
}  # fmt: skip


class Pages(Approvals):
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _runs: Runs
    _evaluations: Evaluations
    _datasets: Datasets
    _access: Access | None

    def lifecycle(self) -> Lifecycle:
        """The states of a version and their transitions, with their meaning and the permissions that they need."""
        return Lifecycle(stages=STAGES, transitions=TRANSITIONS)

    def states(self) -> list[ModelState]:
        """Every model with its production version and since when, its newest version, and how many versions are ahead of production."""
        project = caller().project

        def query(tx: Tx) -> list[ModelState]:
            models = store.all_models(tx, project)
            champions, newest = as_of.champions(tx, project), as_of.newest(tx, project, models, self._clock.now())
            return [state_of_model(model, champions.get(model.name), newest.get(model.name)) for model in models]

        return self._rows.read(query)

    def story(self, model: str, at: datetime | None = None, limit: int = 100) -> ModelStory:
        """A model as it stood at the instant `at` (default: now), with its newest `limit` versions (1 to 1,000) until then.

        Its rules are those of that time, and the states of the versions follow from them and from the decisions until then.

        Raises:
            NotFound: there was no such model then.
        """
        if not 1 <= limit <= _VERSIONS_MAX:
            raise Invalid(f"1 to {_VERSIONS_MAX} versions can be listed at once, not {limit}", field="limit")
        project, when = caller().project, at or self._clock.now()
        then = as_of.model(self._rows, self._ledger, model, at) if at else self._rows.read(lambda tx: find_model(tx, model))

        def query(tx: Tx) -> tuple[list[AliasMark], list[ModelVersion], int, dict[str, Check]]:
            moves = as_of.marks(tx, project, model, when)
            versions, earlier = as_of.versions(tx, project, then, when, limit)
            return moves, versions, earlier, as_of.checks(tx, project, [v.ref for v in versions], when)

        moves, versions, earlier, checks = self._rows.read(query)
        aliases = {mark.alias: mark.version for mark in moves if mark.until is None}
        evaluations = self._evaluations.many([v.evaluation for v in versions if v.evaluation])
        lines = [line_of(v, aliases, checks.get(str(v.ref)), evaluations.get(v.evaluation or "")) for v in versions]
        return ModelStory(model=then, at=when, moves=moves, versions=lines, earlier=earlier)

    def review(self, ref: str, at: datetime | None = None) -> Review:
        """A version for review: its last check, its metrics beside champion and baseline, and what the caller may do now.

        With `at`, all of it as it was at that instant; then nothing may be done.

        Raises:
            NotFound: there is no such version, or there was none then.
        """
        of, found, check, rival = self._find_version_at(ref, at)
        evaluation = self._evaluations.get(found.evaluation) if found.evaluation else None
        same = self._rival_evaluation(rival, evaluation, at)
        theirs = same or (self._evaluations.get(rival.evaluation) if rival and rival.evaluation else None)
        baseline = self._baseline_evaluation(of.name, evaluation, at)
        when = at or self._clock.now()
        problem = _why_not(lambda: require_passed(check, found, rival.version if rival else None, when))
        return Review(
            version=found,
            model=of,
            at=when,
            check=check,
            problem=problem.message if problem else "",
            champion=rival.ref if rival else None,
            same_rows=same is not None,
            metrics=_metrics(evaluation, theirs, baseline),
            evaluation=evaluation,
            champion_evaluation=theirs,
            approvals=valid_approvals(found.decisions, found.binding, when),
            data=self._ages(found),
            may=self._may(of, found, problem) if at is None else [_over(verb, when) for verb in get_args(Verb)],
            lapse=self._lapse(of, found, when),
            emergency=None if at else self._rows.read(lambda tx: last_emergency(tx, caller().project, found.ref)),
        )

    def _find_version_at(self, ref: str, at: datetime | None) -> tuple[Model, ModelVersion, Check | None, ModelVersion | None]:
        """A model, a version of it, the last check of that, and the champion where that is another version; then or now."""
        asked = Ref.parse(str(ref), "model")
        then = at and as_of.model(self._rows, self._ledger, asked.name, at)

        def query(tx: Tx) -> tuple[Model, ModelVersion, Check | None, ModelVersion | None]:
            of = then or find_model(tx, asked.name)
            find = partial(as_of.find, tx, of, at=at) if at else partial(named, tx, of, now=self._clock.now())
            found, champion = find(asked), of.aliases.get(CHAMPION)
            rival = None if champion in (None, found.version) else find(Ref("model", of.name, str(champion)))
            checks = as_of.checks(tx, caller().project, [found.ref], at)
            return of, found, checks.get(str(found.ref)), rival

        return self._rows.read(query)

    def _lapse(self, of: Model, found: ModelVersion, when: datetime) -> str:
        """Why the last approval of a version holds no more; where something was changed, who changed what and why."""
        last = next((d for d in reversed(found.decisions) if d.kind == "approved"), None)
        if last is None or last.binding == found.binding or last.voided_at is not None:
            return why_lapsed(found, when)
        told = [
            self._ledger.events(subject=subject, verb=verb, since=last.at, until=when, newest_first=True, limit=1).items
            for verb, subject in (
                ("model.required", Ref("model", of.name)), ("model.tier_declared", Ref("tier", of.risk)), ("model.reevaluated", found.ref),
            )
        ]  # fmt: skip
        changed = max((events[0] for events in told if events), key=lambda event: event.seq, default=None)
        if changed is None:
            return why_lapsed(found, when)
        why = f" ({changed.data['reason']})" if changed.data.get("reason") else ""
        return f"{changed.actor} {_CHANGES[changed.verb]} on {changed.at:%Y-%m-%d}{why}, and what {last.by} approved before is void"

    def _may(self, of: Model, found: ModelVersion, problem: OstinatoError | None) -> list[Permit]:
        """Each decision held against the rules in the order in which its verb does."""
        who, now = caller().actor, self._clock.now()
        held = None if self._access is None else self._access.whoami().permissions
        refused = _why_not(lambda: require_no_alias(of, found))

        def state(act: Act) -> OstinatoError | None:
            return _why_not(lambda: allow(act, found))

        entitlement = _why_not(lambda: self._rows.read(lambda tx: require_entitled(tx, of, who)))
        second = _why_not(lambda: self._rows.read(lambda tx: require_second_person(tx, who, found)))
        rules: list[tuple[Verb, str, list[OstinatoError | None]]] = [
            ("check", "model:write", []),
            ("approve", "model:approve", [
                second, state("approve"), _once(who, found, now), entitlement, problem,
            ]),
            ("reject", "model:approve", [_not_yet(found, "rejected"), state("reject"), refused]),
            ("promote", "model:promote", [_champion_already(of, found), _why_not(lambda: require_approved(of, found, now))]),
            ("break_glass", "model:break-glass", [_why_not(lambda: require_person(who)), state("break_glass")]),
            ("rollback", "model:promote", [_why_not(lambda: self._back(of, found))]),
            ("retire", "model:approve", [_not_yet(found, "retired"), refused]),
        ]  # fmt: skip
        return [_permit(verb, needs, held, reasons) for verb, needs, reasons in rules]

    def _back(self, of: Model, found: ModelVersion) -> None:
        alias = next((name for name, number in sorted(of.aliases.items()) if number == found.version), None)
        if alias is None:
            raise Conflict(f"no alias names {found.ref}")
        self._rows.read(
            lambda tx: rollback_target(tx, of, found, store.moves(tx, caller().project, of.name, alias), alias, self._clock.now())
        )


def _over(verb: Verb, at: datetime) -> Permit:
    return Permit(verb=verb, needs="", allowed=False, reason=f"this is how it was at {at.isoformat()}", hint="go back to the present")


def _permit(verb: Verb, needs: str, held: Collection[str] | None, reasons: list[OstinatoError | None]) -> Permit:
    if held is not None and needs not in held:
        reasons = [Denied(f"you lack the permission {needs}", hint="ask an administrator of the project", permission=needs)]
    first = next((reason for reason in reasons if reason), None)
    said = (first.message, first.hint or "") if first else ("", "")
    return Permit(verb=verb, needs=needs, allowed=first is None, reason=said[0], hint=said[1])


def _why_not(rule: Callable[[], object]) -> OstinatoError | None:
    """The error that a rule raises."""
    try:
        rule()
    except OstinatoError as error:
        return error
    return None


def _once(who: str, found: ModelVersion, now: datetime) -> Conflict | None:
    done = any(d.responsible == who for d in valid_approvals(found.decisions, found.binding, now))
    return Conflict(f"you have approved {found.ref} already") if done else None


def _not_yet(found: ModelVersion, state: str) -> Conflict | None:
    return Conflict(f"{found.ref} is {state} already") if found.state == state else None


def _champion_already(of: Model, found: ModelVersion) -> Conflict | None:
    return Conflict(f"{found.ref} is {CHAMPION} already") if of.aliases.get(CHAMPION) == found.version else None


def _metrics(ours: Evaluation | None, champion: Evaluation | None, baseline: Evaluation | None) -> list[MetricRow]:
    """A row for every metric that one of the evaluations has, in the order of the family."""
    measured = [e.report.metrics if e else {} for e in (ours, champion, baseline)]
    known = [name for name in METRICS.names() if any(name in m for m in measured)]
    return [
        MetricRow(
            metric=name, higher_is_better=METRICS.get(name).higher_is_better, ours=measured[0].get(name), champion=measured[1].get(name),
            baseline=measured[2].get(name),
        )
        for name in known
    ]  # fmt: skip


def state_of_model(model: Model, production: AliasMark | None, newest: ModelVersion | None) -> ModelState:
    ahead = max(0, (model.latest or 0) - (production.version if production else 0))
    return ModelState(model=model, production=production, newest=newest, ahead=ahead)


def line_of(version: ModelVersion, aliases: dict[str, int], check: Check | None, evaluation: Evaluation | None) -> VersionLine:
    return VersionLine(
        version=version.version,
        ref=version.ref,
        state=version.state,
        author=version.author,
        registered_at=version.registered_at,
        note=version.note,
        flavor=version.flavor,
        run=version.run,
        evaluation=version.evaluation,
        aliases=sorted(alias for alias, number in aliases.items() if number == version.version),
        metrics=evaluation.report.metrics if evaluation else {},
        check=check,
        decisions=version.decisions,
        deprecated=version.deprecated,
    )
