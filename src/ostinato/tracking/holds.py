"""Holds: which runs are protected against destruction, by a hold on them, on a run that they are part of, or on their experiment."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from ostinato.kernel.caller import caller
from ostinato.ledger.holds import refused, standing
from ostinato.ledger.types import Hold
from ostinato.storage.rows.rows import Tx
from ostinato.tracking.store import run_table

_r = run_table.c


def held(tx: Tx, runs: Collection[str]) -> dict[str, Hold]:
    """Those of these runs that a hold protects, with the hold."""
    of_runs = {hold.ref.name: hold for hold in standing(tx, "run")}
    of_experiments = {hold.ref.name: hold for hold in standing(tx, "experiment")}
    found: dict[str, Hold] = {}
    above = {run: run for run in runs} if of_runs or of_experiments else {}
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
            elif row.parent is not None:
                higher[run] = row.parent
        above = higher
    return found


def check_not_held(tx: Tx, run: str) -> None:
    """Refuse to destroy what a run has.

    Raises:
        Conflict: it is held.
    """
    if hold := held(tx, [run]).get(run):
        raise refused(hold)
