"""Removal: the verbs of Runs that destroy what was deleted: its points, files, parameters, tags, notes and candidates.

One transaction takes a run away and says so in the ledger; the many rows that hung on it are then swept, a bounded number at a time. What a
kill leaves of them is swept by the next purge or by the upkeep of a server: until then a note says whose they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Table, delete, exists, func, insert, select

from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.ledger.holds import said, standing
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.lease import at
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.storage.series import removal as series_removal
from ostinato.storage.series.removal import ROWS_MAX, points_of, sweep
from ostinato.storage.series.series import Series
from ostinato.tracking import entries, store
from ostinato.tracking.adoption import forget
from ostinato.tracking.candidates import Candidates, candidate_table, measure_table
from ostinato.tracking.experiments import Experiments, experiment_table, find_experiment, known_experiment, seen
from ostinato.tracking.find import find_run
from ostinato.tracking.holds import held
from ostinato.tracking.leaving import Purge, Refusal
from ostinato.tracking.parse import parse_all
from ostinato.tracking.scope import Scope
from ostinato.tracking.sharing import freed, parts
from ostinato.tracking.sources import source_table, use_table
from ostinato.tracking.store import LEASES, artifact_table, run_table
from ostinato.tracking.swept import purge_table, unswept
from ostinato.tracking.types import Experiment
from ostinato.tracking.views import view_table
from ostinato.tracking.where import RUNS

_r, _c, _e, _p = run_table.c, candidate_table.c, experiment_table.c, purge_table.c
_CANDIDATE = "candidate:"
_AT_ONCE = 50
_TOLD_MAX = 100


class Removals(Experiments, Candidates):
    """The part of Runs that destroys; Runs gives it its parts."""

    _rows: Rows
    _series: Series
    _ledger: Ledger
    _clock: Clock
    needed_by: Callable[[Tx, str, Collection[str]], dict[str, list[str]]]
    """What needs things of a kind (`run`, `candidate`), by their ids: the registry, which stands above, says what came of them."""

    def purge(self, run: str, deleted_only: bool = True) -> Purge:
        """Destroy a deleted run and the deleted runs that are part of it, with all that they have; this cannot be undone.

        With `deleted_only` false, one that was not deleted goes as well. The ledger keeps that it was there, and what was purged. Its
        files go with the next collection, unless something else names them. A repeat finishes what was interrupted.

        Raises:
            Conflict: it was not deleted, a run that is part of it was not, a registered version came of it, or it is held.
            NotFound: there is no such run.
        """
        if self._rows.read(lambda tx: unswept(tx, run)):
            return self._sweep(caller().project)

        def family(tx: Tx) -> list[str]:
            if find_run(tx, run).deleted_at is None and deleted_only:
                raise Conflict(f"run {run} was not deleted", hint="delete it first, or say deleted_only=False")
            return _family(tx, run)

        return self._destroy(self._rows.read(family), strict=True, deleted_only=deleted_only)

    def purge_candidate(self, candidate: str) -> Purge:
        """Destroy a deleted candidate with its files and what was measured of it; this cannot be undone.

        Raises:
            Conflict: it was not deleted, a registered version came of it, or it is held.
            NotFound: there is no such candidate.
        """
        if self.candidate(candidate).deleted_at is None:
            raise Conflict(f"candidate {candidate} was not deleted", hint="delete it first")
        return self._destroy([], strict=True, loose=[candidate])

    def purge_experiment(self, experiment: str, deleted_only: bool = True) -> Purge:
        """Destroy a deleted experiment with its runs, candidates and views; its name is free then, and this cannot be undone.

        With `deleted_only` false, one that was not deleted is deleted first. It goes as a whole or not at all, but for a kill: a repeat
        goes on.

        Raises:
            Conflict: it was not deleted, or one of its runs is needed or held.
            NotFound: there is no such experiment.
        """
        if not deleted_only:
            self.delete_experiment(experiment)

        known, runs, loose = self._rows.read(lambda tx: _whole(tx, experiment))
        if known.deleted_at is None:
            raise Conflict(f"the experiment {known.name!r} was not deleted", hint="delete it first, or say deleted_only=False")
        took = self._destroy(runs, strict=True, loose=loose)
        self._rows.write(lambda tx: self._leave_experiment(tx, known, took))
        return replace(took, experiments=1)

    def purge_runs(self, where: list[str] | None = None, experiment: str | None = None, apply: bool = False) -> Purge:
        """Say what purging all deleted runs that meet the conditions would take, or with `apply` do it; this cannot be undone.

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
        return self._destroy(found, apply=apply)

    def sweep(self) -> None:
        """Remove what is left of purged things, in all projects. In process only."""
        for project in {row.project for row in self._rows.read(lambda tx: tx.all(select(_p.project).distinct()))}:
            with calling(Caller(actor=caller().actor, project=project)):
                self._sweep(project)

    # ---- how

    def _destroy(
        self, runs: Sequence[str], *, apply: bool = True, strict: bool = False, deleted_only: bool = True, loose: Sequence[str] = (),
        rule: str = "",
    ) -> Purge:  # fmt: skip
        """Purge runs, the innermost first, and `loose` candidates, but for what must stay; if `strict`, none if there is such."""
        self._series.settle(caller().project)

        def plan(tx: Tx) -> tuple[list[str], list[str], dict[Ref, str], Purge]:
            kept, kept_loose = self._kept(tx, runs), self._kept_candidates(tx, loose)
            reasons = {Ref("run", run): why for run, why in kept.items()} | {Ref("candidate", one): why for one, why in kept_loose.items()}
            if strict:
                _free(reasons)
            going = _innermost_first(tx, [run for run in runs if run not in kept])
            alone = [one for one in loose if one not in kept_loose]
            return going, alone, reasons, self._measured(tx, going, list({*alone, *_candidates_of(tx, going)}))

        going, alone, kept, took = self._rows.read(plan)
        if apply:
            for some in parts(going, _AT_ONCE):
                self._rows.write(partial(self._leave, runs=some, deleted_only=deleted_only, rule=rule))
            for some in parts(alone, _AT_ONCE):
                self._rows.write(partial(self._leave_candidates, candidates=some))
            self._sweep(caller().project)
        told = [Refusal(ref=ref, reason=reason) for ref, reason in list(kept.items())[:_TOLD_MAX]]
        return replace(took, applied=apply, kept=len(kept), refused=told)

    def _check_experiment(self, tx: Tx, experiment: str) -> None:
        _, runs, loose = _whole(tx, experiment)
        _free({Ref("run", run): why for run, why in self._kept(tx, runs).items()})
        _free({Ref("candidate", one): why for one, why in self._kept_candidates(tx, loose).items()})

    def _kept(self, tx: Tx, runs: Collection[str]) -> dict[str, str]:
        """Those of these runs that must stay, and why: also what they are part of."""
        going, kept = set(runs), dict[str, str]()
        for some in parts(list(going)):
            candidates = {row.id: row.run for row in tx.all(select(_c.id, _c.run).where(_c.project == caller().project, _c.run.in_(some)))}
            reasons = {run: f"it is held by {said(hold)}" for run, hold in held(tx, some).items()}
            reasons |= {run: f"{names[0]} came of it" for run, names in self.needed_by(tx, "run", some).items()}
            reasons |= {candidates[one]: reason for one, reason in self._kept_candidates(tx, list(candidates)).items()}
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

    def _kept_candidates(self, tx: Tx, candidates: Sequence[str]) -> dict[str, str]:
        found = {hold.ref.name: f"it is held by {said(hold)}" for hold in standing(tx, "candidate", candidates)}
        experiments = {hold.ref.name: hold for hold in standing(tx, "experiment")}
        asked = select(_c.id, _c.run, _c.experiment_id).where(_c.project == caller().project, _c.id.in_(candidates))
        rows = tx.all(asked)
        runs = held(tx, {row.run for row in rows if row.run is not None})
        for row in rows:
            if hold := runs.get(row.run) or experiments.get(row.experiment_id):
                found[row.id] = f"it is held by {said(hold)}"
        return found | {one: f"{names[0]} came of it" for one, names in self.needed_by(tx, "candidate", candidates).items()}

    def _measured(self, tx: Tx, runs: Sequence[str], candidates: Sequence[str]) -> Purge:
        """What things have, and how much their going frees."""
        points = sum(sum(points_of(tx, caller().project, some).values()) for some in parts(runs))
        files = Counter[str]()
        for _, n, size in _files(tx, [*runs, *map(_CANDIDATE.__add__, candidates)]):
            files.update(files=n, size=size)
        return Purge(
            applied=False, runs=len(runs), candidates=len(candidates), points=points, files=files["files"], size=files["size"],
            freed=freed(tx, runs, candidates),
        )  # fmt: skip

    def _leave(self, tx: Tx, runs: Sequence[str], deleted_only: bool, rule: str) -> None:
        """Take away runs, with their candidates; their many rows are swept later."""
        project = caller().project
        _free({Ref("run", run): why for run, why in self._kept(tx, runs).items()})
        known = store.many(tx, project, runs)
        if back := next((run for run in known.values() if run.deleted_at is None), None) if deleted_only else None:
            raise Conflict(f"run {back.id} was restored meanwhile", hint="delete it again, if it is to go")
        points, files = points_of(tx, project, runs), {holder: (n, size) for holder, n, size in _files(tx, runs)}
        self._leave_candidates(tx, _candidates_of(tx, runs))
        for run in known.values():
            entries.keep(tx, project, run, replace(run, params={}, tags={}))
            n, size = files.get(run.id, (0, 0))
            data = {"experiment": run.experiment_id, "points": points.get(run.id, 0), "files": n, "size": size}
            self._ledger.append(tx, "run.purged", run.ref, data=data | ({"rule": rule} if rule else {}))
        _leave_rows(tx, run_table, [(run, run) for run in known])

    def _leave_candidates(self, tx: Tx, candidates: Sequence[str]) -> None:
        _free({Ref("candidate", one): why for one, why in self._kept_candidates(tx, candidates).items()})
        files = {holder: (n, size) for holder, n, size in _files(tx, [_CANDIDATE + one for one in candidates])}
        for one in candidates:
            n, size = files.get(_CANDIDATE + one, (0, 0))
            self._ledger.append(tx, "candidate.purged", Ref("candidate", one), data={"files": n, "size": size})
        _leave_rows(tx, candidate_table, [(one, _CANDIDATE + one) for one in candidates])

    def _leave_experiment(self, tx: Tx, known: Experiment, took: Purge) -> None:
        project = caller().project
        if tx.first(select(_r.id).where(_r.project == project, _r.experiment == known.name).limit(1)) is not None:
            raise Conflict(f"the experiment {known.name!r} has runs again", hint="purge it once more")
        loose = [row.id for row in tx.all(select(_c.id).where(_c.project == project, _c.experiment_id == known.id))]
        self._leave_candidates(tx, loose)
        tx.execute(delete(view_table).where(view_table.c.project == project, view_table.c.experiment == known.name))
        gone = tx.execute(delete(experiment_table).where(_e.project == project, _e.id == known.id)).rowcount
        if gone:
            data = {"runs": took.runs, "candidates": took.candidates, "points": took.points, "files": took.files, "size": took.size}
            self._ledger.append(tx, "experiment.purged", known.ref, data=data)

    def _sweep(self, project: str) -> Purge:
        """Remove the rows that are left of what is gone."""
        for holder in [row.holder for row in self._rows.read(lambda tx: tx.all(select(_p.holder).where(_p.project == project)))]:
            sweep(self._rows, artifact_table, artifact_table.c.path, ROWS_MAX, project=project, holder=holder)
            if holder.startswith(_CANDIDATE):
                sweep(self._rows, measure_table, measure_table.c.at, ROWS_MAX, project=project, candidate=holder.removeprefix(_CANDIDATE))
            else:
                series_removal.drop(self._rows, project, holder)
                sweep(self._rows, measure_table, measure_table.c.at, ROWS_MAX, project=project, run=holder)
                self._rows.write(partial(_drop_uses, project=project, run=holder))
            self._rows.write(partial(_note_no_more, project=project, holder=holder))
        return Purge(applied=True)


