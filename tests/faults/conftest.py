"""What every test of faults needs: how much of it, from which seed, and the library that makes a disk fail."""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ostinato.testing import faults
from ostinato.testing.scene import ENV

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def scale() -> float:
    """How much of everything, from `OSTINATO_FAULT_SCALE`: 1 at every push, 20 in a night."""
    return float(os.environ.get("OSTINATO_FAULT_SCALE", "1"))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Chance from `OSTINATO_FAULT_SEED`, or from a fresh seed, which a failing test shows."""
    seed = os.environ.get("OSTINATO_FAULT_SEED") or secrets.token_hex(4)
    print(f"again with OSTINATO_FAULT_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture(scope="session")
def failing_disk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process whose disk can be made to fail."""
    if faults.compiler() is None:
        pytest.skip("no C compiler, so no calls of SQLite and Arrow can be made to fail")
    return faults.preloaded(tmp_path_factory.mktemp("library"))


@pytest.fixture
def on_failing_disk(failing_disk: dict[str, str]) -> Callable[..., str]:
    """Run a script of this folder in such a process; returns what it printed."""

    def run(script: str, *arguments: object) -> str:
        line = [sys.executable, str(HERE / script), *map(str, arguments)]
        done = subprocess.run(line, env=failing_disk, capture_output=True, text=True, timeout=250, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of all processes of one store, on either kind of database."""
    env = dict(ENV)
    if request.param == "postgres":
        env["OSTINATO_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env
