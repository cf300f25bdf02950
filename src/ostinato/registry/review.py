"""Review: what a decision about a version rests on, and which decisions the caller may take."""

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
from ostinato.kernel.errors import Conflict, Denied, OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import past, store
from ostinato.registry.alias import approved, way_back
from ostinato.registry.approve import Approvals, second_person, undecided, unnamed
from ostinato.registry.binding import CHAMPION, standing
from ostinato.registry.card import render
from ostinato.registry.check import admit
from ostinato.registry.find import find_model, named
from ostinato.registry.types import Check, MetricRow, Model, ModelVersion, Permit, Review, Verb
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs


class Reviews(Approvals):
    """The part of Models that prepares decisions; Models gives it its parts."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _runs: Runs
    _evaluations: Evaluations
    _datasets: Datasets
    _access: Access | None

    def review(self, ref: str, at: datetime | None = None) -> Review:
        """A version with its last check, its metrics beside the champion's and the baseline's, and what the caller may do now.

        With `at`, all of it as it was at that instant; then nothing may be done.

        Raises:
            NotFound: there is no such version, or there was none then.
        """
        of, found, check, rival = self._stood(ref, at)
        evaluation = self._evaluations.get(found.evaluation) if found.evaluation else None
        same = self._rival_evaluation(rival, evaluation, at)
        theirs = same or (self._evaluations.get(rival.evaluation) if rival and rival.evaluation else None)
        baseline = self._baseline_evaluation(of.name, evaluation, at)
        when = at or self._clock.now()
        problem = _why_not(lambda: admit(check, found, rival.version if rival else None, when))
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
            approvals=standing(found.decisions, found.binding),
            data=self._ages(found),
            may=self._may(of, found, problem) if at is None else [_over(verb, when) for verb in get_args(Verb)],
        )

    def card(self, ref: str, at: datetime | None = None) -> str:
        """The model card of a version, as Markdown, perhaps as it was at an instant: every statement is a recorded value, or says
        who owes it."""
        of, found, check, _ = self._stood(ref, at)
        evaluation = self._evaluations.get(found.evaluation) if found.evaluation else None
        params = self._runs.get(found.run.name).params if found.run else {}
        notes = self._rows.read(lambda tx: store.notes(tx, caller().project, of.name))
        return render(of, found, evaluation, check, [n for n in notes if at is None or n.at <= at], params)

    def _stood(self, ref: str, at: datetime | None) -> tuple[Model, ModelVersion, Check | None, ModelVersion | None]:
        """A model, a version of it, the last check of that, and the champion where that is another version; then or now."""
        asked = Ref.parse(str(ref), "model")
        then = at and past.model(self._rows, self._ledger, asked.name, at)

        def query(tx: Tx) -> tuple[Model, ModelVersion, Check | None, ModelVersion | None]:
            of = then or find_model(tx, asked.name)
            find = partial(past.find, tx, of, at=at) if at else partial(named, tx, of)
            found, champion = find(asked), of.aliases.get(CHAMPION)
            rival = None if champion in (None, found.version) else find(Ref("model", of.name, str(champion)))
            checks = past.checks(tx, caller().project, [found.ref], at)
            return of, found, checks.get(str(found.ref)), rival

        return self._rows.read(query)

    def _may(self, of: Model, found: ModelVersion, problem: OstinatoError | None) -> list[Permit]:
        """Each decision held against the rules in the order in which its verb does."""
        who = caller().actor
        held = None if self._access is None else self._access.whoami().permissions
        refused = _why_not(lambda: unnamed(of, found))
        rules: list[tuple[Verb, str, list[OstinatoError | None]]] = [
            ("check", "model:write", []),
            ("approve", "model:approve", [
                _why_not(lambda: second_person(who, found)), _why_not(lambda: undecided(found)), _once(who, found), problem,
            ]),
            ("reject", "model:approve", [_not_yet(found, "rejected"), refused]),
            ("promote", "model:promote", [_champion_already(of, found), _why_not(lambda: approved(of, found))]),
            ("rollback", "model:promote", [_why_not(lambda: self._back(of, found))]),
            ("retire", "model:approve", [_not_yet(found, "retired"), refused]),
        ]  # fmt: skip
        return [_permit(verb, needs, held, reasons) for verb, needs, reasons in rules]

    def _back(self, of: Model, found: ModelVersion) -> None:
        alias = next((name for name, number in sorted(of.aliases.items()) if number == found.version), None)
        if alias is None:
            raise Conflict(f"no alias names {found.ref}")
        self._rows.read(lambda tx: way_back(tx, of, found, store.moves(tx, caller().project, of.name, alias), alias))


def _over(verb: Verb, at: datetime) -> Permit:
    return Permit(verb=verb, needs="", allowed=False, reason=f"this is how it was at {at.isoformat()}", hint="go back to the present")


def _permit(verb: Verb, needs: str, held: Collection[str] | None, reasons: list[OstinatoError | None]) -> Permit:
    if held is not None and needs not in held:
        reasons = [Denied(f"you lack the permission {needs}", hint="ask an administrator of the project", permission=needs)]
    first = next((reason for reason in reasons if reason), None)
    said = (first.message, first.hint or "") if first else ("", "")
    return Permit(verb=verb, needs=needs, allowed=first is None, reason=said[0], hint=said[1])


def _why_not(rule: Callable[[], object]) -> OstinatoError | None:
    """What a rule raises."""
    try:
        rule()
    except OstinatoError as error:
        return error
    return None


def _once(who: str, found: ModelVersion) -> Conflict | None:
    done = any(d.responsible == who for d in standing(found.decisions, found.binding))
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
