"""Fixtures that every slice uses."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.replays import played, start

from ostinato.app import Ostinato
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.garbage import settled, spare
from ostinato.storage.rows.rows import Rows, metadata
from ostinato.testing.bucket import CREDENTIALS, BucketServer
from ostinato.testing.postgres import PostgresServer, Spares
from ostinato.testing.rows import opened

ON_POSTGRES = os.environ.get("OSTINATO_TEST_ROWS") == "postgres"
ROWS = {"database_url", "shared_database_url"}
"""The fixtures by which a test has rows that can be elsewhere."""
spare()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a run on PostgreSQL is what has rows there; what is slow is shared among the test processes, and each begins with it."""
    if ON_POSTGRES:
        there = [item for item in items if ROWS & {*getattr(item, "fixturenames", ())} and not item.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=list(set(items) - set(there)))
        items[:] = there
    items[:] = dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def pytest_collection_finish() -> None:
    settled()


def dealt(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """So ordered that each part, as `--dist worksteal` hands them out, begins with its share of the slow ones, the slowest first."""
    minutes = {item: mark.args[0] if mark.args else 1 for item in items if (mark := item.get_closest_marker("slow"))}
    slow, rest = sorted(minutes, key=lambda item: -minutes[item]), [item for item in items if item not in minutes]
    dealt: list[pytest.Item] = []
    for number in range(processes):
        mine = slow[number::processes]
        more = max(0, (len(items) - len(dealt)) // (processes - number) - len(mine))
        dealt += [*mine, *rest[:more]]
        rest = rest[more:]
    return dealt + rest


SKIPS = os.environ.get("OSTINATO_TEST_SKIPS", "any")
"""What may be skipped: `any`; `frameworks`, what says that it needs `make frameworks`; or `none`. Else to be skipped is to fail."""


def taken(report: Any) -> Any:
    """The report; a skip that may not be is a failure."""
    if report.skipped and SKIPS != "any" and not (SKIPS == "frameworks" and "make frameworks" in str(report.longrepr)):
        report.outcome, report.longrepr = "failed", f"nothing may be skipped here: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return taken((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return taken((yield))


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
    if not ON_POSTGRES:
        yield ""
        return
    spares: Spares = request.getfixturevalue("postgres_spares")
    url = spares.take()
    monkeypatch.setenv("OSTINATO_DATABASE_URL", url)
    yield url
    spares.give_back(url)


@pytest.fixture(scope="session")
def shared_database_url(request: pytest.FixtureRequest) -> str:
    """Where a store that many tests share keeps its rows, as `database_url`."""
    server: PostgresServer | None = request.getfixturevalue("postgres_server") if ON_POSTGRES else None
    return server.database() if server else ""


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> str:
    """Where the rows of this test are, as `opened` takes it."""
    return database_url or str(tmp_path / "rows.db")


@pytest.fixture(scope="session")
def blank_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database with all tables and nothing in them: to copy it takes a tenth of the time that making it does."""
    place = tmp_path_factory.mktemp("blank") / "rows.db"
    made = opened(str(place))
    made.create(metadata)
    made.close()
    return place


@pytest.fixture(scope="session")
def blank_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which nothing was done, made at the start of 2013."""
    made = tmp_path_factory.mktemp("blank") / "store"
    Ostinato.open(made, clock=ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))).close()
    return made


@pytest.fixture
def rows(place: str, request: pytest.FixtureRequest) -> Iterator[Rows]:
    """A database with all tables and nothing in them."""
    if not ON_POSTGRES:
        shutil.copy(request.getfixturevalue("blank_rows"), place)
    made = opened(place)
    made.create(metadata)
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path, clock: ReplayClock, database_url: str, request: pytest.FixtureRequest) -> Iterator[Ostinato]:
    """A store of its own, opened in process."""
    if not database_url:
        shutil.copytree(request.getfixturevalue("blank_store"), tmp_path / "store", dirs_exist_ok=True)
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
    """A replay that nothing disturbs: its store, for reading only, and its summary. Test processes side by side share one.

    Whoever asks while another process plays it waits: what is `slow` asks at its end, or makes it as the first of all (`dealt`).
    """
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
