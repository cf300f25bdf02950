"""A store that is served, with a clock of credentials that tests move, and browsers that come to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from ostinato.access.passwords import Passwords
from ostinato.access.service import Access
from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.testing.doors import served

PASSWORD = "four words of mine"


@dataclass
class Place:
    """A served store."""

    app: Ostinato
    url: str
    clock: ReplayClock

    def later(self, **by: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**by))

    def browser(self, **headers: str) -> httpx.Client:
        """A browser without a session."""
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=20)

    def person(self, name: str, *roles: str) -> str:
        """A person with a password, who has signed in nowhere yet."""
        actor = self.app.access.create_person(name, list(roles)).id
        session = self.app.access.sign_in_by_code(self.app.access.issue_code(actor).code, password=PASSWORD).session
        self.app.access.end_session(session.id)
        return actor

    @contextmanager
    def signed_in(self, name: str, **headers: str) -> Iterator[httpx.Client]:
        """A browser in which somebody has signed in."""
        with self.browser(**headers) as browser:
            response = browser.post("/sign-in", json={"name": name, "password": PASSWORD})
            assert response.status_code == 200, response.text
            yield browser


@contextmanager
def placed(path: Path) -> Iterator[Place]:
    """A store in a folder of its own, served as long as the block runs."""
    clock = ReplayClock(datetime(2026, 1, 1, tzinfo=UTC))
    with Ostinato.open(path) as app:
        app.access = Access(
            rows=app.rows, record=app.ledger.append, clock=app.clock, machine_clock=clock, passwords=Passwords(rounds=1, memory_kib=64)
        )
        with served(app) as url:
            yield Place(app, url, clock)
