"""A client of MLflow 2, in an environment of its own, and that of today tell the same story."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ostinato.app import Ostinato

OLD = Path(__file__).parent / "old"


def environment(url: str) -> dict[str, str]:
    """That of a client as it is shipped: one whose kept connection ends as it sends, for it was idle, sends again."""
    return {name: value for name, value in os.environ.items() if name != "MLFLOW_HTTP_REQUEST_MAX_RETRIES"} | {"MLFLOW_TRACKING_URI": url}


@pytest.mark.parametrize(("python", "version"), [(OLD / ".venv/bin/python", "2.22"), (Path(sys.executable), "3.17")])
def test_clients_of_two_generations(url: str, store: Ostinato, python: Path, version: str) -> None:
    if not python.exists():
        pytest.skip("make setup installs MLflow 2 beside these tests")
    told = subprocess.run([python, "-W", "ignore", OLD / "story.py"], env=environment(url), capture_output=True, text=True, timeout=200)
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert f"told by {version}" in told.stdout
    version_kept = store.models.get("old%20line@champion")
    assert (version_kept.flavor, store.runs.get(version_kept.run.name).name if version_kept.run else "") == ("mlflow", "first")


def test_traces_of_the_older_generation(url: str, store: Ostinato) -> None:
    python = OLD / ".venv/bin/python"
    if not python.exists():
        pytest.skip("make setup installs MLflow 2 beside these tests")
    told = subprocess.run([python, "-W", "ignore", OLD / "traced.py"], env=environment(url), capture_output=True, text=True, timeout=200)
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    (trace,) = store.traces.search().items
    assert (trace.id in told.stdout, trace.name, trace.state, trace.spans) == (True, "answer", "ok", 2)
    assert [found.id for found in store.traces.search(["span.attributes.tier = gold"]).items] == [trace.id]
