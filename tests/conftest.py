"""Fixtures that every slice uses."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.replays import played, start

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.storage.rows.rows import Rows, metadata
from ostinato.testing.bucket import CREDENTIALS, BucketServer
from ostinato.testing.postgres import PostgresServer, Spares
from ostinato.testing.rows import opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no test process waits for another at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests leave for later, such as journals of runs, they leave in a folder of theirs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


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


@pytest.fixture(scope="session")
def postgres_spares(postgres_server: PostgresServer) -> Spares:
    """Databases with all tables, for one test after another."""
    return Spares(postgres_server)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the stores of this test keep their rows: `OSTINATO_TEST_ROWS=postgres` lets the same tests run on PostgreSQL."""
    if os.environ.get("OSTINATO_TEST_ROWS") != "postgres":
        yield ""
        return
    spares: Spares = request.getfixturevalue("postgres_spares")
    url = spares.take()
    monkeypatch.setenv("OSTINATO_DATABASE_URL", url)
    yield url
    spares.give_back(url)


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> str:
    """Where the rows of this test are, as `opened` takes it."""
    return database_url or str(tmp_path / "rows.db")


@pytest.fixture
def rows(place: str) -> Iterator[Rows]:
    """A database with all tables and nothing in them."""
    made = opened(place)
    made.create(metadata)
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path, clock: ReplayClock, database_url: str) -> Iterator[Ostinato]:
    """A store of its own, opened in process."""
    with Ostinato.open(tmp_path / "store", clock=clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    """A real server of S3, started for the first test that asks for it."""
    server = BucketServer()
    yield server
    server.close()


@pytest.fixture
def bucket_url(bucket_server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket of the test's own; its credentials are in the environment."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return bucket_server.bucket()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", place], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A replay that nothing disturbs: its store, for reading only, and its summary. Test processes side by side share one."""
    pytest.importorskip("sklearn", reason="the demo needs the extra demo")
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "undisturbed"
    home.mkdir(exist_ok=True)
    data, summary = home / "store", home / "summary.json"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not summary.exists():
            assert not data.exists(), "the replay failed in another test process"
            played(start(data, summary), data)
    return data, json.loads(summary.read_text())
