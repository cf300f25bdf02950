"""Review: what a decision about a version rests on, and which decisions the caller may take."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ostinato.access.service import Access
from ostinato.data.service import Datasets
from ostinato.evaluation.metric import METRICS
from ostinato.evaluation.service import Evaluations
from ostinato.evaluation.types import Evaluation
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, Denied, OstinatoError
from ostinato.registry import store
from ostinato.registry.alias import approved
from ostinato.registry.approve import Approvals, second_person, undecided, unnamed
from ostinato.registry.binding import CHAMPION, standing
from ostinato.registry.check import admit
from ostinato.registry.find import find_version
from ostinato.registry.types import Check, MetricRow, Model, ModelVersion, Permit, Review, Verb
from ostinato.storage.rows.rows import Rows, Tx


class Reviews(Approvals):
    """The part of Models that prepares decisions; Models gives it its parts."""

    _rows: Rows
    _clock: Clock
    _evaluations: Evaluations
    _datasets: Datasets
    _access: Access | None

    def review(self, ref: str) -> Review:
        """A version with its last check, its metrics beside the champion's and the baseline's, and what the caller may do now.

        Raises:
            NotFound: there is no such version.
        """
        project = caller().project

        def query(tx: Tx) -> tuple[Model, ModelVersion, Check | None, ModelVersion | None]:
            of, found = find_version(tx, ref)
            champion = of.aliases.get(CHAMPION)
            rival = None if champion in (None, found.version) else find_version(tx, f"{of.name}@{champion}")[1]
            return of, found, store.last_check(tx, project, found.ref), rival

        of, found, check, rival = self._rows.read(query)
        evaluation = self._evaluations.get(found.evaluation) if found.evaluation else None
        same = self._rival_evaluation(rival, evaluation)
        theirs = same or (self._evaluations.get(rival.evaluation) if rival and rival.evaluation else None)
        baseline = self._baseline_evaluation(of.name, evaluation)
        problem = _why_not(lambda: admit(check, found, rival.version if rival else None, self._clock.now()))
        return Review(
            version=found,
            model=of,
            check=check,
            problem=problem.message if problem else "",
            champion=rival.ref if rival else None,
            same_rows=same is not None,
            metrics=_metrics(evaluation, theirs, baseline),
            evaluation=evaluation,
            champion_evaluation=theirs,
            approvals=standing(found.decisions, found.binding),
            data=self._ages(found),
            may=self._may(of, found, problem),
        )

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
            ("retire", "model:approve", [_not_yet(found, "retired"), refused]),
        ]  # fmt: skip
        return [_permit(verb, needs, held, reasons) for verb, needs, reasons in rules]


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
