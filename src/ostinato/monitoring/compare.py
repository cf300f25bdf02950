"""Comparison of a window with the reference: the tests that apply, what they measure, and a sentence about the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.family import Family
from ostinato.kernel.frozen import frozen
from ostinato.kernel.number import format_number
from ostinato.monitoring.proportions import Array, proportions
from ostinato.monitoring.rule import Trial, Verdict, judge
from ostinato.monitoring.types import Kind, Measurement, Monitor, Rate, TestSpec
from ostinato.monitoring.windows import Blocks, Counted, Grid, Reference, count_scores

LABELLED_MIN = 30
_CLASS_MIN = 10


class Distance(Protocol):
    """A member of `drift`: how far two histograms on the same bins lie apart; `ordered` ones need numbers, `most` is the largest."""

    ordered: ClassVar[bool]
    most: ClassVar[float]
    tolerance: float

    def effect(self, reference: Array, window: Array, centres: Array, /) -> Array: ...


class Flaw(Protocol):
    """A member of `quality`: how much more often a flaw occurs than in the reference."""

    tolerance: float

    def value(self, counts: Array, /) -> Array: ...

    def effect(self, reference: Array, window: Array, /) -> Array: ...


class Loss(Protocol):
    """A member of `performance`: how much was lost against the reference."""

    tolerance: float

    def effect(self, reference: Array, window: Array, centres: Array, /) -> Array: ...

    def value(self, counts: Array, centres: Array, /) -> Array: ...


DRIFT: Family[Distance] = Family("ostinato.monitoring.drift")
QUALITY: Family[Flaw] = Family("ostinato.monitoring.quality")
PERFORMANCE: Family[Loss] = Family("ostinato.monitoring.performance")

STANDARD = [
    TestSpec(kind="quality", test="null_share"),
    TestSpec(kind="quality", test="unseen"),
    TestSpec(kind="performance", test="auc"),
    TestSpec(kind="performance", test="brier"),
    TestSpec(kind="coverage", test="labels", tolerance=0.2),
]
"""What every monitor tests unless it says otherwise, besides drift: ks for numbers, jensen_shannon for categories."""


@frozen
class Question:
    """A trial with the words for it."""

    kind: Kind
    test: str
    feature: str
    trial: Trial
    expected: float | None
    observed: float | None
    bounds: tuple[float, float]
    """Least and most that the effect can be."""


@frozen
class Comparison:
    """Everything measured on one window."""

    measurements: list[Measurement]
    undecided: list[str]
    any_false_alarm: dict[str, Rate]
    labelled: int


def resolve(tests: list[TestSpec]) -> list[TestSpec]:
    """The tests that a monitor was given, and the standard ones that they do not replace.

    Raises:
        NotFound: a test is in no family.
    """
    families: dict[Kind, Family[Any]] = {"drift": DRIFT, "quality": QUALITY, "performance": PERFORMANCE}
    for spec in tests:
        if spec.kind in families:
            families[spec.kind].get(spec.test)
        elif spec.test != "labels":
            raise NotFound.named("test of coverage", spec.test, ["labels"])
    general = {(spec.kind, spec.test) for spec in tests if not spec.features}
    return [*tests, *(spec for spec in STANDARD if (spec.kind, spec.test) not in general)]


def compare(monitor: Monitor, reference: Reference, window: pa.Table) -> Comparison:
    """Measure `window` (columns `at`, `score`, `label` and the features) against the reference, kind by kind."""
    undecided: list[str] = []
    asked = list(_questions(monitor, reference, window, undecided))
    labelled = int(len(window) - window["label"].null_count)
    measurements: list[Measurement] = []
    rates: dict[str, Rate] = {}
    for kind in ("drift", "performance", "quality", "coverage"):
        of_kind = [q for q in asked if q.kind == kind]
        verdicts, any_rate = judge([q.trial for q in of_kind], alpha=monitor.alpha)
        if of_kind:
            rates[kind] = any_rate
        measurements += [_measurement(q, v, reference) for q, v in zip(of_kind, verdicts, strict=True)]
    return Comparison(measurements=measurements, undecided=undecided, any_false_alarm=rates, labelled=labelled)


def _questions(monitor: Monitor, reference: Reference, window: pa.Table, undecided: list[str]) -> Iterator[Question]:
    if not len(window):
        undecided.append("no predictions in this window")
        return
    blocks = reference.blocks_of(window, monitor.block)
    for name in (*monitor.features, "score"):
        if name not in window.column_names:
            undecided.append(f"{name}: the predictions hold no such column")
            continue
        try:
            yield from _of_feature(monitor.tests, reference, name, window[name], blocks)
        except Invalid as error:
            undecided.append(f"{name}: {error.message}")
    yield from _of_labels(monitor.tests, reference, window, blocks, undecided)


def _of_feature(tests: list[TestSpec], reference: Reference, name: str, column: pa.ChunkedArray, blocks: Blocks) -> Iterator[Question]:
    grid, ours = reference.grids[name], reference.counted[name]
    theirs = reference.count(name, column, blocks)
    centres = np.asarray(grid.centres)
    expected, observed = _means(grid, ours, column)
    for spec in _applying(tests, "drift", name, "ks" if grid.kind == "numeric" else "jensen_shannon"):
        distance = DRIFT.make(spec.test)
        if (grid.kind == "numeric" or not distance.ordered) and theirs.bins.any():
            trial = _trial(spec, ours.bins, theirs.bins, _with_centres(distance.effect, centres), distance.tolerance)
            yield _question(spec, name, trial, expected, observed, (0.0, distance.most))
    for spec in _applying(tests, "quality", name) if name != "score" else ():
        flaw = QUALITY.make(spec.test)
        expected, observed = (float(flaw.value(c.state.sum(axis=0))) for c in (ours, theirs))
        trial = _trial(spec, ours.state, theirs.state, flaw.effect, flaw.tolerance)
        yield _question(spec, name, trial, expected, observed, (-1.0, 1.0))


def _means(grid: Grid, ours: Counted, column: pa.ChunkedArray) -> tuple[float | None, float | None]:
    """The means of a feature in the reference and in the window, if it has any."""
    if grid.kind != "numeric":
        return None, None
    mean = pc.mean(pc.cast(column, pa.float64())).as_py()
    expected = float((proportions(ours.bins.sum(axis=0)) * np.asarray(grid.centres)).sum())
    return expected, mean if mean is not None and math.isfinite(mean) else None


def _applying(tests: list[TestSpec], kind: Kind, name: str, otherwise: str = "") -> list[TestSpec]:
    """The specs of a kind that fit a feature, one for each test, and of two the one that names it; none: the standard one."""
    fitting: dict[str, TestSpec] = {}
    for spec in tests:
        if spec.kind == kind and (name in spec.features or (not spec.features and spec.test not in fitting)):
            fitting[spec.test] = spec
    return list(fitting.values()) or ([TestSpec(kind=kind, test=otherwise)] if otherwise else [])


def _of_labels(tests: list[TestSpec], reference: Reference, window: pa.Table, blocks: Blocks, undecided: list[str]) -> Iterator[Question]:
    missing = np.asarray(window["label"].is_null().to_numpy(), dtype=np.int64)
    state = blocks.tally(2 * missing, 3)
    full = np.stack([reference.scored.sum(axis=1), *[np.zeros(reference.blocks, np.int64)] * 2], axis=1)
    for spec in _applying(tests, "coverage", "label"):
        trial = _trial(spec, full, state, QUALITY.make("null_share").effect, 0.2)
        yield _question(spec, "label", trial, 1.0, float(1 - missing.mean()), (0.0, 1.0))
    scored = count_scores(reference.scores, window, blocks)
    scored = scored[scored.sum(axis=1) > 0]
    total = scored.sum(axis=0)
    classes = [int(half.sum()) for half in np.split(total, 2)]
    if total.sum() < LABELLED_MIN or min(classes) < _CLASS_MIN:
        undecided.append(f"performance: {int(total.sum())} labelled rows ({classes[0]} of class 0, {classes[1]} of class 1) are too few")
        return
    centres = np.asarray(reference.scores.centres)
    for spec in _applying(tests, "performance", "label"):
        loss = PERFORMANCE.make(spec.test)
        expected, observed = (float(loss.value(c, centres)) for c in (reference.scored.sum(axis=0), total))
        trial = _trial(spec, reference.scored, scored, _with_centres(loss.effect, centres), loss.tolerance)
        yield _question(spec, "label", trial, expected, observed, (-1.0, 1.0))


def _with_centres(effect: Callable[[Array, Array, Array], Array], centres: Array) -> Callable[[Array, Array], Array]:
    return lambda reference, window: effect(reference, window, centres)


def _trial(spec: TestSpec, reference: Array, window: Array, effect: Callable[[Array, Array], Array], own_tolerance: float) -> Trial:
    return Trial(reference=reference, window=window, effect=effect, tolerance=own_tolerance if spec.tolerance is None else spec.tolerance)


def _question(
    spec: TestSpec, feature: str, trial: Trial, expected: float | None, observed: float | None, bounds: tuple[float, float]
) -> Question:
    return Question(kind=spec.kind, test=spec.test, feature=feature, trial=trial, expected=expected, observed=observed, bounds=bounds)


def _measurement(question: Question, verdict: Verdict, reference: Reference) -> Measurement:
    rate, (least, most) = verdict.false_alarm, question.bounds
    within = replace(verdict, low=max(least, verdict.low), high=min(most, verdict.high))
    measured = (
        f"{rate.draws} pairs of a reference and a window of this size, drawn anew from the {reference.blocks} blocks"
        f" ({reference.unit}) of the reference and judged by this rule"
    )
    return Measurement(
        kind=question.kind,
        test=question.test,
        feature=question.feature,
        effect=within.effect,
        low=within.low,
        high=within.high,
        tolerance=question.trial.tolerance,
        p=within.p,
        corrected_p=within.corrected_p,
        alarm=within.alarm,
        false_alarm=rate,
        measured=measured,
        expected=question.expected,
        observed=question.observed,
        sentence=_sentence(question, within),
    )


_SUBJECT = {
    ("quality", "null_share"): "missing values of {feature}",
    ("quality", "unseen"): "values of {feature} that the reference does not hold",
    ("performance", "auc"): "the area under the ROC curve",
    ("performance", "brier"): "the Brier score",
    ("coverage", "labels"): "the share of predictions with a label",
}


_MEASURE = {
    "ks": "KS distance",
    "jensen_shannon": "Jensen–Shannon distance",
    "hellinger": "Hellinger distance",
    "wasserstein": "Wasserstein distance",
    "chi_square": "chi-square effect",
    "psi": "population stability index",
    "null_share": "a rise of",
    "unseen": "a rise of",
    "auc": "a loss of",
    "brier": "a rise of",
    "labels": "without a label",
}


def _sentence(question: Question, verdict: Verdict) -> str:
    subject = _SUBJECT.get((question.kind, question.test), "{feature}").format(feature=question.feature)
    change = ""
    if question.expected is not None and question.observed is not None:
        what = " on average" if question.kind == "drift" else ""
        change = f" went from {format_number(question.expected, 4)} to {format_number(question.observed, 4)}{what}"
    measure = _MEASURE.get(question.test, question.test.replace("_", " "))
    reach = f"{measure} {format_number(verdict.effect)}, 95 % interval {format_number(verdict.low)} to {format_number(verdict.high)}"
    judged = "beyond" if verdict.alarm else "within" if verdict.low <= question.trial.tolerance else "above"
    return f"{subject}{change}: {reach}, {judged} the tolerance of {question.trial.tolerance:g}"
