"""Legal holds on traces: on themselves, on their experiment, or on a run that they are part of."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, select

from ostinato.kernel.caller import caller
from ostinato.kernel.ref import Ref
from ostinato.ledger.holds import active_holds, held_error
from ostinato.ledger.types import Hold
from ostinato.storage.rows.rows import Tx
from ostinato.traces import store
from ostinato.tracking.holds import held_runs
from ostinato.tracking.removal.unshared import parts

_t, _l = store.trace_table.c, store.linked_table.c


def check_not_held(tx: Tx, *which: ColumnElement[bool]) -> None:
    """Refuse to destroy traces, those of the project that meet these conditions.

    Raises:
        Conflict: one of them is held; the message says by whom and why.
    """
    mine = (_t.project == caller().project, *which)
    for kind, column in (("trace", _t.id), ("experiment", _t.experiment_id)):
        for hold in active_holds(tx, kind):
            if tx.first(select(_t.id).where(*mine, column == hold.ref.name).limit(1)) is not None:
                raise held_error(hold)
    if not active_holds(tx, "run") and not active_holds(tx, "experiment"):
        return
    linked = select(_l.run).distinct().join(store.trace_table, (_t.project == _l.project) & (_t.id == _l.trace)).where(*mine)
    for runs in parts([row.run for row in tx.all(linked)]):
        for hold in held_runs(tx, runs).values():
            raise held_error(hold)


def held(tx: Tx, traces: Collection[str]) -> dict[str, Hold]:
    """Those of these traces that a hold protects, with the hold."""
    of_traces, of_experiments = ({hold.ref.name: hold for hold in active_holds(tx, kind)} for kind in ("trace", "experiment"))
    found = {trace: of_traces[trace] for trace in traces if trace in of_traces}
    mine = (_t.project == caller().project, _t.id.in_(list(traces)))
    if of_experiments:
        rows = tx.all(select(_t.id, _t.experiment_id).where(*mine, _t.experiment_id.in_(list(of_experiments))))
        found |= {row.id: of_experiments[row.experiment_id] for row in rows}
    if of_experiments or active_holds(tx, "run"):
        linked = tx.all(select(_l.trace, _l.run).where(_l.project == caller().project, _l.trace.in_(list(traces))))
        of_runs = held_runs(tx, {row.run for row in linked})
        found |= {row.trace: of_runs[row.run] for row in linked if row.run in of_runs}
    return found


def called(tx: Tx, ref: Ref) -> Ref | None:
    """What a trace is called for good; None if there is none."""
    return ref if store.one(tx, caller().project, ref.name) is not None else None
