"""Which parameters a metric goes with, and runs in groups of a value."""

from __future__ import annotations

import numpy as np
import pytest

from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid
from ostinato.tracking.influence import LEAST, PARAMS_MAX, influences
from ostinato.tracking.types import MetricFrame, Scalar
from ostinato.tracking.view_types import Influence


def by_name(metric: list[float], params: list[dict[str, Scalar]]) -> dict[str, Influence]:
    return {one.param: one for one in influences(metric, params)}


def test_a_parameter_that_matters_is_told_from_those_that_do_not() -> None:
    """Also where the best value lies in the middle, so that no correlation shows it, and where values are words."""
    chance = np.random.default_rng(1)
    params: list[dict[str, Scalar]] = [
        {
            "depth": int(chance.integers(1, 10)),
            "kind": str(chance.choice(["tree", "line"])),
            "rate": float(chance.uniform()),
            "seed": run,
            "same": 3,
        }
        for run in range(120)
    ]
    metric = [-abs(p["depth"] - 5) + (2.0 if p["kind"] == "tree" else 0.0) + chance.normal() / 10 for p in params]  # type: ignore[operator]
    found = by_name(metric, params)
    assert list(found) == [*sorted(("depth", "kind"), key=lambda name: -found[name].share), *list(found)[2:]]
    assert set(found) == {"depth", "kind", "rate", "seed"}
    depth, kind, seed = found["depth"], found["kind"], found["seed"]
    assert depth.share > 0.3 > depth.chance
    assert (depth.p, depth.values, depth.groups) == (1 / 500, 9, 6)
    assert depth.trend is not None
    assert depth.low is not None
    assert depth.low < 0 < (depth.high or 0)
    assert (kind.p, kind.trend, kind.groups) == (1 / 500, None, 2)
    assert seed.p > 0.05
    assert seed.share < seed.chance


def test_parameters_changed_together_are_named() -> None:
    params: list[dict[str, Scalar]] = [{"rate": run / 40, "steps": 1000 - run, "kind": str(run % 3)} for run in range(40)]
    found = by_name([float(run) for run in range(40)], params)
    assert (found["rate"].along, found["steps"].along, found["kind"].along) == (["steps"], ["rate"], [])
    assert found["rate"].trend == pytest.approx(1.0)
    assert found["steps"].trend == pytest.approx(-1.0)


def test_of_many_parameters_the_commonest_are_looked_at() -> None:
    """Also where each run has names of its own, and all of them were changed together."""
    params: list[dict[str, Scalar]] = [
        {**{f"p{i:04}": run * (i + 1) for i in range(PARAMS_MAX)}, "same": 1, **{f"own{run}-{i}": i for i in range(2000)}}
        for run in range(20)
    ]
    found = by_name([float(run) for run in range(20)], params)
    assert set(found) == {f"p{i:04}" for i in range(PARAMS_MAX)}
    assert all(len(one.along) == 10 and one.param not in one.along for one in found.values())


def test_by_chance_alone_one_in_twenty_tables_has_a_finding() -> None:
    """The p-values hold for all parameters together: 60 tables without any effect, six parameters each."""
    false = 0
    for seed in range(60):
        chance = np.random.default_rng(seed)
        params: list[dict[str, Scalar]] = [
            {**{f"p{i}": float(chance.uniform()) for i in range(5)}, "kind": str(chance.integers(0, 4))} for _ in range(30)
        ]
        false += min(one.p for one in influences(list(chance.normal(size=30)), params)) <= 0.05
    assert false <= 8  # of 60 at 1 in 20: more than 8 once in 250 times


def test_what_cannot_be_told_is_not_said() -> None:
    params: list[dict[str, Scalar]] = [{"depth": run} for run in range(LEAST)]
    assert influences([1.0] * LEAST, params) == []
    assert influences([float(run) for run in range(LEAST - 1)], params[1:]) == []
    assert influences([float(run) for run in range(LEAST)], [{"depth": 1}] * LEAST) == []
    assert len(influences([float(run) for run in range(LEAST)], params)) == 1


@pytest.fixture
def swept(app: Ostinato) -> Ostinato:
    """Twelve runs of two depths and two experiments; the last measured nothing, one before it no number."""
    for number in range(12):
        experiment, depth = ("a", "b")[number % 2], 3 if number < 8 else "auto"
        params: dict[str, Scalar] = {"depth": depth, "rate": number / 4} if number != 5 else {"rate": 1}
        run = app.runs.start(experiment, f"try {number}", params=params).id
        if number != 11:
            app.runs.log(run, "c", 0, MetricFrame.of([("auc", 0, 0, float("nan") if number == 10 else number / 10)]))
    return app


def test_runs_in_groups(swept: Ostinato) -> None:
    groups = swept.runs.groups("params.depth", metric="auc").groups
    assert [(g.value, g.runs, g.measured, g.least, g.greatest) for g in groups] == [
        (3, 7, 7, 0.0, 0.7),
        ("auto", 4, 2, 0.8, 0.9),
        (None, 1, 1, 0.5, 0.5),
    ]
    assert groups[1].mean == pytest.approx(0.85)
    for group in groups:
        assert len(swept.runs.rows(where=[group.where]).items) == group.runs
    by_experiment = swept.runs.groups("experiment", where=["params.rate < 1"])
    assert [(g.value, g.runs, g.measured, g.where) for g in by_experiment.groups] == [
        ("a", 2, 0, 'experiment = "a"'),
        ("b", 2, 0, 'experiment = "b"'),
    ]
    first = swept.runs.groups("params.rate", limit=2)
    assert (len(first.groups), first.more) == (2, True)


def test_groups_that_make_no_sense_are_refused(swept: Ostinato) -> None:
    for by in ("metrics.auc", "started_at", "experiment, state", "colour", "params."):
        with pytest.raises(Invalid) as refused:
            swept.runs.groups(by)
        assert refused.value.field == "by"
    with pytest.raises(Invalid):
        swept.runs.groups("experiment", limit=0)


def test_influences_of_the_runs_of_a_table(swept: Ostinato) -> None:
    found = swept.runs.influences("auc", where=["params.depth is not null"])
    assert (found.runs, found.more) == (9, False)
    assert [one.param for one in found.params] == ["rate", "depth"]
    assert found.params[0].trend == pytest.approx(1.0)
    assert swept.runs.influences("loss").params == []
