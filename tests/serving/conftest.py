"""Parts of the tests of serving: a linear model as an artifact, and a plane in its own process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostinato.data.service import Datasets
from ostinato.evaluation.service import Evaluations
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.pipelines.service import Pipelines
from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.registry.service import Models
from ostinato.registry.types import Field, ModelVersion, Signature
from ostinato.serving.plane.plan import PLAN, Plan, PlaneState, Role, Served, digest_of, encode, read_state, replace
from ostinato.serving.service import Endpoints
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.rows import metadata
from ostinato.storage.series.series import Series
from ostinato.storage.tables.tables import Tables
from ostinato.testing.rows import opened
from ostinato.tracking.service import Runs

KEY = "a-key"
SIGNATURE = Signature(
    inputs=[
        Field(name="distance"),
        Field(name="month", dtype="int64", nullable=False),
        Field(name="carrier", dtype="string", categories=["AA", "UA"]),
    ]
)


def model(weight: float = 1.0, intercept: float = 0.0) -> bytes:
    """A logistic model of `SIGNATURE`."""
    terms = [Term(weight=weight), Term(weight=0.0), Term(by_code=[0.5, -0.5])]
    return Linear().dump(Logistic(intercept=intercept, terms=terms))


class Plane:
    """A plane in its own process, driven by its plan alone."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.clients: list[httpx.Client] = []

    def served(self, version: int, artifact: bytes, role: Role = "stable", weight: float = 1.0) -> Served:
        path = self.home / f"v{version}"
        path.write_bytes(artifact)
        return Served(
            version=version, ref=f"model:late@{version}", artifact=str(path), flavor="linear", signature=SIGNATURE, role=role, weight=weight
        )

    def plan(self, *versions: Served, rollout: str | None = None) -> str:
        content = encode(Plan(endpoint="late", salt="s", keys=[digest_key(KEY)], versions=list(versions), rollout=rollout))
        replace(self.home / PLAN, content)
        return digest_of(content)

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "ostinato.serving.plane", "--home", str(self.home)])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def follows(self, digest: str) -> PlaneState:
        """The state once this process follows the plan."""
        assert self.process is not None
        until = time.monotonic() + 30
        while time.monotonic() < until:
            state = read_state(self.home)
            if state is not None and state.pid == self.process.pid and state.plan == digest:
                return state
            time.sleep(0.02)
        raise AssertionError(f"the plane does not follow: {read_state(self.home)}")

    @property
    def client(self) -> httpx.Client:
        state = read_state(self.home)
        assert state is not None
        self.clients.append(httpx.Client(base_url=f"http://127.0.0.1:{state.port}", headers={"Authorization": f"Bearer {KEY}"}, timeout=10))
        return self.clients[-1]

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)


def digest_key(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def body(
    request_id: str | None = None, distance: float | None = 1.0, month: int = 1, carrier: str | None = "AA", **parameters: object
) -> dict[str, object]:
    """One row as a V2 request."""
    return {
        **({"id": request_id} if request_id else {}),
        "parameters": parameters,
        "inputs": [
            {"name": "distance", "shape": [1], "datatype": "FP64", "data": [distance]},
            {"name": "month", "shape": [1], "datatype": "INT64", "data": [month]},
            {"name": "carrier", "shape": [1], "datatype": "BYTES", "data": [carrier]},
        ],
    }


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Callable[[], Plane]]:
    made: list[Plane] = []

    def make() -> Plane:
        made.append(Plane(tmp_path / f"plane{len(made)}"))
        return made[-1]

    yield make
    for plane in made:
        plane.stop()


class Shop:
    """The services that endpoints stand on, over one folder, and two people so that one can approve what the other made."""

    def __init__(self, home: Path, clock: ReplayClock, place: str) -> None:
        self.home, self.clock, self.place = home, clock, place
        self.clients: list[httpx.Client] = []
        settings = Settings.read(home, env={})
        settings.inbox.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.rows = opened(place)
        self.blobs = Local(home / "blobs")
        self.tables = Tables(self.blobs, home / "cache")
        self.ledger = Ledger(self.rows, clock, home / "ledger-key")
        told = {"rows": self.rows, "ledger": self.ledger, "clock": clock}
        self.datasets = Datasets(**told, blobs=self.blobs, tables=self.tables, inbox=settings.inbox)
        self.runs = Runs(**told, blobs=self.blobs, series=Series(self.rows))
        self.pipelines = Pipelines(**told, blobs=self.blobs, tables=self.tables, runs=self.runs, settings=settings)
        self.models = Models(**told, blobs=self.blobs, runs=self.runs, evaluations=Evaluations(**told), datasets=self.datasets)
        self.endpoints = Endpoints(
            **told,
            tables=self.tables,
            models=self.models,
            datasets=self.datasets,
            pipelines=self.pipelines,
            home=home / "endpoints",
        )
        self.rows.create(metadata)

    def version(self, artifact: bytes, approved: bool = True) -> ModelVersion:
        """A version of the model `late`, made by the trainer and approved by Rita."""
        with calling(Caller(actor="service:trainer")):
            self.models.create("late", "late flights", owner="person:ana")
            made = self.models.register("late", self.models.upload(artifact), "linear", SIGNATURE)
        ref = f"late@{made.version}"
        if approved:
            with calling(Caller(actor="person:rita")):
                self.models.check(ref)
                made = self.models.approve(ref, "looks right")
        return made

    def client(self, endpoint: str = "late") -> httpx.Client:
        secret = self.endpoints.key(endpoint).secret
        url, headers = self.endpoints.url(endpoint), {"Authorization": f"Bearer {secret}"}
        self.clients.append(httpx.Client(base_url=url, headers=headers, timeout=10))
        return self.clients[-1]

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.endpoints.close()
        self.rows.close()


@pytest.fixture
def clock() -> ReplayClock:
    return ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))


@pytest.fixture
def shop(tmp_path: Path, clock: ReplayClock, place: str) -> Iterator[Shop]:
    made = Shop(tmp_path / "shop", clock, place)
    with calling(Caller(actor="person:ana")):
        yield made
    made.close()


def ask(client: httpx.Client, request_id: str, endpoint: str = "late", **row: object) -> dict[str, Any]:
    """One answer."""
    reply = client.post(f"/v2/models/{endpoint}/infer", json=body(request_id, **row))  # type: ignore[arg-type]
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found
