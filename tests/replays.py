"""The replay of the demo's first five months, as journeys need it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

MONTHS = "1-5"
PATIENCE_S = 800


def start(data: Path, summary: Path) -> subprocess.Popen[bytes]:
    """The replay into a store, begun or gone on with; what it says goes to demo.log beside the store."""
    command = [sys.executable, "-m", "ostinato.cli.main", "demo", "--data", str(data), "--summary", str(summary), "--months", MONTHS]
    with (data.parent / "demo.log").open("ab") as log:
        single = os.environ | {"OMP_NUM_THREADS": "1"}  # threads of a fit that wait for one another starve beside other tests
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=single, start_new_session=True)


def said(data: Path) -> str:
    """The end of what a replay and its server said."""
    server = data / "server.log"
    return (data.parent / "demo.log").read_text()[-4000:] + (server.read_text()[-4000:] if server.exists() else "")


def played(process: subprocess.Popen[bytes], data: Path) -> None:
    """Wait for a replay; one that takes too long is ended with all that it started."""
    try:
        status = process.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        victims = psutil.Process(process.pid).children(recursive=True)
        for victim in [process, *victims]:
            victim.kill()
        pytest.fail(f"the replay takes longer than {PATIENCE_S} s: {said(data)}")
    assert status == 0, said(data)
