"""A loop built by hand: two deliveries, two versions, an approval each, an endpoint, traffic, all at known instants."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ostinato.app import Ostinato
from ostinato.data.types import CheckSpec, Contract, Delivery
from ostinato.evaluation.report import evaluate_binary
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.ref import Ref
from ostinato.registry.flavor import FLAVORS
from ostinato.registry.flavors.linear import Logistic, Term
from ostinato.registry.types import Field, ModelVersion, Signature
from ostinato.serving.plane.log import batch_rows, write_segment
from ostinato.testing.fixtures import both
from ostinato.tracking.types import Spent

__all__ = ["Loop", "both", "loop"]

START = datetime(2013, 1, 1, tzinfo=UTC)
SIGNATURE = Signature(inputs=[Field(name="delay")])


class Loop:
    """Short ways to make things happen at an hour after the start."""

    def __init__(self, app: Ostinato, clock: ReplayClock) -> None:
        self.app, self.clock = app, clock
        for name, roles in {"rita": ["reviewer"], "dora": ["engineer"], "vic": ["viewer"]}.items():
            app.access.create_person(name, roles)
        app.access.create_service("trainer", ["scientist"])
        app.datasets.create(
            "flights", Contract(checks=[CheckSpec(check="in_range", column="delay", parameters={"minimum": -100})], key=["id"])
        )
        app.models.create("late", description="whether a flight will be delayed", owner="person:dora")

    def at(self, hours: float) -> None:
        self.clock.set(START + timedelta(hours=hours))

    def deliver(self, key: str, delays: list[float]) -> Delivery:
        out = io.BytesIO()
        pq.write_table(pa.table({"id": [f"{key}-{i}" for i in range(len(delays))], "delay": delays}), out)
        return self.app.datasets.upload("flights", key, out.getvalue())

    def version(self, data: int, weight: float, cpu_s: float = 60.0) -> ModelVersion:
        """Trained by the trainer's run on a version of the data."""
        with calling(Caller(actor="service:trainer")):
            run = self.app.runs.start("fit", f"weight {weight}", params={"weight": weight})
            rng = np.random.default_rng(7)
            truth = (rng.random(400) < 0.5).astype(float)
            report = evaluate_binary(truth, 1 / (1 + np.exp(-(2 * truth - 1 + rng.normal(size=400)))))
            evaluation = self.app.evaluations.record(run.ref, "rows", report)
            artifact = self.app.models.upload(FLAVORS.make("linear").dump(Logistic(intercept=0.0, terms=[Term(weight=weight)])))
            made = self.app.models.register(
                "late",
                artifact,
                "linear",
                SIGNATURE,
                run=run.ref,
                datasets=[Ref("dataset", "flights", str(data))],
                evaluation=evaluation.id,
            )
            self.app.runs.finish(run.id, outputs=[made.ref], spent=Spent(cpu_s=cpu_s, wall_s=cpu_s, peak_rss_mb=10))
            return made

    def approve(self, number: int, by: str = "person:rita") -> None:
        with calling(Caller(actor=by)):
            self.app.models.check(f"late@{number}")
            self.app.models.approve(f"late@{number}", "looks right")

    def answered(self, name: str, times: list[datetime], version: int = 1, failed: int = 0) -> None:
        """Answers of the endpoint, as its plane logs them: 1, 2, 3 … ms each, the last `failed` of them without a score."""
        n = len(times)
        rows = batch_rows([f"{name}-{i}" for i in range(n)], times, [0.5] * n, {"delay": pa.chunked_array([[1.0] * n])}, version, "")
        told: dict[str, Any] = {
            "role": pa.array(["stable"] * n),
            "latency_ms": pa.array([float(i + 1) for i in range(n)]),
            "status": pa.array(["answered"] * (n - failed) + ["failed"] * failed),
        }
        for column, values in told.items():
            rows = rows.set_column(rows.column_names.index(column), column, values)
        write_segment(self.app.endpoints.log_folder("late") / f"segment-batch-{name}.parquet", rows)

    def reference(self, rng: np.random.Generator, rows: int, shift: float = 0.0) -> pa.Table:
        """Delays, scores that follow them, and labels that follow the scores."""
        delay = rng.normal(size=rows)
        score = 1 / (1 + np.exp(-delay))
        label = (rng.random(rows) < 1 / (1 + np.exp(-3 * delay))).astype(float)
        return pa.table({"delay": delay + shift, "score": score, "label": label})

    def scored(self, name: str, rng: np.random.Generator, rows: int, shift: float) -> None:
        """Answers of now with their labels, of which the delays are `shift` more than the model believes."""
        given, now = self.reference(rng, rows, shift), self.clock.now()
        ids = [f"{name}-{i}" for i in range(rows)]
        table = batch_rows(ids, [now] * rows, given["score"].to_pylist(), {"delay": given["delay"]}, 1, "")
        write_segment(self.app.endpoints.log_folder("late") / f"segment-batch-{name}.parquet", table)
        self.app.endpoints.label("late", dict(zip(ids, given["label"].to_pylist(), strict=True)))


@pytest.fixture
def loop(app: Ostinato, clock: ReplayClock) -> Loop:
    return Loop(app, clock)
