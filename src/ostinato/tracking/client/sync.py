"""Sync: ships journals that were left over by offline machines, killed trainings and ends that did not wait."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ostinato.kernel.errors import Denied, OstinatoError
from ostinato.tracking.client import folders
from ostinato.tracking.client.folders import About
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.client.sender import settle, take_over
from ostinato.tracking.client.shipping import Shipped, Stuck

Opener = Callable[[About], contextlib.AbstractContextManager[RunsProtocol]]
"""Opens the store that a journal is meant for, as a member of its project."""


@dataclass(slots=True)
class SyncResult:
    """The result of shipping one journal; `left` says why it is still there, if it is."""

    about: About
    folder: Path
    shipped: Shipped = field(default_factory=Shipped)
    left: str = ""


def sync(home: Path, opener: Opener, watch: Callable[[SyncResult], None] = lambda _: None) -> Iterator[SyncResult]:
    """Ship all journals beneath a folder, one after the other; `watch` is told how far each is.

    Of a run, the first rank comes last: it is the one that says how the run ended. What the store refuses stays, with the reason in it.
    Journals that others own or may write to are passed over: what is shipped is sent in the name of who ships it.

    Raises:
        Denied: there are no others there.
    """
    home = home.resolve()
    own = sorted(folders.own_journals(home), key=lambda found: (found[1].run, -found[1].rank, found[0]))
    if not own and (strange := folders.foreign_journal(home)) is not None:
        raise Denied(
            f"another user owns {strange}, or may write there: what it holds would be sent in your name",
            hint="sync it as its owner; if you trust it, copy it (`cp -r`), or `chown -R` it to you, then `chmod -R go-w`, and sync that",
        )
    for folder, about in own:
        synced = SyncResult(about, folder)
        try:
            with opener(about) as runs:
                _ship(synced, runs, watch)
        except (OstinatoError, OSError) as error:
            synced.left = str(error)
            if isinstance(error, OstinatoError) and error.hint:
                synced.left += f" ({error.hint})"
        yield synced


def _ship(synced: SyncResult, runs: RunsProtocol, watch: Callable[[SyncResult], None]) -> None:
    taken = take_over(synced.folder, runs)
    if taken is None:
        synced.left = "another process ships it" if synced.folder.exists() else ""
        return
    shipper, cursor = taken
    synced.shipped = shipper.shipped
    try:
        while shipper.step():
            watch(synced)
        if not shipper.shipped.state:
            shipper.ship_console()
    except Stuck as refused:
        synced.left = str(refused)
    except BaseException:
        with contextlib.suppress(Exception):
            shipper.end_again()
        cursor.close()
        raise
    if not settle(shipper, cursor, synced.folder) and not synced.left:
        refused_before = (synced.folder / folders.REFUSED).exists()
        synced.left = f"the store refused some of it: see {folders.REFUSED} there" if refused_before else "its process still logs"
