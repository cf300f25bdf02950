"""Gates: each passes what is good enough, fails what is not, and says the number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.registry.conftest import Works, as_

from ostinato.evaluation.types import Estimate
from ostinato.kernel.ref import Ref
from ostinato.registry.gate import GATES, gate_of
from ostinato.registry.types import DataAge, GateContext, GateSpec, Scalar, Verdict


@pytest.fixture
def context(works: Works) -> GateContext:
    """A version with an AUC of about 0.9 by two equal groups, and data of two and ten days ago."""
    works.models.create("late")
    version = works.version()
    now = works.clock.now()
    ages = [DataAge(dataset=Ref("dataset", "flights", str(n)), delivered_at=now - timedelta(days=days)) for n, days in ((1, 10), (2, 2))]
    evaluation = works.evaluations.get(version.evaluation or "")
    return GateContext(version=version, evaluation=evaluation, champion=None, champion_evaluation=None, data=ages, now=now)


def judged(context: GateContext, gate: str, **parameters: Scalar) -> Verdict:
    return gate_of(GateSpec(gate=gate, parameters=parameters)).judge(context)


def test_metric_floor_knows_which_way_is_better(context: GateContext) -> None:
    auc = context.evaluation.report.metrics["auc"]
    assert judged(context, "metric_floor", metric="auc", value=auc.value).passed
    assert not judged(context, "metric_floor", metric="auc", value=auc.value + 1e-9).passed
    assert not judged(context, "metric_floor", metric="auc", value=auc.value, sure=True).passed
    assert judged(context, "metric_floor", metric="auc", value=auc.low, sure=True).measured == auc.low
    brier = context.evaluation.report.metrics["brier"]
    assert judged(context, "metric_floor", metric="brier", value=brier.high, sure=True).passed
    assert not judged(context, "metric_floor", metric="brier", value=brier.value - 1e-9).passed
    assert "not measured" in judged(context, "metric_floor", metric="ece", value=1.0, sure=True).reason


def test_calibration_and_fresh_data_hold_their_limits(context: GateContext) -> None:
    ece = context.evaluation.report.value("ece")
    assert judged(context, "calibration", max_ece=ece).passed
    assert not judged(context, "calibration", max_ece=ece * 0.99).passed
    fresh = judged(context, "fresh_data", max_age_days=2)
    assert (fresh.passed, fresh.measured, fresh.threshold) == (True, 2.0, 2)
    assert "dataset:flights@2" in fresh.reason
    assert not judged(context, "fresh_data", max_age_days=1.9).passed
    assert not judged(replace(context, data=[]), "fresh_data", max_age_days=100).passed


def test_r56_groups_may_not_lie_far_apart(context: GateContext) -> None:
    aucs = [s.metrics["auc"].value for s in context.evaluation.report.groups]
    gap = abs(aucs[0] - aucs[1])
    found = judged(context, "group_gap", metric="auc", by="origin", max_gap=gap)
    assert (found.passed, found.measured) == (True, pytest.approx(gap))
    assert "EWR" in found.reason
    assert not judged(context, "group_gap", metric="auc", by="origin", max_gap=gap * 0.99).passed
    for by, least in [("carrier", 100), ("origin", 501)]:
        assert not judged(context, "group_gap", metric="auc", by=by, max_gap=1.0, min_rows=least).passed


def test_r56_a_disparate_impact_cannot_be_approved(works: Works, context: GateContext) -> None:
    report = context.evaluation.report
    uneven = [replace(s, metrics={"selection_rate": Estimate(value=rate)}) for s, rate in zip(report.groups, (0.30, 0.40), strict=True)]
    unfair = replace(context, evaluation=replace(context.evaluation, report=replace(report, groups=uneven)))
    found = judged(unfair, "selection_ratio", by="origin")
    assert (found.passed, found.measured, found.threshold) == (False, pytest.approx(0.75), 0.8)
    assert judged(unfair, "selection_ratio", by="origin", floor=0.7).passed
    works.models.require(
        "late", [GateSpec(gate="selection_ratio", parameters={"by": "origin", "floor": 0.9999})], 1, "fair to both airports"
    )
    assert not works.models.check("late@1").passed
    assert works.models.get("late@1").state == "registered"


@pytest.mark.parametrize("gate", GATES.names())
def test_without_an_evaluation_no_gate_invents_one(context: GateContext, gate: str) -> None:
    parameters: dict[str, dict[str, Scalar]] = {
        "metric_floor": {"metric": "auc", "value": 0.0},
        "group_gap": {"metric": "auc", "max_gap": 1.0, "by": "origin"},
        "selection_ratio": {"by": "origin"},
        "fresh_data": {"max_age_days": 1},
    }
    bare = replace(context, evaluation=None, data=[], champion=Ref("model", "late", "9"))
    assert not judged(bare, gate, **parameters.get(gate, {})).passed


def test_r44_a_challenger_worse_than_the_champion_on_the_same_rows_is_stopped(works: Works) -> None:
    gate = GateSpec(gate="no_worse_than_champion", parameters={"margin": 0.005})
    works.models.create("late", gates=[gate])
    first = works.version()
    check = works.models.check("late@1")
    assert check.passed
    assert "no champion" in check.results[0].reason
    with as_("rita"):
        works.models.approve("late@1", "the first")
    works.models.promote("late@1")

    works.version(weight=2.0, quality=0.5)
    worse = works.models.check("late@2")
    assert worse.champion == 1
    assert not worse.passed
    assert worse.results[0].measured > 0.005

    run = works.runs.start("flights").ref
    elsewhere = works.evaluation(run, data="rows-2")
    works.models.register("late", works.artifact(3.0), "linear", first.signature, run=run, evaluation=elsewhere.id)
    unknown = works.models.check("late@3").results[0]
    assert not unknown.passed
    assert "evaluations.record(model:late@1" in unknown.reason
    works.evaluation(first.ref, data="rows-2")
    assert works.models.check("late@3").passed
    assert works.models.check("late@1").passed, "the champion has no rival but itself"


def test_beats_baseline_wants_one_on_the_same_rows(context: GateContext) -> None:
    assert "evaluations.record" in judged(context, "beats_baseline").reason
    assert not judged(replace(context, baseline_evaluation=context.evaluation), "beats_baseline").passed
    own = context.evaluation.report
    simple = replace(
        context.evaluation, report=replace(own, metrics=own.metrics | {"auc": Estimate(value=0.6), "brier": Estimate(value=0.3)})
    )
    behind = replace(context, baseline_evaluation=simple)
    assert judged(behind, "beats_baseline", metric="auc", margin=0.1).passed
    assert judged(behind, "beats_baseline", metric="brier").passed
    assert not judged(behind, "beats_baseline", metric="auc", margin=0.9).passed
