"""Find: a run by its id, and whether it still goes on."""

from __future__ import annotations

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Conflict, NotFound
from ostinato.storage.rows.rows import Tx
from ostinato.tracking import store
from ostinato.tracking.types import Run


def find_run(tx: Tx, run: str) -> Run:
    """The run of the caller's project with this id.

    Raises:
        NotFound: there is none.
    """
    found = store.one(tx, caller().project, run)
    if found is None:
        raise unknown(run)
    return found


def check_going(tx: Tx, run: str) -> None:
    """Refuse a run that has ended; one whose process was given up may go on if it comes back.

    Raises:
        NotFound: there is no such run.
        Conflict: it has ended.
    """
    going = store.going(tx, caller().project, run)
    if going is None:
        raise unknown(run)
    if not going:
        raise over(run)


def unknown(run: str) -> NotFound:
    """The error for a run that is not there."""
    return NotFound(f"no run {run!r}", hint="runs.search() lists the runs of this project")


def over(run: str) -> Conflict:
    """The error for a run that has ended."""
    return Conflict(f"run {run} has ended", hint="start another run")
