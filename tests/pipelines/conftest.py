"""A store with the services that pipelines need, and a project of pipelines in files."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import Clock, ReplayClock
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.pipelines.service import Pipelines
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.lease import LeaseClock
from ostinato.storage.rows.rows import metadata
from ostinato.storage.series.series import Series
from ostinato.storage.tables.tables import Tables
from ostinato.testing.rows import opened
from ostinato.tracking.service import Runs

FLOWS = '''
"""Pipelines as a user writes them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

import ostinato as ost
from ostinato.pipelines.context import current
from ostinato.pipelines.serialization import value

FACTOR = 3


def _ran(folder: str, name: str) -> None:
    """Leave a trace of a call, in one write."""
    if folder:
        handle = os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, b"x")
        os.close(handle)


@dataclass(frozen=True)
class Fit:
    auc: float
    names: tuple[str, ...]


@ost.step
def load(n: int, folder: str = "") -> pa.Table:
    _ran(folder, "load")
    return pa.table({"x": list(range(n))})


def scale(x: int) -> int:
    return x * FACTOR


@ost.step
def total(table: pa.Table, folder: str = "") -> int:
    _ran(folder, "total")
    return scale(sum(table["x"].to_pylist()))


@ost.step
def fit(total: int, folder: str = "") -> Fit:
    _ran(folder, "fit")
    run = current().run
    run.log(auc=0.5 + total / 1000, step=0)
    current().log(f"total is {total}")
    return Fit(auc=0.5 + total / 1000, names=("a", "b"))


@ost.pipeline
def train(n: int, folder: str = "", source: str = "") -> Fit:
    """Load, add, fit."""
    return fit(total(load(n, folder), folder), folder)


@ost.step
def slow(i: int, folder: str, gate: str = "") -> int:
    _ran(folder, f"begun-{i}")
    if gate and i == 5:
        while not (Path(gate) / "open").exists():
            time.sleep(0.01)
    _ran(folder, f"ended-{i}")
    return i


@ost.step(cache=False)
def send(amount: int, folder: str) -> str:
    _ran(folder, "sent")
    return f"model:late@{amount}"


@ost.pipeline
def long(folder: str, gate: str = "") -> list:
    first = [slow(i, folder, gate) for i in range(3)]
    sent = send(1, folder)
    rest = [slow(i, folder, gate) for i in range(3, 8)]
    return [o.value() for o in first + rest] + [sent.value()]


@ost.step
def square(x: int, folder: str = "") -> int:
    _ran(folder, f"square-{x}")
    if x == 13:
        raise ValueError("unlucky")
    return x * x


@ost.step
def add(xs: list[int]) -> int:
    return sum(xs)


@ost.pipeline
def squares(n: int, executor: str = "inline", folder: str = "") -> int:
    return add(square.map(range(n), executor=executor, folder=folder))


@ost.step(retries=2)
def flaky(folder: str) -> str:
    _ran(folder, "flaky")
    if (Path(folder) / "flaky").stat().st_size < 3:
        raise OSError("not yet")
    return "done"


@ost.pipeline
def patient(folder: str) -> str:
    return flaky(folder)


@ost.step(timeout_s=0.5)
def sleepy(seconds: float) -> str:
    time.sleep(seconds)
    return "awake"


@ost.pipeline
def timed(seconds: float) -> str:
    return sleepy(seconds)


@ost.step
def mixed(n: int) -> dict:
    return {"array": np.arange(n), "raw": b"\\x00\\x01", "nan": float("nan"), "$table": "no mark", "big": ["x" * 100] * 500}


@ost.pipeline
def mixture(n: int) -> dict:
    made = mixed(n)
    return {"made": made, "first": value(made)["array"]}


@ost.step
def boom(x: int) -> int:
    return 1 // x


@ost.pipeline
def broken(x: int) -> int:
    return boom(x)
'''


class Project:
    """The package `flows` in a folder of its own, which a test may edit and import again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "flows.py"
        self.file.write_text(FLOWS)

    def load(self) -> ModuleType:
        sys.modules.pop("flows", None)
        importlib.invalidate_caches()
        return importlib.import_module("flows")

    def edit(self, old: str, new: str) -> ModuleType:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new) + f"\n# {len(text)}\n")
        for cached in self.folder.glob("__pycache__/*"):
            cached.unlink()
        return self.load()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield Project(folder)
    sys.modules.pop("flows", None)


@pytest.fixture
def flows(project: Project) -> ModuleType:
    return project.load()


def services(
    folder: Path, lease_s: int = 15, clock: Clock | None = None, leases: LeaseClock | None = None, cpu_hour_price: float = 0.0
) -> SimpleNamespace:
    """The services up to pipelines over a folder; a second process may open the same."""
    clock = clock or ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
    url = os.environ.get("OSTINATO_DATABASE_URL", "")
    rows = opened(url or str(folder / "rows.db"))
    blobs = Local(folder / "blobs")
    tables = Tables(blobs, folder / "cache")
    ledger = Ledger(rows=rows, clock=clock, key_path=folder / "key")
    runs = Runs(rows=rows, blobs=blobs, series=Series(rows), ledger=ledger, clock=clock)
    settings = Settings(data=folder, inbox=folder, lease_s=lease_s, pipelines="flows", cpu_hour_price=cpu_hour_price, database_url=url)
    store: dict[str, Any] = {"rows": rows, "blobs": blobs, "tables": tables, "ledger": ledger, "clock": clock, "runs": runs}
    pipelines = Pipelines(**store, settings=settings, leases=leases)
    rows.create(metadata)
    app = SimpleNamespace(**store, pipelines=pipelines)
    pipelines.attach(app)
    return app


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[SimpleNamespace]:
    made = services(tmp_path / "store")
    with calling(Caller(actor="person:ana")):
        yield made
    made.rows.close()


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """Where steps leave a file per name with one byte per call."""
    folder = tmp_path / "traces"
    folder.mkdir()
    return folder