def called(tx: Tx, ref: Ref) -> Ref | None:
    """What a run, a candidate or an experiment, also by its name, is called for good; None if there is none."""
    if ref.kind == "experiment":
        known = known_experiment(tx, ref.name)
        return None if known is None else Ref("experiment", known[0])
    table = run_table if ref.kind == "run" else candidate_table
    there = select(table.c.id).where(table.c.project == caller().project, table.c.id == ref.name)
    return ref if tx.first(there) is not None else None


def _free(kept: dict[Ref, str]) -> None:
    if kept:
        ref, reason = next(iter(kept.items()))
        more = f"; {len(kept) - 1} more stay" if len(kept) > 1 else ""
        raise Conflict(f"{ref} stays: {reason}{more}", hint="remove what needs it, or release the hold, first")


def _whole(tx: Tx, experiment: str) -> tuple[Experiment, list[str], list[str]]:
    """An experiment, its runs, and its candidates that no run made."""
    known, project = find_experiment(tx, experiment), caller().project
    runs = tx.all(select(_r.id).where(_r.project == project, _r.experiment == known.name))
    loose = tx.all(select(_c.id).where(_c.project == project, _c.experiment_id == known.id, _c.run.is_(None)))
    return known, [row.id for row in runs], [row.id for row in loose]


