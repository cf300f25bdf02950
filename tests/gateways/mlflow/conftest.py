"""MLflow's own client before a real server."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from itertools import count

import httpx
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, caller, set_process_caller
from ostinato.testing.doors import served

with warnings.catch_warnings():  # what its dependencies are told off for is not ours
    warnings.simplefilter("ignore")
    import mlflow
    from mlflow import MlflowClient
    from mlflow.tracking import fluent

_NUMBERS = count()
collect_ignore = ["old"]  # a program, and the environment of another client


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, shared_database_url: str) -> Iterator[tuple[Ostinato, str]]:
    """A store in real time, for MLflow's clients say what time it is, and its server; each test has a project of its own there."""
    with pytest.MonkeyPatch.context() as patch:
        if shared_database_url:
            patch.setenv("OSTINATO_DATABASE_URL", shared_database_url)
        with Ostinato.open(tmp_path_factory.mktemp("mlflow") / "store") as opened, served(opened) as address:
            yield opened, address


@pytest.fixture
def store(server: tuple[Ostinato, str]) -> Iterator[Ostinato]:
    """The store, as the owner of a new project."""
    opened, project = server[0], f"t{next(_NUMBERS)}"
    set_process_caller(Caller(actor="person:admin"))
    opened.access.create_project(project)
    set_process_caller(Caller(actor="person:admin", project=project))
    yield opened
    set_process_caller(Caller(actor="person:admin"))


@pytest.fixture
def url(server: tuple[Ostinato, str], store: Ostinato, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the project, and the environment in which clients find it."""
    address = f"{server[1]}/mlflow/{caller().project}"
    for name, value in environment(store, address).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
    monkeypatch.setattr(fluent, "_active_experiment_id", None)  # the client keeps it beyond a test, and beyond a server
    mlflow.set_tracking_uri(address)
    yield address
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri("")
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


@pytest.fixture
def client(url: str) -> MlflowClient:
    """MLflow's client of runs and models."""
    return MlflowClient(url)


@pytest.fixture
def http(store: Ostinato, url: str) -> Iterator[httpx.Client]:
    """A bare client, for what MLflow's own would not send."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token(store)}"}, timeout=30) as opened:
        yield opened


@pytest.fixture
def run(client: MlflowClient) -> str:
    """A run in an experiment `trials`."""
    return str(client.create_run(client.create_experiment("trials")).info.run_id)


@pytest.fixture
def refused(http: httpx.Client) -> Callable[..., dict[str, str]]:
    """Send something that must be refused; the error."""

    def send(method: str, path: str, status: int, **more: object) -> dict[str, str]:
        response = http.request(method, path, **more)  # type: ignore[arg-type]
        assert response.status_code == status, response.text
        told: dict[str, str] = response.json()
        assert set(told) == {"error_code", "message"}
        return told

    return send


def environment(store: Ostinato, address: str) -> dict[str, str]:
    """What brings a client here."""
    return {
        "MLFLOW_TRACKING_URI": address, "MLFLOW_TRACKING_TOKEN": token(store), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet",
    }  # fmt: skip


@pytest.fixture(scope="module")
def shared(server: tuple[Ostinato, str], request: pytest.FixtureRequest) -> Iterator[MlflowClient]:
    """A client of a project that all tests of a file read."""
    opened, project = server[0], str(request.module.__name__).rpartition(".")[2]
    set_process_caller(Caller(actor="person:admin"))
    opened.access.create_project(project)
    address = f"{server[1]}/mlflow/{project}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(opened, address).items():
            patch.setenv(name, value)
        yield MlflowClient(address)


def token(store: Ostinato) -> str:
    """The administrator's token."""
    return (store.settings.data / "admin-token").read_text().strip()
