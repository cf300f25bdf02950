"""Story: the verbs of Models that say how models stand, now and as of any instant."""

from __future__ import annotations

from datetime import datetime

from ostinato.evaluation.service import Evaluations
from ostinato.evaluation.types import Evaluation
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.ledger.service import Ledger
from ostinato.registry import past, store
from ostinato.registry.find import find_model
from ostinato.registry.types import AliasMark, Check, Model, ModelState, ModelStory, ModelVersion, VersionLine
from ostinato.storage.rows.rows import Rows, Tx

_VERSIONS_MAX = 1_000


class Stories:
    """The part of Models that looks back; Models gives it its parts."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _evaluations: Evaluations

    def states(self) -> list[ModelState]:
        """Every model with what is in production since when, its newest version, and how many versions are ahead of production."""
        project = caller().project

        def query(tx: Tx) -> list[ModelState]:
            models = store.all_models(tx, project)
            champions, newest = past.champions(tx, project), past.newest(tx, project, models)
            return [_state(model, champions.get(model.name), newest.get(model.name)) for model in models]

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
        then = past.model(self._rows, self._ledger, model, at) if at else self._rows.read(lambda tx: find_model(tx, model))

        def query(tx: Tx) -> tuple[list[AliasMark], list[ModelVersion], int, dict[str, Check]]:
            moves = past.marks(tx, project, model, when)
            versions, earlier = past.versions(tx, project, then, when, limit)
            return moves, versions, earlier, past.checks(tx, project, [v.ref for v in versions], when)

        moves, versions, earlier, checks = self._rows.read(query)
        aliases = {mark.alias: mark.version for mark in moves if mark.until is None}
        evaluations = self._evaluations.many([v.evaluation for v in versions if v.evaluation])
        lines = [_line(v, aliases, checks.get(str(v.ref)), evaluations.get(v.evaluation or "")) for v in versions]
        return ModelStory(model=then, at=when, moves=moves, versions=lines, earlier=earlier)


def _state(model: Model, production: AliasMark | None, newest: ModelVersion | None) -> ModelState:
    ahead = max(0, (model.latest or 0) - (production.version if production else 0))
    return ModelState(model=model, production=production, newest=newest, ahead=ahead)


def _line(version: ModelVersion, aliases: dict[str, int], check: Check | None, evaluation: Evaluation | None) -> VersionLine:
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
    )
