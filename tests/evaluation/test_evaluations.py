"""Evaluations are kept once, by content, within their project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ostinato.evaluation.report import evaluate_binary
from ostinato.evaluation.service import Evaluations
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Rows

REPORT = evaluate_binary([0, 1, 1, 0], [0.1, 0.8, 0.4, 0.5], groups={"origin": ["a", "a", "b", "b"]})
RUN = Ref("run", "01A")
CLOCK = ReplayClock(datetime(2013, 1, 1, tzinfo=UTC))


@pytest.fixture
def parts(tmp_path: Path, rows: Rows) -> Iterator[tuple[Evaluations, Ledger]]:
    ledger = Ledger(rows=rows, clock=CLOCK, key_path=tmp_path / "key")
    with calling(Caller(actor="person:ana")):
        yield Evaluations(rows=rows, ledger=ledger, clock=CLOCK), ledger


def test_recording_twice_keeps_one(parts: tuple[Evaluations, Ledger]) -> None:
    evaluations, ledger = parts
    made = evaluations.record(RUN, "d" * 64, REPORT, [Ref("dataset", "flights", "4")])
    CLOCK.set(CLOCK.now() + timedelta(days=1))
    assert evaluations.record(RUN, "d" * 64, REPORT, [Ref("dataset", "flights", "4")]) == made
    assert evaluations.get(made.id) == made
    assert made.recorded_by == "person:ana"
    told = ledger.history(RUN)
    assert [e.verb for e in told] == ["evaluation.recorded"]
    assert told[0].inputs == (RUN, Ref("dataset", "flights", "4"))
    assert told[0].outputs == (Ref("evaluation", made.id),)


def test_of_lists_the_newest_first_and_by_rows(parts: tuple[Evaluations, Ledger]) -> None:
    evaluations, _ = parts
    first = evaluations.record(RUN, "a", REPORT)
    CLOCK.set(CLOCK.now() + timedelta(days=1))
    second = evaluations.record(RUN, "b", REPORT)
    evaluations.record(Ref("run", "01B"), "a", REPORT)
    assert evaluations.of(RUN) == [second, first]
    assert evaluations.of(RUN, data="a") == [first]


def test_figures_carry_what_is_drawn(parts: tuple[Evaluations, Ledger]) -> None:
    evaluations, _ = parts
    made = evaluations.record(RUN, "a", REPORT)
    drawn = evaluations.figures(made.id)
    assert drawn.evaluation == made
    directions = {m.metric: m.higher_is_better for m in drawn.metrics}
    assert directions["auc"]
    assert not directions["brier"]
    assert {m.metric: m.estimate for m in drawn.metrics} == made.report.metrics
    for point, bin_ in zip(drawn.calibration, made.report.calibration, strict=True):
        assert (point.predicted, point.observed.value, point.rows) == (bin_.mean_score, bin_.rate, bin_.rows)
        assert point.observed.low is not None
        assert point.observed.high is not None
        assert point.observed.low <= bin_.rate <= point.observed.high


def test_other_projects_see_nothing(parts: tuple[Evaluations, Ledger]) -> None:
    evaluations, _ = parts
    made = evaluations.record(RUN, "a", REPORT)
    with calling(Caller(actor="person:ana", project="other")):
        assert evaluations.of(RUN) == []
        with pytest.raises(NotFound):
            evaluations.get(made.id)


def test_rows_without_a_digest_are_refused(parts: tuple[Evaluations, Ledger]) -> None:
    with pytest.raises(Invalid, match="digest"):
        parts[0].record(RUN, "", REPORT)
