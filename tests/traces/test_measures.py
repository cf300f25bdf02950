"""Measures: what traces, spans and assessments come to, against numpy; and MLflow's client that asks for the same."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest
from tests.traces.test_traces import AT, chat, span

from ostinato.app import Ostinato
from ostinato.kernel.errors import Invalid
from ostinato.testing.fixtures import both  # noqa: F401

SINCE, UNTIL = AT - timedelta(hours=1), AT + timedelta(hours=3)


@pytest.fixture
def said(app: Ostinato) -> list[dict[str, object]]:
    """Traces of two users over two hours, and what they took."""
    chance, told = random.Random(3), list[dict[str, object]]()
    for n in range(60):
        one = {"user": "ana" if n % 3 else "ben", "took_ms": float(chance.randint(1, 500)), "hour": n % 2, "tokens": chance.randint(1, 9)}
        begin, id_ = n % 2 * 3_600_000 + n, f"tr-{n}"
        root = span(1, trace=id_, begin_ms=begin, took_ms=one["took_ms"], name="answer", attributes={"user.id": one["user"]},  # type: ignore[arg-type]
                    state="error" if n % 10 == 0 else "ok")  # fmt: skip
        call = span(2, 1, trace=id_, begin_ms=begin, took_ms=1, attributes=chat(one["tokens"], 0, f"tiny-{n % 2}"))  # type: ignore[arg-type]
        app.traces.put([root, call], "chat")
        told.append(one)
    return told


def test_measures_are_what_numpy_says(both: Ostinato, said: list[dict[str, object]]) -> None:  # noqa: F811
    found = both.traces.measures("duration_ms", ["user"], since=SINCE, until=UNTIL, parts=2, percentiles=[0, 37.5, 50, 99, 100])
    assert [(one.at, one.by) for one in found] == [
        (SINCE, ["ana"]), (SINCE, ["ben"]), (SINCE + timedelta(hours=2), ["ana"]), (SINCE + timedelta(hours=2), ["ben"]),
    ]  # fmt: skip
    for one in found:
        hour = one.at != SINCE
        took = np.array([one_said["took_ms"] for one_said in said if one_said["user"] == one.by[0] and bool(one_said["hour"]) == hour])
        assert (one.count, one.measured, one.sum, one.min, one.max) == (len(took), len(took), took.sum(), took.min(), took.max())
        assert one.mean == pytest.approx(took.mean())
        assert one.percentiles == pytest.approx(np.percentile(took, [0, 37.5, 50, 99, 100]))
    assert sum(one.errors for one in found) == 6


def test_spans_and_assessments_are_measured_by_themselves(both: Ostinato, said: list[dict[str, object]]) -> None:  # noqa: F811
    within = {"since": SINCE, "until": UNTIL}
    traces = both.traces
    tokens = traces.measures("span.total_tokens", ["span.model"], ["span.model ~ tiny"], **within)  # type: ignore[arg-type]
    assert [(one.by, one.count) for one in tokens] == [(["tiny-0"], 30), (["tiny-1"], 30)]
    assert tokens[0].sum == sum(int(str(one["tokens"])) for one in said if not one["hour"])
    for n in range(4):
        traces.assess(f"tr-{n}", "good", n < 3)
    traces.assess("tr-1", "score", 0.5)
    judged = traces.measures("assessment.value", ["assessment.name"], **within)  # type: ignore[arg-type]
    assert [(one.by, one.count, one.mean) for one in judged] == [(["good"], 4, 0.75), (["score"], 1, 0.5)]
    (none,) = traces.measures("cost", **within)  # type: ignore[arg-type]
    assert (none.count, none.measured, none.sum, none.mean, none.percentiles) == (60, 0, None, None, [None] * 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"of": "name"}, {"of": "span.name"}, {"of": "span.nothing"}, {"by": ["started_at"]}, {"by": ["spans"]}, {"by": ["name"] * 4},
        {"by": ["assessment.name", "span.name"]}, {"by": ["assessment.nothing"]}, {"percentiles": [101]}, {"percentiles": [50] * 21},
        {"parts": 0}, {"since": UNTIL, "until": SINCE}, {"where": ["nonsense ="]}, {"of": "tags.x"}, {"of": "run"}, {"by": ["run"]},
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(app: Ostinato, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        app.traces.measures(**wrong)  # type: ignore[arg-type]
