"""The verbs of Runs that destroy deleted runs: points, files, parameters, tags, notes and candidates.

One transaction takes a run away and says so in the ledger; the many rows that hung on it are then swept, a bounded number at a time. What a
kill leaves of them is swept by the next purge or by the upkeep of a server: until then a note says whose they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from sqlalchemy import ColumnElement, Table, delete, exists, false, func, insert, not_, select

from ostinato.kernel.caller import Caller, caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import Steps, on_behalf, run_all
from ostinato.ledger.holds import check_free, describe
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.lease import at
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series import removal as series_removal
from ostinato.storage.series.removal import ROWS_MAX, points_of, sweep
from ostinato.storage.series.series import Series
from ostinato.tracking import field_index, store
from ostinato.tracking.candidate_tables import candidate_table, measure_table
from ostinato.tracking.holds import held_candidates, held_runs
from ostinato.tracking.lookup import find_run
from ostinato.tracking.owner_id import candidate_of, owner_of_candidate
from ostinato.tracking.planner.parse import parse_all
from ostinato.tracking.planner.scope import Scope
from ostinato.tracking.planner.where import RUNS
from ostinato.tracking.removal.cascade import CANDIDATES_AT_ONCE, candidates_of, family_of, files_of, fitting, innermost_first, whole
from ostinato.tracking.removal.types import Purge, Refusal
from ostinato.tracking.removal.unshared import freed, parts
from ostinato.tracking.sources import source_table, use_table
from ostinato.tracking.store import LEASES, artifact_table, run_table
from ostinato.tracking.tombstones import buried, purge_table
from ostinato.tracking.types import Experiment
from ostinato.tracking.verbs.adoption import forget
from ostinato.tracking.verbs.candidates import Candidates
from ostinato.tracking.verbs.experiments import Experiments, experiment_table, known_experiment, seen
from ostinato.tracking.verbs.views import view_table

_r, _c, _e, _p = run_table.c, candidate_table.c, experiment_table.c, purge_table.c
_When: TypeAlias = ColumnElement[bool]
_BACK = "it is not deleted, or was restored meanwhile"
_DELETED, _DELETED_CANDIDATE, _WITH_EXPERIMENT = _r.deleted_at.is_not(None), _c.deleted_at.is_not(None), _e.deleted_at.is_not(None)
_AT_ONCE = 50
_SWEPT_AT_ONCE = 1_000
_TOLD_MAX = 100


class Removals(Experiments, Candidates):
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _rows: Rows
    _series: Series
    _ledger: Ledger
    _clock: Clock
    needed_by: Callable[[Tx, str, Collection[str]], dict[str, list[str]]]
    """What needs things of a kind (`run`, `candidate`), by their ids: the registry, which stands above, says what came of them."""
    goes_along: Callable[[Tx, str], None]
    """Refuses that an experiment goes, by its id, for what would go with it: traces, which stand above, say whether one is held."""

    def purge(self, run: str, deleted_only: bool = True) -> Purge:
        """Purge a deleted run with its deleted child runs and all their data. This cannot be undone.

        With `deleted_only` false, one that was not deleted goes as well. The ledger keeps that it was there, and what was purged. Its
        files go with the next collection, unless something else names them. A repeat finishes what was interrupted.

        Raises:
            Conflict: it was not deleted, a run that is part of it was not, a registered version came of it, or it is held.
            NotFound: there is no such run.
        """
        if self._rows.read(lambda tx: buried(tx, run)):
            return run_all(self._sweep(caller().project))

        def family(tx: Tx) -> list[str]:
            if find_run(tx, run).deleted_at is None and deleted_only:
                raise Conflict(f"run {run} was not deleted", hint="delete it first, or say deleted_only=False")
            return family_of(tx, run)

        return run_all(self._destroying(self._rows.read(family), strict=True, gone=_DELETED if deleted_only else None))

    def purge_candidate(self, candidate: str) -> Purge:
        """Purge a deleted candidate with its files and metrics. This cannot be undone.

        Raises:
            Conflict: it was not deleted, a registered version came of it, or it is held.
            NotFound: there is no such candidate.
        """
        if self.candidate(candidate).deleted_at is None:
            raise Conflict(f"candidate {candidate} was not deleted", hint="delete it first")
        return run_all(self._destroying([], strict=True, loose=[candidate]))

    def purge_experiment(self, experiment: str, deleted_only: bool = True) -> Purge:
        """Purge a deleted experiment with its runs, candidates and views, and free its name. This cannot be undone.

        With `deleted_only` false, one that was not deleted is deleted first. It goes as a whole or not at all, but for a kill: a repeat
        goes on.

        Raises:
            Conflict: it was not deleted, it, one of its runs or of its traces is held, or a run is needed.
            NotFound: there is no such experiment.
        """
        if not deleted_only:
            self.delete_experiment(experiment)
        return run_all(self._purging_experiment(experiment))

    def purge_runs(self, where: list[str] | None = None, experiment: str | None = None, apply: bool = False) -> Purge:
        """Report what purging all deleted runs that meet the conditions would remove, or with `apply` do it. This cannot be undone.

        What is needed or held stays, and so does what it is part of. Without conditions, all deleted runs are meant.

        Raises:
            Invalid: a condition is malformed; the message shows where.
        """
        node = parse_all(where or [], RUNS.vocabulary)
        experiments = None if experiment is None else [experiment]
        scope = Scope(node, (), self._clock.now(), experiments, also=seen(_r.deleted_at, "deleted"))
        if scope.measures:
            self._series.settle(caller().project)
        found = self._rows.read(lambda tx: [row.id for row in tx.all(scope.ids(), {"project": caller().project, **at(LEASES.now(tx))})])
        return run_all(self._destroying(found, apply=apply))

    def sweep(self) -> None:
        """Remove what is left of purged things, in all projects. In process only."""
        run_all(self._sweeping())

    # ---- how

    def _destroying(
        self, runs: Sequence[str], *, apply: bool = True, strict: bool = False, gone: _When | None = _DELETED, loose: Sequence[str] = (),
        loose_gone: _When = _DELETED_CANDIDATE, rule: str = "", measured: bool = True,
    ) -> Steps[Purge]:  # fmt: skip
        """Purge runs, the innermost first, and `loose` candidates, but for what must stay; if `strict`, none if there is such.

        What meets `gone` and `loose_gone` no longer, when it is to go, stays. Unless `measured`, it is not said what they have.
        """
        self._series.settle(caller().project)

        def plan(tx: Tx) -> tuple[list[str], list[str], dict[Ref, str], Purge]:
            kept, kept_loose = self._refusals(tx, runs, gone), self._kept_candidates(tx, loose, loose_gone)
            reasons = _refs("run", kept) | _refs("candidate", kept_loose)
            if strict:
                _free(reasons)
            going = innermost_first(tx, [run for run in runs if run not in kept])
            alone = [one for one in loose if one not in kept_loose]
            took = self._measured(tx, going, list({*alone, *candidates_of(tx, going)})) if measured else Purge(applied=False)
            return going, alone, reasons, took

        going, alone, kept, took = self._rows.read(plan)
        yield
        late: dict[Ref, str] = {}
        if apply:
            while going:
                n, stay = self._rows.write(partial(self._leave, runs=going[:_AT_ONCE], strict=strict, gone=gone, rule=rule))
                going, late = going[n:], late | stay
                yield
            for some in parts(alone, CANDIDATES_AT_ONCE):
                late |= self._rows.write(partial(self._leave_candidates, candidates=some, strict=strict, gone=loose_gone))
                yield
            yield from self._sweep(caller().project)
        kept |= late
        told = [Refusal(ref=ref, reason=reason) for ref, reason in list(kept.items())[:_TOLD_MAX]]
        runs_gone = max(0, took.runs - sum(ref.kind == "run" for ref in late))
        return replace(took, applied=apply, runs=runs_gone, kept=len(kept), refused=told)

    def _purging_experiment(self, experiment: str) -> Steps[Purge]:
        known, runs, loose = self._rows.read(lambda tx: whole(tx, experiment))
        if known.deleted_at is None:
            raise Conflict(f"the experiment {known.name!r} was not deleted", hint="delete it first, or say deleted_only=False")
        self._rows.read(lambda tx: self._check_alone(tx, known))
        took = yield from self._destroying(runs, strict=True, loose=loose, loose_gone=_WITH_EXPERIMENT)
        self._rows.write(partial(self._leave_experiment, known=known, took=took))
        yield
        return replace(took, experiments=1)

    def _check_experiment(self, tx: Tx, experiment: str) -> None:
        known, runs, loose = whole(tx, experiment)
        self._check_alone(tx, known)
        _free(_refs("run", self._refusals(tx, runs, _DELETED)) | _refs("candidate", self._kept_candidates(tx, loose, _WITH_EXPERIMENT)))

    def _check_alone(self, tx: Tx, experiment: Experiment) -> None:
        """Refuse that an experiment goes, whatever runs it has."""
        check_free(tx, experiment.ref)
        self.goes_along(tx, experiment.id)

    def _refusals(self, tx: Tx, runs: Collection[str], gone: _When | None, candidates: Mapping[str, str] | None = None) -> dict[str, str]:
        """Those of these runs that must stay, and why: also what they are part of. Of their candidates all count, or only some, by run."""
        going, kept, project = set(runs), dict[str, str](), caller().project
        for some in parts(list(going)):
            asked = select(_c.id, _c.run).where(_c.project == project, _c.run.in_(some))
            of = {row.id: row.run for row in tx.all(asked)} if candidates is None else candidates
            reasons = {run: f"it is held by {describe(hold)}" for run, hold in held_runs(tx, some).items()}
            reasons |= {run: f"{names[0]} came of it" for run, names in self.needed_by(tx, "run", some).items()}
            reasons |= {of[one]: reason for one, reason in self._kept_candidates(tx, list(of)).items()}
            if gone is not None:
                back = tx.all(select(_r.id).where(_r.project == project, _r.id.in_(some), _not(gone)))
                reasons |= {row.id: _BACK for row in back}
            kept |= reasons
        while True:
            going -= kept.keys()
            more = {}
            for some in parts(list(going)):
                for row in tx.all(select(_r.id, _r.parent).where(_r.project == caller().project, _r.parent.in_(some))):
                    if row.id not in going:
                        more[row.parent] = f"run {row.id} is part of it, and stays"
            if not more:
                return kept
            kept |= more

    def _kept_candidates(self, tx: Tx, candidates: Sequence[str], gone: _When | None = None) -> dict[str, str]:
        kept: dict[str, str] = {}
        for some in parts(candidates):
            kept |= {one: f"it is held by {describe(hold)}" for one, hold in held_candidates(tx, some).items()}
            kept |= {one: f"{names[0]} came of it" for one, names in self.needed_by(tx, "candidate", some).items()}
            if gone is not None:
                of = (_e.project == _c.project) & (_e.id == _c.experiment_id)
                back = select(_c.id).join(experiment_table, of).where(_c.project == caller().project, _c.id.in_(some), _not(gone))
                kept |= {row.id: _BACK for row in tx.all(back)}
        return kept

    def _measured(self, tx: Tx, runs: Sequence[str], candidates: Sequence[str], frees: bool = True) -> Purge:
        """What things have, and how much their going frees."""
        points = sum(sum(points_of(tx, caller().project, some).values()) for some in parts(runs))
        files = Counter[str]()
        for _, n, size in files_of(tx, [*runs, *map(owner_of_candidate, candidates)]):
            files.update(files=n, size=size)
        return Purge(
            applied=False, runs=len(runs), candidates=len(candidates), points=points, files=files["files"], size=files["size"],
            freed=freed(tx, runs, candidates) if frees else 0,
        )  # fmt: skip

    def _leave(self, tx: Tx, runs: Sequence[str], strict: bool, gone: _When | None, rule: str) -> tuple[int, dict[Ref, str]]:
        """Take away the first of these runs, with their candidates; their many rows are swept later. How many are done, and what stays.

        The candidates of a run that has too many for one transaction go before it.
        """
        project = caller().project
        fit, candidates = fitting(tx, runs)
        kept = self._refusals(tx, fit or runs[:1], gone, candidates)
        if strict:
            _free(_refs("run", kept))
        self._take_candidates(tx, [one for one, run in candidates.items() if run not in kept])
        known = store.many(tx, project, [run for run in fit if run not in kept])
        points, files = points_of(tx, project, known), {holder: (n, size) for holder, n, size in files_of(tx, list(known))}
        for run in known.values():
            field_index.put_entries(tx, project, run, replace(run, params={}, tags={}))
            n, size = files.get(run.id, (0, 0))
            data = {"experiment": run.experiment_id, "points": points.get(run.id, 0), "files": n, "size": size}
            self._ledger.append(tx, "run.purged", run.ref, data=data | ({"rule": rule} if rule else {}))
        _leave_rows(tx, run_table, [(run, run) for run in known])
        return len(fit) or len(kept), _refs("run", kept)

    def _leave_candidates(self, tx: Tx, candidates: Sequence[str], strict: bool, gone: _When) -> dict[Ref, str]:
        """Take away candidates by themselves; what stays."""
        kept = self._kept_candidates(tx, candidates, gone)
        if strict:
            _free(_refs("candidate", kept))
        self._take_candidates(tx, [one for one in candidates if one not in kept])
        return _refs("candidate", kept)

    def _take_candidates(self, tx: Tx, candidates: Sequence[str]) -> None:
        there = [row.id for row in tx.all(select(_c.id).where(_c.project == caller().project, _c.id.in_(candidates)))]
        files = {holder: (n, size) for holder, n, size in files_of(tx, [owner_of_candidate(one) for one in there])}
        for one in there:
            n, size = files.get(owner_of_candidate(one), (0, 0))
            self._ledger.append(tx, "candidate.purged", Ref("candidate", one), data={"files": n, "size": size})
        _leave_rows(tx, candidate_table, [(one, owner_of_candidate(one)) for one in there])

    def _leave_experiment(self, tx: Tx, known: Experiment, took: Purge) -> None:
        project = caller().project
        there = tx.first(select(_e.deleted_at).where(_e.project == project, _e.id == known.id))
        if there is None:  # another purge was first
            return
        if there.deleted_at is None:
            raise Conflict(f"the experiment {known.name!r} was restored meanwhile", hint="delete it again, if it is to go")
        if tx.first(select(_r.id).where(_r.project == project, _r.experiment == known.name).limit(1)) is not None:
            raise Conflict(f"the experiment {known.name!r} has runs again", hint="purge it once more")
        self._check_alone(tx, known)
        loose = [row.id for row in tx.all(select(_c.id).where(_c.project == project, _c.experiment_id == known.id))]
        for some in parts(loose, CANDIDATES_AT_ONCE):
            self._leave_candidates(tx, some, strict=True, gone=_WITH_EXPERIMENT)
        tx.execute(delete(view_table).where(view_table.c.project == project, view_table.c.experiment == known.name))
        tx.execute(delete(experiment_table).where(_e.project == project, _e.id == known.id))
        data = {"runs": took.runs, "candidates": took.candidates, "points": took.points, "files": took.files, "size": took.size}
        self._ledger.append(tx, "experiment.purged", known.ref, data=data)

    def _sweeping(self) -> Steps[None]:
        actor = caller().actor
        for project in sorted({row.project for row in self._rows.read(lambda tx: tx.all(select(_p.project).distinct()))}):
            yield from on_behalf(Caller(actor=actor, project=project), self._sweep(project))

    def _sweep(self, project: str) -> Steps[Purge]:
        """Remove the rows that are left of what is gone."""
        holders = [row.holder for row in self._rows.read(lambda tx: tx.all(select(_p.holder).where(_p.project == project)))]
        for some in parts(holders, _SWEPT_AT_ONCE):
            yield from self._sweep_some(project, some)
            self._rows.write(partial(_note_no_more, project=project, holders=some))
            yield
        return Purge(applied=True)

    def _sweep_some(self, project: str, holders: Sequence[str]) -> Steps[None]:
        a, m = artifact_table.c, measure_table.c
        yield from sweep(self._rows, artifact_table, (a.holder, a.path), ROWS_MAX, project, holders)
        candidates = [candidate for holder in holders if (candidate := candidate_of(holder)) is not None]
        yield from sweep(self._rows, measure_table, (m.candidate, m.at), ROWS_MAX, project, candidates)
        runs = [holder for holder in holders if candidate_of(holder) is None]
        yield from series_removal.drop(self._rows, project, runs)
        yield from sweep(self._rows, measure_table, (m.run, m.at), ROWS_MAX, project, runs)
        u = use_table.c
        used = select(u.run).where(u.project == project, u.run.in_(runs)).distinct()
        for run in [row.run for row in self._rows.read(lambda tx: tx.all(used))] if runs else ():
            self._rows.write(partial(_drop_uses, project=project, run=run))
            yield


def called(tx: Tx, ref: Ref) -> Ref | None:
    """What a run, a candidate or an experiment, also by its name, is called for good; None if there is none."""
    if ref.kind == "experiment":
        known = known_experiment(tx, ref.name)
        return None if known is None else Ref("experiment", known[0])
    table = run_table if ref.kind == "run" else candidate_table
    there = select(table.c.id).where(table.c.project == caller().project, table.c.id == ref.name)
    return ref if tx.first(there) is not None else None


def _not(when: _When) -> _When:
    return not_(func.coalesce(when, false()))


def _refs(kind: str, kept: Mapping[str, str]) -> dict[Ref, str]:
    return {Ref(kind, name): reason for name, reason in kept.items()}


def _free(kept: dict[Ref, str]) -> None:
    if kept:
        ref, reason = next(iter(kept.items()))
        more = f"; {len(kept) - 1} more stay" if len(kept) > 1 else ""
        raise Conflict(f"{ref} stays: {reason}{more}", hint="delete it, remove what needs it, or release the hold, first")


def _leave_rows(tx: Tx, table: Table, going: Sequence[tuple[str, str]]) -> None:
    """Delete the rows with these ids, 5,000 at most, and note by the holders that more is left of them."""
    if going:
        project = caller().project
        tx.execute(delete(table).where(table.c.project == project, table.c.id.in_([id_ for id_, _ in going])))
        forget(tx, [holder for _, holder in going])
        tx.execute(insert(purge_table), [{"project": project, "holder": holder} for _, holder in going])


def _drop_uses(tx: Tx, project: str, run: str) -> None:
    """Delete what a run used, and the sources that no other run used."""
    u, s = use_table.c, source_table.c
    sources = [row.source for row in tx.all(select(u.source).where(u.project == project, u.run == run))]
    if sources:
        tx.execute(delete(use_table).where(u.project == project, u.run == run))
        used = exists().where(u.project == project, u.source == s.id)
        for some in parts(sources):
            tx.execute(delete(source_table).where(s.project == project, s.id.in_(some), ~used))


def _note_no_more(tx: Tx, project: str, holders: Sequence[str]) -> None:
    tx.execute(delete(purge_table).where(_p.project == project, _p.holder.in_(holders)))
