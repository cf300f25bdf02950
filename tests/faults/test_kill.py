"""kill -9 of servers and workers under the load of four client processes: nothing acknowledged is lost, nothing comes twice."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostinato.testing.processes import free_port
from ostinato.testing.scene import Scene, kill

pytestmark = pytest.mark.timeout(1000)


def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(
    database: dict[str, str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    port, kills = free_port(), round(24 * scale)
    with Scene(tmp_path, database) as scene:
        serving, working = scene.server(port), [scene.worker(), scene.worker()]
        with scene.clients(f"http://127.0.0.1:{port}"):
            for _ in range(kills):
                if chance.random() < 0.8:  # else it is killed while it starts
                    scene.go_on()
                time.sleep(chance.uniform(0.0, 0.1))  # any moment
                if chance.random() < 0.7:
                    kill(serving)
                    assert serving.exitcode == -signal.SIGKILL, "it had ended by itself"
                    serving = scene.server(port)
                else:
                    kill(working.pop(0))
                    working.append(scene.worker())
            scene.go_on()
        scene.drained()
        for process in (serving, *working):
            kill(process)
        print(f"{kills} kills: {scene.count()}")


def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9_of_the_whole_server(
    database: dict[str, str], tmp_path: Path, scale: float, chance: random.Random
) -> None:
    port = free_port()
    line = [sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(tmp_path / "store"), "--port", str(port)]

    @contextlib.contextmanager
    def serving() -> Iterator[None]:
        with (tmp_path / "log").open("a") as log, subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=log) as process:
            try:
                yield
            finally:
                process.kill()

    with Scene(tmp_path, database) as scene:
        with scene.clients(f"http://127.0.0.1:{port}"):
            for _ in range(round(3 * scale)):
                with serving():
                    scene.go_on()
                    time.sleep(chance.uniform(0.0, 0.3))
            with serving():
                scene.go_on()
                scene.stop.touch()
                scene.drained()
        print(scene.count())
