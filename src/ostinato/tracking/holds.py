"""Legal holds on runs and experiments: what they protect from deletion, candidates included."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from ostinato.kernel.caller import caller
from ostinato.ledger.holds import active_holds, held_error
from ostinato.ledger.types import Hold
from ostinato.storage.rows.rows import Tx
from ostinato.tracking.candidate_tables import candidate_table
from ostinato.tracking.owner_id import candidate_of
from ostinato.tracking.store import run_table

_r, _c = run_table.c, candidate_table.c


def held_runs(tx: Tx, runs: Collection[str]) -> dict[str, Hold]:
    """Those of these runs that a hold protects, with the hold."""
    of_runs = {hold.ref.name: hold for hold in active_holds(tx, "run")}
    of_experiments = {hold.ref.name: hold for hold in active_holds(tx, "experiment")}
    found: dict[str, Hold] = {}
    above = {run: run for run in runs} if of_runs or of_experiments else {}
    passed = set[tuple[str, str]]()
    while above:  # from each run to what it is part of
        asked = select(_r.id, _r.parent, _r.experiment_id).where(_r.project == caller().project, _r.id.in_(set(above.values())))
        rows = {row.id: row for row in tx.all(asked)}
        higher: dict[str, str] = {}
        for run, at in above.items():
            if at not in rows:
                continue
            row = rows[at]
            if hold := of_runs.get(at) or of_experiments.get(row.experiment_id):
                found[run] = hold
            elif row.parent is not None and (run, row.parent) not in passed:
                higher[run] = row.parent
        passed |= set(higher.items())
        above = higher
    return found


def held_candidates(tx: Tx, candidates: Collection[str]) -> dict[str, Hold]:
    """Those of at most 5,000 candidates that a hold protects, with the hold."""
    found = {hold.ref.name: hold for hold in active_holds(tx, "candidate", candidates)}
    experiments = {hold.ref.name: hold for hold in active_holds(tx, "experiment")}
    rows = tx.all(select(_c.id, _c.run, _c.experiment_id).where(_c.project == caller().project, _c.id.in_(candidates)))
    runs = held_runs(tx, {row.run for row in rows if row.run is not None})
    above = {row.id: runs.get(row.run) or experiments.get(row.experiment_id) for row in rows}
    return found | {candidate: hold for candidate, hold in above.items() if hold is not None}


def check_not_held(tx: Tx, holder: str) -> None:
    """Refuse to destroy what a run or a candidate has.

    Raises:
        Conflict: it is held.
    """
    candidate = candidate_of(holder)
    for hold in (held_runs(tx, [holder]) if candidate is None else held_candidates(tx, [candidate])).values():
        raise held_error(hold)
