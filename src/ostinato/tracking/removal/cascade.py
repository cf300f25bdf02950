"""Cascade: what is purged with a thing, in which order, and how much of it per transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from sqlalchemy import func, select

from ostinato.kernel.caller import caller
from ostinato.storage.rows.rows import Tx
from ostinato.tracking.candidate_tables import candidate_table
from ostinato.tracking.removal.unshared import parts
from ostinato.tracking.store import artifact_table, run_table
from ostinato.tracking.types import Experiment
from ostinato.tracking.verbs.experiments import find_experiment

CANDIDATES_AT_ONCE = 1_000
"""So many candidates go in one transaction."""
_r, _c = run_table.c, candidate_table.c


def whole(tx: Tx, experiment: str) -> tuple[Experiment, list[str], list[str]]:
    """An experiment, its runs, and its candidates that no run made."""
    known, project = find_experiment(tx, experiment), caller().project
    runs = tx.all(select(_r.id).where(_r.project == project, _r.experiment == known.name))
    loose = tx.all(select(_c.id).where(_c.project == project, _c.experiment_id == known.id, _c.run.is_(None)))
    return known, [row.id for row in runs], [row.id for row in loose]


def family_of(tx: Tx, run: str) -> list[str]:
    """A run and the deleted ones that are part of it, at any depth."""
    found, inner = {run: None}, [run]
    while inner:
        asked = [
            select(_r.id).where(_r.project == caller().project, _r.parent.in_(some), _r.deleted_at.is_not(None)) for some in parts(inner)
        ]
        inner = [row.id for query in asked for row in tx.all(query) if row.id not in found]
        found |= dict.fromkeys(inner)
    return list(found)


def innermost_first(tx: Tx, runs: Sequence[str]) -> list[str]:
    """Runs, each before what it is part of."""
    parents: dict[str, str | None] = {}
    for some in parts(runs):
        asked = select(_r.id, _r.parent).where(_r.project == caller().project, _r.id.in_(some))
        parents.update({row.id: row.parent for row in tx.all(asked)})

    def depth(run: str) -> int:
        return sum(1 for _ in _above(run, parents))

    return sorted(parents, key=lambda run: (-depth(run), run))


def _above(run: str, parents: dict[str, str | None]) -> Iterator[str]:
    at_, passed = parents.get(run), set[str]()
    while at_ is not None and at_ not in passed:
        yield at_
        passed.add(at_)
        at_ = parents.get(at_)


def candidates_of(tx: Tx, runs: Sequence[str]) -> list[str]:
    asked = [select(_c.id).where(_c.project == caller().project, _c.run.in_(some)) for some in parts(runs)]
    return [row.id for query in asked for row in tx.all(query)]


def fitting(tx: Tx, runs: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The first of these runs, that have 1,000 candidates together at most, and these, with their runs; if that is none, so many of one."""
    project = caller().project
    counted = select(_c.run, func.count().label("n")).where(_c.project == project, _c.run.in_(runs)).group_by(_c.run)
    n = {row.run: int(row.n) for row in tx.all(counted)}
    totals = accumulate(n.get(run, 0) for run in runs)
    fit = [run for run, total in zip(runs, totals, strict=True) if total <= CANDIDATES_AT_ONCE]
    some = select(_c.id, _c.run).where(_c.project == project, _c.run.in_(fit or runs[:1])).limit(CANDIDATES_AT_ONCE)
    return fit, {row.id: row.run for row in tx.all(some)}


def files_of(tx: Tx, holders: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """How many files each of these has, and their bytes."""
    a = artifact_table.c
    for some in parts(holders):
        counted = select(a.holder, func.count().label("n"), func.sum(a.size).label("size")).group_by(a.holder)
        for row in tx.all(counted.where(a.project == caller().project, a.holder.in_(some))):
            yield row.holder, int(row.n), int(row.size)