def _family(tx: Tx, run: str) -> list[str]:
    """A run and the deleted ones that are part of it, at any depth."""
    found, inner = [run], [run]
    while inner:
        asked = [
            select(_r.id).where(_r.project == caller().project, _r.parent.in_(some), _r.deleted_at.is_not(None)) for some in parts(inner)
        ]
        inner = [row.id for query in asked for row in tx.all(query)]
        found += inner
    return found


def _innermost_first(tx: Tx, runs: Sequence[str]) -> list[str]:
    """Runs, each before what it is part of."""
    parents: dict[str, str | None] = {}
    for some in parts(runs):
        asked = select(_r.id, _r.parent).where(_r.project == caller().project, _r.id.in_(some))
        parents.update({row.id: row.parent for row in tx.all(asked)})

    def depth(run: str) -> int:
        return sum(1 for _ in _above(run, parents))

    return sorted(parents, key=lambda run: (-depth(run), run))


def _above(run: str, parents: dict[str, str | None]) -> Iterator[str]:
    at_ = parents.get(run)
    while at_ is not None:
        yield at_
        at_ = parents.get(at_)


def _candidates_of(tx: Tx, runs: Sequence[str]) -> list[str]:
    asked = [select(_c.id).where(_c.project == caller().project, _c.run.in_(some)) for some in parts(runs)]
    return [row.id for query in asked for row in tx.all(query)]


