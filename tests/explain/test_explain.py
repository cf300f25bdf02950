"""Explanations: the mathematics against brute force, and the verbs on a registered model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ostinato.data.service import Datasets
from ostinato.evaluation.service import Evaluations
from ostinato.explain.methods.permutation import Permutation
from ostinato.explain.methods.shapley import Shapley
from ostinato.explain.service import METHODS, Explanations
from ostinato.explain.types import Columns, Kept
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.ledger.service import Ledger
from ostinato.registry.flavors.linear import Linear, Logistic, Term
from ostinato.registry.service import Models
from ostinato.registry.types import Field, Signature
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.rows import Rows
from ostinato.storage.series.series import Series
from ostinato.storage.tables.tables import Tables
from ostinato.tracking.service import Runs


def interacting(columns: Columns) -> np.ndarray:
    """Interactions, a category, and nulls."""
    late = np.array([1.0 if v == "UA" else 0.0 for v in columns["carrier"]])
    return np.tanh(columns["a"] * columns["b"]) + late * columns["a"] + np.where(np.isnan(columns["c"]), 0.3, 0.0)


def data(rows: int) -> dict[str, np.ndarray]:
    """A background with every kind of column."""
    rng = np.random.default_rng(1)
    missing = np.where(rng.random(rows) < 0.3, np.nan, 1.0)
    carrier = rng.choice(["UA", "AA", None], rows)
    return {"a": rng.normal(size=rows), "b": rng.normal(size=rows), "c": missing, "carrier": carrier.astype(object)}


ROW = {"a": 1.5, "b": -0.4, "c": None, "carrier": "UA"}


def by_definition(background: dict[str, np.ndarray]) -> dict[str, float]:
    """Shapley's formula over all coalitions."""
    names, n = list(background), len(background["a"])

    def worth(coalition: tuple[str, ...]) -> float:
        fixed = {
            k: np.full(n, np.nan if ROW[k] is None else ROW[k], dtype=background[k].dtype) if k in coalition else background[k]
            for k in names
        }
        return float(interacting(fixed).mean())

    values = {}
    for name in names:
        rest = [k for k in names if k != name]
        values[name] = sum(
            math.factorial(size) * math.factorial(len(rest) - size) / math.factorial(len(names)) * (worth((*s, name)) - worth(s))
            for size in range(len(rest) + 1)
            for s in itertools.combinations(rest, size)
        )
    return values


@pytest.mark.parametrize("orders", [1, 7])
def test_r52_contributions_add_up_exactly(orders: int) -> None:
    background = data(40)
    base, score, found = Shapley(orders=orders).contributions(interacting, ROW, background)
    explained = {k: np.array([np.nan if v is None else v], dtype=background[k].dtype) for k, v in ROW.items()}
    assert base == pytest.approx(interacting(background).mean(), abs=1e-12)
    assert score == pytest.approx(interacting(explained)[0], abs=1e-12)
    assert base + sum(c.value for c in found) == pytest.approx(score, abs=1e-12)


def test_many_orders_come_to_the_definition() -> None:
    background = data(20)
    _, _, found = Shapley(orders=400).contributions(interacting, ROW, background)
    truth = by_definition(background)
    for contribution in found:
        assert contribution.value == pytest.approx(truth[contribution.feature], abs=0.01)


def test_an_input_that_is_not_used_contributes_nothing() -> None:
    _, _, found = Shapley().contributions(lambda c: c["a"] * 2, ROW, data(30))
    assert {c.feature: c.value for c in found if c.feature != "a"} == {"b": 0, "c": 0, "carrier": 0}


def test_importance_finds_what_matters_and_its_interval_covers_the_truth() -> None:
    """For y = x + noise and the model f = x, shuffling x adds 2·Var(x) to the squared error."""
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(50_000 + seed)
        x, unused = rng.normal(size=400), rng.normal(size=400)
        label = x + rng.normal(size=400)
        loss, found = Permutation(repeats=3, seed=seed).importances(lambda c: c["x"], {"unused": unused, "x": x}, label)
        assert [i.feature for i in found] == ["x", "unused"]
        assert found[1].value == 0
        assert loss == pytest.approx(1.0, abs=0.4)
        covered += found[0].low <= 2.0 <= found[0].high
    assert covered >= 85


