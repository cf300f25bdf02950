"""A registry with real parts around it, and three people."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.data.service import Datasets
from ostinato.data.types import Contract
from ostinato.evaluation.report import evaluate_binary
from ostinato.evaluation.service import Evaluations
from ostinato.evaluation.types import Evaluation
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry.flavor import FLAVORS
from ostinato.registry.flavors.linear import Logistic, Term
from ostinato.registry.service import Models
from ostinato.registry.types import Field, ModelVersion, Signature
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.rows import Rows
from ostinato.storage.series.series import Series
from ostinato.storage.tables.tables import Tables
from ostinato.tracking.service import Runs

SIGNATURE = Signature(inputs=[Field(name="delay"), Field(name="carrier", dtype="string", categories=["AA", "UA"])])


def as_(name: str, project: str = "default") -> AbstractContextManager[Caller]:
    """Act as a person, or as `service:…`."""
    return calling(Caller(actor=name if ":" in name else f"person:{name}", project=project))


@dataclass
class Works:
    """The registry, its neighbours, and short ways to what tests need often."""

    models: Models
    evaluations: Evaluations
    runs: Runs
    datasets: Datasets
    ledger: Ledger
    clock: ReplayClock

    def later(self, **span: float) -> datetime:
        self.clock.set(self.clock.now() + timedelta(**span))
        return self.clock.now()

    def artifact(self, weight: float = 1.0) -> str:
        model = Logistic(intercept=0.0, terms=[Term(weight=weight), Term(by_code=[0.5, -0.5])])
        return self.models.upload(FLAVORS.make("linear").dump(model))

    def evaluation(self, subject: Ref, quality: float = 1.0, data: str = "rows-1") -> Evaluation:
        r = np.random.default_rng(7)
        y = (r.random(1000) < 0.5).astype(float)
        noise = r.normal(size=1000)
        score = 1 / (1 + np.exp(-(quality * (2 * y - 1) + noise)))
        return self.evaluations.record(subject, data, evaluate_binary(y, score, groups={"origin": ["EWR", "JFK"] * 500}))

    def version(self, model: str = "late", author: str = "ana", weight: float = 1.0, quality: float = 1.0, **also: Any) -> ModelVersion:
        """A registered version with a run and an evaluation of its own."""
        with as_(author):
            run = self.runs.start("flights", f"fit {weight}", params={"weight": weight}).ref
            evaluation = self.evaluation(run, quality)
            digest = self.artifact(weight)
            return self.models.register(model, digest, "linear", SIGNATURE, run=run, evaluation=evaluation.id, **also)

    def approved(self, weight: float = 1.0, by: str = "rita") -> ModelVersion:
        """A version that `by` has approved."""
        made = self.version(weight=weight)
        with as_(by):
            self.models.check(f"late@{made.version}")
            return self.models.approve(f"late@{made.version}", "looks right")

    def delivered(self) -> Ref:
        """A dataset version, delivered now."""
        self.datasets.create("flights", Contract())
        out = io.BytesIO()
        pq.write_table(pa.table({"x": [1, 2]}), out)
        made = self.datasets.upload("flights", "first", out.getvalue())
        return Ref("dataset", "flights", str(made.version))


@pytest.fixture
def works(tmp_path: Path, rows: Rows) -> Iterator[Works]:
    blobs = Local(tmp_path / "blobs")
    clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
    ledger = Ledger(rows=rows, clock=clock, key_path=tmp_path / "key")
    tables = Tables(blobs, tmp_path / "cache")
    datasets = Datasets(rows=rows, blobs=blobs, tables=tables, ledger=ledger, clock=clock, inbox=tmp_path)
    runs = Runs(rows=rows, blobs=blobs, series=Series(rows), ledger=ledger, clock=clock)
    evaluations = Evaluations(rows=rows, ledger=ledger, clock=clock)
    models = Models(rows=rows, blobs=blobs, ledger=ledger, clock=clock, runs=runs, evaluations=evaluations, datasets=datasets)
    with as_("ana"):
        yield Works(models, evaluations, runs, datasets, ledger, clock)
