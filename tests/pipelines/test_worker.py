"""The worker process: it ends when it is told to, however often."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from ostinato.app import Ostinato
from ostinato.testing.processes import until


def test_a_hail_of_signals_ends_a_worker(tmp_path: Path) -> None:
    """The handler of one signal may be interrupted by the next: it must take no lock."""
    Ostinato.open(tmp_path).close()
    command = [sys.executable, "-m", "ostinato.cli.main", "--data", str(tmp_path), "worker"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as worker:
        try:
            until((tmp_path / "ostinato.db-wal").exists)  # the store is open, so the handler is there
            for _ in range(100):
                worker.send_signal(signal.SIGTERM)
                time.sleep(0.0003)
            assert worker.wait(30) in (0, -signal.SIGTERM)  # the last signals may meet an interpreter that is going down
        finally:
            worker.kill()
