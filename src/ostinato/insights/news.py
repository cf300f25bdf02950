"""News: recent events of the loop, without step ends and changes of people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ostinato.insights.types import News
from ostinato.kernel.event import Event
from ostinato.ledger.service import Ledger

_QUIET_NOUNS = frozenset({"session", "code", "token", "password"})
_QUIET_VERBS = frozenset(
    {"run.started", "run.linked", "run.traced", "execution.requested", "execution.started", "endpoint.answered", "person.mentioned"}
)
_TOGETHER = frozenset({"finding.raised", "evaluation.recorded", "feature.materialized", "run.finished"})
"""Told in one line whatever they are about."""
_PAGE = 200
_READ_MAX = 1000


def news(ledger: Ledger, limit: int) -> list[News]:
    """The newest first, at most `limit`, from at most the last 1,000 events."""
    found: list[News] = []
    for event in _events(ledger):
        last = found[-1] if found else None
        if last is not None and _same_line(last.event, event):
            found[-1] = replace(last, times=last.times + 1, since=event.at)
        elif len(found) == limit:
            return found
        else:
            found.append(News(event=event, times=1, since=event.at))
    return found


def _events(ledger: Ledger) -> Iterator[Event]:
    after: str | None = None
    for _ in range(_READ_MAX // _PAGE):
        page = ledger.events(after=after, limit=_PAGE, newest_first=True)
        yield from (event for event in page.items if not _is_minor(event))
        if page.next is None:
            return
        after = page.next


def _is_minor(event: Event) -> bool:
    noun = event.verb.partition(".")[0]
    of_an_execution = noun == "run" and "within" in event.data
    return noun in _QUIET_NOUNS or event.verb in _QUIET_VERBS or of_an_execution


def _same_line(a: Event, b: Event) -> bool:
    """Whether they are told in one line: of one actor, about one thing."""
    return (a.actor, a.verb) == (b.actor, b.verb) and (a.verb in _TOGETHER or a.subject == b.subject)