@pytest.fixture
def explanations(tmp_path: Path, rows: Rows) -> Iterator[tuple[Explanations, Tables]]:
    blobs, clock = Local(tmp_path / "blobs"), ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
    ledger = Ledger(rows=rows, clock=clock, key_path=tmp_path / "key")
    tables = Tables(blobs, tmp_path / "cache")
    evaluations = Evaluations(rows=rows, ledger=ledger, clock=clock)
    runs = Runs(rows=rows, blobs=blobs, series=Series(rows), ledger=ledger, clock=clock)
    datasets = Datasets(rows=rows, blobs=blobs, tables=tables, ledger=ledger, clock=clock, inbox=tmp_path)
    models = Models(rows=rows, blobs=blobs, ledger=ledger, clock=clock, runs=runs, evaluations=evaluations, datasets=datasets)
    with calling(Caller(actor="person:ana")):
        models.create("late")
        signature = Signature(
            inputs=[Field(name="delay"), Field(name="carrier", dtype="string", categories=["AA", "UA"]), Field(name="idle")]
        )
        artifact = models.upload(Linear().dump(Logistic(intercept=-1, terms=[Term(weight=2), Term(by_code=[0.0, 1.0]), Term()])))
        models.register("late", artifact, "linear", signature)
        yield Explanations(rows=rows, tables=tables, ledger=ledger, clock=clock, models=models), tables


def stored(tables: Tables) -> str:
    """A table of inputs and labels, some of them missing."""
    rng = np.random.default_rng(2)
    delay = rng.normal(size=3000)
    label = [int(d > 0.5) if i % 10 else None for i, d in enumerate(delay)]
    return tables.write(
        pa.table({"delay": delay, "carrier": rng.choice(["AA", "UA"], 3000), "idle": rng.normal(size=3000), "label": label})
    ).digest


def test_r52_a_registered_version_is_explained_and_kept(explanations: tuple[Explanations, Tables]) -> None:
    door, tables = explanations
    digest = stored(tables)
    whole = door.explain_global("late@1", digest)
    assert whole.rows == 2700
    assert whole.importances[0].feature == "delay"
    assert whole.importances[0].low > 0
    assert next(i.value for i in whole.importances if i.feature == "idle") == 0
    assert door.explain_global("late@1", digest) == whole
    assert door.of("late@1") == [whole]
    assert door.get(whole.id) == whole

    one = door.explain_local("late@1", {"delay": 2.0, "carrier": "UA", "idle": float("nan"), "more": 1}, digest)
    assert one.score == pytest.approx(1 / (1 + math.exp(-4)))
    assert one.base + sum(c.value for c in one.contributions) == pytest.approx(one.score, abs=1e-12)
    assert door.get_local(one.id) == one
    other = door.explain_local("late@1", {"delay": -1.0, "carrier": "AA", "idle": 0.0}, digest)
    assert {e.id for e in door.of_answers("late@1")} == {one.id, other.id}
    assert len(door.of_answers("late@1", limit=1)) == 1
    assert door.of("late@1") == [whole]
    with pytest.raises(NotFound):
        door.get(one.id)
    assert (door.kept(whole.id), door.kept(one.id)) == (Kept(whole=whole), Kept(answer=one))
    with pytest.raises(NotFound):
        door.kept("nothing")


def test_what_cannot_be_explained_says_why(explanations: tuple[Explanations, Tables]) -> None:
    door, tables = explanations
    digest = stored(tables)
    with pytest.raises(Invalid, match="no value for 'carrier'"):
        door.explain_local("late@1", {"delay": 2.0}, digest)
    with pytest.raises(Invalid, match="not a local explanation"):
        door.explain_local("late@1", {"delay": 2.0, "carrier": "UA", "idle": 0}, digest, method="permutation")
    with pytest.raises(NotFound):
        door.explain_global("late@1", digest, method="lime")
    with pytest.raises(Invalid, match="1 to 200"):
        door.of_answers("late@1", limit=0)
    with pytest.raises(NotFound):
        door.get("nothing")
    empty = tables.write(pa.table({"delay": [1.0], "carrier": ["AA"], "idle": [0.0], "label": pa.array([None], pa.int64())})).digest
    with pytest.raises(Invalid, match="no row"):
        door.explain_global("late@1", empty)
    assert METHODS.names() == ["permutation", "shapley"]
