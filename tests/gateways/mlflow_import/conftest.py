"""A real MLflow server with something in it, and empty stores to take it into."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, set_process_caller
from ostinato.testing.processes import free_port

with warnings.catch_warnings():  # what its dependencies are told off for is not ours
    warnings.simplefilter("ignore")
    from mlflow import MlflowClient

_START_S = 120.0


@pytest.fixture(scope="package")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of MLflow itself."""
    home, port = tmp_path_factory.mktemp("theirs"), free_port()
    where = os.environ | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{home / 'rows.db'}", "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(home / "files"), "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }  # fmt: skip
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "uvicorn",
        "mlflow.server.fastapi_app:app",
        "--port",
        str(port),
    ]  # one process of its four
    with (home / "log").open("wb") as log, subprocess.Popen(command, env=where, cwd=home, stdout=log, stderr=log) as server:
        try:
            _await(f"http://127.0.0.1:{port}", server, home / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + _START_S
    while time.monotonic() < limit and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(log.read_text()[-2000:])


@pytest.fixture(scope="package")
def theirs(mlflow_server: str) -> Iterator[MlflowClient]:
    """MLflow's client before MLflow's server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        yield MlflowClient(mlflow_server)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Ostinato]:
    """An empty store, its owner the caller."""
    with Ostinato.open(tmp_path / "store") as opened:
        set_process_caller(Caller(actor="person:admin"))
        yield opened
