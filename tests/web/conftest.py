"""A small store behind a real server, for journeys in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ostinato.app import Ostinato
from ostinato.data.types import CheckSpec, Contract
from ostinato.kernel.clock import ReplayClock
from ostinato.testing.doors import served
from ostinato.testing.processes import until

HOSTILE = Path(__file__).with_name("hostile.html")
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><script>parent.postMessage("svg ran", "*")</script></svg>'


@dataclass(frozen=True)
class Place:
    """A server and the folder of its store."""

    app: Ostinato
    url: str
    data: Path


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The store with a run whose files want out of their frame, and a dataset that nothing was delivered to, served."""
    data = tmp_path_factory.mktemp("web") / "store"
    with Ostinato.open(data, clock=ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))) as app:
        with app.run("frames", name="hostile", params={"depth": 3}) as run:
            run.log(loss=0.5, step=1)
            run.artifact("report/hostile.html", HOSTILE)
            run.artifact("report/picture.svg", PICTURE)
            run.artifact("notes.txt", b"<script>alert(1)</script>")
            run.artifact("model.bin", b"\x00\x01")
        within = CheckSpec(check="in_range", column="level", parameters={"minimum": 0, "maximum": 10})
        app.datasets.create("levels", Contract(checks=[within], key=["id"]), description="How high the water stands.")
        with served(app) as url:
            yield Place(app, url, data)


@pytest.fixture
def story(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A store of the demo of one's own, after five months: with a quarantined delivery, a release taken back, drift and retraining."""
    return Path(shutil.copytree(undisturbed[0], tmp_path / "store"))


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """A server of its own process on a store, as people start it; its address."""
    told = data / "server.json"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ostinato.cli.main", "serve", "--data", str(data), "--port", "0", "--clock", "replay"]
    with (data.parent / "server.log").open("wb") as log:
        known = os.environ | {"OSTINATO_PIPELINES": "ostinato_flights"}
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=known)
        try:
            until(lambda: told.exists() or process.poll() is not None, what="the start of the server")
            yield str(json.loads(told.read_text())["url"])
        finally:
            process.terminate()
            process.wait(60)
