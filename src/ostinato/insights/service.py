"""Insights: the verbs across all slices: search, home, inbox and delivery metrics."""

from __future__ import annotations

from datetime import datetime, timedelta

from ostinato.access.service import Access
from ostinato.insights import home as homes
from ostinato.insights import inbox as inboxes
from ostinato.insights import news as recent
from ostinato.insights import practice as practices
from ostinato.insights import search as searches
from ostinato.insights.types import Hits, Home, Inbox, News, Practice
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.ledger.service import Ledger
from ostinato.serving.service import Endpoints
from ostinato.storage.rows.rows import Rows

_LIMIT_MAX = 100
_TEXT_MAX = 200
_WINDOW_DAYS = 90


class Insights:
    """Verbs across all slices, limited to what the caller may see. Read-only."""

    def __init__(self, *, rows: Rows, clock: Clock, ledger: Ledger, access: Access, endpoints: Endpoints, price: float = 0.0) -> None:
        self._rows = rows
        self._clock = clock
        self._ledger = ledger
        self._access = access
        self._endpoints = endpoints
        self._price = price

    def search(self, q: str, limit: int = 20) -> Hits:
        """Search all things by name or id: exact matches first, then prefixes, then other matches, recent ones first.

        `q` is text or a reference (`model:late@7`, `run:01J…`); `kind:` before it looks among that kind only. At most `limit`
        (1 to 100) hits, of what the caller may read. Runs, executions and findings are found by name among the newest, by id always.

        Raises:
            Invalid: there is no text, or more than 200 characters.
        """
        text = q.strip()
        if not 1 <= len(text) <= _TEXT_MAX or not text.isprintable():
            raise Invalid(f"a search has 1 to {_TEXT_MAX} printable characters", field="q")
        permissions, project, wanted = self._permitted(), caller().project, _limited(limit)
        return self._rows.read(lambda tx: searches.search(tx, project, permissions, text, wanted))

    def home(self) -> Home:
        """The state of every model: data, training, production, rollout, health, drift, quality, cost, and what waits for whom.

        Of endpoints, health is what this server's logs hold of the last 24 hours.
        """
        around = homes.Around(
            project=caller().project,
            permissions=self._permitted(),
            now=self._clock.now(),
            price=self._price,
            log=self._endpoints.log_folder,
        )
        return self._rows.read(lambda tx: homes.home(tx, around))

    def inbox(self, limit: int = 50) -> Inbox:
        """The caller's inbox, newest first: approvals that it may give, open findings, rollouts without a verdict, quarantined
        deliveries, and what it started that failed. Of all but approvals, that of the last 30 days."""
        who, permissions, now, wanted = caller(), self._permitted(), self._clock.now(), _limited(limit)
        return self._rows.read(lambda tx: inboxes.inbox(tx, who.project, who.actor, permissions, now, wanted))

    def news(self, limit: int = 20) -> list[News]:
        """Recent events, newest first; consecutive similar events of one actor are one line.

        Sign-ins, tokens and steps whose end is told are left out; at most the last 1,000 events are read.
        """
        return recent.news(self._ledger, _limited(limit))

    def practice(self, since: datetime | None = None, until: datetime | None = None) -> Practice:
        """Lead time, waiting time for approvals, share of failed changes, time to restore and cost by stage, from `since` (by default
        90 days before `until`) to `until` (by default now); each with the number of cases on which it rests.

        Raises:
            Invalid: `since` is not before `until`.
        """
        end = until or self._clock.now()
        begin = since or end - timedelta(days=_WINDOW_DAYS)
        if begin >= end:
            raise Invalid("the window ends before it begins", hint="since lies before until", field="since")
        return practices.practice(self._rows, self._ledger, caller().project, begin, end, self._price)

    def _permitted(self) -> frozenset[str]:
        """The caller's permissions in the project.

        Raises:
            NotFound: nothing, whether the project is there or not.
        """
        permissions = frozenset(self._access.whoami().permissions)
        if not permissions:
            raise NotFound(f"no project {caller().project!r}", hint="ostinato access projects lists yours")
        return permissions


def _limited(limit: int) -> int:
    if not 1 <= limit <= _LIMIT_MAX:
        raise Invalid(f"1 to {_LIMIT_MAX} can be listed at once, not {limit}", field="limit")
    return limit
