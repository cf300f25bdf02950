"""A server whose log takes nothing goes on serving, and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.running import command, opened

from ostinato.app import Ostinato
from ostinato.client.remote import Remote
from ostinato.kernel.errors import NotFound
from ostinato.testing.processes import until


def full(data: Path) -> subprocess.Popen[bytes]:
    """No room is left where it logs to."""
    with open("/dev/full", "wb") as disk:
        return started(data, stdout=disk, stderr=disk)


def broken(data: Path) -> subprocess.Popen[bytes]:
    """Who read the log is gone."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        return started(data, stdout=pipe, stderr=pipe)


def closed(data: Path) -> subprocess.Popen[bytes]:
    """There is no log: the numbers 0 to 2 are free for whatever is opened first."""
    return started(data, preexec_fn=lambda: os.closerange(0, 3))


def started(data: Path, **how: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(data), env=os.environ | {"OSTINATO_PIPELINES": "ostinato.testing.crowd"}, **how)


@pytest.mark.parametrize("log", [full, broken, closed])
def test_a_log_that_takes_nothing_costs_nothing_else(log: Callable[[Path], subprocess.Popen[bytes]], tmp_path: Path) -> None:
    data = tmp_path / "store"
    with log(data) as server:
        try:
            until((data / "server.json").exists, what="a server")
            said = used(opened(data), tmp_path)
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        finally:
            server.kill()
    with Ostinato.open(data) as app:
        assert sorted(run.id for run in app.runs.search("flights", limit=100).items) == sorted(said)
        assert app.ledger.verify().ok


def used(app: Remote, folder: Path) -> list[str]:
    """Runs of which the server says that they are there, while it and a worker have much to log."""
    said = [app.runs.start("flights").id for _ in range(20)]
    with pytest.raises(NotFound):  # an error is logged as well
        app.runs.get("01JH0000000000000000000000")
    execution = app.pipelines.start("ostinato.testing.crowd:trace", {"folder": str(folder), "key": "left"})
    until(lambda: app.pipelines.get(execution.id).ended, what="the work of a worker")
    assert (folder / "left").read_text() == "ran\n"
    return [*said, app.runs.start("flights").id]
