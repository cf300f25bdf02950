"""An event as one sentence."""

from __future__ import annotations

from ostinato.kernel.event import Event

_WORDS = ("text", "reason", "note", "error", "title")


def sentence(event: Event) -> str:
    """One sentence about an event, with the words that came with it.

    >>> from datetime import UTC, datetime
    >>> from ostinato.kernel.ref import Ref
    >>> at = datetime(2013, 5, 3, 14, tzinfo=UTC)
    >>> made = {"id": "1", "at": at, "project": "default", "actor": "person:ana"}
    >>> sentence(Event(**made, verb="model.approved", subject=Ref("model", "late", "7"), data={"reason": "fine"}))
    'ana approved model:late@7: fine'
    """
    who, done = event.actor.partition(":")[2] or event.actor, event.verb.partition(".")[2].replace("_", " ")
    said = next((event.data[word] for word in _WORDS if isinstance(event.data.get(word), str) and event.data[word]), None)
    return f"{who} {done} {event.subject}" + (f": {said}" if said else "")
