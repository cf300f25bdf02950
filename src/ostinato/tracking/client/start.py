"""The start of logging: which run a process logs to, its rank, and the place of its journal."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ostinato.kernel.errors import Exhausted, Throttled, Unavailable
from ostinato.kernel.settings import Settings
from ostinato.tracking.client.folders import About, default_place
from ostinato.tracking.client.journal import Journal
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.client.shipping import LEASE_S
from ostinato.tracking.types import Run

_log = logging.getLogger("ostinato.tracking")


def rank_of_process() -> int:
    """The rank that a launcher of distributed trainings gave this process; 0 without one.

    Processes on other ranks log to the run, and leave it to the first to say what it ran on, and that it has ended.
    """
    for name in ("RANK", "LOCAL_RANK"):
        if (told := os.environ.get(name, "")).isdigit():
            return int(told)
    return 0


def start_run(runs: RunsProtocol | None, run: str, given: dict[str, Any]) -> Run | None:
    """The run, started or gone on with; None if the store cannot be asked now."""
    if runs is None:
        return None
    try:
        begun = runs.start(**given, id=run, lease_s=LEASE_S)
        return begun if begun.state == "running" else runs.resume(run, LEASE_S)
    except (Unavailable, Throttled, Exhausted) as error:
        _log.warning("run %s: %s; it begins all the same, and is sent when the store is back (hint: %s)", run, error, error.hint)
        return None


def local_run(run: str, given: dict[str, Any]) -> Run:
    """The run as this process knows it before the store does."""
    known = {"name": given["name"] or given["experiment"], "state": "running", "outputs": [], "environment": None}
    when = {"started_at": datetime.now(UTC), "started_by": "", "ended_at": None, "error": ""}
    return Run(**{**given, **known, **when}, id=run)


def new_journal(about: About, given: dict[str, Any] | None, settings: Settings) -> Journal:
    """A new journal; `given` is what the run is to be started with, if that was not done."""
    home = Path(settings.journal) if settings.journal else Path(about.data) / "journal" if about.data else default_place()
    journal = Journal(about, home.absolute(), settings.journal_mb << 20)
    if given is None:
        journal.begin()
    else:
        told = given | {"inputs": [str(ref) for ref in given["inputs"]], "code": msgspec.to_builtins(given["code"])}
        with journal.lock:
            journal.deed("start", **told)
    return journal