def _files(tx: Tx, holders: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """How many files each of these has, and their bytes."""
    a = artifact_table.c
    for some in parts(holders):
        counted = select(a.holder, func.count().label("n"), func.sum(a.size).label("size")).group_by(a.holder)
        for row in tx.all(counted.where(a.project == caller().project, a.holder.in_(some))):
            yield row.holder, int(row.n), int(row.size)


def _leave_rows(tx: Tx, table: Table, going: Sequence[tuple[str, str]]) -> None:
    """Delete the rows with these ids, and note by the holders that more is left of them."""
    if going:
        project = caller().project
        tx.execute(delete(table).where(table.c.project == project, table.c.id.in_([id_ for id_, _ in going])))
        forget(tx, [holder for _, holder in going])
        tx.execute(insert(purge_table), [{"project": project, "holder": holder} for _, holder in going])


def _drop_uses(tx: Tx, project: str, run: str) -> None:
    """Forget what a run used, and the sources that no other run used."""
    u, s = use_table.c, source_table.c
    sources = [row.source for row in tx.all(select(u.source).where(u.project == project, u.run == run))]
    if sources:
        tx.execute(delete(use_table).where(u.project == project, u.run == run))
        used = exists().where(u.project == project, u.source == s.id)
        for some in parts(sources):
            tx.execute(delete(source_table).where(s.project == project, s.id.in_(some), ~used))


def _note_no_more(tx: Tx, project: str, holder: str) -> None:
    tx.execute(delete(purge_table).where(_p.project == project, _p.holder == holder))
