"""The verb of Monitors that shows the history of a finding: who did what about it, and where it was found before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime

from ostinato.kernel.caller import caller
from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.monitoring import paging, store
from ostinato.monitoring.alerts import found_or_raise
from ostinato.monitoring.types import Finding, FindingHistory, Happened, Happening
from ostinato.storage.rows.rows import Rows

_MOST = 200
_OTHERS = 12
_LAST = sys.maxsize
_Told = tuple[int, Happening]
"""A happening, and its place among those of the same instant."""
_REACTED = {"done": "", "failed": "failed: "}


class Histories:
    """A mixin of Monitors, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger

    def finding_history(self, finding: str) -> FindingHistory:
        """The history of a finding: acknowledgement, silences, reactions, comments, and the same finding in other windows.

        Raises:
            NotFound: there is no such finding.
        """
        project = caller().project
        known = found_or_raise(self._rows.read(lambda tx: store.finding(tx, project, finding)), "finding", finding)
        others = self._rows.read(lambda tx: paging.alike(tx, project, known, _OTHERS))
        told = [*self._about(known), *self._silences(known), *self._reactions(known), *self._comments(known)]
        told.sort(key=lambda told: (told[1].at, told[0]))
        return FindingHistory(happenings=[happening for _, happening in told], others=others)

    def _about(self, known: Finding) -> Iterator[_Told]:
        for event in self._ledger.events(subject=Ref("finding", known.id), verb="finding.*", limit=_MOST).items:
            if event.verb == "finding.raised":
                yield _happening(event, "raised", "", Ref("window", known.window))
            elif event.verb == "finding.acknowledged":
                yield _happening(event, "acknowledged", str(event.data["note"]))

    def _silences(self, known: Finding) -> Iterator[_Told]:
        """Those that reach beyond the beginning of its window: the others never had to do with it."""
        monitor = Ref("monitor", known.monitor)
        for event in self._ledger.events(subject=monitor, verb="monitor.silence*", limit=_MOST, newest_first=True).items:
            until = datetime.fromisoformat(str(event.data["until"]))
            if event.data["feature"] in ("", known.measurement.feature) and until > known.start:
                ended = event.verb == "monitor.silence_ended"
                yield _happening(event, "silence_ended" if ended else "silenced", str(event.data["reason"]), None, until)

    def _reactions(self, known: Finding) -> Iterator[_Told]:
        for event in self._ledger.events(touching=Ref("window", known.window), verb="monitor.reacted", limit=_MOST).items:
            text = f"{event.data['reaction']} {_REACTED.get(str(event.data['state']), '')}{event.data['problem']}".strip()
            yield _happening(event, "reacted", text, next(iter(event.outputs), None))

    def _comments(self, known: Finding) -> Iterator[_Told]:
        for comment in self._ledger.comments(Ref("finding", known.id), limit=_MOST).items:
            yield _LAST, Happening(at=comment.at, by=comment.author, what="commented", text=comment.text or "")


def _happening(event: Event, what: Happened, text: str, ref: Ref | None = None, until: datetime | None = None) -> _Told:
    return event.seq, Happening(at=event.at, by=event.actor, what=what, text=text, ref=ref, until=until)
