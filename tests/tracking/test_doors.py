"""The same story in process and over HTTP, with equal answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.testing.fixtures import both  # noqa: F401
from ostinato.tracking.types import MetricFrame


def test_a_run_is_logged_and_read_through_both_doors(both: Ostinato) -> None:  # noqa: F811
    values = [0.1, math.nan, math.inf, -math.inf, -0.0]
    with both.run("flights", "first", params={"depth": 3, "missing": math.nan}, tags={"team": "a"}) as run:
        for value in values:
            run.log({"valid/auc": value})
        run.input("dataset:flights@4")
        run.artifact("models/late.json", b"\x00{}")
        run.artifact("leer", b"")
    found = both.runs.get(run.id)
    assert (found.state, found.params) == ("finished", {"depth": 3, "missing": "nan"})
    assert found.inputs == [Ref("dataset", "flights", "4")]
    assert list(map(repr, both.runs.curve(run.id, "valid/auc").values)) == ["0.1", "'nan'", "'inf'", "'-inf'", "-0.0"]
    assert both.runs.metrics(run.id)["valid/auc"].max == "inf"
    assert both.runs.artifact(run.id, "models/late.json") == b"\x00{}"
    assert both.runs.artifact(run.id, "leer") == b""
    assert {a.path for a in both.runs.artifacts(run.id)} >= {"models/late.json", "leer"}
    assert [r.id for r in both.runs.search("flights", state="finished").items] == [run.id]
    assert [e.name for e in both.runs.experiments()] == ["flights"]


def test_a_curve_is_drawn_from_columns_of_floats(both: Ostinato) -> None:  # noqa: F811
    run = both.runs.start("flights", id="r1").id
    points = [("valid/auc", step, step * 1000, math.nan if 512 <= step < 1024 else float(step % 7)) for step in range(5000)]
    both.runs.log(run, "c", 0, MetricFrame.of(points))
    x, low, high, mean = columns(both.runs.outline(run, "valid/auc", points=100))
    assert x.tolist() == list(range(0, 5000, 64))
    assert (low[0], high[0]) == (0, 6)
    assert mean[0] == pytest.approx(sum(step % 7 for step in range(64)) / 64)
    assert np.flatnonzero(np.isnan(mean)).tolist() == np.flatnonzero(np.isnan(low)).tolist() == list(range(8, 16))
    x, low, high, mean = columns(both.runs.outline(run, "valid/auc", "time", low=100_000, high=120_000))
    assert x.tolist() == [1000.0 * step for step in range(100, 121)]
    assert low.tolist() == high.tolist() == mean.tolist() == [float(step % 7) for step in range(100, 121)]
    assert both.runs.outline(run, "no/such") == b""
    for wrong in ({"points": 1}, {"low": 3, "high": 2}):
        with pytest.raises(Invalid):
            both.runs.outline(run, "valid/auc", **wrong)
    with pytest.raises(NotFound):
        both.runs.outline("r2", "valid/auc")


def test_integers_of_any_size_are_parameters(both: Ostinato) -> None:  # noqa: F811
    with both.run("seeds", params={"seed": 2**70, "least": -(2**63), "most": 2**64 - 1}) as run:
        run.log_params({"salt": -(2**200)})
    assert both.runs.get(run.id).params == {"seed": 2**70, "least": -(2**63), "most": 2**64 - 1, "salt": -(2**200)}
    assert [found.id for found in both.runs.search("seeds", where=[f"params.seed = {2**70}"]).items] == [run.id]


def columns(content: bytes) -> np.ndarray:
    return np.frombuffer(content, "<f8").reshape(4, -1)


def test_refusals_are_the_same_errors_behind_both_doors(both: Ostinato) -> None:  # noqa: F811
    both.runs.start("flights", id="r1", params={"depth": 3})
    both.runs.log("r1", "c", 0, MetricFrame.of([("auc", 0, 0, 0.7)]))
    with pytest.raises(Conflict, match="missing"):
        both.runs.log("r1", "c", 2, MetricFrame.of([("auc", 0, 0, 0.7)]))
    with pytest.raises(Conflict, match="depth"):
        both.runs.params("r1", {"depth": 4})
    with pytest.raises(NotFound):
        both.runs.get("r2")
    with pytest.raises(NotFound, match="late"):
        both.runs.artifact("r1", "late.json")
    with pytest.raises(Invalid):
        both.runs.search(limit=0)
    with pytest.raises(Invalid):
        both.runs.put_artifact("r1", "../up", b"")
    second = both.runs.start("flights", id="r2", params={"depth": 4})
    assert {d.what: d.values for d in both.runs.compare(["r1", second.id])} == {"params.depth": [3, 4], "metrics.auc": [0.7, None]}
