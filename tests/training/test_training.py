"""Splits in time, the searches, and tuning with a run for every trial."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.local import Local
from ostinato.storage.rows.rows import Rows
from ostinato.storage.series.series import Series
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs
from ostinato.training.search.grid import Grid
from ostinato.training.search.random import Random
from ostinato.training.splits import holdout, time_folds
from ostinato.training.tune import SEARCH, tune
from ostinato.training.types import Range


@pytest.fixture
def runs(tmp_path: Path, rows: Rows) -> Iterator[Runs]:
    clock = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))
    ledger = Ledger(rows=rows, clock=clock, key_path=tmp_path / "key")
    made = Runs(rows=rows, blobs=Local(tmp_path / "blobs"), series=Series(rows), ledger=ledger, clock=clock)
    with calling(Caller(actor="person:ana")):
        yield made


def test_folds_never_look_ahead() -> None:
    rng = np.random.default_rng(0)
    times = np.datetime64("2013-01-01") + rng.integers(0, 90, 5000).astype("timedelta64[D]")
    for fold in time_folds(times, folds=4, gap=timedelta(days=3)):
        assert times[fold.train].max() < times[fold.test].min() - np.timedelta64(3, "D")
    tested = np.concatenate([f.test for f in time_folds(times, folds=4)])
    assert len(np.unique(tested)) == len(tested)
    assert set(range(5000)) - set(tested.tolist()) == set(time_folds(times, folds=4)[0].train.tolist())


def test_rows_of_one_instant_stay_together() -> None:
    times = np.repeat(np.arange(6), 10)
    for fold in [*time_folds(times, folds=3), holdout(times, 0.25)]:
        assert not set(times[fold.train]) & set(times[fold.test])


@pytest.mark.parametrize(
    "times",
    [
        np.array([]), np.zeros(50), np.array([1.0, np.nan]), np.array(["2013-01-01", "NaT"], "datetime64[D]"),
        np.array([datetime(2013, 1, day, tzinfo=UTC) for day in range(1, 30)]), np.array(["2013-01-01", "2013-01-02"]),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused(times: np.ndarray) -> None:
    with pytest.raises(Invalid):
        time_folds(times, folds=3)
    with pytest.raises(Invalid):
        holdout(times)


def test_the_members_of_the_family() -> None:
    assert SEARCH.names() == ["grid", "random"]
    space = {"depth": [2, 4, 8], "rate": Range(low=0.01, high=1.0, log=True, steps=3), "leaves": Range(low=1, high=9, whole=True)}
    grid = list(Grid().points(space))
    assert len(grid) == 3 * 3 * 5
    assert {p["rate"] for p in grid} == {0.01, 0.1, 1.0}
    drawn = list(Random(trials=200, seed=3).points(space))
    assert drawn == list(Random(trials=200, seed=3).points(space))
    assert all(0.01 <= p["rate"] <= 1 and p["leaves"] in range(1, 10) and p["depth"] in (2, 4, 8) for p in drawn)
    assert 60 < sum(p["rate"] < 0.1 for p in drawn) < 140
    with pytest.raises(NotFound):
        SEARCH.get("simulated_annealing")
    with pytest.raises(Invalid):
        Range(low=0, high=1, log=True)


def test_r41_every_trial_is_a_run_and_the_best_is_kept(runs: Runs) -> None:
    with Logger.start(runs, "flights", "search") as parent:
        tuned = tune("grid", {"x": [-2, 0, 1, 3]}, lambda p, trial: -((float(p["x"]) - 1) ** 2), runs=runs, run=parent)
    assert tuned.best.parameters == {"x": 1}
    children = runs.search(parent=parent.id).items
    assert {c.params["x"] for c in children} == {-2, 0, 1, 3}
    assert all(c.state == "finished" for c in children)
    assert runs.metrics(tuned.best.run.name)["objective"].last == 0
    assert runs.metrics(parent.id)["best_objective"].last == 0


def test_failed_trials_are_kept_and_the_search_goes_on(runs: Runs) -> None:
    def evaluate(parameters: dict[str, object], trial: Logger) -> float:
        if parameters["x"] == 0:
            raise ZeroDivisionError("no")
        return float("nan") if parameters["x"] == 1 else 0.5

    with Logger.start(runs, "flights") as parent:
        tuned = tune("grid", {"x": [0, 1, 2]}, evaluate, runs=runs, run=parent, maximize=False)
        assert [t.value for t in tuned.trials] == [None, None, 0.5]
        assert "ZeroDivisionError" in tuned.trials[0].problem
        assert runs.get(tuned.trials[0].run.name).state == "failed"
    with Logger.start(runs, "flights") as parent, pytest.raises(Conflict, match="all 1 trials failed"):
        tune("grid", {"x": [0]}, evaluate, runs=runs, run=parent)


def test_a_search_goes_on_where_it_died(runs: Runs) -> None:
    calls = itertools.count()

    def dying(parameters: dict[str, object], trial: Logger) -> float:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return float(str(parameters["x"]))

    with Logger.start(runs, "flights") as parent:
        with pytest.raises(KeyboardInterrupt):
            tune("grid", {"x": [1, 2, 3, 4]}, dying, runs=runs, run=parent)
        seen: list[object] = []
        tuned = tune("grid", {"x": [1, 2, 3, 4]}, lambda p, t: (seen.append(p["x"]), float(p["x"]))[1], runs=runs, run=parent)
        assert seen == [4]
        assert [t.value for t in tuned.trials] == [1, 2, None, 4]
        with pytest.raises(Conflict, match="tried"):
            tune("grid", {"x": [9]}, dying, runs=runs, run=parent)
