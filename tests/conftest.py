"""Fixtures that every slice uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.testing.postgres import PostgresServer


@pytest.fixture
def clock() -> ReplayClock:
    """A clock that stands at the start of 2013 until a test sets it."""
    return ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL, started for the first test that asks for it."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the stores of this test keep their rows: `OSTINATO_TEST_ROWS=postgres` lets the same tests run on PostgreSQL."""
    if os.environ.get("OSTINATO_TEST_ROWS") != "postgres":
        return ""
    url: str = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("OSTINATO_DATABASE_URL", url)
    return url


@pytest.fixture
def app(tmp_path: Path, clock: ReplayClock, database_url: str) -> Iterator[Ostinato]:
    """A store of its own, opened in process."""
    with Ostinato.open(tmp_path / "store", clock=clock) as opened:
        yield opened
