"""The path of a test: what was known after each request, with the labels that had come by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from ostinato.kernel.ref import Ref
from ostinato.serving.decide import FIELDS, Scored
from ostinato.serving.types import Rollout, RolloutPlan, Step

T0 = datetime(2013, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rollout(plan: RolloutPlan) -> Rollout:
    return Rollout(
        id="r1", endpoint="late", stable=Ref("model", "late", "5"), candidate=Ref("model", "late", "6"), plan=plan, state="running",
        reason="", steps=[Step(weight=0.1, since=T0, pairs=0)], evidence=None, started_at=T0, started_by="person:ana",
    )  # fmt: skip


def log_of(requests: int, *, failed: frozenset[int] = frozenset()) -> pa.Table:
    """One request an hour: 0.7 by the stable version, 0.2 by the candidate."""
    rows = []
    for i in range(requests):
        common = {"request_id": f"a{i}", "at": T0 + i * HOUR, "rollout": "r1", "latency_ms": 1.0}
        rows.append(common | {"kind": "answer", "version": 5, "status": "answered", "score": 0.7})
        down = i in failed
        rows.append(common | {"kind": "other", "version": 6, "status": "failed" if down else "answered", "score": None if down else 0.2})
    return pa.Table.from_pylist(rows).select(FIELDS)


def test_a_path_knows_at_each_request_only_the_labels_that_had_come() -> None:
    running, scored = rollout(RolloutPlan()), Scored(log_of(60), rollout(RolloutPlan()))
    labels = [(f"a{i}", 1.0, T0 + (20 if i < 15 else 50) * HOUR) for i in range(40)]
    seen = scored.evidence(running, labels)
    path = {point.scored: point for point in seen.path}
    assert [path[n].pairs for n in (1, 20, 21, 50, 51, 60)] == [0, 0, 15, 15, 40, 40]
    assert (path[20].mean, path[20].low, path[20].high, path[20].e_loss) == (None, -1.0, 1.0, 1.0)
    assert path[21].mean == pytest.approx(0.8**2 - 0.3**2)
    assert path[21].high - path[21].low > path[60].high - path[60].low
    assert path[60].e_shift > path[20].e_shift > 1.0
    for point in seen.path:
        assert point.e_value == pytest.approx((point.e_loss + point.e_errors + point.e_shift) / 3)
    assert (seen.e_value, seen.pairs, seen.low, seen.harm) == (path[60].e_value, 40, path[60].low, path[60].mean)


def test_labels_that_came_after_the_last_request_count_at_it() -> None:
    seen = Scored(log_of(10), rollout(RolloutPlan())).evidence(rollout(RolloutPlan()), [("a3", 0.0, T0 + 99 * HOUR)])
    assert [point.pairs for point in seen.path] == [0] * 9 + [1]


def test_a_failed_request_has_no_score_to_compare_and_counts_as_an_error() -> None:
    running = rollout(RolloutPlan(max_shift=None))
    seen = Scored(log_of(30, failed=frozenset(range(10, 30))), running).evidence(running, [("a12", 1.0, T0)])
    assert (seen.pairs, seen.candidate.errors) == (0, 20)
    assert seen.shift == pytest.approx(-0.5)
    assert seen.path[9].e_errors == 1.0 < seen.path[-1].e_errors
    assert {point.e_shift for point in seen.path} == {1.0}


def test_without_a_request_nothing_is_known() -> None:
    seen = Scored(log_of(1).slice(0, 0), rollout(RolloutPlan())).evidence(rollout(RolloutPlan()), [])
    assert (seen.scored, seen.path, seen.e_value, seen.harm, seen.shift, seen.low, seen.high) == (0, [], 1.0, None, None, -1.0, 1.0)
