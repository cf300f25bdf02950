"""The server as a process: readiness, one per folder, the end in order and out of order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.server.running import address, command, opened, running

from ostinato.client.remote import connect

pytestmark = pytest.mark.timeout(120)


def test_r100_what_a_server_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "store"
    data.mkdir()  # by somebody who gave it no thought
    with running(data):
        opened(data).runs.start("flights")
        written = [path for path in data.rglob("*") if path != data / "inbox"]
        assert data / "ostinato.db" in written
        assert [str(path) for path in written if path.stat().st_mode & 0o077] == []


def test_a_server_starts_serves_and_ends_in_order(tmp_path: Path) -> None:
    data = tmp_path / "store"
    with running(data) as process:
        assert json.loads((data / "server.json").read_text())["pid"] == process.pid
        token = (data / "admin-token").read_text().strip()
        with connect(address(data), token) as app:
            assert app.access.whoami().actor == "person:admin"
            assert abs((app.clock.now() - datetime.now(UTC)).total_seconds()) < 10
        second = subprocess.run(command(data), capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 5
        assert f"hint: it is the process {process.pid}" in second.stderr

        with httpx.stream("GET", f"{address(data)}/api/v1/live", headers={"authorization": f"Bearer {token}"}, timeout=30) as live:
            lines = live.iter_lines()
            assert next(lines) == ": still here"
            process.send_signal(signal.SIGTERM)
            assert "retry: 1000" in list(lines)  # open streams do not hold the end up
        assert process.wait(timeout=20) == 0
        assert not (data / "server.json").exists()
    log = (tmp_path / "log").read_text()
    assert token not in log
    assert any(json.loads(line)["path"] == "/api/v1/access/whoami" for line in log.splitlines() if line.startswith("{"))


def test_a_killed_server_starts_again(tmp_path: Path) -> None:
    data = tmp_path / "store"
    with running(data) as process:
        os.kill(process.pid, signal.SIGKILL)
    with running(data):
        assert httpx.get(f"{address(data)}/health/ready").status_code == 200


def test_a_replay_clock_survives_kills_and_never_goes_back(tmp_path: Path) -> None:
    data = tmp_path / "store"
    with running(data, "--clock", "replay", "--at", "2013-01-01T00:00:00Z") as process:
        with opened(data) as app:
            app.clock.set(datetime(2013, 5, 3, tzinfo=UTC))
            app.access.create_project("spring")
            app.clock.set(datetime(2013, 5, 4, tzinfo=UTC))
        process.kill()
        process.wait()
    with running(data, "--clock", "replay", "--at", "2013-01-01T00:00:00Z") as process:
        with opened(data) as app:
            assert app.clock.now() == datetime(2013, 5, 4, tzinfo=UTC)
        process.kill()
        process.wait()
    (data / "clock").unlink()
    with (
        running(data, "--clock", "replay", "--at", "2013-01-01T00:00:00Z"),
        opened(data) as app,
    ):
        assert app.clock.now() == datetime(2013, 5, 3, tzinfo=UTC)  # no event may precede its cause


def test_beyond_loopback_must_be_said(tmp_path: Path) -> None:
    refused = subprocess.run(command(tmp_path, "--host", "0.0.0.0"), capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "--beyond-loopback" in refused.stderr


def test_a_server_loads_nothing_that_no_request_needs() -> None:
    late = ("alembic", "duckdb", "markdown_it", "rich", "sklearn", "sqlalchemy.dialects.postgresql", "sqlalchemy.orm")
    code = f"import sys, ostinato.server.serve; assert not (found := sys.modules.keys() & set({late!r})), found"
    subprocess.run([sys.executable, "-c", code], check=True)
